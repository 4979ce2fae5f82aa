import type { Command } from "commander";
import { examples } from "../options.ts";
import type { Run } from "../run.ts";
import { addImportBlocks } from "./import-blocks.ts";
import { addImportSqlite } from "./import-sqlite.ts";
import { addImportText } from "./import-text.ts";

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
