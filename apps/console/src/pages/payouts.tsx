import { Hono } from "hono";
import type { AttemptLine, GlanceView, PayoutLine } from "@stakebts/core/ledger/view";
import type { PayeeSum, PayoutSearch } from "@stakebts/core/operators/browse/payouts";
import type { PayoutLife } from "@stakebts/core/operators/browse/payout-life";
import { column } from "@stakebts/core/operators/columns";
import { pathTo } from "@stakebts/core/operators/console-paths";
import { ATTEMPTS, PAYOUTS, payoutTone } from "@stakebts/core/operators/lists";
import { actionsOn, nextStep, type PayoutAction } from "@stakebts/core/operators/next-step";
import { whyPaysNothing } from "@stakebts/core/rules/freeze";
import { PAYOUT_KINDS, PAYOUT_STATUSES } from "@stakebts/core/rules/payout";
import { whyOnRecoveryHold } from "@stakebts/core/rules/recovery-hold";
import { plainText } from "@stakebts/kernel/plain-text";
import { btsText, csvField, isoText, numberText } from "@stakebts/kernel/text";
import { millis } from "@stakebts/kernel/time";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import {
  amountIn,
  dayEndIn,
  dayIn,
  frameOf,
  monthIn,
  sendFile,
  someIn,
  textIn,
  urlOf,
  windowIn,
} from "../page.ts";
import { jobsOfPayout, type PayoutJob } from "../queues.ts";
import { FilterForm } from "../view/form.tsx";
import { consolePage, type Frame } from "../view/layout.tsx";
import { noSuchPage } from "./not-found.tsx";
import { ReceiptTable } from "./receipts.tsx";
import {
  cell,
  countedText,
  Empty,
  Pager,
  PageTitle,
  Section,
  Table,
  type ViewColumn,
  withQuery,
} from "../view/table.tsx";
import {
  Account,
  Bts,
  Facts,
  Id,
  Operation,
  Payout,
  SharesText,
  Status,
  Time,
  Transaction,
} from "../view/values.tsx";
import { payoutDecisions } from "./payout-decisions.tsx";
import { payoutIdOf, stateOf } from "./payout-state.ts";

/** More than so many are not counted on a page. */
const COUNTED_MAX = 200_000;
const FILE_LINES_MAX = 500_000;
const FILE_PAGE = 1_000;

export const payoutColumns: readonly ViewColumn<PayoutLine>[] = [
  cell("Payout", ({ key }) => <Payout payoutKey={key} />, "id"),
  cell("Payee", ({ payee }) => <Account name={payee} />),
  PAYOUTS.amount,
  PAYOUTS.due,
  PAYOUTS.status,
  column.time("Paid (UTC)", ({ processedMs }) => processedMs),
  PAYOUTS.reason,
];

const BY_PAYEE: readonly ViewColumn<PayeeSum>[] = [
  cell("Payee", ({ payee }) => <Account name={payee} />),
  column.number("Payouts", ({ count }) => count),
  column.number("BTS", ({ amount }) => amount),
];

export function payouts(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/payouts", async (c) => {
    const month = monthIn(c, "paid");
    const search: PayoutSearch = {
      statuses: someIn(c, "status", PAYOUT_STATUSES),
      kinds: someIn(c, "kind", PAYOUT_KINDS),
      payee: textIn(c, "payee"),
      dueFromMs: dayIn(c, "from"),
      dueToMs: dayEndIn(c, "to"),
      paidFromMs: month?.fromMs ?? dayIn(c, "paid-from"),
      paidToMs: month?.toMs ?? dayEndIn(c, "paid-to"),
      amountFrom: amountIn(c, "min"),
      amountTo: amountIn(c, "max"),
      limited: c.req.query("limited") === "yes",
    };
    if (c.req.query("as") === "csv")
      return sendFile(c, { name: "payouts.csv", type: "text/csv" }, fileOf(deps, search));
    const grouped = c.req.query("group") === "payee";
    const [page, byPayee, sum] = await Promise.all([
      grouped ? undefined : browse.payouts(search, windowIn(c)),
      grouped ? browse.sumByPayee(search, windowIn(c)) : undefined,
      browse.sumPayouts(search, COUNTED_MAX),
    ]);
    const url = urlOf(c);
    const first = { after: undefined, before: undefined };
    const any = ["", "any"] as const;
    const statuses = search.statuses?.join(",");
    const isFiltered = (search.statuses ?? []).length > 0 && (statuses ?? "").includes(",");
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Payouts",
        here: "/payouts",
        live: true,
        children: (
          <>
            <PageTitle title="Payouts">
              {countedText(sum, "payout")}
              {sum.more ? "" : ", "}
              {sum.more ? null : <Bts amount={sum.amount} />}
            </PageTitle>
            <FilterForm
              action="/payouts"
              fields={[
                { name: "payee", label: "Payee", value: search.payee },
                {
                  name: "status",
                  label: "Status",
                  value: statuses,
                  options: [
                    any,
                    ["held,failed", "waits for a person"],
                    ["due,ready,signed,sent,waiting_funds", "with the payer"],
                    ...PAYOUT_STATUSES.map((one) => [one, one.replaceAll("_", " ")] as const),
                    ...(isFiltered &&
                    !["held,failed", "due,ready,signed,sent,waiting_funds"].includes(statuses ?? "")
                      ? [[statuses ?? "", (statuses ?? "").replaceAll(",", " or ")] as const]
                      : []),
                  ],
                },
                {
                  name: "kind",
                  label: "Kind",
                  value: search.kinds?.join(","),
                  options: [any, ...PAYOUT_KINDS.map((one) => [one, one] as const)],
                },
                {
                  name: "paid",
                  label: "Paid in month",
                  value: textIn(c, "paid"),
                  type: "month",
                  placeholder: "2026-11",
                },
                { name: "from", label: "Due from", value: textIn(c, "from"), type: "date" },
                { name: "to", label: "Due to", value: textIn(c, "to"), type: "date" },
                { name: "min", label: "At least, BTS", value: search.amountFrom?.toString() },
                { name: "max", label: "At most, BTS", value: search.amountTo?.toString() },
                {
                  name: "group",
                  label: "Show",
                  value: grouped ? "payee" : "",
                  options: [
                    ["", "each payout"],
                    ["payee", "a sum for each payee"],
                  ],
                },
              ]}
            >
              <a href={withQuery(url, { ...first, as: "csv" })}>Save as CSV</a>
              {c.get("session").role === "operator" ? (
                <a href={`/payouts/requeue${url.search}`}>Requeue these…</a>
              ) : null}
            </FilterForm>
            <Section
              title="List"
              note={
                <>
                  {grouped
                    ? "by name; "
                    : search.paidFromMs === undefined
                      ? "newest debts first; "
                      : "newest payments first; "}
                  <a href={withQuery(url, { ...first, group: grouped ? undefined : "payee" })}>
                    {grouped ? "each payout" : "a sum for each payee"}
                  </a>
                </>
              }
            >
              {page !== undefined && page.items.length > 0 ? (
                <Table caption="Payouts" columns={payoutColumns} lines={page.items} />
              ) : byPayee !== undefined && byPayee.items.length > 0 ? (
                <Table caption="Sums for each payee" columns={BY_PAYEE} lines={byPayee.items} class="lines" />
              ) : (
                <Empty>No payout is like this.</Empty>
              )}
              <Pager
                page={page ?? byPayee ?? { before: undefined, after: undefined }}
                url={url}
                {...(grouped ? { newer: "Previous", older: "Next" } : {})}
              />
            </Section>
          </>
        ),
      }),
    );
  });
  app.route("/", payoutDecisions(deps));
  app.get("/payouts/:payout", async (c) => {
    const id = payoutIdOf(c.req.param("payout"));
    const life = id === undefined ? undefined : await browse.payout(id);
    if (life === undefined) return c.html(noSuchPage(frameOf(c, deps), "payout", "/payouts"), 404);
    const [glance, jobs] = await Promise.all([deps.view.glance(), jobsOfPayout(deps.queues, life.id)]);
    const frame = frameOf(c, deps);
    return c.html(
      consolePage(frame, {
        title: life.key,
        here: "/payouts",
        live: true,
        children: <LifePage life={life} glance={glance} jobs={jobs} frame={frame} deps={deps} />,
      }),
    );
  });
  return app;
}

async function* fileOf(
  { browse }: Pick<ConsoleDeps, "browse">,
  search: PayoutSearch,
): AsyncGenerator<string> {
  yield "payout,kind,payee,amount_bts,status,due_utc,paid_utc,block,reason\r\n";
  let after: string | undefined;
  for (let lines = 0; lines < FILE_LINES_MAX; lines += FILE_PAGE) {
    const page = await browse.payouts(search, { limit: FILE_PAGE, after });
    yield page.items
      .map(
        ({ key, kind, payee, amount, status, dueMs, processedMs, blockProcessed, reason }) =>
          `${[
            key,
            kind,
            payee,
            amount,
            status,
            isoText(dueMs),
            processedMs === undefined ? undefined : isoText(processedMs),
            blockProcessed,
            reason,
          ]
            .map(csvField)
            .join(",")}\r\n`,
      )
      .join("");
    if (page.after === undefined) return;
    after = page.after;
  }
}

const ACTION_TEXT: Readonly<Record<PayoutAction, string>> = {
  approve: "Approve",
  requeue: "Requeue",
  release: "Release",
  hold: "Hold",
  "ask-to-cancel": "Ask to cancel",
  cancel: "Cancel",
};

const LifePage = ({
  life,
  glance,
  jobs,
  frame,
  deps,
}: {
  readonly life: PayoutLife;
  readonly glance: GlanceView;
  readonly jobs: readonly PayoutJob[] | undefined;
  readonly frame: Frame;
  readonly deps: ConsoleDeps;
}) => {
  const state = stateOf(life);
  const next = nextStep(state, {
    paymentsOffBecause: glance.payments.on
      ? whyPaysNothing(glance.processFreezes.filter(({ process }) => process === "payer"))
      : glance.payments.reason,
    recoveryHoldBecause: whyOnRecoveryHold(glance.recoveryHold),
    fundsWaitMs: deps.policy.fundsWaitMs,
  });
  const { session } = frame;
  const actions = actionsOn(state, { name: session.user, role: session.role });
  return (
    <>
      <PageTitle
        title={
          <>
            {btsText(life.amount)} to {life.payee}
          </>
        }
      >
        <Status text={life.status} tone={payoutTone(life.status)} />
      </PageTitle>
      <Section title="What happens next">
        <p class="lead">{next.text}</p>
        {life.reason === undefined ? null : (
          <p class={payoutTone(life.status) === "bad" ? "banner bad" : "banner notice"}>
            <strong>
              {life.status === "failed" ? "Why it failed" : `Why it is ${life.status.replaceAll("_", " ")}`}
            </strong>
            {plainText(life.reason)}
          </p>
        )}
        {next.byMs === undefined ? null : (
          <p>
            At the latest: <Time ms={next.byMs} /> UTC, chain time.
          </p>
        )}
        <ul class="actions">
          {[
            ...actions.filter(({ whyNot }) => whyNot === undefined),
            ...actions.filter(({ whyNot }) => whyNot !== undefined),
          ].map(({ action, whyNot }) => (
            <li>
              {whyNot === undefined ? (
                <a class="button" href={`${pathTo.payout(life.key)}/${action}`}>
                  {ACTION_TEXT[action]}…
                </a>
              ) : (
                <>
                  <span class="button off" aria-disabled="true">
                    {ACTION_TEXT[action]}
                  </span>{" "}
                  <span class="hint">{whyNot}</span>
                </>
              )}
            </li>
          ))}
        </ul>
      </Section>
      <div class="pair">
        <Section title="The debt">
          <Facts
            lines={[
              ["Payout", <Payout payoutKey={life.key} copy />],
              ["Kind", life.kind],
              ["Payee", <Account name={life.payee} copy />],
              ["Amount", <Bts amount={life.amount} />],
              ["Due", <Time ms={life.dueMs} />],
              ["Attempts", numberText(life.attempts)],
              life.processedMs === undefined ? undefined : ["Paid", <Time ms={life.processedMs} />],
              life.settlement === undefined
                ? undefined
                : [
                    "Paid by the transfer",
                    <>
                      <Operation operation={life.settlement.operation} copy />{" "}
                      <span class="hint">matched by {life.settlement.matchedBy}</span>
                    </>,
                  ],
              ["Memo", <code>{plainText(life.memo)}</code>],
            ]}
          />
        </Section>
        <Section title="Its cause">
          {life.cause === undefined ? (
            <Empty>{causeText(life)}</Empty>
          ) : (
            <Facts
              lines={[
                ["Transfer", <Operation operation={life.cause.operation} copy />],
                ["From", <Account name={life.cause.sender} />],
                ["Carried", <SharesText amount={life.cause.amount} />],
                ["At", <Time ms={life.cause.timeMs} />],
                ["Answered with", (life.cause.outcome ?? life.cause.status).replaceAll("_", " ")],
                ["Why", plainText(life.cause.reason ?? "")],
              ]}
            />
          )}
          {life.agreement === undefined ? null : (
            <p>
              Agreement <Id text={life.agreement} href={pathTo.agreement(life.agreement)} />
            </p>
          )}
          {life.rows.length === 0 ? null : (
            <ul class="plain">
              {life.rows.map((row) => (
                <li>
                  row <code class="key">{row.id}</code> is {row.status}
                  {row.status === row.settlesAs ? "" : `, and becomes ${row.settlesAs} with the payment`}
                </li>
              ))}
            </ul>
          )}
        </Section>
      </div>
      <Section title="Limits and approvals">
        {life.approvals.length === 0 &&
        life.requests.length === 0 &&
        life.cancelAsked.length === 0 &&
        life.limitedBy === undefined ? (
          <Empty>No limit holds it, and no person has approved, requeued or released it.</Empty>
        ) : (
          <ul class="plain">
            {life.limitedBy === undefined ? null : (
              <li>
                <Status text={life.limitedBy} tone="notice" /> holds it back: <a href="/limits">limits</a>
              </li>
            )}
            {life.requests.map(({ actor, atMs }) => (
              <li>
                given back to the payer by <strong>{actor}</strong> at <Time ms={atMs} />
              </li>
            ))}
            {life.cancelAsked.map(({ actor, reason, askedAtMs }) => (
              <li>
                <strong>{actor}</strong> asked to cancel it at <Time ms={millis(askedAtMs)} />:{" "}
                {plainText(reason)}
              </li>
            ))}
            {life.approvals.map(({ approver, reason, amount, payee }) => (
              <li>
                approved by <strong>{approver}</strong>: {plainText(reason)}{" "}
                <span class="hint">
                  ({btsText(amount)} to {payee})
                </span>
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title="Attempts" note="each is one signed transaction; at most one can live">
        {life.withdrawals.length === 0 ? (
          <Empty>No transaction was signed for it yet.</Empty>
        ) : (
          <Table caption="Attempts" columns={attemptColumns(life)} lines={life.withdrawals} />
        )}
      </Section>
      <Section title="In the queue" note="a job only wakes the payer up; what is owed is above">
        {jobs === undefined ? (
          <Empty>The queue store does not answer. Payments are late, never lost.</Empty>
        ) : jobs.length === 0 ? (
          <Empty>
            {life.isJobWaiting ? "Its job is written and not enqueued yet." : "No job for it is remembered."}
          </Empty>
        ) : (
          <ul class="plain">
            {jobs.map(({ id, state, queue }) => (
              <li>
                <Id text={id} href={`/queues/queue/${queue}/${encodeURIComponent(id)}`} />{" "}
                <Status text={state} />
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section
        title="Receipts"
        note={<a href={`/receipts?subject=${encodeURIComponent(life.key)}`}>Follow this payout</a>}
      >
        <ReceiptTable lines={life.receipts} withSubject={false} />
      </Section>
    </>
  );
};

const causeText = ({ kind, agreement }: PayoutLife): string => {
  if (kind === "checkpoint") return "The daily checkpoint of the audit log.";
  return agreement === undefined
    ? "The transfer that caused it is not in this ledger."
    : "The agreement was imported: the ledger does not have its transfer.";
};

const attemptColumns = (life: PayoutLife): readonly ViewColumn<AttemptLine>[] => [
  cell("Transaction", ({ txid }) => <Transaction txid={txid} explorer />, "id"),
  cell(
    "Status",
    ({ status }) => <Status text={status} tone={status === "confirmed" ? "good" : undefined} />,
    "state",
  ),
  ATTEMPTS.signed,
  ATTEMPTS.expires,
  cell("Fee", ({ feeShares }) => <SharesText amount={feeShares} />, "number"),
  cell("Found at", ({ operation }) => <Operation operation={operation} explorer />, "id"),
  cell("Nodes said", ({ txid }) => plainText(life.refusals.get(txid) ?? "")),
];
