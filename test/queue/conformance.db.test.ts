import { createJobQueue, type QueueStore, startJobWorker } from "@stakebts/core/adapters";
import type { Log } from "@stakebts/core/ports";
import { durableQueueChecks, processLogins, type QueueCheck, queueChecks } from "@stakebts/core/testing";
import { describe, inject } from "vitest";
import { test } from "../database.ts";
import { ownRedis } from "../redis.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function runOn(store: QueueStore, check: QueueCheck): Promise<void> {
  const queue = createJobQueue({ store, log: silent });
  try {
    await check.run({
      queue,
      startWorker: (handlers, onBroken = () => {}) =>
        startJobWorker({ store, log: silent, handlers, onBroken }),
    });
  } finally {
    await queue.close();
  }
}

describe("the queues in PostgreSQL do what every queue does:", () => {
  for (const check of [...queueChecks, ...durableQueueChecks])
    test(check.name, async ({ databaseUrl }) =>
      runOn({ databaseUrl: (await processLogins(databaseUrl)).scheduler }, check),
    );
});

describe.skipIf(inject("redisUrl") === "")("the queues in Redis do what every queue does:", () => {
  for (const check of [...queueChecks, ...durableQueueChecks])
    test(check.name, () => ownRedis((redisUrl) => runOn({ redisUrl }, check)));
});
