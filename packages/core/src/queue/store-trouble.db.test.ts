import { randomBytes, randomUUID } from "node:crypto";
import pg from "pg";
import { describe, expect } from "vitest";
import type { Log } from "@stakebts/kernel/log";
import { test } from "@stakebts/testkit/database";
import { createJobQueue } from "./bullmq-queue.ts";
import { startJobWorker } from "./bullmq-worker.ts";
import { migrateQueueStore } from "./migrate.ts";

/** A log that can be waited on: how often the store had an error. */
function troubleLog(): {
  readonly log: Log;
  readonly errors: () => number;
  readonly nextError: Promise<void>;
} {
  let errors = 0;
  let told: () => void = () => undefined;
  const nextError = new Promise<void>((resolve) => (told = resolve));
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (event) => {
      if (event !== "queue.store_error") return;
      errors += 1;
      told();
    },
    error: () => undefined,
  };
  return { log, errors: () => errors, nextError };
}

async function onServer(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** One job goes through, from the queue to the handler, once `mend` has run; before that the process stays responsive. */
async function recovers(
  databaseUrl: string,
  mend: () => Promise<void>,
): Promise<{ readonly errorsInASecond: number; readonly job: string }> {
  const { log, errors, nextError } = troubleLog();
  const store = { databaseUrl };
  const queue = createJobQueue({ store, log });
  let done: (transfer: string) => void = () => undefined;
  const job = new Promise<string>((resolve) => (done = resolve));
  const worker = startJobWorker({
    store,
    log,
    onBroken: () => undefined,
    handlers: {
      "memo.process": async ({ transfer }) => {
        done(transfer);
        return { done: true };
      },
    },
  });
  try {
    await nextError;
    const before = errors();
    // A starved event loop would not come to this timer.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const errorsInASecond = errors() - before;
    await expect(
      queue.add([{ id: "m-1", kind: "memo.process", data: { transfer: "1:2:3" }, delayMs: 0 }]),
    ).rejects.toThrow();
    await mend();
    await queue.add([{ id: "m-1", kind: "memo.process", data: { transfer: "1:2:3" }, delayMs: 0 }]);
    return { errorsInASecond, job: await job };
  } finally {
    await Promise.all([worker.close(), queue.close()]);
  }
}

async function limitedLogin(
  databaseUrl: string,
  connections: number,
): Promise<{ user: string; url: string }> {
  const user = `limited_${randomBytes(6).toString("hex")}`;
  await onServer(
    databaseUrl,
    `CREATE ROLE ${user} LOGIN PASSWORD 'a-long-password' CONNECTION LIMIT ${connections}`,
    `GRANT USAGE ON SCHEMA bullmq TO ${user}`,
    `GRANT ALL ON ALL TABLES IN SCHEMA bullmq TO ${user}`,
    `GRANT ALL ON ALL SEQUENCES IN SCHEMA bullmq TO ${user}`,
  );
  const url = new URL(databaseUrl);
  [url.username, url.password] = [user, "a-long-password"];
  return { user, url: url.href };
}

test("the queues and the two workers of a scheduler need three connections in all", async ({
  databaseUrl,
}) => {
  const { url } = await limitedLogin(databaseUrl, 3);
  const { log, errors } = troubleLog();
  const queue = createJobQueue({ store: { databaseUrl: url }, log });
  const done: string[] = [];
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const note = async (name: string) => {
    if (done.push(name) === 2) finish();
    return { done: true } as const;
  };
  const worker = startJobWorker({
    store: { databaseUrl: url },
    log,
    onBroken: () => undefined,
    handlers: { "memo.process": () => note("memo"), "stakes.due": () => note("due") },
  });
  try {
    await queue.add([
      { id: "m-1", kind: "memo.process", data: { transfer: "1:2:3" }, delayMs: 0 },
      { id: "d-1", kind: "stakes.due", data: { dueMs: 1 }, delayMs: 0 },
      { id: "p-1", kind: "payout.pay", data: { payoutId: randomUUID() }, delayMs: 0 },
    ]);
    await finished;
    expect(done.sort()).toEqual(["due", "memo"]);
    expect(await queue.waiting("payout.pay")).toBe(1);
    expect(errors()).toBe(0);
  } finally {
    await Promise.all([worker.close(), queue.close()]);
  }
});

describe("a worker that finds its queue's store in trouble waits and goes on when that is over:", () => {
  test("tables that are not there yet", async ({ databaseUrl }) => {
    await onServer(databaseUrl, "DROP SCHEMA bullmq CASCADE");
    const { errorsInASecond, job } = await recovers(databaseUrl, () => migrateQueueStore(databaseUrl));
    expect(job).toBe("1:2:3");
    expect(errorsInASecond).toBeLessThan(20);
  });

  test("a server without a free connection", async ({ databaseUrl }) => {
    const { user, url } = await limitedLogin(databaseUrl, 0);
    const { errorsInASecond, job } = await recovers(url, () =>
      onServer(databaseUrl, `ALTER ROLE ${user} CONNECTION LIMIT -1`),
    );
    expect(job).toBe("1:2:3");
    expect(errorsInASecond).toBeLessThan(20);
  });
});
