import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type Finding, findingAt, inputAt, runInput } from "./fuzz.ts";
import { type Breakage, BREAKAGES, type Target } from "./target.ts";
import { TARGETS } from "./targets/index.ts";

const NAMES = TARGETS.map(({ name }) => name);

const USAGE = `Gives hostile input to every part that reads what strangers write. See docs/fuzzing.md.

  npm run fuzz -- [--inputs N] [--target NAME] [--seed S] [--workers W] [--replay NAME:SEED:INDEX] [--break BUG]

  --inputs   how many, shared out among the targets (default 1000000)
  --target   this one alone: ${NAMES.join(", ")}
  --seed     what the inputs follow from; without it one is drawn
  --workers  threads (default: one for each core)
  --replay   one input again, as a finding names it
  --break    put a bug in, and see it found: ${Object.keys(BREAKAGES).join(", ")}

${TARGETS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join("\n")}
`;

/** A thread that says nothing for this long is in an input that does not end. */
const SILENT_MS_MAX = 20_000;
const FINDINGS_MAX = 10;
/** Inputs between two words of a thread. */
const BATCH = 500;

interface Work {
  readonly targets: readonly { readonly name: string; readonly inputs: number }[];
  readonly seed: number;
  readonly workers: number;
  readonly broken: Breakage | undefined;
}

interface Thread extends Work {
  readonly index: number;
  /** Where the thread is: number of the target, number of the input. */
  readonly at: SharedArrayBuffer;
}

interface Told {
  readonly target: string;
  readonly inputs: number;
  readonly ms: number;
  readonly slowest: { readonly ms: number; readonly index: number };
  readonly findings: readonly Finding[];
}

const targetOf = (name: string): Target => {
  const found = TARGETS.find((target) => target.name === name);
  if (found === undefined) throw new Error(`no target ${name}`);
  return found;
};

/** One thread: every n-th input of each target. */
async function workThrough(work: Thread, tell: (told: Told) => void): Promise<void> {
  const at = new Int32Array(work.at);
  for (const [number, { name, inputs }] of work.targets.entries()) {
    const target = targetOf(name);
    const { answers } = target;
    const open = await target.open({ broken: work.broken });
    const nothing = { target: name, inputs: 0, ms: 0, slowest: { ms: 0, index: 0 } };
    let told: Mutable<Told> = { ...nothing, findings: [] };
    const kinds = new Set<string>();
    // The first ones load and compile what the others find ready.
    for (let index = 0; index < 20; index++)
      await runInput(open, inputAt(open, name, work.seed, index), { measured: false });
    let sinceMs = performance.now();
    for (let index = work.index; index < inputs && kinds.size < FINDINGS_MAX; index += work.workers) {
      Atomics.store(at, 0, number);
      Atomics.store(at, 1, index);
      const input = inputAt(open, name, work.seed, index);
      const { error, ms } = await runInput(open, input, { measured: true, answers });
      told.inputs++;
      if (ms > told.slowest.ms) told.slowest = { ms, index };
      if (error !== undefined) {
        const kind = `${error.name}: ${error.message}`.replace(/\d+/gu, "#").slice(0, 60);
        if (!kinds.has(kind)) told.findings = [await findingAt(open, { index, input, error })];
        kinds.add(kind);
      }
      if (told.inputs < BATCH && error === undefined) continue;
      tell({ ...told, ms: performance.now() - sinceMs });
      sinceMs = performance.now();
      told = { ...nothing, findings: [] };
    }
    tell({ ...told, ms: performance.now() - sinceMs });
    await open.close?.();
  }
}
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * A thread with the targets that it still has to go through. One that falls silent, or dies, is a finding about the input
 * that it was in; another one goes on with the next target.
 */
async function inThread(work: Thread, hear: (told: Told) => void): Promise<void> {
  const at = new Int32Array(work.at);
  const reached = await new Promise<number>((resolve) => {
    const worker = new Worker(new URL("thread.mjs", import.meta.url), { workerData: work });
    let failed = false;
    const fail = (what: string, stack = ""): void => {
      failed = true;
      const target = work.targets[Atomics.load(at, 0)]?.name ?? "";
      const finding = { index: Atomics.load(at, 1), what, input: null, stack };
      hear({ target, inputs: 0, ms: 0, slowest: { ms: 0, index: 0 }, findings: [finding] });
      void worker.terminate();
    };
    let last = "";
    const watch = setInterval(() => {
      const now = at.join(":");
      if (now === last) fail(`it does not end within ${SILENT_MS_MAX / 1_000} s`);
      last = now;
    }, SILENT_MS_MAX);
    worker.on("message", hear);
    worker.on("error", (error) =>
      fail(`it would stop the process: ${error.name}: ${error.message}`, error.stack),
    );
    worker.on("exit", () => {
      clearInterval(watch);
      resolve(failed ? Atomics.load(at, 0) + 1 : work.targets.length);
    });
  });
  const left = work.targets.slice(reached);
  if (left.length > 0) await inThread({ ...work, targets: left, at: new SharedArrayBuffer(8) }, hear);
}

interface Summary {
  inputs: number;
  ms: number;
  slowest: { ms: number; index: number };
  findings: Finding[];
}

async function runTargets(work: Work): Promise<ReadonlyMap<string, Summary>> {
  const summaries = new Map(
    work.targets.map(({ name }): [string, Summary] => [
      name,
      { inputs: 0, ms: 0, slowest: { ms: 0, index: 0 }, findings: [] },
    ]),
  );
  const hear = ({ target, inputs, ms, slowest, findings }: Told): void => {
    const summary = summaries.get(target);
    if (summary === undefined) return;
    summary.inputs += inputs;
    summary.ms += ms;
    if (slowest.ms > summary.slowest.ms) summary.slowest = slowest;
    for (const finding of findings) {
      const isKnown = summary.findings.some(({ what }) => what === finding.what);
      if (isKnown || summary.findings.length >= FINDINGS_MAX) continue;
      summary.findings.push(finding);
      process.stdout.write(findingText(target, work, finding));
    }
  };
  await Promise.all(
    Array.from({ length: work.workers }, (_, index) =>
      inThread({ ...work, index, at: new SharedArrayBuffer(8) }, hear),
    ),
  );
  return summaries;
}

function findingText(target: string, { seed, broken }: Work, { index, what, input, stack }: Finding): string {
  const text = JSON.stringify(input);
  const where = stack
    .split("\n")
    .filter((line) => line.includes("    at "))
    .slice(0, 4);
  return [
    `\n${target}: ${JSON.stringify(what).slice(1, -1)}`,
    ...where,
    `  input: ${text.length > 2_000 ? `${text.slice(0, 2_000)}… (${text.length} characters)` : text}`,
    `  again: npm run fuzz -- --replay ${target}:${seed}:${index}${broken === undefined ? "" : ` --break ${broken}`}\n\n`,
  ].join("\n");
}

async function replay(text: string, broken: Breakage | undefined): Promise<number> {
  const [name = "", seed, index] = text.split(":");
  const target = targetOf(name);
  const { answers } = target;
  const open = await target.open({ broken });
  const input = inputAt(open, name, Number(seed), Number(index));
  process.stdout.write(`input: ${JSON.stringify(input)}\n`);
  await runInput(open, input, { measured: false });
  const { error, ms } = await runInput(open, input, { measured: true, answers });
  process.stdout.write(`${error?.stack ?? "nothing wrong"}\n${ms.toFixed(1)} ms\n`);
  await open.close?.();
  return error === undefined ? 0 : 1;
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      inputs: { type: "string", default: "1000000" },
      target: { type: "string" },
      seed: { type: "string", default: `${Date.now() % 2 ** 20}` },
      workers: { type: "string", default: `${availableParallelism()}` },
      replay: { type: "string" },
      break: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const [inputs, seed, workers] = [values.inputs, values.seed, values.workers].map(Number) as [
    number,
    number,
    number,
  ];
  const broken = Object.hasOwn(BREAKAGES, values.break ?? "") ? (values.break as Breakage) : undefined;
  const isNonsense =
    ![inputs, workers].every((count) => Number.isSafeInteger(count) && count > 0) ||
    !(Number.isSafeInteger(seed) && seed >= 0 && seed < 2 ** 20) ||
    (values.target !== undefined && !NAMES.includes(values.target)) ||
    (values.replay !== undefined && !/^[a-z-]+:\d+:\d+$/u.test(values.replay)) ||
    (values.break !== undefined && broken === undefined);
  if (values.help || isNonsense) return undefined;
  return { inputs, seed, workers, broken, target: values.target, replay: values.replay };
}

async function main(): Promise<number> {
  const options = readArguments();
  if (options === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { inputs, seed, workers, broken } = options;
  if (options.replay !== undefined) return replay(options.replay, broken);
  const chosen = TARGETS.filter(({ name }) => options.target === undefined || name === options.target);
  const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);
  process.stdout.write(`seed ${seed}, ${inputs} inputs, ${workers} thread(s)\n`);
  const startedMs = performance.now();
  const targets = chosen.map(({ name, weight }) => ({
    name,
    inputs: Math.ceil((inputs * weight) / weights),
  }));
  const summaries = await runTargets({ targets, seed, workers, broken });
  const seconds = (performance.now() - startedMs) / 1_000;
  const total = { inputs: 0, findings: 0 };
  for (const [name, { inputs: done, ms, slowest, findings }] of summaries) {
    total.inputs += done;
    total.findings += findings.length;
    const columns = [
      name.padEnd(12),
      `${done} inputs`.padStart(15),
      `${Math.round((done / ms) * 1_000)}/s a thread`.padStart(16),
      `slowest ${slowest.ms.toFixed(1)} ms (${slowest.index})`.padStart(28),
      `${findings.length} finding(s)`,
    ];
    process.stdout.write(`${columns.join("  ")}\n`);
  }
  process.stdout.write(`${total.inputs} inputs in ${seconds.toFixed(1)} s, ${total.findings} finding(s)\n`);
  return total.findings === 0 ? 0 : 1;
}

if (isMainThread) process.exitCode = await main();
else await workThrough(workerData as Thread, (told) => parentPort?.postMessage(told));
