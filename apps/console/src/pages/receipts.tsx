import { Hono } from "hono";
import type { ChainedReceiptLine, ReceiptSearch } from "@stakebts/core/operators/browse/receipts";
import type { ReceiptLine } from "@stakebts/core/ledger/view";
import { verifyLog } from "@stakebts/core/audit/verify-log";
import { column } from "@stakebts/core/operators/columns";
import { RECEIPTS } from "@stakebts/core/operators/lists";
import { plainText } from "@stakebts/kernel/plain-text";
import { csvField, isoText, jsonText, numberText } from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { dayEndIn, dayIn, frameOf, sendFile, textIn, urlOf, windowIn } from "../page.ts";
import { FilterForm } from "../view/form.tsx";
import { consolePage } from "../view/layout.tsx";
import { cell, Empty, Pager, PageTitle, Section, Table, type ViewColumn, withQuery } from "../view/table.tsx";
import { Banner, Facts, Id, Time } from "../view/values.tsx";

const subjectPage = (subject: string): string => `/receipts?subject=${encodeURIComponent(subject)}`;

const columns = (withSubject: boolean): readonly ViewColumn<ReceiptLine>[] => [
  RECEIPTS.written,
  column.id("Event", ({ event }) => event),
  ...(withSubject
    ? [
        cell<ReceiptLine>(
          "Subject",
          ({ subject }) => <Id text={plainText(subject)} href={subjectPage(subject)} />,
          "id",
        ),
      ]
    : []),
  cell("Details", (line) => <Details line={line} />),
  column.text("By login", ({ writtenBy }) => writtenBy),
];

const Details = ({ line: { details } }: { readonly line: ReceiptLine }) => (
  <dl class="details">
    {Object.entries(details)
      .filter(([, value]) => value !== null && value !== "")
      .map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{plainText(typeof value === "string" ? value : jsonText(value))}</dd>
        </div>
      ))}
  </dl>
);

export const ReceiptTable = ({
  lines,
  withSubject = true,
}: {
  readonly lines: readonly ReceiptLine[];
  readonly withSubject?: boolean;
}) =>
  lines.length === 0 ? (
    <Empty>No receipt.</Empty>
  ) : (
    <Table caption="Receipts" columns={columns(withSubject)} lines={lines} />
  );

/** Lines of a file that is saved. */
const FILE_LINES_MAX = 500_000;
const FILE_PAGE = 1_000;

export function receipts(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse, audit } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/receipts", async (c) => {
    const search: ReceiptSearch = {
      event: textIn(c, "event"),
      subject: textIn(c, "subject"),
      actor: textIn(c, "actor"),
      login: textIn(c, "login"),
      fromMs: dayIn(c, "from"),
      toMs: dayEndIn(c, "to"),
    };
    const as = c.req.query("as");
    if (as === "csv" || as === "json")
      return sendFile(
        c,
        as === "csv"
          ? { name: "receipts.csv", type: "text/csv" }
          : { name: "receipts.jsonl", type: "application/x-ndjson" },
        fileOf(deps, search, as),
      );
    const [page, events] = await Promise.all([browse.receipts(search, windowIn(c)), browse.eventNames()]);
    const families = [...new Set(events.flatMap((name) => /^[^.]+\./u.exec(name)?.[0] ?? []))].map(
      (family) => `${family}*`,
    );
    const url = urlOf(c);
    const saved = { after: undefined, before: undefined };
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Receipts",
        here: "/receipts",
        live: true,
        children: (
          <>
            <PageTitle title="Receipts">
              <a href="/receipts/verify">Verify the hash chain</a>
            </PageTitle>
            <FilterForm
              action="/receipts"
              fields={[
                {
                  name: "event",
                  label: "Event",
                  value: search.event,
                  options: [
                    ["", "any"],
                    ...families.map((one) => [one, `${one.slice(0, -2)}: all`] as const),
                    ...events.map((one) => [one, one] as const),
                  ],
                },
                { name: "subject", label: "Subject", value: search.subject },
                { name: "actor", label: "Person", value: search.actor },
                { name: "from", label: "From", value: textIn(c, "from"), type: "date" },
                { name: "to", label: "To", value: textIn(c, "to"), type: "date" },
              ]}
            >
              <a href={withQuery(url, { ...saved, as: "csv" })}>Save as CSV</a>
              <a href={withQuery(url, { ...saved, as: "json" })}>Save as JSON</a>
            </FilterForm>
            <Section title="List" note="newest first; none can be changed or deleted">
              <ReceiptTable lines={page.items} />
              <Pager page={page} url={url} />
            </Section>
          </>
        ),
      }),
    );
  });
  app.get("/receipts/verify", async (c) => {
    const head = await audit.head();
    const asked = c.req.query("last");
    const last = asked === "all" ? undefined : Number(/^\d{1,7}$/u.exec(asked ?? "")?.[0] ?? 10_000);
    const fromSeq = last === undefined || head === undefined ? undefined : Math.max(1, head.seq - last + 1);
    const problems: string[] = [];
    const run = asked !== undefined;
    const startedMs = performance.now();
    const result = run
      ? await audit.look((contents) =>
          verifyLog(contents, { fromSeq, heads: [] }, ({ kind, message, todo }) => {
            if (problems.length < 100) problems.push(plainText(`${kind}: ${message}. ${todo}`));
          }),
        )
      : undefined;
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Verify the hash chain",
        here: "/receipts",
        children: (
          <>
            <PageTitle title="Verify the hash chain">
              <a href="/receipts">Receipts</a>
            </PageTitle>
            {result === undefined ? null : result.findings === 0 ? (
              <Banner tone="good">
                <strong>Nothing was changed, taken away or put in</strong>
                {numberText(result.chained)} receipts from number {numberText(result.fromSeq)} on were looked
                at in {((performance.now() - startedMs) / 1_000).toFixed(1)} s.
              </Banner>
            ) : (
              <Banner tone="bad">
                <strong>{numberText(result.findings)} findings</strong>
                {problems.map((problem) => (
                  <p>{problem}</p>
                ))}
              </Banner>
            )}
            <Section title="The newest entry">
              {head === undefined ? (
                <Empty>Nothing is chained yet: is the scheduler running?</Empty>
              ) : (
                <Facts
                  lines={[
                    ["Number", numberText(head.seq)],
                    ["Hash", <Id text={head.hash} copy="hash" />],
                    ["To write down elsewhere", <Id text={`${head.hash}@${head.seq}`} copy="head" />],
                    ["Chained", <Time ms={head.chainedAtMs} />],
                  ]}
                />
              )}
            </Section>
            <form method="get" action="/receipts/verify" class="filter">
              <div>
                <label for="last">How far back</label>
                <select id="last" name="last">
                  <option value="10000">the newest 10,000</option>
                  <option value="100000" selected={asked === "100000"}>
                    the newest 100,000
                  </option>
                  <option value="all" selected={asked === "all"}>
                    all of them, however long it takes
                  </option>
                </select>
              </div>
              <div class="send">
                <button>Verify</button>
              </div>
            </form>
            <p class="hint">
              Each receipt is chained by a hash over it and the hash before it. A log that was cut at its end
              fits in itself: compare with a head that you have written down elsewhere (
              <code>stakebts audit verify --checkpoint</code>).
            </p>
          </>
        ),
      }),
    );
  });
  return app;
}

async function* fileOf(
  { browse }: Pick<ConsoleDeps, "browse">,
  search: ReceiptSearch,
  as: "csv" | "json",
): AsyncGenerator<string> {
  if (as === "csv") yield "id,written_utc,login,event,subject,details,seq,hash\r\n";
  let after: string | undefined;
  for (let lines = 0; lines < FILE_LINES_MAX; lines += FILE_PAGE) {
    const page = await browse.receipts(search, { limit: FILE_PAGE, after });
    yield page.items.map(as === "csv" ? csvLine : (line) => `${jsonText(line)}\n`).join("");
    if (page.after === undefined) return;
    after = page.after;
  }
}

const csvLine = (line: ChainedReceiptLine): string =>
  `${[
    line.id,
    isoText(line.createdAtMs),
    line.writtenBy,
    line.event,
    line.subject,
    jsonText(line.details),
    line.chained?.seq,
    line.chained?.hash,
  ]
    .map(csvField)
    .join(",")}\r\n`;
