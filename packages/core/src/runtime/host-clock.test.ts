import { expect, it } from "vitest";
import { DAY_MS } from "@stakebts/kernel/time";
import { clockWith, hostClock, TIMER_MS_MAX } from "./host-clock.ts";

it("waits for three months in pieces that a timer can take", async () => {
  const pieces: number[] = [];
  await clockWith(async (durationMs) => pieces.push(durationMs)).sleep(90 * DAY_MS);
  expect(pieces.reduce((sum, ms) => sum + ms)).toBe(90 * DAY_MS);
  expect(Math.max(...pieces)).toBe(TIMER_MS_MAX);
});

it("does not come back at once from a wait of 30 days, and does at the signal", async () => {
  const stop = new AbortController();
  let isOver = false;
  const sleeping = hostClock.sleep(30 * DAY_MS, stop.signal).then(() => (isOver = true));
  // A timer that overflows fires after one millisecond, before this one.
  await hostClock.sleep(10);
  expect(isOver).toBe(false);
  stop.abort();
  await sleeping;
});

it.each([0, -5])("comes back from a wait of %i ms", (durationMs) => hostClock.sleep(durationMs));

it("takes nothing for a length that is no number", () =>
  expect(hostClock.sleep(Number.NaN)).rejects.toThrow("a wait has a length"));
