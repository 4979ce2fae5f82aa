import { url as debuggerUrl } from "node:inspector";
import { Worker } from "node:worker_threads";

const BEAT_MS = 500;
const LOOK_MS = 1_000;
/** No step of ours keeps the event loop for so long. What does is a fault, and starting again is safe at any time. */
const STALLED_MS_MAX = 30_000;

/**
 * The program of the thread: plain JavaScript, because a thread is started without the loader that makes TypeScript run. It counts
 * its own looks and not the time: a process that was stopped as a whole, or a machine that slept, has not stalled.
 */
const PROGRAM = `
const { workerData } = require("node:worker_threads");
const { write } = require("node:fs");
const { beats, looksMax, lookMs, line } = workerData;
let last = -1;
let looks = 0;
setInterval(() => {
  const beat = Atomics.load(beats, 0);
  looks = beat === last ? looks + 1 : 0;
  last = beat;
  if (looks < looksMax) return;
  // The reader of the log may be what everything waits for: it is told, and not waited for.
  write(1, line, () => undefined);
  setTimeout(() => process.kill(process.pid, "SIGKILL"), 200);
}, lookMs);
`;

/**
 * Ends this process, from a thread of its own, when its event loop stands still: such a process answers neither a signal nor
 * a question, and nothing in the loop could end it. Not while a debugger is attached.
 */
export function startWatchdog(process: string, stalledMsMax = STALLED_MS_MAX): void {
  if (debuggerUrl() !== undefined) return;
  const beats = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => Atomics.add(beats, 0, 1), BEAT_MS).unref();
  const line = `${JSON.stringify({
    level: "error",
    process,
    message: `nothing got on in this process for ${stalledMsMax} ms: it is ended by its watchdog (SIGKILL, exit code 137)`,
    todo: "start it again; if this repeats, report it with the lines before",
    event: "process.stalled",
  })}\n`;
  const worker = new Worker(PROGRAM, {
    eval: true,
    execArgv: [],
    env: {},
    workerData: { beats, line, lookMs: LOOK_MS, looksMax: Math.ceil(stalledMsMax / LOOK_MS) },
    resourceLimits: {
      maxOldGenerationSizeMb: 8,
      maxYoungGenerationSizeMb: 1,
      codeRangeSizeMb: 1,
      stackSizeMb: 1,
    },
  });
  worker.unref();
}
