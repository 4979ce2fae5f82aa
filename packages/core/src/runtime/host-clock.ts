import { setTimeout as delay } from "node:timers/promises";
import type { HostClock } from "@stakebts/kernel/clock";

export const hostClock: HostClock = {
  nowMs: () => Date.now(),
  async sleep(durationMs, signal) {
    try {
      await delay(durationMs, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  },
};
