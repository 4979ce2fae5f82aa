import { setTimeout as delay } from "node:timers/promises";
import { assert } from "@stakebts/kernel/assert";
import type { HostClock } from "@stakebts/kernel/clock";

/** Node's timers take no more, about 25 days: one that is given more fires after a millisecond. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

type Timer = (durationMs: number, value: undefined, options: { signal?: AbortSignal }) => Promise<unknown>;

/** Waits of any length, `Infinity` included, on timers that take no more than 25 days. */
export const clockWith = (timer: Timer): HostClock => ({
  nowMs: () => Date.now(),
  async sleep(durationMs, signal) {
    assert(!Number.isNaN(durationMs), "a wait has a length");
    const options = signal === undefined ? {} : { signal };
    try {
      let leftMs = durationMs;
      for (; leftMs > TIMER_MS_MAX; leftMs -= TIMER_MS_MAX) await timer(TIMER_MS_MAX, undefined, options);
      await timer(leftMs, undefined, options);
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  },
});

/** Every wait whose length a setting, a policy or a person decides goes through here. */
export const hostClock: HostClock = clockWith(delay);
