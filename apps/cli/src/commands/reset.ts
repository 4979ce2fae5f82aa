import type { Command } from "commander";
import { databaseOf } from "@stakebts/core/backups/server";
import { occupantOf } from "@stakebts/core/backups/replace-database";
import { resetLedger } from "@stakebts/core/backups/restore-backup";
import { readSettings } from "../config.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { actorOption, examples, reasonOption } from "../options.ts";
import type { Run } from "../run.ts";
import { operatorAction } from "./operator-action.ts";
import {
  type Confirmation,
  confirmOption,
  isTyped,
  schemaFolder,
  whyNot,
  yesOption,
} from "./replace-ledger.ts";

interface Options extends Confirmation {
  readonly reason?: string;
  readonly actor?: string;
}

const WORD = "reset";

export function addReset(program: Command, run: Run): void {
  program
    .command("reset")
    .description("Begin with an empty ledger. Nothing is deleted: the old one is kept under another name.")
    .addOption(reasonOption())
    .addOption(actorOption())
    .addOption(yesOption())
    .addOption(confirmOption(WORD))
    .addHelpText(
      "after",
      `
Refused while payments are on, or anybody is connected. The new ledger has payments off and the recovery hold up, and the ingester
begins where STAKEBTS_REPLAY says. To learn everything again from the chain: docs/runbook.md, Loss of the database.
${examples(["reset --reason 'end of the rehearsal'", "asks for the word"], ["backup", "before, to be sure"])}`,
    )
    .action(run((context, options: Options) => reset(context, options)));
}

async function reset(context: Context, options: Options): Promise<ExitCode> {
  const { terminal } = context;
  const { DATABASE_URL: databaseUrl } = readSettings("database", context.environment);
  const folder = schemaFolder();
  const database = databaseOf(databaseUrl);
  const { actor, reason } = await operatorAction(context, options);
  const occupant = await occupantOf(databaseUrl);
  const refusal = whyNot(databaseUrl, occupant);
  if (refusal !== undefined) {
    terminal.note(`stakebts: nothing was done: ${refusal}`);
    return EXIT.no;
  }
  const question = `The database ${database} is put aside, and an empty ledger takes its place.`;
  if (!(await isTyped(context, options, { word: WORD, question }))) {
    terminal.note(`stakebts: that is not the word ${WORD}: nothing was done`);
    return EXIT.no;
  }
  const old = await resetLedger({
    databaseUrl,
    schemaFolder: folder,
    nowMs: context.clock.nowMs(),
    replacement: {
      event: "ledger.reset",
      actor,
      reason,
      paymentsReason: `reset by ${actor}: ${reason}`,
      details: {},
    },
  });
  terminal.out(
    `${database} is an empty ledger with payments off${old === undefined ? "" : `; what was there is kept as ${old}`}`,
  );
  return EXIT.ok;
}
