import { createWriteStream } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { JournalFilter } from "@stakebts/core/ledger/view";
import type { Columns } from "@stakebts/core/operators/columns";
import { JOURNAL, YEAR_TOTALS } from "@stakebts/core/operators/lists";
import type { PayoutStatus } from "@stakebts/core/rules/payout";
import { csvField, jsonText } from "@stakebts/kernel/text";
import type { Context, Run } from "../context.ts";
import { EXIT, type ExitCode, UsageError } from "../exit.ts";
import { examples, payeeOption, statusOption } from "../options.ts";

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

async function exportJournal(context: Context, options: Options): Promise<ExitCode> {
  if (options.csv !== true && options.json !== true) throw new UsageError("which form? --csv or --json");
  const sink = openSink(context, options.out);
  if (options.totals === true) {
    if (options.status !== undefined)
      throw new UsageError("--totals counts what is paid: leave --status out");
    const totals = await context.view.yearTotals(options);
    await writeAll(sink, options, YEAR_TOTALS, [totals]);
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
  columns: Columns<T>,
  pages: AsyncIterable<readonly T[]> | readonly (readonly T[])[],
): Promise<number> {
  let count = 0;
  const fields = Object.entries(columns);
  if (options.csv === true) await sink.write(`${Object.keys(columns).join(",")}\r\n`);
  for await (const page of pages) {
    const lines = page.map((item) => {
      const separator = count++ === 0 ? "[\n" : ",\n";
      return options.csv === true
        ? `${fields.map(([, { value }]) => csvField(value(item))).join(",")}\r\n`
        : `${separator}${jsonText(Object.fromEntries(fields.map(([name, { value }]) => [name, value(item)])))}`;
    });
    if (lines.length > 0) await sink.write(lines.join(""));
  }
  if (options.json === true) await sink.write(count === 0 ? "[]\n" : "\n]\n");
  return count;
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
