import { performance } from "node:perf_hooks";
import { Prng } from "@stakebts/testkit/simulator/prng";
import { smaller } from "./mutate.ts";
import { type Input, type OpenTarget, rule } from "./target.ts";

/** Longer than this, whenever it is measured, is a finding. */
export const INPUT_MS_MAX = 50;
const MEASURED_AGAIN = 5;
const SHRINK_TRIES_MAX = 400;
const SHRINK_MS_MAX = 5_000;

export interface Finding {
  readonly index: number;
  readonly what: string;
  /** As small as it could be made in a few seconds. */
  readonly input: Input;
  readonly stack: string;
}

/** A number of its own for each name, so that targets do not draw the same numbers. */
function numberOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

/** The input that `seed` gives a target at `index`: always the same one. */
export function inputAt(open: OpenTarget, name: string, seed: number, index: number): Input {
  const low = (numberOf(name) + Math.imul(index, 0x9e3779b1)) >>> 0;
  return open.input(new Prng((seed % 2 ** 20) * 2 ** 32 + low));
}

/** What an input breaks, `undefined` when nothing. */
export async function tryInput(open: OpenTarget, input: Input): Promise<Error | undefined> {
  try {
    const running = open.run(input);
    if (running !== undefined) await running;
    for (const key in {}) rule(false, `it has given every object a property ${key}`);
    return undefined;
  } catch (error) {
    for (const key in {}) delete (Object.prototype as Record<string, unknown>)[key];
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Runs one input, and how long it took. `measured`: a slow one counts only if it is slow each time. */
export async function runInput(
  open: OpenTarget,
  input: Input,
  { measured, answers = 1 }: { readonly measured: boolean; readonly answers?: number | undefined },
): Promise<{ readonly error: Error | undefined; readonly ms: number }> {
  const first = await busy(() => tryInput(open, input));
  let { ms } = first;
  if (first.result !== undefined || !measured) return { error: first.result, ms };
  const msMax = INPUT_MS_MAX * answers;
  for (let again = 0; again < MEASURED_AGAIN && ms > msMax; again++)
    ms = Math.min(ms, (await busy(() => tryInput(open, input))).ms);
  const slow = ms > msMax ? new Error(`it takes ${Math.round(ms)} ms`) : undefined;
  return { error: slow, ms };
}

/** How long this thread is busy with it. What it waits for, an answer or its turn, is no fault of the input. */
async function busy<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly ms: number }> {
  const [startedMs, before] = [performance.now(), performance.eventLoopUtilization()];
  const result = await work();
  const { idle } = performance.eventLoopUtilization(before);
  return { result, ms: performance.now() - startedMs - idle };
}

const whatOf = ({ name, message }: Error): string => `${name}: ${message}`;

/** The same kind of trouble: numbers and quoted values may differ. */
const kindOf = (error: Error): string =>
  whatOf(error)
    .replace(/\d+|".*"|'.*'|found .*/gsu, "#")
    .slice(0, 80);

const hasSameKeys = (one: Input, other: Input): boolean =>
  typeof other !== "object" ||
  other === null ||
  Array.isArray(other) ||
  JSON.stringify(Object.keys(one ?? {})) === JSON.stringify(Object.keys(other));

/** Cuts the input down while it goes on to break the same. */
export async function shrink(open: OpenTarget, input: Input, error: Error): Promise<Input> {
  const kind = kindOf(error);
  const isSlow = error.message.startsWith("it takes ");
  const endMs = performance.now() + SHRINK_MS_MAX;
  let smallest = input;
  let tries = 0;
  for (let found = true; found;) {
    found = false;
    for (const candidate of smaller(smallest)) {
      // The outermost keys are the target's own.
      if (!hasSameKeys(candidate, input)) continue;
      if (++tries > SHRINK_TRIES_MAX || performance.now() > endMs) return smallest;
      const { error: again } = await runInput(open, candidate, { measured: isSlow });
      if (again === undefined || kindOf(again) !== kind) continue;
      smallest = candidate;
      found = true;
      break;
    }
  }
  return smallest;
}

export async function findingAt(
  open: OpenTarget,
  { index, input, error }: { readonly index: number; readonly input: Input; readonly error: Error },
): Promise<Finding> {
  return {
    index,
    what: whatOf(error).slice(0, 500),
    input: await shrink(open, input, error),
    stack: error.stack ?? "",
  };
}
