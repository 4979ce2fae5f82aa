import { databaseProblem } from "@stakebts/core/database/database-problem";
import { ToolFailed } from "@stakebts/core/backups/pg-tools";
import { StartupError } from "@stakebts/kernel/errors";
import { ChainError } from "@stakebts/bitshares/chain";
import { ChainDisagrees, RebuildRefused } from "@stakebts/core/rebuild/rebuild-ledger";
import { ImportRefused } from "@stakebts/core/imports/import-refused";
import { NoAnswer } from "./terminal.ts";

/** Exit codes, after sysexits.h where it has one. Scripts rely on them. */
export const EXIT = {
  ok: 0,
  /** The answer is no: refused, not found, problems found. */
  no: 1,
  usage: 2,
  /** The database, the queue or every node is away: try again later. */
  unavailable: 69,
  broken: 70,
  configuration: 78,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The command was given wrongly. The message says how to give it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What to tell the operator about an error that ended the command, and with which code to end. */
export function explain(error: unknown): { readonly code: ExitCode; readonly message: string } {
  if (error instanceof UsageError) return { code: EXIT.usage, message: error.message };
  if (error instanceof NoAnswer) return { code: EXIT.no, message: "not answered: nothing was done" };
  if (error instanceof ChainDisagrees)
    return { code: EXIT.no, message: `${error.message}; see the runbook, chain.disagrees` };
  if (error instanceof ImportRefused || error instanceof RebuildRefused)
    return { code: EXIT.no, message: `${error.message}\n→ ${error.todo}` };
  if (error instanceof ChainError)
    return {
      code: error.code === "wrong_chain" ? EXIT.configuration : EXIT.unavailable,
      message: `STAKEBTS_NODES: ${error.message} (${error.code}); \`stakebts doctor\` looks at each node`,
    };
  const database = databaseProblem(error) ?? databaseProblem((error as Error | undefined)?.cause);
  if (database !== undefined)
    return {
      code: database.kind === "unavailable" ? EXIT.unavailable : EXIT.configuration,
      message: database.message,
    };
  if (error instanceof ToolFailed) return { code: EXIT.no, message: error.message };
  const system = systemProblem(error);
  if (system !== undefined) return { code: EXIT.no, message: system };
  if (error instanceof StartupError) return { code: EXIT.configuration, message: error.message };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return {
    code: EXIT.broken,
    message: `this should not have happened: ${message}\nreport it with what follows:\n${stack ?? ""}`,
  };
}

/** What the disk, or the database's rights, have against it. */
function systemProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = "", syscall, message } = error as NodeJS.ErrnoException;
  if (code === "42501") return `the database's user may not do this: ${message}`;
  return syscall !== undefined && /^(?:EACCES|EPERM|ENOSPC|EROFS|ENOTDIR|EISDIR|EEXIST|ENOENT)$/u.test(code)
    ? message
    : undefined;
}
