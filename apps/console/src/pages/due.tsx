import { Hono } from "hono";
import { dayText } from "@stakebts/kernel/text";
import { DAY_MS, millis, plusMs } from "@stakebts/kernel/time";
import { dayOf } from "@stakebts/core/payments/forecast";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { dayEndIn, dayIn, frameOf, textIn, urlOf, windowIn } from "../page.ts";
import { FilterForm } from "../view/form.tsx";
import { consolePage } from "../view/layout.tsx";
import { countedText, Empty, Pager, PageTitle, Section, Table } from "../view/table.tsx";
import { Bts, Time } from "../view/values.tsx";
import { debtColumns } from "./nominators.tsx";

const COUNTED_MAX = 20_000;
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** What leaves, and when: payouts that are not paid, and what the agreements make fall due. */
export function due(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse, ledger, clock } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/due", async (c) => {
    const nowMs = (await ledger.cursor.read())?.blockTimeMs ?? millis(clock.nowMs());
    const search = { payee: textIn(c, "payee"), fromMs: dayIn(c, "from"), toMs: dayEndIn(c, "to") };
    const [page, sum] = await Promise.all([
      browse.debts(search, windowIn(c)),
      browse.sumDebts(search, COUNTED_MAX),
    ]);
    const days = Array.from({ length: 8 }, (_, n) => plusMs(dayOf(nowMs), n * DAY_MS));
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Falling due",
        here: "/due",
        live: true,
        children: (
          <>
            <PageTitle title="Falling due">
              {countedText(sum, "payment")}
              {sum.more ? null : (
                <>
                  , <Bts amount={sum.amount} />
                </>
              )}
            </PageTitle>
            <nav class="days" aria-label="The next days">
              {days.map((day, n) => {
                const text = dayText(day);
                const isHere = textIn(c, "from") === text && textIn(c, "to") === text;
                return (
                  <a href={`/due?from=${text}&to=${text}`} aria-current={isHere ? "page" : undefined}>
                    <strong>{n === 0 ? "Today" : WEEKDAYS[new Date(day).getUTCDay()]}</strong> {text.slice(5)}
                  </a>
                );
              })}
            </nav>
            <FilterForm
              action="/due"
              fields={[
                { name: "from", label: "From", value: textIn(c, "from"), type: "date" },
                { name: "to", label: "To", value: textIn(c, "to"), type: "date" },
                { name: "payee", label: "Payee", value: search.payee },
              ]}
            />
            <Section
              title="List"
              note={
                <>
                  as if everybody stays; chain time now is <Time ms={nowMs} /> UTC
                </>
              }
            >
              {page.items.length === 0 ? (
                <Empty>Nothing falls due in this time.</Empty>
              ) : (
                <Table caption="What falls due" columns={debtColumns()} lines={page.items} />
              )}
              <Pager page={page} url={urlOf(c)} newer="Earlier" older="Later" />
            </Section>
          </>
        ),
      }),
    );
  });
  return app;
}
