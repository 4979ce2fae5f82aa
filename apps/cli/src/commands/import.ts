import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Command } from "commander";
import { agreementOfLine, importText, parseAgreementLines } from "@stakebts/core/imports/import-text";
import { ImportRefused } from "@stakebts/core/imports/import-refused";
import { planAgreements } from "@stakebts/core/imports/write-agreements";
import { plainText } from "@stakebts/kernel/plain-text";
import { btsText, exactTimeText } from "@stakebts/kernel/text";
import type { Context, Run } from "../context.ts";
import { EXIT, type ExitCode, UsageError } from "../exit.ts";
import { examples } from "../options.ts";
import { printJson } from "../print.ts";
import { progressOf } from "../terminal.ts";
import { addImportBlocks } from "./import-blocks.ts";
import {
  addImportOptions,
  agreementJson,
  beginImport,
  carryOutImport,
  type ImportOptions,
  newOnes,
  overdueOf,
  printAgreements,
} from "./import-plan.ts";
import { addImportSqlite } from "./import-sqlite.ts";

export function addImport(program: Command, run: Run): void {
  const command = program
    .command("import")
    .description(
      "Take over agreements from before this ledger: from v2.4's database, from blocks, from a list.",
    )
    .addHelpText(
      "after",
      `
Each shows first what it will do, and asks. Payments must be off meanwhile. It may be repeated at any time: what is in the
ledger stays as it is, whichever way it came. docs/imports.md goes through it step by step.
${examples(["import sqlite stake_bitshares.db --dry-run", "what is in the database of v2.4?"], ["import blocks 59107000,59107001 --dry-run", "what is in these blocks?"], ["import text agreements.txt --dry-run", "what is in this list?"])}`,
    );
  addImportSqlite(command, run);
  addImportBlocks(command, run);
  addImportText(command, run);
}

export function addImportText(parent: Command, run: Run): void {
  addImportOptions(
    parent
      .command("text")
      .argument("<file>", "the list; - for standard input")
      .description(
        "Take over agreements from a list: one line each, username start_ms amount months months_paid.",
      ),
  )
    .addHelpText(
      "after",
      `
Tabs or blanks between the fields; blank lines, and what follows a #, are passed over. One wrong line, and nothing is
imported. The first months_paid rewards are marked paid: on 30 June, 31 July and 31 August 2021 as far as these days fit,
else on the day they were due. Everything else is as if the agreement had been opened by its transfer.

These agreements have no transfer: their place is block 0. An agreement that the ledger has from its block, or from
v2.4's database, is passed over: same nominator, amount and months, and a start not more than an hour away. And when its
transfer is read later, it is recognised.
${examples(["import text agreements.txt --dry-run", "the plan"], ["import text agreements.txt --reason 'first start' --yes", "do it"], ["import text - --dry-run < agreements.txt", "from a pipe"])}
A list:
  # username  start_ms       amount  months  months_paid
  user1233    1623177720000  25000   12      2
`,
    )
    .action(run(async (context, file: string, options: ImportOptions) => importList(context, file, options)));
}

async function importList(context: Context, file: string, options: ImportOptions): Promise<ExitCode> {
  const { terminal, ledger, policy } = context;
  const { lines, problems } = parseAgreementLines(textOf(file), policy.policy);
  if (problems.length > 0) {
    if (options.json) printJson(terminal, { plan: undefined, problems, outcome: undefined });
    for (const { line, problem } of problems) terminal.note(`line ${line}: ${plainText(problem)}`);
    terminal.note(`stakebts: ${problems.length} wrong line(s) in ${file}: nothing was imported`);
    return EXIT.no;
  }
  if (lines.length === 0) throw new UsageError(`${file} has no agreement in it`);
  const action = await beginImport(context, options);
  const cursor = await ledger.cursor.read();
  const nowMs = context.nowOf(cursor);
  const late = lines.find(({ startMs }) => startMs > nowMs);
  const offers = lines.map((line) => agreementOfLine(line, policy.policy.terms));
  const planned = await planAgreements(context, offers, nowMs);
  const fresh = newOnes(planned);
  const overdue = overdueOf(planned);
  return carryOutImport(context, options, action, {
    plan: { agreements: planned.map(agreementJson), new: fresh.length, owedAtOnce: overdue },
    say: () => {
      printAgreements(terminal, planned);
      terminal.out("");
      terminal.out(
        `${fresh.length} new agreement(s), ${planned.length - fresh.length} in the ledger already; owed at once: ${overdue.rows} payment(s), ${btsText(overdue.amount)}`,
      );
    },
    refusal:
      late === undefined
        ? undefined
        : new ImportRefused(
            `line ${late.line} begins at ${exactTimeText(late.startMs)}, which is later than the ledger knows`,
            "correct it, or let the ingester catch up",
          ),
    question: fresh.length === 0 ? undefined : `Import ${fresh.length} agreement(s)?`,
    apply: async (by) => {
      const { onProgress, end } = progressOf(context, "agreements");
      const source = file === "-" ? "standard input" : basename(file);
      const outcome = await importText(context, { source, agreements: offers }, by, onProgress);
      end();
      return {
        outcome,
        say: () => terminal.out(`${outcome.agreements} agreement(s) imported, ${outcome.rows} rows`),
      };
    },
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? "error"})`);
  }
}
