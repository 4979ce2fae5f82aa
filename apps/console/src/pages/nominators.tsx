import { Hono } from "hono";
import type { StatementLine } from "@stakebts/core/operators/browse/transactions";
import type { NominatorLine, NominatorStory } from "@stakebts/core/operators/browse/nominators";
import type { OpenDebt } from "@stakebts/core/operators/browse/debts";
import { pathTo } from "@stakebts/core/operators/console-paths";
import { column } from "@stakebts/core/operators/columns";
import { payoutTone } from "@stakebts/core/operators/lists";
import { formatShares, type Shares } from "@stakebts/kernel/amount";
import { csvField, isoText, numberText } from "@stakebts/kernel/text";
import { millis, type Millis } from "@stakebts/kernel/time";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { dayEndIn, dayIn, frameOf, sendFile, textIn, urlOf, windowIn } from "../page.ts";
import { FilterForm } from "../view/form.tsx";
import { consolePage } from "../view/layout.tsx";
import { agreementColumns } from "./agreements.tsx";
import { noSuchPage } from "./not-found.tsx";
import { transferColumns } from "./transfers.tsx";
import { cell, Empty, Pager, PageTitle, Section, Table, type ViewColumn } from "../view/table.tsx";
import {
  Account,
  Banner,
  Bts,
  CopyButton,
  Facts,
  Id,
  Operation,
  Payout,
  SharesText,
  Status,
  Time,
  Transaction,
} from "../view/values.tsx";

const LIST: readonly ViewColumn<NominatorLine>[] = [
  cell("Nominator", ({ name }) => <Account name={name} />),
  column.number("Agreements", ({ agreements }) => agreements),
  column.number("Open", ({ open }) => open),
  column.number("With us, BTS", ({ staked }) => staked),
  column.number("To come, BTS", ({ owed }) => owed),
  column.time("Next (UTC)", ({ nextDueMs }) => nextDueMs),
];

export const debtColumns = ({
  withPayee = true,
}: { readonly withPayee?: boolean } = {}): readonly ViewColumn<OpenDebt>[] => [
  column.time("Due (UTC)", ({ dueMs }) => dueMs),
  ...(withPayee ? [cell<OpenDebt>("Payee", ({ payee }) => <Account name={payee} />)] : []),
  cell("For", ({ kind, payout, agreement, status }) => (
    <>
      {kind} {status === "pending" ? null : <Status text={status} tone={payoutTone(status)} />}{" "}
      {payout === undefined ? (
        agreement === undefined ? null : (
          <Id text={agreement} href={pathTo.agreement(agreement)} />
        )
      ) : (
        <Payout payoutKey={payout} />
      )}
    </>
  )),
  column.number("BTS", ({ amount }) => amount),
];

/** A statement of an account longer than this is fetched as a file. */
const STATEMENT_LINES_MAX = 5_000;
const FILE_LINES_MAX = 200_000;
const SHORT = 20;

export function nominators(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/nominators", async (c) => {
    const prefix = textIn(c, "name")?.toLowerCase();
    const page = await browse.nominators({ prefix }, windowIn(c));
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Nominators",
        here: "/nominators",
        live: true,
        children: (
          <>
            <PageTitle title="Nominators">by name</PageTitle>
            <FilterForm
              action="/nominators"
              fields={[{ name: "name", label: "Name begins with", value: prefix }]}
            />
            <Section title="List">
              {page.items.length === 0 ? (
                <Empty>No account of this name has opened an agreement.</Empty>
              ) : (
                <Table caption="Nominators" columns={LIST} lines={page.items} />
              )}
              <Pager page={page} url={urlOf(c)} newer="Previous" older="Next" />
            </Section>
          </>
        ),
      }),
    );
  });
  app.get("/nominators/:name", async (c) => {
    const name = c.req.param("name");
    const story = await browse.nominator(name);
    if (story === undefined) return c.html(noSuchPage(frameOf(c, deps), "nominator", "/nominators"), 404);
    const few = { limit: SHORT };
    const [found, debts, transfers] = await Promise.all([
      browse.agreements({ nominator: name }, windowIn(c)),
      browse.debts({ payee: name }, few),
      browse.transfers({ account: name }, few),
    ]);
    return c.html(
      consolePage(frameOf(c, deps), {
        title: name,
        here: "/nominators",
        live: true,
        children: (
          <>
            <PageTitle title={name}>
              <a href={`${pathTo.nominator(name)}/statement`}>Statement</a>{" "}
              <CopyButton text={name} what="account" />
            </PageTitle>
            {story.stopped.count === 0 ? null : (
              <Banner tone="bad">
                <strong>
                  {story.stopped.count === 1 ? "A payout waits" : `${story.stopped.count} payouts wait`} for a
                  person
                </strong>
                <a href={`/payouts?payee=${encodeURIComponent(name)}&status=held,failed`}>
                  <Bts amount={story.stopped.amount} /> held or failed: look why
                </a>
              </Banner>
            )}
            <NominatorFigures story={story} />
            <Section
              title="What is owed, and when"
              note={
                debts.after === undefined ? undefined : (
                  <a href={`/due?payee=${encodeURIComponent(name)}`}>All of it</a>
                )
              }
            >
              {debts.items.length === 0 ? (
                <Empty>Nothing is to come.</Empty>
              ) : (
                <Table
                  caption="What is owed, and when"
                  columns={debtColumns({ withPayee: false })}
                  lines={debts.items}
                />
              )}
            </Section>
            <Section title="Agreements">
              {found.items.length === 0 ? (
                <Empty>No agreement.</Empty>
              ) : (
                <Table
                  caption="Agreements"
                  columns={agreementColumns({ withNominator: false })}
                  lines={found.items}
                />
              )}
              <Pager page={found} url={urlOf(c)} />
            </Section>
            <Section
              title="Transfers, both ways"
              note={
                transfers.after === undefined ? (
                  "newest first"
                ) : (
                  <a href={`/transfers?account=${encodeURIComponent(name)}`}>All of them</a>
                )
              }
            >
              {transfers.items.length === 0 ? (
                <Empty>No transfer.</Empty>
              ) : (
                <Table caption="Transfers, both ways" columns={transferColumns()} lines={transfers.items} />
              )}
            </Section>
          </>
        ),
      }),
    );
  });
  app.get("/nominators/:name/statement", async (c) => {
    const name = c.req.param("name");
    const story = await browse.nominator(name);
    if (story === undefined) return c.html(noSuchPage(frameOf(c, deps), "nominator", "/nominators"), 404);
    const period = periodOf(dayIn(c, "from"), dayEndIn(c, "to"));
    if (c.req.query("as") === "csv")
      return sendFile(
        c,
        { name: `statement-${name}.csv`, type: "text/csv" },
        csvOf(await browse.statement({ account: name, ...period, limit: FILE_LINES_MAX })),
      );
    const lines = await browse.statement({ account: name, ...period, limit: STATEMENT_LINES_MAX });
    return c.html(
      consolePage(frameOf(c, deps), {
        title: `Statement of ${name}`,
        here: "/nominators",
        children: (
          <Statement
            name={name}
            custodian={deps.custodian}
            lines={lines}
            period={{ from: textIn(c, "from"), to: textIn(c, "to") }}
          />
        ),
      }),
    );
  });
  return app;
}

const periodOf = (fromMs: Millis | undefined, toMs: Millis | undefined) => ({
  fromMs: fromMs ?? millis(0),
  toMs: toMs ?? millis(Date.UTC(9999, 0)),
});

const NominatorFigures = ({ story }: { readonly story: NominatorStory }) => (
  <Section title="In figures">
    <Facts
      lines={[
        ["Account", <Account name={story.name} explorer />],
        ["Agreements", `${numberText(story.agreements)}, ${numberText(story.open)} open`],
        ["With us now", <Bts amount={story.staked} />],
        ["To come, if all stays", <Bts amount={story.owed} />],
        ["Next payment", <Time ms={story.nextDueMs} />],
        [
          "Received from this account",
          <>
            <SharesText amount={story.received.amount} />
            <span class="hint"> in {numberText(story.received.count)} transfers</span>
          </>,
        ],
        [
          "Paid to it",
          <>
            <SharesText amount={story.paid.amount} />
            <span class="hint"> in {numberText(story.paid.count)} transfers</span>
          </>,
        ],
      ]}
    />
  </Section>
);

const sumOf = (lines: readonly StatementLine[], direction: StatementLine["direction"]): Shares =>
  lines.reduce((sum, line) => (line.direction === direction ? sum + line.amount : sum), 0n) as Shares;

const Statement = ({
  name,
  custodian,
  lines,
  period,
}: {
  readonly name: string;
  readonly custodian: string;
  readonly lines: readonly StatementLine[];
  readonly period: { readonly from: string | undefined; readonly to: string | undefined };
}) => {
  const path = `${pathTo.nominator(name)}/statement`;
  const query = new URLSearchParams({ as: "csv", from: period.from ?? "", to: period.to ?? "" });
  return (
    <>
      <PageTitle title={<>Statement of {name}</>}>
        with {custodian}
        {period.from === undefined && period.to === undefined
          ? ", from the beginning"
          : `, ${period.from ?? "from the beginning"} to ${period.to ?? "now"}`}
      </PageTitle>
      <FilterForm
        action={path}
        fields={[
          { name: "from", label: "From", value: period.from, type: "date" },
          { name: "to", label: "To", value: period.to, type: "date" },
        ]}
      >
        <a href={`${path}?${query.toString()}`}>Save as CSV</a>
      </FilterForm>
      <Section title="Sums">
        <Facts
          lines={[
            ["Received by the custodian", <SharesText amount={sumOf(lines, "in")} />],
            ["Paid to the account", <SharesText amount={sumOf(lines, "out")} />],
          ]}
        />
      </Section>
      <Section
        title="Transfers"
        note={
          lines.length === STATEMENT_LINES_MAX
            ? `the first ${numberText(STATEMENT_LINES_MAX)}; the file has all`
            : "in irreversible blocks, oldest first"
        }
      >
        {lines.length === 0 ? (
          <Empty>No transfer in this time.</Empty>
        ) : (
          <Table caption={`Statement of ${name}`} columns={STATEMENT} lines={lines} />
        )}
      </Section>
    </>
  );
};

const STATEMENT: readonly ViewColumn<StatementLine>[] = [
  column.time("Block time (UTC)", ({ timeMs }) => timeMs),
  cell("For", ({ what, reference }) => (
    <>
      {what.replaceAll("_", " ")} {reference === undefined ? null : <Payout payoutKey={reference} />}
    </>
  )),
  cell(
    "Received",
    ({ direction, amount }) => (direction === "in" ? <SharesText amount={amount} /> : ""),
    "number",
  ),
  cell(
    "Paid",
    ({ direction, amount }) => (direction === "out" ? <SharesText amount={amount} /> : ""),
    "number",
  ),
  cell("Operation", ({ operation }) => <Operation operation={operation} />, "id"),
  cell("Transaction", ({ txid }) => <Transaction txid={txid} />, "id"),
];

async function* csvOf(lines: readonly StatementLine[]): AsyncGenerator<string> {
  yield "block_time_utc,direction,what,amount_bts,payout,operation,txid\r\n";
  for (const { timeMs, direction, what, amount, reference, operation, txid } of lines)
    yield `${[
      isoText(timeMs),
      direction,
      what,
      formatShares(amount).replace(/ BTS$/u, ""),
      reference,
      operation,
      txid,
    ]
      .map(csvField)
      .join(",")}\r\n`;
}
