import { CommanderError } from "commander";
import { environmentOf, wantsColour } from "./config.ts";
import { Context } from "./context.ts";
import { EXIT, explain } from "./exit.ts";
import { buildProgram } from "./program.ts";
import type { Run } from "./run.ts";
import { systemTerminal } from "./terminal.ts";

const terminal = systemTerminal(wantsColour(environmentOf(undefined)));

const run: Run =
  (work) =>
  async (...args) => {
    const context = new Context(terminal, environmentOf(program.opts<{ settings?: string }>().settings));
    try {
      process.exitCode = await work(context, ...args);
    } finally {
      await context.close();
    }
  };

const program = buildProgram(run);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has said what is wrong. Help and version that were asked for are answers.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else {
    const { code, message } = explain(error);
    terminal.note(`stakebts: ${message}`);
    process.exitCode = code;
  }
}
