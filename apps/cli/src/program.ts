import { Command, CommanderError } from "commander";
import type { Environment } from "@stakebts/core/config/environment";
import { addAgreements, addStakes } from "./commands/agreements.ts";
import { addAudit, addReceipts } from "./commands/audit.ts";
import { addBackup } from "./commands/backup.ts";
import { addBalance } from "./commands/balance.ts";
import { addBalances } from "./commands/balances.ts";
import { addCompletion } from "./commands/completion.ts";
import { addConfig } from "./commands/config.ts";
import { addDb } from "./commands/db.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addExport } from "./commands/export.ts";
import { addFreeze, addPayments } from "./commands/freeze.ts";
import { addBlocks } from "./commands/import-blocks.ts";
import { addImport } from "./commands/import.ts";
import { addKeys } from "./commands/keys.ts";
import { addForecast, addLiabilities } from "./commands/liabilities.ts";
import { addLimits } from "./commands/limits.ts";
import { addNotify } from "./commands/notify.ts";
import { addPayouts } from "./commands/payouts.ts";
import { addRebuild } from "./commands/rebuild.ts";
import { addReset, addRestore } from "./commands/restore.ts";
import { addStatus } from "./commands/status.ts";
import { addTopUp } from "./commands/top-ups.ts";
import { addTransfers } from "./commands/transfers.ts";
import { addUsers } from "./commands/users.ts";
import { environmentOf } from "./config.ts";
import { Context, type Run } from "./context.ts";
import { EXIT, type ExitCode, explain } from "./exit.ts";
import { examples } from "./options.ts";
import type { Terminal } from "./terminal.ts";

const withoutLineEnd = (text: string): string => text.replace(/\n$/u, "");

/** The whole command line. */
export function buildProgram(run: Run, terminal: Terminal): Command {
  const program = new Command("stakebts")
    .description("Look after a custodian's payouts: what is owed, what is paid, what needs a person.")
    // Not --env-file: Node itself takes an option of that name out of any command line.
    .option("--settings <file>", "read settings from this file (NAME=value) before the environment")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(withoutLineEnd(text)),
      writeErr: (text) => terminal.note(withoutLineEnd(text)),
    })
    .showHelpAfterError("(--help shows how)")
    .addHelpText(
      "after",
      examples(
        ["doctor", "is everything as it should be, and if not, what to do"],
        ["status", "the custodian at a glance"],
        ["payouts failed", "what waits for a person"],
        ["payouts requeue --all --status failed", "try all of it again"],
        ["freeze --reason 'strange transfer'", "stop everything, now"],
      ) +
        `
Settings come from the environment: DATABASE_URL for everything, STAKEBTS_NODES and STAKEBTS_CUSTODIAN for what is
read from the chain. Each may be given as NAME_FILE, the path of a file that holds it.

Exit codes: 0 done; 1 the answer is no, or problems were found; 2 wrong usage; 69 the database or every node is away;
78 the configuration is wrong.
`,
    );
  for (const add of [
    addStatus,
    addDoctor,
    addPayouts,
    addPayments,
    addFreeze,
    addLimits,
    addLiabilities,
    addForecast,
    addBalances,
    addBalance,
    addTopUp,
    addTransfers,
    addStakes,
    addAgreements,
    addReceipts,
    addAudit,
    addExport,
    addBackup,
    addRestore,
    addReset,
    addRebuild,
    addImport,
    addBlocks,
    addNotify,
    addConfig,
    addDb,
    addKeys,
    addUsers,
    addCompletion,
  ])
    add(program, run);
  return program;
}

/**
 * Runs one command line in the world that it is given, and nothing else: what it reads is `environment`, what it says
 * goes to `terminal`.
 */
export async function runCommandLine(
  args: readonly string[],
  { terminal, environment }: { terminal: Terminal; environment: Environment },
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const run: Run =
    (work) =>
    async (...given) => {
      const { settings } = program.opts<{ settings?: string }>();
      const context = new Context(terminal, environmentOf(settings, environment));
      try {
        exitCode = await work(context, ...given);
      } finally {
        await context.close();
      }
    };
  const program = buildProgram(run, terminal);
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    // commander has said what is wrong. Help and version that were asked for are answers.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { code, message } = explain(error);
    terminal.note(`stakebts: ${message}`);
    return code;
  }
}
