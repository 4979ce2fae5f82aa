import { Hono } from "hono";
import type { Child } from "hono/jsx";
import { NIGHTLY_CHECKS } from "@stakebts/core/ledger/nightly-checks";
import type { PayoutLine } from "@stakebts/core/ledger/view";
import { balanceText } from "@stakebts/core/operators/balance-text";
import { column } from "@stakebts/core/operators/columns";
import { pathTo } from "@stakebts/core/operators/console-paths";
import { LIABILITIES, PAYOUTS } from "@stakebts/core/operators/lists";
import { mayDo } from "@stakebts/core/operators/next-step";
import type { ConsoleRole } from "@stakebts/core/operators/console-access";
import { whyPaysNothing } from "@stakebts/core/rules/freeze";
import type { Shares } from "@stakebts/kernel/amount";
import { btsText, countText, durationText, numberText, wholeBtsText } from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "../../console.ts";
import { frameOf } from "../../page.ts";
import type { QueueCounts } from "../../queues.ts";
import type { Remembered } from "../../remembered.ts";
import type { Sums } from "../../sums.ts";
import { consolePage } from "../../view/layout.tsx";
import {
  cell,
  countedText,
  Empty,
  PageTitle,
  Scroll,
  Section,
  Table,
  type ViewColumn,
} from "../../view/table.tsx";
import { Account, Banner, Facts, Payout, SharesText, Status, Time } from "../../view/values.tsx";
import { debtColumns } from "../nominators.tsx";
import {
  type Coverage,
  type DebtList,
  type Figures,
  inReserve,
  LINES_MAX,
  readFigures,
  sumOf,
} from "./figures.ts";
import { pictures } from "./pictures.tsx";
import { warningsOf } from "./warnings.ts";

export function overview(deps: ConsoleDeps, sums: Remembered<Sums>): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  app.get("/", async (c) => {
    const figures = await readFigures(deps, sums);
    const drawn = await pictures(figures, deps);
    const frame = frameOf(c, deps);
    return c.html(
      consolePage(frame, {
        title: "Overview",
        here: "/",
        live: true,
        children: (
          <>
            <PageTitle title="Overview">
              as of <Time ms={figures.asOfMs} /> UTC, chain time
            </PageTitle>
            <Todo figures={figures} />
            <InFigures figures={figures} />
            <Stopped figures={figures} role={frame.session.role} />
            {drawn}
            <CoverageSection figures={figures} />
            <div class="pair">
              <Debts title="Past due" list={figures.pastDue} nothing="Nothing is past due." href="/due" />
              <Debts
                title="Next 7 days"
                list={figures.next}
                nothing="Nothing falls due in the next 7 days."
                href="/due"
              />
            </div>
            <div class="pair">
              <Balances figures={figures} custodian={deps.custodian} />
              <LedgerSection figures={figures} />
            </div>
            <div class="pair">
              <Nodes figures={figures} />
              <Queues figures={figures} />
            </div>
            <Processes figures={figures} />
          </>
        ),
      }),
    );
  });
  return app;
}

/** What cannot wait, the worst first; and that nothing does. */
const Todo = ({ figures }: { readonly figures: Figures }) => {
  const warnings = warningsOf(figures);
  return warnings.length === 0 ? (
    <Banner tone="good">
      <strong>Nothing waits for you</strong>
    </Banner>
  ) : (
    <>
      {warnings.map(({ level, title, todo, href }) => (
        <Banner tone={level}>
          <strong>{title}</strong> {todo} {href === undefined ? null : <a href={href}>Look</a>}
        </Banner>
      ))}
    </>
  );
};

const FigureBox = ({
  name,
  value,
  more,
  state = "",
}: {
  readonly name: string;
  readonly value: Child;
  readonly more: Child;
  readonly state?: string;
}) => (
  <div class={`figure ${state}`}>
    <dt>{name}</dt>
    <dd>
      <b>{value}</b> <span>{more}</span>
    </dd>
  </div>
);

const InFigures = ({ figures }: { readonly figures: Figures }) => {
  const { status, payerStartedOff, owed, hotWallet, stopped, sums } = figures;
  const here = whyPaysNothing(status.processFreezes.filter(({ process }) => process === "payer"));
  const on = status.payments.on && !payerStartedOff && here === undefined;
  const amount = (value: bigint) => (
    <>
      {numberText(value)} <abbr>BTS</abbr>
    </>
  );
  const { sum } = stopped;
  return (
    <dl class="figures">
      <FigureBox
        name="Payments"
        value={on ? "on" : "off"}
        more={on ? "the switch is on" : "nothing is paid"}
        state={on ? "good" : "bad"}
      />
      <FigureBox
        name="Hot wallet"
        value={
          hotWallet === undefined ? (
            "unknown"
          ) : (
            <>
              {wholeBtsText(hotWallet)} <abbr>BTS</abbr>
            </>
          )
        }
        more="on the chain"
      />
      <FigureBox
        name="Due in 24 hours"
        value={amount(owed.within24h.amount)}
        more={countText(owed.within24h.count, "payment")}
      />
      <FigureBox
        name="Past due"
        value={amount(owed.pastDue.amount)}
        more={countText(owed.pastDue.count, "payment")}
      />
      <FigureBox
        name="Waits for a person"
        value={countedText(sum, "payout")}
        more={btsText(sum.amount)}
        state={sum.count > 0 ? "bad" : "good"}
      />
      <FigureBox
        name="Paid in 48 hours"
        value={amount(owed.paidLast48h.amount)}
        more={countText(owed.paidLast48h.count, "payment")}
      />
      <FigureBox
        name="With us"
        value={amount(sums.stakes.base)}
        more={`${countText(sums.stakes.agreements, "open agreement")}`}
      />
      <FigureBox
        name="Owed in all (gross)"
        value={amount(owed.gross.amount)}
        more={countText(owed.nominators, "account")}
      />
    </dl>
  );
};

const Stopped = ({
  figures: { stopped },
  role,
}: {
  readonly figures: Figures;
  readonly role: ConsoleRole;
}) => {
  const decide: ViewColumn<PayoutLine> = cell("What to do", ({ key, status, limitedBy }) => {
    const action = status === "held" && limitedBy !== undefined ? "approve" : "requeue";
    const verb = action === "approve" ? "Approve" : "Requeue";
    const may = mayDo(action, role);
    return (
      <a
        class="button"
        href={may ? `${pathTo.payout(key)}/${action}` : pathTo.payout(key)}
        aria-label={`${may ? verb : "Look at"} ${key}`}
      >
        {may ? `${verb}…` : "Look"}
      </a>
    );
  });
  const { page, sum } = stopped;
  return (
    <Section
      title="Waits for a person"
      note={
        sum.count <= LINES_MAX ? (
          countText(sum.count, "line")
        ) : (
          <>
            {LINES_MAX} of {countedText(sum, "payout")}; <a href="/payouts?status=held,failed">all of them</a>
          </>
        )
      }
    >
      {page.items.length === 0 ? (
        <Empty>No payout failed or is held.</Empty>
      ) : (
        <Scroll label="Payouts that failed or are held" tall>
          <Table
            caption="Payouts that failed or are held"
            columns={[
              cell<PayoutLine>("Payout", ({ key }) => <Payout payoutKey={key} />, "id"),
              cell<PayoutLine>("Payee", ({ payee }) => <Account name={payee} />),
              PAYOUTS.amount,
              PAYOUTS.due,
              PAYOUTS.status,
              PAYOUTS.reason,
              decide,
            ]}
            lines={page.items}
          />
        </Scroll>
      )}
    </Section>
  );
};

const Short = ({ short }: { readonly short: Shares | undefined }) => {
  if (short === undefined) return <span class="hint">not known</span>;
  return short === 0n ? (
    <Status text="covered" tone="good" />
  ) : (
    <Status text={`short by ${wholeBtsText(short)}`} tone="bad" />
  );
};

const CoverageSection = ({
  figures: { coverage, minimum, reserve, sumsAtMs, nowMs },
}: {
  readonly figures: Figures;
}) => {
  const columns: readonly ViewColumn<Coverage>[] = [
    LIABILITIES.due,
    LIABILITIES.payments,
    LIABILITIES.amount,
    cell("Hot wallet", ({ hotWalletShort }) => <Short short={hotWalletShort} />, "number"),
    cell("All wallets", ({ allWalletsShort }) => <Short short={allWalletsShort} />, "number"),
  ];
  const age = nowMs - sumsAtMs;
  return (
    <Section
      title="Liabilities and coverage"
      note={`Each line has those above in it. ${wholeBtsText(minimum)} BTS stay in the hot wallet.${reserve === undefined ? " What the other wallets hold is not reported yet." : ""}${age < 1_000 ? "" : ` Reckoned ${durationText(age)} ago.`}`}
    >
      <Table caption="What is owed by when, and whether it is there" columns={columns} lines={coverage} />
    </Section>
  );
};

const Debts = ({
  title,
  list: { page, sum },
  nothing,
  href,
}: {
  readonly title: string;
  readonly list: DebtList;
  readonly nothing: string;
  readonly href: string;
}) => (
  <Section
    title={title}
    note={
      page.items.length === 0 ? undefined : (
        <>
          {countedText(sum, "payment")}; <a href={href}>all of them</a>
        </>
      )
    }
  >
    {page.items.length === 0 ? (
      <Empty>{nothing}</Empty>
    ) : (
      <Scroll label={title}>
        <Table caption={title} columns={debtColumns()} lines={page.items} />
      </Scroll>
    )}
  </Section>
);

const Balances = ({
  figures: { hotWallet, minimum, reserve, nowMs },
  custodian,
}: {
  readonly figures: Figures;
  readonly custodian: string;
}) => (
  <Section
    title="Balances"
    note={
      reserve === undefined
        ? ""
        : `the other wallets as reported ${durationText(nowMs - reserve.reportedAtMs)} ago`
    }
  >
    <Facts
      lines={[
        [
          `Hot wallet ${custodian}`,
          hotWallet === undefined ? "not known" : <SharesText amount={hotWallet} />,
        ],
        ...(reserve?.purses ?? []).map(
          ({ name, balance }) =>
            [
              name,
              typeof balance === "bigint" ? (
                <SharesText amount={balance} />
              ) : (
                <>
                  <Status text="no answer" tone="bad" /> {balance.problem}
                </>
              ),
            ] as const,
        ),
        reserve === undefined
          ? ["Reserve and exchange accounts", "not reported yet"]
          : hotWallet === undefined
            ? undefined
            : [
                "Together",
                <b>
                  <SharesText amount={sumOf([hotWallet, inReserve(reserve)])} />
                </b>,
              ],
        ["Stays in the hot wallet", <SharesText amount={minimum} />],
      ]}
    />
  </Section>
);

const LedgerSection = ({ figures: { status, lagBlocks, owed, nowMs } }: { readonly figures: Figures }) => {
  const { cursor, lastBackup, checksPassed, hashChain } = status;
  const balance = balanceText(status.balance);
  return (
    <Section title="Ledger">
      <Facts
        lines={[
          [
            "Newest block",
            cursor === undefined ? (
              "none yet"
            ) : (
              <>
                {numberText(cursor.blockNum)}, <Time ms={cursor.blockTimeMs} /> UTC
              </>
            ),
          ],
          ["Balance", balance.tone === "notice" ? <Status {...balance} /> : balance.text],
          ["Behind the chain", lagBlocks === undefined ? "not known" : countText(lagBlocks, "block")],
          ["Nominators with something to come", numberText(owed.nominators)],
          ["Transfers not decided", numberText(status.undecidedTransfers)],
          ["Waiting for a memo key", numberText(status.unread.reduce((sum, { count }) => sum + count, 0))],
          ["Set aside by operators", numberText(status.setAside.length)],
          ["Jobs not enqueued", numberText(status.jobsToDispatch)],
          ["Receipts not chained yet", numberText(hashChain.unchained)],
          [
            "Last backup",
            lastBackup === undefined ? (
              <Status text="none by command" tone="notice" />
            ) : (
              `${durationText(nowMs - lastBackup.madeAtMs)} ago${lastBackup.verified ? ", verified" : ""}`
            ),
          ],
          ...NIGHTLY_CHECKS.map((check) => {
            const passed = checksPassed.find((one) => one.check === check);
            return [
              `Check ${check} passed`,
              passed === undefined ? (
                <Status text="never" tone="notice" />
              ) : (
                `${durationText(nowMs - passed.atMs)} ago`
              ),
            ] as const;
          }),
        ]}
      />
    </Section>
  );
};

const Nodes = ({ figures: { glance: seen, nowMs } }: { readonly figures: Figures }) => (
  <Section
    title="Nodes"
    note={seen === undefined ? "not asked yet" : `asked ${durationText(nowMs - seen.takenAtMs)} ago`}
  >
    <Facts
      lines={(seen?.nodes ?? []).map(
        ({ node, answer }) =>
          [
            node,
            "head" in answer ? (
              <>
                <Status text="answers" tone="good" /> head {numberText(answer.head.headBlockNum)},
                irreversible {numberText(answer.head.irreversibleBlockNum)}
              </>
            ) : (
              <>
                <Status text="no answer" tone="bad" /> {answer.problem}
              </>
            ),
          ] as const,
      )}
    />
  </Section>
);

const Queues = ({ figures: { queues } }: { readonly figures: Figures }) => {
  const silent = queues.some(({ counts }) => counts === undefined);
  return (
    <Section
      title="Queues"
      note={
        silent
          ? "the queue store does not answer: payments are late, never lost"
          : "jobs only wake a process up; what is owed is in the ledger"
      }
    >
      <Table
        caption="Jobs in each queue"
        class="lines"
        columns={[
          cell<QueueCounts>("Queue", ({ name }) => <a href={`/queues/queue/${name}`}>{name}</a>),
          column.number<QueueCounts>("Waiting", ({ counts }) => counts?.waiting),
          column.number<QueueCounts>("Active", ({ counts }) => counts?.active),
          column.number<QueueCounts>("Delayed", ({ counts }) => counts?.delayed),
          column.number<QueueCounts>("Failed", ({ counts }) => counts?.failed),
        ]}
        lines={queues}
      />
    </Section>
  );
};

/** Each process that runs, with its version, and when it was started last. */
const Processes = ({ figures: { starts, running, watch, nowMs } }: { readonly figures: Figures }) => (
  <Section
    title="Processes"
    note={
      <>
        {watch.payerLeads ? "a payer leads" : "no payer leads"};{" "}
        {watch.watcherPresent ? "a watcher watches" : "no watcher"}
      </>
    }
  >
    {starts.length === 0 && running.length === 0 ? (
      <Empty>No process has started yet.</Empty>
    ) : (
      <Facts
        lines={processNames(starts, running).map((process) => [
          <a href={`/settings?process=${encodeURIComponent(process)}`}>{process}</a>,
          <>
            <LastStart start={starts.find((start) => start.process === process)} nowMs={nowMs} />
            {running
              .filter((one) => one.process === process)
              .map(({ instance, revision, leads }) => (
                <span class="instance">
                  <Status
                    text={process !== "payer" ? "runs" : leads ? "leads" : "stands by"}
                    tone={process === "payer" && !leads ? undefined : "good"}
                  />{" "}
                  <code>{instance}</code> {revision === undefined ? "" : `version ${revision}`}
                </span>
              ))}
            {process === "payer" && !watch.payerLeads ? (
              <>
                {" "}
                <Status text="none leads" tone="bad" />
              </>
            ) : null}
          </>,
        ])}
      />
    )}
  </Section>
);

const processNames = (starts: Figures["starts"], running: Figures["running"]): readonly string[] =>
  [...new Set([...starts, ...running].map(({ process }) => process))].toSorted();

const LastStart = ({
  start,
  nowMs,
}: {
  readonly start: Figures["starts"][number] | undefined;
  readonly nowMs: number;
}) => {
  if (start === undefined) return null;
  const { version } = start.settings;
  return (
    <>
      last started {durationText(nowMs - start.startedAtMs)} ago
      {typeof version === "string" ? `, version ${version}` : ""}
    </>
  );
};
