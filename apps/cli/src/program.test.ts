import { expect, it } from "vitest";
import { buildProgram, commandsFor } from "./program.ts";
import type { Terminal } from "./terminal.ts";

const terminal = { out: () => undefined, note: () => undefined } as unknown as Terminal;
const run = () => () => Promise.resolve();
const namesOf = async (names: readonly string[]): Promise<readonly string[]> =>
  (await buildProgram(run, terminal, names)).commands.map((command) => command.name());

it("loads each command by the name that the command has", async () => {
  for (const name of commandsFor([])) expect(await namesOf([name]), name).toEqual([name]);
});

it("loads the commands that a command line may mean, wherever they stand in it", () => {
  expect(commandsFor(["status", "--json"])).toEqual(["status"]);
  expect(commandsFor(["--settings", "file", "payouts", "list"])).toEqual(["payouts"]);
  expect(commandsFor(["help", "audit"])).toEqual(["audit"]);
});

it("loads all for the help, for a name that there is not, and for what completes the names of others", () => {
  const all = commandsFor([]);
  expect(all.length).toBeGreaterThan(25);
  for (const args of [["--help"], ["statsu"], ["completion", "bash"]]) expect(commandsFor(args)).toEqual(all);
});
