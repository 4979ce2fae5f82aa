import assert from "node:assert/strict";
import { AssertionError } from "@stakebts/kernel/assert";
import { ServiceError } from "@stakebts/kernel/errors";
import type { JobQueue, JobWorker, NewJob, JobHandlers } from "@stakebts/core/queue/queue";
import { refundOf, operation } from "../given.ts";

/** A fresh store of jobs, and workers on it. */
export interface QueueUnderTest {
  readonly queue: JobQueue;
  readonly startWorker: (handlers: JobHandlers, onBroken?: (error: Error) => void) => JobWorker;
}

/** What every queue does. */
export interface QueueCheck {
  readonly name: string;
  run(under: QueueUnderTest): Promise<void>;
}

const pay = (id: string, delayMs = 0): NewJob => ({
  id,
  kind: "payout.pay",
  data: { payoutId: refundOf(operation(1)).id },
  delayMs,
});

/** Of a job that may wait. */
const LATER = refundOf(operation(2)).id;

const due = (id: string, dueMs: number, delayMs = 0): NewJob => ({
  id,
  kind: "stakes.due",
  data: { dueMs },
  delayMs,
});

/** Collects what a handler is given, and lets a check wait for the next. */
function collector<T>() {
  const seen: T[] = [];
  let wake: () => void = () => undefined;
  return {
    seen,
    take(value: T): void {
      seen.push(value);
      wake();
    },
    async until(count: number): Promise<readonly T[]> {
      while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return seen;
    },
  };
}

export const queueChecks: readonly QueueCheck[] = [
  {
    name: "a job reaches the handler of its kind with its content",
    async run({ queue, startWorker }) {
      const dues = collector<number>();
      const pays = collector<string>();
      const worker = startWorker({
        "stakes.due": async ({ dueMs }) => (dues.take(dueMs), { done: true }),
        "payout.pay": async ({ payoutId }) => (pays.take(payoutId), { done: true }),
      });
      await queue.add([due("due-a", 42), pay("pay-a")]);
      assert.deepEqual(await dues.until(1), [42]);
      assert.deepEqual(await pays.until(1), [refundOf(operation(1)).id]);
      await worker.close();
    },
  },
  {
    name: "jobs of one kind are answered one at a time, in the order in which they were added",
    async run({ queue, startWorker }) {
      let running = 0;
      const seen = collector<number>();
      await queue.add(Array.from({ length: 20 }, (_, n) => due(`due-${n}x`, n)));
      const worker = startWorker({
        "stakes.due": async ({ dueMs }) => {
          assert.equal(++running, 1);
          await new Promise<void>((resolve) => setImmediate(resolve));
          running--;
          seen.take(dueMs);
          return { done: true };
        },
      });
      assert.deepEqual(
        await seen.until(20),
        Array.from({ length: 20 }, (_, n) => n),
      );
      await worker.close();
    },
  },
  {
    name: "a second job with the same name is dropped",
    async run({ queue, startWorker }) {
      const seen = collector<number>();
      await queue.add([due("due-a", 1), due("due-a", 2)]);
      await queue.add([due("due-a", 3), due("due-b", 4)]);
      const worker = startWorker({ "stakes.due": async ({ dueMs }) => (seen.take(dueMs), { done: true }) });
      assert.deepEqual(await seen.until(2), [1, 4]);
      await worker.close();
    },
  },
  {
    name: "a delayed job comes after its time, later than one without delay",
    async run({ queue, startWorker }) {
      const seen = collector<number>();
      const worker = startWorker({ "stakes.due": async ({ dueMs }) => (seen.take(dueMs), { done: true }) });
      const startMs = performance.now();
      await queue.add([due("due-late", 2, 1_000), due("due-now", 1)]);
      assert.deepEqual(await seen.until(2), [1, 2]);
      assert(performance.now() - startMs >= 990, "the delay was kept");
      await worker.close();
    },
  },
  {
    name: "jobs that wait are counted by kind, delayed ones and answered ones are not",
    async run({ queue, startWorker }) {
      await queue.add([due("due-a", 1), due("due-b", 2), due("due-late", 3, 60_000), pay("pay-a")]);
      assert.equal(await queue.waiting("stakes.due"), 2);
      assert.equal(await queue.waiting("payout.pay"), 1);
      assert.equal(await queue.waiting("memo.process"), 0);
      const seen = collector<number>();
      const worker = startWorker({ "stakes.due": async ({ dueMs }) => (seen.take(dueMs), { done: true }) });
      await seen.until(2);
      await worker.close();
      assert.equal(await queue.waiting("stakes.due"), 0);
    },
  },
  {
    name: "what may wait comes after all else, and is counted apart",
    async run({ queue, startWorker }) {
      const [first, second] = [pay("pay-first"), pay("pay-second")];
      await queue.add([
        { ...first, kind: "payout.pay", data: { payoutId: LATER, later: true } } as NewJob,
        second,
      ]);
      assert.equal(await queue.waiting("payout.pay"), 2);
      assert.equal(await queue.waiting("payout.pay", "urgent"), 1);
      assert.equal(await queue.waiting("payout.pay", "later"), 1);
      const seen = collector<boolean>();
      const worker = startWorker({
        "payout.pay": async ({ payoutId }) => (seen.take(payoutId === LATER), { done: true }),
      });
      assert.deepEqual(await seen.until(2), [false, true]);
      await worker.close();
    },
  },
  {
    name: "a handler that is not done is rung again",
    async run({ queue, startWorker }) {
      const seen = collector<number>();
      await queue.add([due("due-a", 7)]);
      const worker = startWorker({
        "stakes.due": async ({ dueMs }) => {
          seen.take(dueMs);
          return seen.seen.length < 3 ? { done: false, againInMs: 5 } : { done: true };
        },
      });
      assert.deepEqual(await seen.until(3), [7, 7, 7]);
      await worker.close();
    },
  },
  {
    name: "a handler that fails is rung again later",
    async run({ queue, startWorker }) {
      const seen = collector<number>();
      await queue.add([due("due-a", 7)]);
      const worker = startWorker({
        "stakes.due": async ({ dueMs }) => {
          seen.take(dueMs);
          if (seen.seen.length < 2) throw new ServiceError("the node is away");
          return { done: true };
        },
      });
      assert.deepEqual(await seen.until(2), [7, 7]);
      await worker.close();
    },
  },
  {
    name: "jobs added while no worker ran are done by the next worker",
    async run({ queue, startWorker }) {
      const seen = collector<number>();
      await queue.add([due("due-a", 1)]);
      const first = startWorker({ "stakes.due": async ({ dueMs }) => (seen.take(dueMs), { done: true }) });
      await seen.until(1);
      await first.close();
      await queue.add([due("due-b", 2)]);
      const second = startWorker({ "stakes.due": async ({ dueMs }) => (seen.take(dueMs), { done: true }) });
      assert.deepEqual(await seen.until(2), [1, 2]);
      await second.close();
    },
  },
];

/** Of a store that outlives its clients; a queue in memory has no processes to stop. */
export const durableQueueChecks: readonly QueueCheck[] = [
  {
    name: "a broken assumption is reported so that the process can stop",
    async run({ queue, startWorker }) {
      const broken = collector<string>();
      const worker = startWorker(
        {
          "stakes.due": async () => {
            throw new AssertionError("impossible");
          },
        },
        (error) => broken.take(error.message),
      );
      await queue.add([due("due-a", 1)]);
      const [message] = await broken.until(1);
      assert.match(message ?? "", /"stakes.due".*impossible/u);
      await worker.close();
    },
  },
];
