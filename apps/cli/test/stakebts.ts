import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { runCommandLine } from "../src/program.ts";

/** The file that `npx stakebts` runs. */
export const ENTRY = join(import.meta.dirname, "../bin/stakebts.js");

export interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Stakebts {
  (...args: readonly string[]): Promise<Answer>;
  /** The answer to a command with `--json`. */
  json<T>(...args: readonly string[]): Promise<T>;
  /** The same person with other settings. */
  with(environment: Readonly<Record<string, string | undefined>>): Stakebts;
}

type Start = (
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
) => Promise<Answer>;

/** As it is shipped: a process of its own, with nothing in its environment but what is given, and no terminal. */
export const spawned: Start = async (args, environment) => {
  const child: ChildProcess = spawn(process.execPath, [ENTRY, ...args], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
};

/** The same command line in this process, which saves starting one for each of a hundred questions. */
export const inProcess: Start = async (args, environment) => {
  let [out, err] = ["", ""];
  const noAnswer = () => Promise.reject(new Error("no person is there to be asked"));
  const terminal = {
    out: (line: string) => void (out += `${line}\n`),
    write: async (text: string) => void (out += text),
    note: (line: string) => void (err += `${line}\n`),
    paint: (_style: string, text: string) => text,
    isInteractive: false,
    ask: noAnswer,
    askSecret: noAnswer,
  };
  const code = await runCommandLine(args, { terminal, environment });
  return { code, out, err };
};

/** The command as a new user types it. */
export function stakebtsWith(
  environment: Readonly<Record<string, string | undefined>>,
  start: Start,
): Stakebts {
  const run = (...args: readonly string[]): Promise<Answer> =>
    start(args, { USER: "operator-1", ...environment });
  return Object.assign(run, {
    async json<T>(...args: readonly string[]): Promise<T> {
      const { out, err } = await run(...args, "--json");
      try {
        return JSON.parse(out) as T;
      } catch (error) {
        throw new Error(`no JSON from ${args.join(" ")}: ${out}${err}`, { cause: error });
      }
    },
    with: (more: Readonly<Record<string, string | undefined>>) =>
      stakebtsWith({ ...environment, ...more }, start),
  });
}
