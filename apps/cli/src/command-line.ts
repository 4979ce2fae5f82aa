import { CommanderError } from "commander";
import type { Environment } from "@stakebts/core/config/environment";
import { environmentOf } from "./config.ts";
import { Context } from "./context.ts";
import { EXIT, type ExitCode, explain } from "./exit.ts";
import { buildProgram } from "./program.ts";
import type { Run } from "./run.ts";
import type { Terminal } from "./terminal.ts";

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
