import { MONEY_QUEUE } from "@stakebts/core/queue/catalog";
import type { QueueStore } from "@stakebts/core/queue/connection";
import { createJobQueue } from "@stakebts/core/queue/bullmq-queue";
import { startJobWorker } from "@stakebts/core/queue/bullmq-worker";
import type { PayoutId } from "@stakebts/core/rules/payout";
import type { Log } from "@stakebts/kernel/log";
import type { JobHandlers } from "@stakebts/core/queue/queue";
import { payoutId } from "@stakebts/core/ledger/ids";
import { describe, expect, inject } from "vitest";
import { test } from "../../cli/test/cli-test.ts";
import { operation, refundOf } from "@stakebts/testkit/given";
import { ownRedis } from "@stakebts/testkit/own-redis";
import { ConsoleEnvironment, HERE, type Visitor } from "./console-environment.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const PATIENCE = { timeout: 45_000, interval: 20 };

const queueOf = (console: ConsoleEnvironment, name: string) => {
  const queue = console.queues.find((one) => one.name === name);
  if (queue === undefined) throw new Error(`no queue ${name}`);
  return queue;
};

async function served<T>(store: QueueStore, handlers: JobHandlers, work: () => Promise<T>): Promise<T> {
  const worker = startJobWorker({ store, log: silent, handlers, onBroken: () => {} });
  try {
    return await work();
  } finally {
    await worker.close();
  }
}

const breaks = () => Promise.reject(new Error("no node could be asked"));

/** A job that has failed for good. */
async function failedJob(
  console: ConsoleEnvironment,
  store: QueueStore,
  kind: "memo.process" | "payout.pay",
  data: Record<string, string>,
): Promise<string> {
  const queue = queueOf(console, kind === "payout.pay" ? MONEY_QUEUE : "requests");
  const { id = "" } = await queue.add(kind, data, { jobId: `job-${kind.replace(".", "-")}`, attempts: 1 });
  await served(store, { [kind]: breaks }, () => expect.poll(() => queue.getFailedCount(), PATIENCE).toBe(1));
  return id;
}

const put = async (console: ConsoleEnvironment, path: string, visitor: Visitor): Promise<number> =>
  (await console.send("PUT", path, visitor, { headers: { origin: HERE, "x-xsrf-token": visitor.csrf } }))
    .status;

interface Check {
  readonly name: string;
  readonly run: (console: ConsoleEnvironment, store: QueueStore) => Promise<void>;
}

const PAYOUTS = [refundOf(operation(10)), refundOf(operation(11))];
const SOME_PAYOUT = "00000000-0000-4000-8000-000000000000";

const checks: readonly Check[] = [
  {
    name: "shows every queue with its jobs, to change for operators, but never the one that pays",
    async run(console, store) {
      await failedJob(console, store, "payout.pay", { payoutId: SOME_PAYOUT });
      for (const role of ["viewer", "operator"] as const) {
        const visitor = await console.visitor(role);
        const page = await console.get("/queues", visitor);
        expect(await page.text()).not.toMatch(/<(?:link|script)[^>]*https?:/u);
        expect(page.headers.getSetCookie().join()).toMatch(
          /XSRF-TOKEN=[\w-]{43}; Path=\/queues; SameSite=Strict/u,
        );
        const answer = await console.get("/queues/api/queues?activeQueue=payouts&status=failed", visitor);
        const { queues } = (await answer.json()) as {
          queues: {
            name: string;
            readOnlyMode: boolean;
            allowRetries: boolean;
            counts: { failed: number };
          }[];
        };
        expect(
          Object.fromEntries(queues.map((queue) => [queue.name, [queue.readOnlyMode, queue.allowRetries]])),
        ).toEqual({
          requests: [role === "viewer", role === "operator"],
          "due-rows": [role === "viewer", role === "operator"],
          payouts: [true, false],
        });
        expect(queues.find(({ name }) => name === MONEY_QUEUE)?.counts.failed).toBe(1);
      }
    },
  },
  {
    name: "lets an operator retry a job of another queue, and writes down who",
    async run(console, store) {
      const id = await failedJob(console, store, "memo.process", { transfer: "1:0:0" });
      const operator = await console.visitor("operator");
      expect(await put(console, `/queues/api/queues/requests/${id}/retry`, operator)).toBe(204);
      expect(await queueOf(console, "requests").getFailedCount()).toBe(0);
      expect(await put(console, "/queues/api/queues/requests/retry/failed", operator)).toBe(200);
      expect(await console.receipts("console.jobs_retried")).toMatchObject([
        { subject: "queue requests", details: { actor: "a-operator", job: id, status: 204 } },
        { subject: "queue requests", details: { actor: "a-operator", state: "failed", status: 200 } },
      ]);
    },
  },
  {
    name: "keeps jobs that are done, each with its payouts by key, what came of them, and a link",
    async run(console, store) {
      const [one = SOME_PAYOUT, ...others] = PAYOUTS.map(({ id }) => id);
      await console.owned(PAYOUTS);
      const queue = createJobQueue({ store, log: silent });
      const job = { kind: "payout.pay", delayMs: 0 } as const;
      await queue.add([
        { ...job, id: "job-of-one", data: { payoutId: one } },
        { ...job, id: "job-of-two", data: { payoutId: one, also: others } },
      ]);
      await queue.close();
      const paying = queueOf(console, MONEY_QUEUE);
      const handlers: JobHandlers = { "payout.pay": async () => ({ done: true }) };
      await served(store, handlers, () => expect.poll(() => paying.getCompletedCount(), PATIENCE).toBe(2));
      expect((await paying.getJob("job-of-two"))?.opts.removeOnComplete).toEqual({ count: 1_000 });
      const viewer = await console.visitor("viewer");
      const answer = await console.get("/queues/api/queues?activeQueue=payouts&status=completed", viewer);
      const { queues } = (await answer.json()) as {
        queues: { name: string; jobs: { id: string; data: object; externalUrl: object }[] }[];
      };
      const jobs = queues.find(({ name }) => name === MONEY_QUEUE)?.jobs;
      const text = ({ key, amount, payee }: (typeof PAYOUTS)[number]) =>
        `${key}: ${amount} BTS to ${payee}, due (/payouts/${key})`;
      expect(jobs?.find(({ id }) => id === "job-of-two")).toMatchObject({
        data: { payoutId: one, payouts: PAYOUTS.map(text) },
        externalUrl: { href: "/jobs/job-of-two" },
      });
      expect(jobs?.find(({ id }) => id === "job-of-one")).toMatchObject({
        externalUrl: { href: `/payouts/${one}` },
      });
      const page = await (await console.get("/jobs/job-of-two", viewer)).text();
      for (const { key } of PAYOUTS) expect(page).toContain(`href="/payouts/${key}"`);
      expect((await console.get("/jobs/unknown", viewer)).status).toBe(404);
    },
  },
  {
    name: "leaves the queue that pays as it is, however the request is written",
    async run(console, store) {
      const id = await failedJob(console, store, "payout.pay", { payoutId: SOME_PAYOUT });
      const operator = await console.visitor("operator");
      const queues = "/queues/api/queues";
      for (const path of [
        `${queues}/payouts/${id}/retry`,
        `${queues}/payouts/retry/failed`,
        `${queues}/payouts/retry/completed`,
        `${queues}/pay%6Futs/${id}/retry`,
        `${queues}/%70ayouts/retry/failed`,
        `${queues}/payouts/${id}/promote`,
        `${queues}/payouts/${id}/clean`,
        `${queues}/payouts/empty`,
        `${queues}/payouts/obliterate`,
        `${queues}/payouts/pause`,
        `${queues}/requests/pause`,
        `${queues}/pause`,
      ])
        expect({ path, status: await put(console, path, operator) }).toEqual({ path, status: 403 });
      for (const path of [
        `${queues}/pay%256Futs/${id}/retry`,
        `/queues//api/queues/payouts/${id}/retry`,
        `/QUEUES/api/queues/payouts/${id}/retry`,
        `${queues}/requests/../payouts/${id}/retry`,
        `${queues}/requests%2F..%2Fpayouts/${id}/retry`,
        `${queues}/Payouts/${id}/retry`,
      ])
        expect(await put(console, path, operator), path).toBeGreaterThanOrEqual(400);
      const queue = queueOf(console, MONEY_QUEUE);
      expect(await queue.getJobState(id)).toBe("failed");
      expect(await queue.isPaused()).toBe(false);
      expect(await queueOf(console, "requests").isPaused()).toBe(false);
    },
  },
];

describe("Bull Board over queues in PostgreSQL", () => {
  for (const { name, run } of checks)
    test(name, async ({ cluster, databaseUrl }) => {
      const console = await ConsoleEnvironment.open(cluster, databaseUrl);
      try {
        await run(console, { databaseUrl });
      } finally {
        await console.close();
      }
    });
});

describe.skipIf(inject("redisUrl") === "")("Bull Board over queues in Redis", () => {
  for (const { name, run } of checks)
    test(name, ({ cluster, databaseUrl }) =>
      ownRedis(async (redisUrl) => {
        const console = await ConsoleEnvironment.open(cluster, databaseUrl, { store: { redisUrl } });
        try {
          await run(console, { redisUrl });
        } finally {
          await console.close();
        }
      }),
    );
});

describe("a job of the queue that pays", () => {
  test("that is retried raw, past the console, pays nothing that is paid", async ({
    cluster,
    databaseUrl,
  }) => {
    const store = { databaseUrl };
    const console = await ConsoleEnvironment.open(cluster, databaseUrl);
    try {
      const id = payoutId((await cluster.failedRefund()) as never);
      await failedJob(console, store, "payout.pay", { payoutId: id });
      const operator = await console.visitor("operator");
      expect(
        (await console.post(`/payouts/${id}/requeue`, { reason: "funds are here", typed: "450" }, operator))
          .status,
      ).toBe(200);
      await cluster.work();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);

      const queue = queueOf(console, MONEY_QUEUE);
      await queue.retryJobs({ state: "failed" });
      let paid = 0;
      const handlers: JobHandlers = {
        "payout.pay": async ({ payoutId: named }) => {
          await cluster.pay(named as PayoutId);
          paid++;
          return { done: true };
        },
      };
      await served(store, handlers, () => expect.poll(() => paid, PATIENCE).toBe(1));
      await cluster.digest();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    } finally {
      await console.close();
    }
  });
});
