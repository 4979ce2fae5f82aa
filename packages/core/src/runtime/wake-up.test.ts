import { expect, it } from "vitest";
import { hostClock } from "./host-clock.ts";
import { DONE, repeat } from "./loop.ts";
import { WakeUp } from "./wake-up.ts";

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Longer than any test. */
const LONG_MS = 3_600_000;

it("ends the pause that is under way", async () => {
  const wakeUp = new WakeUp();
  const pause = wakeUp.clock(hostClock).sleep(LONG_MS);
  wakeUp.call();
  await pause;
});

it("keeps the next pause from beginning when there was none under way, and not the one after it", async () => {
  const wakeUp = new WakeUp();
  const clock = wakeUp.clock(hostClock);
  wakeUp.call();
  wakeUp.call();
  await clock.sleep(LONG_MS);
  let isOver = false;
  const pause = clock.sleep(LONG_MS).then(() => {
    isOver = true;
  });
  await Promise.resolve();
  expect(isOver).toBe(false);
  wakeUp.call();
  await pause;
});

it("leaves the end of the process to its signal", async () => {
  const wakeUp = new WakeUp();
  const stop = new AbortController();
  const clock = wakeUp.clock(hostClock);
  const pause = clock.sleep(LONG_MS, stop.signal);
  stop.abort();
  await pause;
  await clock.sleep(LONG_MS, stop.signal);
});

it("loses no call that comes while the loop is at work", async () => {
  const wakeUp = new WakeUp();
  let steps = 0;
  await repeat(
    { name: "follower", clock: wakeUp.clock(hostClock), log },
    new AbortController().signal,
    async () => {
      steps++;
      if (steps === 3) return DONE;
      await Promise.resolve();
      wakeUp.call();
      return LONG_MS;
    },
  );
  expect(steps).toBe(3);
});
