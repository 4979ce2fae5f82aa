import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Option } from "commander";
import type { OperatorAction } from "@stakebts/core/ledger/operator-action";
import type { Context } from "./context.ts";
import { UsageError } from "./exit.ts";

// What a command asks the person who gives it: who and why, yes or no, a word, a password.

const REASON_LENGTH_MAX = 500;

/** Who and why: from the options, else from the system and from the person at the terminal. */
export async function operatorAction(
  context: Context,
  options: { readonly reason?: string; readonly actor?: string },
): Promise<OperatorAction> {
  const actor = (options.actor ?? context.actor ?? "").trim();
  if (actor === "") throw new UsageError("who does this? give --actor, or set USER; it ends in the receipt");
  let reason = options.reason?.trim() ?? "";
  if (reason === "" && context.terminal.isInteractive) reason = await context.terminal.ask("Reason: ");
  if (reason === "") throw new UsageError("why? give --reason '…'; it ends in the receipt");
  if (reason.length > REASON_LENGTH_MAX)
    throw new UsageError(
      `a reason has at most ${REASON_LENGTH_MAX} characters, and this has ${reason.length}`,
    );
  return { id: randomUUID(), actor, reason };
}

/** In the place of an action where nothing is done, and so nothing is written down. */
export const DRY_RUN: OperatorAction = { id: "dry-run", actor: "dry-run", reason: "dry run" };

/** Yes, from the option or from the person at the terminal. Where no person can be asked, the answer is no. */
export async function isConfirmed(context: Context, yes: boolean, question: string): Promise<boolean> {
  if (yes) return true;
  if (!context.terminal.isInteractive)
    throw new UsageError(
      `${question} There is no terminal to ask on: give --yes, or look first with --dry-run`,
    );
  return /^y(?:es)?$/iu.test(await context.terminal.ask(`${question} [y/N] `));
}

export interface Confirmation {
  readonly yes: boolean;
  readonly confirm?: string;
}

export const yesOption = (): Option => new Option("--yes", "do not ask; needs --confirm").default(false);
export const confirmOption = (word: string): Option =>
  new Option("--confirm <word>", `the answer to the question, for scripts: ${word}`);

/** The word, typed in full by the person or given with --yes. Where no person can be asked, the answer is no. */
export async function isTyped(
  { terminal }: Context,
  { yes, confirm }: Confirmation,
  { word, question }: { word: string; question: string },
): Promise<boolean> {
  if (yes && confirm === undefined) throw new UsageError(`--yes needs --confirm ${word}`);
  if (yes) return confirm === word;
  if (!terminal.isInteractive)
    throw new UsageError(`${question} There is no terminal to ask on: give --yes --confirm ${word}`);
  return (await terminal.ask(`${question} Type ${word} to go on: `)) === word;
}

// Passwords come from a terminal or from a file. Never from the command line: everybody on the machine can read that, and
// the shell writes it down.

const PASSWORD_LENGTH_MIN = 12;

export const passwordOption = (): Option =>
  new Option("--password-file <file>", "a file that holds the password; asked for on a terminal otherwise");

export async function password(context: Context, file: string | undefined): Promise<string> {
  if (file !== undefined) return passwordIn(file);
  if (!context.terminal.isInteractive)
    throw new UsageError("which password? There is no terminal to ask on: give --password-file");
  return context.terminal.askSecret("Password: ");
}

/** Long enough, and on a terminal typed twice. */
export async function newPassword(context: Context, file: string | undefined): Promise<string> {
  const chosen = await password(context, file);
  if (chosen.length < PASSWORD_LENGTH_MIN)
    throw new UsageError(`a password has at least ${PASSWORD_LENGTH_MIN} characters`);
  if (file === undefined && (await context.terminal.askSecret("Password again: ")) !== chosen)
    throw new UsageError("the two passwords differ: nothing was written");
  return chosen;
}

export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? "error"})`);
  }
}

/** Trailing line breaks are the editor's, not the password's. */
const passwordIn = (file: string): string => readText(file).replace(/[\r\n]+$/u, "");
