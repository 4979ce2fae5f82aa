import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { runSeed, type SeedResult } from "@stakebts/testkit/simulator/run-seed";
import { type Safeguard, SAFEGUARDS } from "@stakebts/testkit/simulator/safeguards";

const USAGE = `Runs the whole product in simulations, one for each seed, and audits every payment. See docs/simulator.md.

  npm run sim -- [--seeds N] [--from S] [--trace] [--workers W] [--keep-going] [--break SAFEGUARD]

  --seeds       how many simulations (default 1000)
  --from        the first seed; without it one is drawn
  --trace       print all that happened in the simulation that failed, or in the only one
  --workers     threads (default: one for each core)
  --keep-going  do not stop at the first seed that fails
  --break       do without one safeguard, and see it noticed: ${SAFEGUARDS.join(", ")}
`;

interface Work {
  readonly from: number;
  readonly seeds: number;
  readonly workers: number;
  readonly without: Safeguard | undefined;
  readonly keepGoing: boolean;
}
const LINES_MAX = 60;
/** More than any simulation has. */
const ALL_LINES = 1_000_000;
/** What a thread says at once. */
const BATCH = 20;

function readArguments(): (Work & { readonly trace: boolean }) | undefined {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: `${Date.now() % 1_000_000_000}` },
      workers: { type: "string", default: `${availableParallelism()}` },
      break: { type: "string" },
      trace: { type: "boolean", default: false },
      "keep-going": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [seeds, from, workers] = [values.seeds, values.from, values.workers].map(Number) as [
    number,
    number,
    number,
  ];
  const without = SAFEGUARDS.find((safeguard) => safeguard === values.break);
  const isNonsense =
    ![seeds, workers].every((count) => Number.isSafeInteger(count) && count > 0) ||
    !Number.isSafeInteger(from) ||
    from < 0 ||
    (values.break !== undefined && without === undefined);
  if (values.help || isNonsense) return undefined;
  return { seeds, from, workers, without, trace: values.trace, keepGoing: values["keep-going"] };
}

interface Batch {
  readonly seeds: number;
  readonly payments: number;
  readonly failed: readonly SeedResult[];
}

/** One thread: every n-th seed. */
async function workThrough(
  { from, seeds, workers, without }: Work,
  index: number,
  tell: (batch: Batch) => void,
) {
  let batch = { seeds: 0, payments: 0, failed: [] as SeedResult[] };
  for (let seed = from + index; seed < from + seeds; seed += workers) {
    const result = await runSeed(seed, { without, linesMax: LINES_MAX });
    batch.seeds++;
    batch.payments += result.payments;
    if (result.wrong.length > 0) batch.failed.push(result);
    if (batch.seeds < BATCH && batch.failed.length === 0) continue;
    tell(batch);
    batch = { seeds: 0, payments: 0, failed: [] };
  }
  tell(batch);
}

async function main(): Promise<number> {
  const work = readArguments();
  if (work === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { from, seeds, workers, without, trace, keepGoing } = work;
  const of = without === undefined ? "" : ` without ${without}`;
  process.stdout.write(`seeds ${from} to ${from + seeds - 1}${of}, ${workers} thread(s)\n`);
  const startedMs = performance.now();
  const total = { seeds: 0, payments: 0 };
  const failed: SeedResult[] = [];
  const stop = new AbortController();
  await Promise.all(
    Array.from({ length: Math.min(workers, seeds) }, (_, index) =>
      inThread({ ...work, index }, stop.signal, (batch) => {
        total.seeds += batch.seeds;
        total.payments += batch.payments;
        for (const result of batch.failed) {
          if (failed.length > 0 && !keepGoing) return;
          failed.push(result);
          process.stdout.write(`seed ${result.seed}: ${result.wrong.join("\n  ")}\n`);
          if (!keepGoing) stop.abort();
        }
      }),
    ),
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  const [first] = failed;
  if (first !== undefined && !trace) process.stdout.write(`\n${first.trace.join("\n")}\n\n`);
  if (trace && (first !== undefined || seeds === 1)) {
    const all = await runSeed(first?.seed ?? from, { without, linesMax: ALL_LINES });
    process.stdout.write(`\n${all.trace.join("\n")}\n\ntrace ${all.traceHash}\n`);
  }
  const rate = Math.round(total.seeds / seconds);
  process.stdout.write(
    `${total.seeds} seeds in ${seconds.toFixed(1)} s (${rate} per second), ${total.payments} payments, ${failed.length} failed\n`,
  );
  if (first !== undefined)
    process.stdout.write(
      `again: npm run sim -- --seeds 1 --from ${first.seed} --trace${without === undefined ? "" : ` --break ${without}`}\n`,
    );
  return failed.length === 0 ? 0 : 1;
}

const inThread = (
  work: Work & { readonly index: number },
  signal: AbortSignal,
  hear: (batch: Batch) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("sim-thread.mjs", import.meta.url), { workerData: work });
    const end = (): void => void worker.terminate().then(() => resolve());
    signal.addEventListener("abort", end, { once: true });
    worker.on("message", hear);
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });

if (isMainThread) process.exitCode = await main();
else {
  const work = workerData as Work & { index: number };
  await workThrough(work, work.index, (batch) => parentPort?.postMessage(batch));
}
