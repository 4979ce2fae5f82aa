import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

const WAIT_MS_MAX = 180_000;
const LOOK_MS = 500;

export async function until(sentence: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`not within ${WAIT_MS_MAX / 1000} s: ${sentence}`);
    await delay(LOOK_MS);
  }
}

export function same(what: string, found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected))
    throw new Error(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}
