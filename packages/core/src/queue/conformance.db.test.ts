import { createJobQueue } from "./bullmq-queue.ts";
import type { QueueStore } from "./connection.ts";
import { startJobWorker } from "./bullmq-worker.ts";
import type { Log } from "@stakebts/kernel/log";
import { durableQueueChecks, type QueueCheck, queueChecks } from "@stakebts/testkit/conformance/queue";
import { processLogins } from "@stakebts/testkit/process-logins";
import { describe, inject } from "vitest";
import { test } from "@stakebts/testkit/database";
import { ownRedis } from "@stakebts/testkit/own-redis";

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
