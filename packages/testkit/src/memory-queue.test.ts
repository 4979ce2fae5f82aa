import { describe, it } from "vitest";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { queueChecks } from "./conformance/queue.ts";
import { MemoryQueue } from "./memory-queue.ts";

describe("the queue in memory does what every queue does:", () => {
  for (const check of queueChecks)
    it(check.name, async () => {
      const queue = new MemoryQueue(hostClock);
      await check.run({ queue, startWorker: (handlers) => queue.startWorker(handlers) });
    });
});
