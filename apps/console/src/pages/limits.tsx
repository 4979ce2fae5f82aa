import { Hono } from "hono";
import type { LimitedBy, PaymentLimits } from "@stakebts/core/rules/limits";
import type { Bts as BtsAmount } from "@stakebts/kernel/amount";
import { countText } from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { frameOf, LINES, windowIn } from "../page.ts";
import { consolePage } from "../view/layout.tsx";
import { Empty, Pager, PageTitle, Section, Table } from "../view/table.tsx";
import { Bts, Facts, Status } from "../view/values.tsx";
import { payoutColumns } from "./payouts.tsx";
import { ReceiptTable } from "./receipts.tsx";

const NAMES: readonly (readonly [keyof PaymentLimits, string, string])[] = [
  ["paymentCap", "One payment", "no limit"],
  ["hourCap", "Payments of the programme in any hour", "no limit"],
  ["dayCap", "Payments of the programme in any day", "no limit"],
  ["returnHourCap", "What goes back to its senders, in any hour", "as the programme, counted apart"],
  ["returnDayCap", "What goes back to its senders, in any day", "as the programme, counted apart"],
  ["approvalFrom", "A second person approves from", "no approval needed"],
];

const HELD_BY: Readonly<Record<LimitedBy, string>> = {
  payment_cap: "larger than one payment may be",
  approval: "a second person has to approve",
  hour_cap: "no room in this hour",
  day_cap: "no room on this day",
};

/** What may be paid, what is held back by it, and who has said so. */
export function limits(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { view, browse } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/limits", async (c) => {
    const [glance, page, set] = await Promise.all([
      view.glance(),
      browse.payouts({ limited: true, statuses: ["due", "ready", "held"] }, windowIn(c)),
      browse.receipts({ event: "limits.*" }, { limit: LINES }),
    ]);
    const value = (limit: BtsAmount | undefined, otherwise: string) =>
      limit === undefined ? <span class="hint">{otherwise}</span> : <Bts amount={limit} />;
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Limits",
        here: "/limits",
        live: true,
        children: (
          <>
            <PageTitle title="Limits">
              changed with <code>stakebts limits set</code>
            </PageTitle>
            <Section title="In force">
              <Facts
                lines={NAMES.map(([name, text, otherwise]) => [text, value(glance.limits[name], otherwise)])}
              />
            </Section>
            <Section title="Held back now">
              {glance.limited.length === 0 ? null : (
                <ul class="plain">
                  {glance.limited.map(({ by, held, count, amount }) => (
                    <li>
                      <Status text={by} tone={held ? "bad" : "notice"} /> {countText(count, "payout")} of{" "}
                      <Bts amount={amount} />: {HELD_BY[by]}
                    </li>
                  ))}
                </ul>
              )}
              {page.items.length === 0 ? (
                <Empty>No limit holds a payout back.</Empty>
              ) : (
                <Table caption="Payouts that a limit holds back" columns={payoutColumns} lines={page.items} />
              )}
              <Pager page={page} url={new URL(c.req.url)} />
            </Section>
            <Section title="Who has set them">
              <ReceiptTable lines={set.items} withSubject={false} />
            </Section>
          </>
        ),
      }),
    );
  });
  return app;
}
