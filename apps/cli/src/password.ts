import { readFileSync } from "node:fs";
import { Option } from "commander";
import type { Context } from "./context.ts";
import { UsageError } from "./exit.ts";

// Passwords come from a terminal or from a file. Never from the command line: everybody on the machine can read that, and
// the shell writes it down.

const PASSWORD_LENGTH_MIN = 12;

export const passwordOption = (): Option =>
  new Option("--password-file <file>", "a file that holds the password; asked for on a terminal otherwise");

export async function password(context: Context, file: string | undefined): Promise<string> {
  if (file !== undefined) return passwordIn(file);
  if (!context.terminal.isInteractive)
    throw new UsageError("which password? Nobody is here to be asked: give --password-file");
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
