import { buildProgram } from "../../apps/cli/src/program.ts";
import type { Terminal } from "../../apps/cli/src/terminal.ts";

/** Whether `stakebts` understands this command line: names, options and arguments. Throws what it would say. */
export async function understands(argv: readonly string[]): Promise<boolean> {
  let called = false;
  const said: string[] = [];
  const terminal = { out: (text: string) => said.push(text), note: (text: string) => said.push(text) };
  const program = await buildProgram(
    () => () => {
      called = true;
      return Promise.resolve();
    },
    terminal as unknown as Terminal,
  );
  await program.parseAsync([...argv], { from: "user" });
  return called;
}
