import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** The file that `npx stakebts` runs. */
export const ENTRY = join(import.meta.dirname, "../../apps/cli/bin/stakebts.js");

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

/** The command as it is shipped, typed by a new user: nothing in the environment but what is given, no terminal. */
export function stakebtsWith(environment: Readonly<Record<string, string | undefined>>): Stakebts {
  const run = async (...args: readonly string[]): Promise<Answer> => {
    const child: ChildProcess = spawn(process.execPath, [ENTRY, ...args], {
      env: { PATH: process.env["PATH"], USER: "operator-1", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, out, err };
  };
  return Object.assign(run, {
    async json<T>(...args: readonly string[]): Promise<T> {
      const { out, err } = await run(...args, "--json");
      try {
        return JSON.parse(out) as T;
      } catch (error) {
        throw new Error(`no JSON from ${args.join(" ")}: ${out}${err}`, { cause: error });
      }
    },
    with: (more: Readonly<Record<string, string | undefined>>) => stakebtsWith({ ...environment, ...more }),
  });
}
