import { ServiceError } from "@stakebts/kernel/errors";
import { describe, expect, it } from "vitest";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { repeat } from "./loop.ts";
import { Progress, STEP_MS_MAX } from "./progress.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A clock whose sleepers sleep until the end: what happens meanwhile can be looked at. */
class SleepingClock extends ManualClock {
  override sleep(_durationMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) resolve();
      signal?.addEventListener("abort", () => resolve());
    });
  }
}

const loopOf = (clock: HostClock, progress: Progress) => ({
  name: "reconcile",
  clock,
  log: silent,
  progress,
});

describe("a loop", () => {
  it("that hangs inside a step is stuck once the step's time is over, and not before", async () => {
    const clock = new SleepingClock();
    const progress = new Progress(clock);
    const stop = new AbortController();
    let goOn = () => {};
    const running = repeat(loopOf(clock, progress), stop.signal, async () => {
      await new Promise<void>((resolve) => (goOn = resolve));
      return 1_000;
    });
    clock.advance(STEP_MS_MAX);
    expect(progress.stuck()).toEqual([]);
    clock.advance(1);
    expect(progress.stuck()).toEqual([{ name: "reconcile", overdueMs: 1 }]);
    stop.abort();
    goOn();
    await running;
    expect(progress.stuck()).toEqual([]);
  });

  it("that sleeps for two hours because it was told to is not stuck", async () => {
    const clock = new SleepingClock();
    const progress = new Progress(clock);
    const stop = new AbortController();
    let slept: (() => void) | undefined;
    const asleep = new Promise<void>((resolve) => (slept = resolve));
    const running = repeat(loopOf(clock, progress), stop.signal, async () => {
      queueMicrotask(() => slept?.());
      return 7_200_000;
    });
    await asleep;
    clock.advance(7_200_000);
    expect(progress.stuck()).toEqual([]);
    clock.advance(STEP_MS_MAX + 1);
    expect(progress.stuck()).toHaveLength(1);
    stop.abort();
    await running;
  });

  it("whose every step fails is not stuck: a new process would fare no better", async () => {
    const clock = new ManualClock();
    const progress = new Progress(clock);
    const stop = new AbortController();
    let failures = 0;
    await repeat(loopOf(clock, progress), stop.signal, async () => {
      expect(progress.stuck()).toEqual([]);
      if (++failures === 100) stop.abort();
      throw new ServiceError("the database is away");
    });
    expect(clock.nowMs()).toBeGreaterThan(STEP_MS_MAX * 5);
  });
});
