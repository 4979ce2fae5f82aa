import { existsSync } from "node:fs";
import { databaseOf } from "@stakebts/core/backups/server";
import type { Occupant } from "@stakebts/core/backups/replace-database";
import { StartupError } from "@stakebts/kernel/errors";
import { Option } from "commander";
import type { Context } from "../context.ts";
import { SCHEMA_FOLDER } from "../examine/database.ts";
import { UsageError } from "../exit.ts";
import { safeText } from "../print.ts";

// What `restore` and `reset` have in common: they put another ledger in the place of the present one.

export interface Confirmation {
  readonly yes: boolean;
  readonly confirm?: string;
}

export const yesOption = (): Option => new Option("--yes", "do not ask; needs --confirm").default(false);
export const confirmOption = (word: string): Option =>
  new Option("--confirm <word>", `the answer to the question, for scripts: ${word}`);

/** The word, typed in full by the person or given with --yes. Nobody to ask means no. */
export async function isTyped(
  { terminal }: Context,
  { yes, confirm }: Confirmation,
  { word, question }: { word: string; question: string },
): Promise<boolean> {
  if (yes && confirm === undefined) throw new UsageError(`--yes needs --confirm ${word}`);
  if (yes) return confirm === word;
  if (!terminal.isInteractive)
    throw new UsageError(`${question} Nobody is here to be asked: give --yes --confirm ${word}`);
  return (await terminal.ask(`${question} Type ${word} to go on: `)) === word;
}

/** Why the database may not be replaced now; `undefined` when it may. */
export function whyNot(databaseUrl: string, { paymentsOn, sessions }: Occupant): string | undefined {
  const database = databaseOf(databaseUrl);
  if (paymentsOn)
    return `payments are on in ${database}: first \`stakebts payments off --reason '…'\`, then stop the workers`;
  if (sessions.length === 0) return undefined;
  const who = sessions.map(({ pid, name, from, holdsPayerLock }) =>
    safeText(
      `  ${name} (process ${pid} of the server, from ${from})${holdsPayerLock ? ": it is the payer that leads" : ""}`,
    ),
  );
  return `${database} is in use; stop these first:\n${who.join("\n")}`;
}

/** With migrations and functions. */
export function schemaFolder(): string {
  if (!existsSync(SCHEMA_FOLDER))
    throw new StartupError(`there is no folder ${SCHEMA_FOLDER}: run this from a complete installation`);
  return SCHEMA_FOLDER;
}
