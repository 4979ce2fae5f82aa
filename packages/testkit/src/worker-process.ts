import { LineLog, startProgram } from "./started-program.ts";

/** One line of a worker's log. */
export interface WorkerLogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface WorkerProcess {
  readonly name: string;
  readonly pid: number;
  /** Every line so far, oldest first; the newest few thousand are kept. */
  readonly lines: readonly WorkerLogLine[];
  /** Resolves with the first line, past or coming, that fits. Rejects if the process ends first. */
  waitFor(fits: (line: WorkerLogLine) => boolean): Promise<WorkerLogLine>;
  kill(signal: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

const LINES_KEPT = 5_000;
/**
 * As `npm run start:…` starts them: two thirds of the memory that Node takes by itself, at nearly the same speed. `--optimize-for-size`
 * would spare 10 MB more, and halve the speed at which blocks are read. `--liftoff-only` spares what it would take to make the compiler of
 * queries, which is WebAssembly, a little faster.
 */
export const SHIPPED_FLAGS = [
  "--heap-growing-percent=15",
  "--max-semi-space-size=2",
  "--liftoff-only",
  "--v8-pool-size=1",
];

/** Starts a worker as a process of its own, with nothing in its environment but what is given. */
export function startWorker(options: {
  name: string;
  /** The file that `node` runs. */
  entry: string;
  environment: Readonly<Record<string, string>>;
  /** Of `node`. Default: those with which the process is shipped. */
  nodeFlags?: readonly string[] | undefined;
  onLine?: (line: WorkerLogLine) => void;
}): WorkerProcess {
  const { name, entry, environment, nodeFlags = SHIPPED_FLAGS, onLine } = options;
  const log = new LineLog<WorkerLogLine>(LINES_KEPT);
  const program = startProgram({
    program: process.execPath,
    args: [...nodeFlags, entry],
    environment: { PATH: process.env["PATH"] ?? "", NODE_ENV: "production", ...environment },
    onLine: (text, stream) => {
      const line = stream === "stdout" ? parseLine(text) : { level: "error", event: "stderr", text };
      onLine?.(line);
      log.add(line);
    },
  });
  const { pid, exited } = program;
  if (pid === undefined) throw new Error(`cannot start ${entry}`);
  return {
    name,
    pid,
    lines: log.lines,
    exited,
    kill: (signal) => program.kill(signal),
    waitFor: (fits) =>
      log.find(fits, async () => {
        const how = await exited;
        const last = log.lines.slice(-5).map((line) => JSON.stringify(line));
        throw new Error(`${name} ended (${how}) before the line came:\n${last.join("\n")}`);
      }),
  };
}

function parseLine(text: string): WorkerLogLine {
  try {
    return JSON.parse(text) as WorkerLogLine;
  } catch {
    return { level: "info", event: "text", text };
  }
}
