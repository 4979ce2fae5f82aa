import { Command, CommanderError } from "commander";
import type { Environment } from "@stakebts/core/config/environment";
import { environmentOf } from "./config.ts";
import { Context, type Run } from "./context.ts";
import { EXIT, type ExitCode, explain } from "./exit.ts";
import { examples } from "./options.ts";
import type { Terminal } from "./terminal.ts";

type Add = (program: Command, run: Run) => void;

/** Each command by its name, in the order in which the help names them. One is loaded when it is asked for: `status` needs no queues. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  status: async () => (await import("./commands/status.ts")).addStatus,
  doctor: async () => (await import("./commands/doctor.ts")).addDoctor,
  payouts: async () => (await import("./commands/payouts.ts")).addPayouts,
  payments: async () => (await import("./commands/freeze.ts")).addPayments,
  freeze: async () => (await import("./commands/freeze.ts")).addFreeze,
  unfreeze: async () => (await import("./commands/freeze.ts")).addUnfreeze,
  limits: async () => (await import("./commands/limits.ts")).addLimits,
  liabilities: async () => (await import("./commands/liabilities.ts")).addLiabilities,
  forecast: async () => (await import("./commands/liabilities.ts")).addForecast,
  balances: async () => (await import("./commands/balances.ts")).addBalances,
  balance: async () => (await import("./commands/balance.ts")).addBalance,
  "top-ups": async () => (await import("./commands/top-ups.ts")).addTopUp,
  transfers: async () => (await import("./commands/transfers.ts")).addTransfers,
  stakes: async () => (await import("./commands/agreements.ts")).addStakes,
  agreements: async () => (await import("./commands/agreements.ts")).addAgreements,
  receipts: async () => (await import("./commands/audit.ts")).addReceipts,
  audit: async () => (await import("./commands/audit.ts")).addAudit,
  export: async () => (await import("./commands/export.ts")).addExport,
  backup: async () => (await import("./commands/backup.ts")).addBackup,
  restore: async () => (await import("./commands/restore.ts")).addRestore,
  reset: async () => (await import("./commands/restore.ts")).addReset,
  rebuild: async () => (await import("./commands/rebuild.ts")).addRebuild,
  import: async () => (await import("./commands/import.ts")).addImport,
  blocks: async () => (await import("./commands/import-blocks.ts")).addBlocks,
  notify: async () => (await import("./commands/notify.ts")).addNotify,
  config: async () => (await import("./commands/config.ts")).addConfig,
  db: async () => (await import("./commands/db.ts")).addDb,
  keys: async () => (await import("./commands/keys.ts")).addKeys,
  users: async () => (await import("./commands/users.ts")).addUsers,
  completion: async () => (await import("./commands/completion.ts")).addCompletion,
};

/** The commands that a command line may mean; all of them where it names none, and for those that speak of the others. */
export function commandsFor(args: readonly string[]): readonly string[] {
  const all = Object.keys(COMMANDS);
  const named = all.filter((name) => args.includes(name));
  return named.length === 0 || named.includes("completion") ? all : named;
}

const withoutLineEnd = (text: string): string => text.replace(/\n$/u, "");

/** @param names of the commands that it has; default: all */
export async function buildProgram(
  run: Run,
  terminal: Terminal,
  names: readonly string[] = Object.keys(COMMANDS),
): Promise<Command> {
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
  for (const name of names) (await COMMANDS[name]?.())?.(program, run);
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
  const program = await buildProgram(run, terminal, commandsFor(args));
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
