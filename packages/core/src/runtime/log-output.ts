import { fstatSync, writeSync } from "node:fs";

/** What waits for a reader that is slow. Beyond it lines are dropped: memory is worth more than a log without a reader. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
const AGAIN_MS = 50;
/** How long the last lines of a process are tried for. */
const LAST_LINES_MS_MAX = 500;

export interface LogOutput {
  /** One line with its line break. Never waits and never throws: a log is no reason to stop, and must not keep work waiting. */
  write(line: string): void;
  /** Before the process ends: writes what still waits, for half a second at most, during which nothing else runs. */
  flush(): void;
}

type Write = (bytes: Uint8Array) => number;

/**
 * Lines on a file descriptor whose reader may be slow, stopped or gone. What a pipe does not take is tried again later, and
 * after {@link WAITING_BYTES_MAX} dropped; a line says how many were, once the reader takes lines again. A reader that is
 * gone for good is forgotten.
 * @param write as `fs.writeSync` on a descriptor that does not block
 */
export function logOutputOn(write: Write): LogOutput {
  const waiting: Buffer[] = [];
  let [waitingBytes, droppedLines, isGone] = [0, 0, false];
  let timer: NodeJS.Timeout | undefined;

  const put = (line: string): void => {
    const bytes = Buffer.from(line);
    if (waitingBytes + bytes.length > WAITING_BYTES_MAX) droppedLines += 1;
    else {
      waiting.push(bytes);
      waitingBytes += bytes.length;
    }
  };
  /** @returns whether all is written, or never will be */
  const drain = (): boolean => {
    for (let [first] = waiting; first !== undefined && !isGone; [first] = waiting) {
      let written = 0;
      try {
        written = write(first);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // A full disk may have room again later; a pipe without a reader never has one again.
        if (code === "EPIPE" || code === "EBADF" || code === "ECONNRESET") isGone = true;
        else return false;
      }
      waitingBytes -= written;
      if (written < first.length) waiting[0] = first.subarray(written);
      else {
        waiting.shift();
        if (waiting.length === 0 && droppedLines > 0) {
          const lines = droppedLines;
          droppedLines = 0;
          put(droppedLine(lines));
        }
      }
    }
    if (isGone) waiting.length = 0;
    return true;
  };
  const drainLater = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (!drain()) drainLater();
    }, AGAIN_MS).unref();
  };
  return {
    write(line) {
      if (isGone) return;
      put(line);
      // While lines wait the timer looks: to ask a full pipe at every line would be a system call for nothing.
      if (timer === undefined && !drain()) drainLater();
    },
    flush() {
      const untilMs = performance.now() + LAST_LINES_MS_MAX;
      while (!drain() && performance.now() < untilMs)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS / 10);
    },
  };
}

const droppedLine = (lines: number): string =>
  `${JSON.stringify({ level: "warn", time: new Date().toISOString(), event: "log.lines_dropped", lines, reason: "what reads this log was too slow" })}\n`;

let stdout: LogOutput | undefined;

/** Standard output: one for the process, so that lines of two loggers do not cut each other in half. */
export const standardOutput = (): LogOutput => (stdout ??= openStandardOutput());

function openStandardOutput(): LogOutput {
  const descriptor = 1;
  // A write to a full pipe stops the whole process unless the descriptor says otherwise, and this is how Node says it.
  if (isPipe(descriptor)) void process.stdout;
  return logOutputOn((bytes) => writeSync(descriptor, bytes));
}

function isPipe(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
