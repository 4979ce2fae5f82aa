import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/**
 * A Node process ends when the one that started it does, even by SIGKILL: then its standard input is closed. Its database and
 * its chain are gone then too, so that it may wait for them when it ends: not for long.
 */
const ENDS_WITH_PARENT =
  "data:text/javascript,process.stdin.on('end',()=>{process.kill(process.pid,'SIGTERM');setTimeout(()=>process.kill(process.pid,'SIGKILL'),10000).unref()}).resume().unref()";

export interface ProgramOptions {
  /** Found on the PATH of the environment; for `node`, flags come first among the arguments. */
  readonly program: string;
  readonly args: readonly string[];
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly onLine: (text: string, stream: "stdout" | "stderr") => void;
}

export interface StartedProgram {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  kill(signal: NodeJS.Signals): void;
  /** Exit code, the signal that ended it, or why it could not be started. All of its lines have come by then. */
  readonly exited: Promise<number | string>;
}

/** Starts a program that does not outlive this process, and reads what it writes line by line. */
export function startProgram({ program, args, environment, cwd, onLine }: ProgramOptions): StartedProgram {
  const isNode = program === "node" || program === process.execPath;
  const child = spawn(program, isNode ? ["--import", ENDS_WITH_PARENT, ...args] : args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  for (const stream of ["stdout", "stderr"] as const)
    createInterface({ input: child[stream] }).on("line", (text) => onLine(text, stream));
  return {
    pid: child.pid,
    kill: (signal) => void child.kill(signal),
    exited: new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
    }),
  };
}

/** The newest lines that a program wrote, oldest first, and a way to wait for one. */
export class LineLog<Line> {
  readonly lines: Line[] = [];
  readonly #kept: number;
  readonly #waiting = new Set<(line: Line) => void>();

  constructor(kept: number) {
    this.#kept = kept;
  }

  add(line: Line): void {
    this.lines.push(line);
    if (this.lines.length > this.#kept) this.lines.shift();
    for (const listener of this.#waiting) listener(line);
  }

  /** Resolves with the first line, past or coming, that fits. Rejects if what `unless` returns does so first. */
  async find(fits: (line: Line) => boolean, unless: () => Promise<never>): Promise<Line> {
    const past = this.lines.find(fits);
    if (past !== undefined) return past;
    let listener: ((line: Line) => void) | undefined;
    const coming = new Promise<Line>((resolve) => {
      listener = (line) => {
        if (fits(line)) resolve(line);
      };
      this.#waiting.add(listener);
    });
    try {
      return await Promise.race([coming, unless()]);
    } finally {
      if (listener !== undefined) this.#waiting.delete(listener);
    }
  }
}
