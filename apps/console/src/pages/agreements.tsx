import { Hono } from "hono";
import { AGREEMENT_STATUSES } from "@stakebts/core/ledger/view";
import type { AgreementLine } from "@stakebts/core/ledger/view";
import type { AgreementStory, ScheduleLine } from "@stakebts/core/operators/browse/agreements";
import { AGREEMENTS } from "@stakebts/core/operators/lists";
import { TERM_MONTHS, type TermMonths } from "@stakebts/core/rules/policy";
import { operationPosition } from "@stakebts/kernel/operation-id";
import { btsText, durationText } from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { amountIn, frameOf, oneIn, textIn, urlOf, windowIn } from "../page.ts";
import { FilterForm } from "../view/form.tsx";
import { consolePage } from "../view/layout.tsx";
import { noSuchPage } from "./not-found.tsx";
import {
  cell,
  countedText,
  Empty,
  Pager,
  PageTitle,
  Section,
  Table,
  type ViewColumn,
} from "../view/table.tsx";
import {
  Account,
  Block,
  Bts,
  Facts,
  Id,
  Operation,
  Payout,
  Status,
  Time,
  Transaction,
} from "../view/values.tsx";
import { pathTo } from "@stakebts/core/operators/console-paths";

const ORDERS = ["newest", "oldest", "largest"] as const;
const MONTHS = TERM_MONTHS.map(String);

export const agreementColumns = ({
  withNominator = true,
}: { readonly withNominator?: boolean } = {}): readonly ViewColumn<AgreementLine>[] => [
  cell("Agreement", ({ agreement }) => <Id text={agreement} href={pathTo.agreement(agreement)} />),
  ...(withNominator
    ? [cell<AgreementLine>("Nominator", ({ nominator }) => <Account name={nominator} />)]
    : []),
  AGREEMENTS.amount,
  AGREEMENTS.months,
  AGREEMENTS.start,
  AGREEMENTS.end,
  cell("Status", ({ status }) => <AgreementStatus status={status} />, "state"),
  AGREEMENTS.paid,
  AGREEMENTS.owed,
  AGREEMENTS.next,
];

const AgreementStatus = ({ status }: Pick<AgreementLine, "status">) => (
  <Status text={status} tone={status === "open" ? "good" : status === "closing" ? "notice" : undefined} />
);

export function agreements(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/agreements", async (c) => {
    const months = oneIn(c, "months", MONTHS);
    const search = {
      nominator: textIn(c, "nominator"),
      status: oneIn(c, "status", AGREEMENT_STATUSES),
      months: months === undefined ? undefined : (Number(months) as TermMonths),
      amount: amountIn(c, "amount"),
      order: oneIn(c, "order", ORDERS),
    };
    const [page, total] = await Promise.all([
      browse.agreements(search, windowIn(c)),
      browse.countAgreements(search),
    ]);
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Agreements",
        here: "/agreements",
        live: true,
        children: (
          <>
            <PageTitle title="Agreements">{countedText(total, "agreement")}</PageTitle>
            <FilterForm
              action="/agreements"
              fields={[
                { name: "nominator", label: "Nominator", value: search.nominator },
                {
                  name: "status",
                  label: "Status",
                  value: search.status,
                  options: [["", "any"], ...AGREEMENT_STATUSES.map((one) => [one, one] as const)],
                },
                {
                  name: "months",
                  label: "Term",
                  value: months,
                  options: [["", "any"], ...MONTHS.map((one) => [one, `${one} months`] as const)],
                },
                {
                  name: "amount",
                  label: "Amount, BTS",
                  value: search.amount?.toString(),
                  options: [
                    ["", "any"],
                    ...deps.policy.acceptedAmounts.map((one) => [`${one}`, btsText(one)] as const),
                  ],
                },
                {
                  name: "order",
                  label: "Order",
                  value: search.order,
                  options: [
                    ["", "newest first"],
                    ["oldest", "oldest first"],
                    ["largest", "largest first"],
                  ],
                },
              ]}
            />
            <Section title="List">
              {page.items.length === 0 ? (
                <Empty>No agreement is like this.</Empty>
              ) : (
                <Table caption="Agreements" columns={agreementColumns()} lines={page.items} />
              )}
              <Pager page={page} url={urlOf(c)} newer="Previous" older="Next" />
            </Section>
          </>
        ),
      }),
    );
  });
  app.get("/agreements/:operation", async (c) => {
    const at = operationPosition(c.req.param("operation"));
    const [found, cursor] = await Promise.all([
      at === undefined ? undefined : browse.agreement(at),
      deps.ledger.cursor.read(),
    ]);
    if (found === undefined) return c.html(noSuchPage(frameOf(c, deps), "agreement", "/agreements"), 404);
    const nowMs = cursor?.blockTimeMs ?? 0;
    return c.html(
      consolePage(frameOf(c, deps), {
        title: `Agreement ${found.agreement}`,
        here: "/agreements",
        live: true,
        children: (
          <AgreementPage agreement={found} mayAct={c.get("session").role === "operator"} nowMs={nowMs} />
        ),
      }),
    );
  });
  return app;
}

const percent = (bps: bigint): string => `${Number(bps) / 100} %`;

const AgreementPage = ({
  agreement,
  mayAct,
  nowMs,
}: {
  readonly agreement: AgreementStory;
  readonly mayAct: boolean;
  readonly nowMs: number;
}) => {
  const { terms, rows } = agreement;
  return (
    <>
      <PageTitle title={<>Agreement {agreement.agreement}</>}>
        <AgreementStatus status={agreement.status} />
      </PageTitle>
      <div class="pair">
        <Section title="What was agreed">
          <Facts
            lines={[
              ["Nominator", <Account name={agreement.nominator} copy />],
              ["Amount", <Bts amount={agreement.amount} />],
              ["Term", `${agreement.months} months of ${durationText(terms.monthMs)}`],
              ["Reward each month", percent(terms.rewardBps)],
              ["Penalty for an early exit", percent(terms.penaltyBps)],
              [
                agreement.imported ? "Imported as" : "Opened by the transfer",
                <Operation operation={agreement.agreement} copy />,
              ],
            ]}
          />
        </Section>
        <Section title="Where it stands">
          <Facts
            lines={[
              ["From", <Time ms={agreement.startMs} />],
              ["To", <Time ms={agreement.endMs} />],
              ["Months paid", `${agreement.rewardsPaid} of ${agreement.months}`],
              ["Paid so far", <Bts amount={agreement.paid} />],
              ["To come, if the nominator stays", <Bts amount={agreement.owed} />],
              ["Next payment", <Time ms={agreement.nextDueMs} />],
            ]}
          />
        </Section>
      </div>
      <Section title="Schedule" note="UTC">
        <ol class="timeline">
          {rows.map((row) => (
            <ScheduleEntry
              row={row}
              canSetAside={
                mayAct && row.status === "pending" && row.payout === undefined && row.dueMs <= nowMs
              }
            />
          ))}
        </ol>
      </Section>
    </>
  );
};

const ROW_TONE = {
  confirmed: "good",
  premature: "good",
  paid: "good",
  processing: "notice",
  pending: undefined,
  aborted: undefined,
} as const;

const ROW_MEANING = {
  pending: "to come",
  processing: "being paid",
  confirmed: "paid",
  premature: "settled early",
  paid: "paid outside",
  aborted: "will not be paid",
} as const;

const rowName = ({ type, month }: ScheduleLine): string => {
  if (type === "reward") return `Reward, month ${month}`;
  if (type === "base_amount") return "Amount back";
  return type === "penalty" ? "Penalty" : "Agreement";
};

const ScheduleEntry = ({
  row,
  canSetAside,
}: {
  readonly row: ScheduleLine;
  /** It is due and not answered: perhaps the database refuses it, and it stops all that come after it. */
  readonly canSetAside: boolean;
}) => (
  <li class={`row ${ROW_TONE[row.status] ?? ""} ${row.status}`}>
    <div class="when">
      <Time ms={row.dueMs} />
    </div>
    <div class="what">
      <p>
        <strong>{rowName(row)}</strong> <Bts amount={row.amount} />{" "}
        <span title={row.status}>
          <Status text={ROW_MEANING[row.status]} tone={ROW_TONE[row.status]} />
        </span>
      </p>
      <p class="hint">
        {row.payout === undefined ? null : (
          <>
            payout <Payout payoutKey={row.payout.key} />
            {row.payout.status === "confirmed" ? null : ` is ${row.payout.status.replaceAll("_", " ")}`}
          </>
        )}
        {row.blockProcessed === undefined || row.blockProcessed === 0 ? null : (
          <>
            {" "}
            in block <Block blockNum={row.blockProcessed} explorer />
          </>
        )}
        {row.txid === undefined ? null : (
          <>
            {" "}
            transaction <Transaction txid={row.txid} explorer />
          </>
        )}
        {row.processedMs === undefined ? null : (
          <>
            {" "}
            at <Time ms={row.processedMs} />
          </>
        )}
        {canSetAside ? (
          <>
            {" "}
            <a href={`/set-aside?event=${encodeURIComponent(row.id)}`}>Set it aside…</a>
          </>
        ) : null}
      </p>
    </div>
  </li>
);
