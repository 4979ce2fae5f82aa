import { createWriteStream } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { formatShares } from "@stakebts/kernel/amount";
import type { PayoutStatus } from "@stakebts/core/rules/payout";
import type { JournalFilter, JournalLine, YearTotal } from "@stakebts/core/ledger/view";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode, UsageError } from "../exit.ts";
import { examples } from "../options.ts";
import { jsonText } from "../print.ts";
import type { Run } from "../run.ts";
import { payeeOption, statusOption } from "./payouts-list.ts";

interface Options {
  readonly csv?: boolean;
  readonly json?: boolean;
  readonly totals?: boolean;
  readonly year?: number;
  readonly payee?: string;
  readonly status?: readonly PayoutStatus[];
  readonly out?: string;
}

const year = (text: string): number => {
  if (!/^20[0-9]{2}$/u.test(text)) throw new InvalidArgumentError("Expected a year, such as 2026.");
  return Number(text);
};

export function addExport(program: Command, run: Run): void {
  program
    .command("export")
    .description(
      "The journal of all payouts with block and transaction id, or totals per nominator and year, for accounts and audits.",
    )
    .addOption(new Option("--csv", "comma-separated, with a line of headings").conflicts("json"))
    .addOption(new Option("--json", "a JSON array; amounts are whole BTS as text").conflicts("csv"))
    .option("--totals", "what each nominator got in each year, instead of the journal")
    .addOption(new Option("--year <year>", "paid in this year (UTC)").argParser(year))
    .addOption(payeeOption())
    .addOption(statusOption())
    .option("--out <file>", "write a new file instead of standard output")
    .addHelpText(
      "after",
      `
Each confirmed payout is compared with the transfer that the ledger read from the chain. If one does not match, the
journal says so in its column matches_chain, and the exit code is 1.
${examples(["export --csv --year 2026 --out 2026.csv", "a year's journal for the accountant"], ["export --totals --csv", "per nominator and year"], ["export --json --payee alice | jq length", "for programs"])}`,
    )
    .action(run(async (context, options: Options) => exportJournal(context, options)));
}

interface Column<T> {
  readonly name: string;
  readonly value: (item: T) => string | number | bigint | boolean | undefined;
}

const isoTime = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();

const JOURNAL: readonly Column<JournalLine>[] = [
  { name: "payout", value: (line) => line.key },
  { name: "kind", value: (line) => line.kind },
  { name: "payee", value: (line) => line.payee },
  { name: "amount_bts", value: (line) => line.amount },
  { name: "status", value: (line) => line.status },
  { name: "due_utc", value: (line) => isoTime(line.dueMs) },
  { name: "paid_utc", value: (line) => isoTime(line.processedMs) },
  { name: "block", value: (line) => line.blockProcessed },
  { name: "operation", value: (line) => line.operation },
  { name: "txid", value: (line) => line.txid },
  {
    name: "fee_bts",
    value: (line) =>
      line.feeShares === undefined ? undefined : formatShares(line.feeShares).replace(/ BTS$/u, ""),
  },
  { name: "matches_chain", value: (line) => line.matchesChain },
  { name: "reason", value: (line) => line.reason },
];

const TOTALS: readonly Column<YearTotal>[] = [
  { name: "nominator", value: (total) => total.nominator },
  { name: "year", value: (total) => total.year },
  { name: "kind", value: (total) => total.kind },
  { name: "payments", value: (total) => total.count },
  { name: "amount_bts", value: (total) => total.amount },
];

async function exportJournal(context: Context, options: Options): Promise<ExitCode> {
  if (options.csv !== true && options.json !== true) throw new UsageError("which form? --csv or --json");
  const sink = openSink(context, options.out);
  if (options.totals === true) {
    if (options.status !== undefined)
      throw new UsageError("--totals counts what is paid: leave --status out");
    const totals = await context.view.yearTotals(options);
    await writeAll(sink, options, TOTALS, [totals]);
    await sink.end();
    return EXIT.ok;
  }
  const filter: JournalFilter = { year: options.year, payee: options.payee, statuses: options.status };
  let unmatched = 0;
  async function* checked() {
    for await (const page of context.view.journal(filter)) {
      unmatched += page.filter((line) => line.status === "confirmed" && line.matchesChain !== true).length;
      yield page;
    }
  }
  const count = await writeAll(sink, options, JOURNAL, checked());
  await sink.end();
  if (options.out !== undefined) context.terminal.note(`${count} payout(s) written to ${options.out}`);
  if (unmatched === 0) return EXIT.ok;
  context.terminal.note(
    `stakebts: ${unmatched} confirmed payout(s) have no transfer on the chain that fits: look at matches_chain`,
  );
  return EXIT.no;
}

async function writeAll<T>(
  sink: Sink,
  options: Options,
  columns: readonly Column<T>[],
  pages: AsyncIterable<readonly T[]> | readonly (readonly T[])[],
): Promise<number> {
  let count = 0;
  if (options.csv === true) await sink.write(`${columns.map(({ name }) => name).join(",")}\r\n`);
  for await (const page of pages) {
    const lines = page.map((item) => {
      const separator = count++ === 0 ? "[\n" : ",\n";
      return options.csv === true
        ? `${columns.map((column) => csvField(column.value(item))).join(",")}\r\n`
        : `${separator}${jsonText(Object.fromEntries(columns.map((column) => [column.name, column.value(item)])))}`;
    });
    if (lines.length > 0) await sink.write(lines.join(""));
  }
  if (options.json === true) await sink.write(count === 0 ? "[]\n" : "\n]\n");
  return count;
}

/** RFC 4180. Text that a spreadsheet would take for a formula gets an apostrophe: reasons quote what nodes say. */
export function csvField(value: string | number | bigint | boolean | undefined): string {
  if (value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = /^[=+\-@\t\r]/u.test(value) ? `'${value}` : value;
  return /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

interface Sink {
  readonly write: (text: string) => Promise<void>;
  readonly end: () => Promise<void>;
}

function openSink({ terminal }: Context, path: string | undefined): Sink {
  if (path === undefined) return { write: terminal.write, end: () => Promise.resolve() };
  // Never over an older export: `wx` fails when the file is there.
  const file = createWriteStream(path, { flags: "wx", mode: 0o600 });
  let failed: NodeJS.ErrnoException | undefined;
  file.on("error", (error) => (failed = error));
  const check = (): void => {
    if (failed !== undefined)
      throw new UsageError(`--out: cannot write ${path} (${failed.code ?? failed.message})`);
  };
  return {
    write: async (text) => {
      await new Promise<void>((resolve) => file.write(text, () => resolve()));
      check();
    },
    end: async () => {
      await new Promise<void>((resolve) => file.end(() => resolve()));
      check();
    },
  };
}
