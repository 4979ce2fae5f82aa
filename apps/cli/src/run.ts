import type { Context } from "./context.ts";
import type { ExitCode } from "./exit.ts";

/** Turns the work of a command into what commander calls: opens and closes what it needs, and sets the exit code. */
export type Run = <A extends unknown[]>(
  work: (context: Context, ...args: A) => Promise<ExitCode>,
) => (...args: A) => Promise<void>;
