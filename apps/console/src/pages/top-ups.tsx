import { Hono } from "hono";
import type { TopUpRecord } from "@stakebts/core/ledger/ledger";
import { column } from "@stakebts/core/operators/columns";
import { pathTo } from "@stakebts/core/operators/console-paths";
import { TOP_UPS } from "@stakebts/core/operators/lists";
import { TOP_UP_STATUSES, topUpSourceName } from "@stakebts/core/rules/top-up";
import { operationId } from "@stakebts/kernel/operation-id";
import { plainText } from "@stakebts/kernel/plain-text";
import { NOTHING } from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { frameOf, LINES, oneIn } from "../page.ts";
import { FilterForm } from "../view/form.tsx";
import { consolePage } from "../view/layout.tsx";
import { cell, Empty, PageTitle, Section, Table, type ViewColumn } from "../view/table.tsx";
import { Banner, Bts, Facts, Id, Operation, Status, Time, Transaction } from "../view/values.tsx";
import { noSuchPage } from "./not-found.tsx";
import { ReceiptTable } from "./receipts.tsx";

/** Top-ups are few: a source has at most one that is open. */
const LIST_MAX = 500;

const LIST: readonly ViewColumn<TopUpRecord>[] = [
  cell("Top-up", ({ key }) => <Id text={key} href={pathTo.topUp(key)} />, "id"),
  TOP_UPS.source,
  TOP_UPS.amount,
  TOP_UPS.status,
  TOP_UPS.venueStatus,
  TOP_UPS.requested,
  column.number("Asked", ({ asks }) => asks),
  TOP_UPS.reason,
];

export function topUps(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { ledger, browse } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/top-ups", async (c) => {
    const status = oneIn(c, "status", TOP_UP_STATUSES);
    const found = await ledger.topUps.find({
      limit: LIST_MAX,
      ...(status === undefined ? {} : { statuses: [status] }),
    });
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Top-ups",
        here: "/top-ups",
        live: true,
        children: (
          <>
            <PageTitle title="Top-ups">funds that were asked for</PageTitle>
            <FilterForm
              action="/top-ups"
              fields={[
                {
                  name: "status",
                  label: "Status",
                  value: status,
                  options: [["", "any"], ...TOP_UP_STATUSES.map((one) => [one, one] as const)],
                },
              ]}
            />
            <Section title="List" note="newest first">
              {found.length === 0 ? (
                <Empty>No funds were asked for.</Empty>
              ) : (
                <Table caption="Top-ups" columns={LIST} lines={[...found].reverse()} />
              )}
            </Section>
          </>
        ),
      }),
    );
  });
  app.get("/top-ups/:key", async (c) => {
    const key = c.req.param("key");
    const found = (await ledger.topUps.find({})).find((one) => one.key === key || one.id === key);
    if (found === undefined) return c.html(noSuchPage(frameOf(c, deps), "top-up", "/top-ups"), 404);
    const receipts = await browse.receipts({ subject: found.key }, { limit: LINES });
    return c.html(
      consolePage(frameOf(c, deps), {
        title: found.key,
        here: "/top-ups",
        live: true,
        children: (
          <>
            <PageTitle title={found.key}>
              <Status text={found.status} tone={found.status === "unresolved" ? "bad" : undefined} />
            </PageTitle>
            {found.status === "unresolved" ? (
              <Banner tone="bad">
                <strong>Find out at the source what became of it</strong>
                If it will never be sent: <code>stakebts top-ups give-up {found.key}</code>. Then the source
                may be asked again.
              </Banner>
            ) : null}
            <Section title="The request">
              <Facts
                lines={[
                  ["Key", <Id text={found.key} copy="key" />],
                  ["Id at the source", <Id text={found.venueId ?? found.id} copy="id" />],
                  ["From", topUpSourceName(found.source)],
                  ["Because of", found.kind],
                  ["Amount", <Bts amount={found.amount} />],
                  ["Our status", found.status],
                  ["Status at the source, in its words", plainText(found.venueStatus ?? NOTHING)],
                  ["Reason", plainText(found.reason ?? NOTHING)],
                  ["Requested (chain time)", <Time ms={found.requestedMs} />],
                  ["Asked", `${found.asks} times`],
                  ["Last asked", <Time ms={found.askedAtMs} />],
                  ["Transaction", <Transaction txid={found.txid} copy />],
                  [
                    "Arrived by",
                    <Operation
                      operation={found.arrivedBy === undefined ? undefined : operationId(found.arrivedBy)}
                      copy
                    />,
                  ],
                ]}
              />
            </Section>
            <Section title="Questions and answers">
              <ReceiptTable lines={receipts.items} withSubject={false} />
            </Section>
          </>
        ),
      }),
    );
  });
  return app;
}
