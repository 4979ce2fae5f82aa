import { statSync } from "node:fs";
import type { Command } from "commander";
import { type Occupant, occupantOf } from "@stakebts/core/backups/replace-database";
import {
  inspectBackup,
  type InspectedBackup,
  resetLedger,
  restoreBackup,
} from "@stakebts/core/backups/restore-backup";
import {
  AddressProblem,
  databaseOf,
  formatAddress,
  parseAddress,
  urlWithDatabase,
} from "@stakebts/core/runtime/database-address";
import { plainText } from "@stakebts/kernel/plain-text";
import { type Confirmation, confirmOption, isTyped, operatorAction, yesOption } from "../ask.ts";
import { readSettings } from "../config.ts";
import type { Context, Run } from "../context.ts";
import { EXIT, type ExitCode, UsageError } from "../exit.ts";
import { actorOption, examples, reasonOption } from "../options.ts";
import { schemaFolder } from "../installation.ts";

interface Options extends Confirmation {
  readonly into?: string;
  readonly replace: boolean;
  readonly reason?: string;
  readonly actor?: string;
}

export function addRestore(program: Command, run: Run): void {
  program
    .command("restore")
    .description(
      "Put the ledger of a backup in the place of the database. The old one is kept under another name.",
    )
    .argument("<file>", "a backup: stakebts-….dump")
    .option("--into <database>", "its name on the same server, or an address (default: DATABASE_URL)")
    .option("--replace", "there is a ledger already: keep it under another name", false)
    .addOption(reasonOption())
    .addOption(actorOption())
    .addOption(yesOption())
    .addOption(confirmOption("the name of the database"))
    .addHelpText(
      "after",
      `
Refused while payments are on there, or a program is connected. Afterwards payments are off, and the recovery hold is on: when they
are on again, nothing is signed until the ledger has read from the chain what it has forgotten. docs/backups.md
${examples(["restore stakebts-….dump --replace", "after a loss; asks for the name of the database"], ["restore stakebts-….dump --into drill", "a drill, beside the real one"])}`,
    )
    .action(run((context, file: string, options: Options) => restore(context, file, options)));
}

async function restore(context: Context, file: string, options: Options): Promise<ExitCode> {
  const { terminal, environment } = context;
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new UsageError(`there is no file ${file}`);
  const databaseUrl = targetOf(readSettings("database", environment).DATABASE_URL, options.into);
  const folder = schemaFolder();
  const backup = await inspectBackup(file, { databaseUrl, environment });
  if ("problem" in backup) {
    terminal.note(plainText(`stakebts: ${file} is not restored: ${backup.problem}`));
    return EXIT.no;
  }
  tell(context, backup);
  const occupant = await occupantOf(databaseUrl);
  const refusal =
    occupant.hasLedger && !options.replace
      ? `${databaseOf(databaseUrl)} has a ledger: with --replace it is kept under another name`
      : whyNot(databaseUrl, occupant);
  if (refusal !== undefined) {
    terminal.note(`stakebts: nothing was done: ${refusal}`);
    return EXIT.no;
  }
  const { actor, reason } = await operatorAction(context, options);
  const word = databaseOf(databaseUrl);
  if (!(await isTyped(context, options, { word, question: `This becomes the database ${word}.` }))) {
    terminal.note("stakebts: that is not its name: nothing was done");
    return EXIT.no;
  }
  const { manifest } = backup;
  const old = await restoreBackup(backup, {
    databaseUrl,
    schemaFolder: folder,
    nowMs: context.clock.nowMs(),
    replacement: {
      event: "ledger.restored",
      actor,
      reason,
      paymentsReason: `restored from ${manifest?.file ?? file}: look at \`stakebts doctor\`, then \`stakebts payments on\``,
      details: { madeAt: manifest?.madeAt ?? "unknown", block: manifest?.cursor?.blockNum ?? 0 },
    },
  });
  terminal.out(`restored into ${word}${old === undefined ? "" : `; what was there is kept as ${old}`}
Now:
  1. start ingester and scheduler, with STAKEBTS_REPLAY=last
  2. \`stakebts doctor\` until the ledger is up to date; hold or cancel again what a person had decided since the backup
  3. start the payer, and \`stakebts payments on --reason '…'\`: it signs nothing before the recovery hold has fallen by itself`);
  return EXIT.ok;
}

function targetOf(databaseUrl: string, into: string | undefined): string {
  if (into === undefined) return databaseUrl;
  if (/^postgres(?:ql)?:\/\//u.test(into)) {
    try {
      return formatAddress(parseAddress(into));
    } catch (error) {
      if (!(error instanceof AddressProblem)) throw error;
      throw new UsageError(`--into: ${error.message}`);
    }
  }
  if (!/^[A-Za-z0-9_-]{1,63}$/u.test(into))
    throw new UsageError(
      "--into: expected the name of a database, or postgresql://user:password@host:port/database",
    );
  return urlWithDatabase(databaseUrl, into);
}

function tell({ terminal }: Context, { path, manifest, tables }: InspectedBackup): void {
  if (manifest === undefined) {
    terminal.note(
      `${path}: ${tables.length} tables. No manifest beside it: what is restored cannot be compared`,
    );
    return;
  }
  const { cursor, tables: counts } = manifest;
  const rows = (name: string): string => `${counts[name]?.rows ?? 0}`;
  terminal.note(
    plainText(
      `${manifest.file}: made ${manifest.madeAt} from ${manifest.database}, ${manifest.verified ? "verified" : "never verified"}`,
    ),
  );
  terminal.note(
    cursor === null ? "  no block ingested" : `  block ${cursor.blockNum} of ${cursor.blockTime}`,
  );
  terminal.note(
    `  ${rows("agreement")} agreements, ${rows("payout")} payouts of ${counts["payout"]?.sum ?? 0} BTS, ${rows("receipt")} receipts`,
  );
}

interface ResetOptions extends Confirmation {
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
Refused while payments are on, or a program is connected. The new ledger has payments off and the recovery hold on, and the ingester
begins where STAKEBTS_REPLAY says. To learn everything again from the chain: docs/runbook.md, Loss of the database.
${examples(["reset --reason 'end of the rehearsal'", "asks for the word"], ["backup", "before, to be sure"])}`,
    )
    .action(run((context, options: ResetOptions) => reset(context, options)));
}

async function reset(context: Context, options: ResetOptions): Promise<ExitCode> {
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

/** Why the database may not be replaced now; `undefined` when it may. */
function whyNot(databaseUrl: string, { paymentsOn, sessions }: Occupant): string | undefined {
  const database = databaseOf(databaseUrl);
  if (paymentsOn)
    return `payments are on in ${database}: first \`stakebts payments off --reason '…'\`, then stop the workers`;
  if (sessions.length === 0) return undefined;
  const who = sessions.map(({ pid, name, from, holdsPayerLock }) =>
    plainText(
      `  ${name} (process ${pid} of the server, from ${from})${holdsPayerLock ? ": it is the payer that leads" : ""}`,
    ),
  );
  return `${database} is in use; stop these first:\n${who.join("\n")}`;
}
