import { assert } from "@stakebts/kernel/assert";
import { type OperationPosition, operationId } from "@stakebts/kernel/operation-id";
import type { PaymentLane, PayoutId } from "../rules/payout.ts";
import type { NewJob } from "../queue/queue.ts";

// The id of each job. An id is used once: the queue drops a second job with an id that it still remembers.

/** @param cause what makes this job another one than the first for it */
export const jobForTransfer = (operation: OperationPosition, cause?: string): NewJob => ({
  id: ["transfer", operationId(operation).replaceAll(":", "-"), ...(cause === undefined ? [] : [cause])].join(
    "-",
  ),
  kind: "memo.process",
  data: { transfer: operationId(operation) },
  delayMs: 0,
});

/**
 * @param cause what makes this job another one than the last: an attempt, a release, an arrival
 * @param lane `returns`: it comes after all others
 */
export const jobForPayout = (id: PayoutId, cause: string, lane: PaymentLane = "programme"): NewJob => ({
  id: `payout-${id}-${cause}`,
  kind: "payout.pay",
  data: lane === "returns" ? { payoutId: id, later: true } : { payoutId: id },
  delayMs: 0,
});

/** Payouts that one job stands for, at most: as many as Bull Board shows on a page. */
export const PAYOUTS_PER_JOB = 100;

/**
 * The same wake-ups in fewer jobs: a store of queues writes each job several times. Those that stand next to each other and are alike
 * become one, whose id says from which to which it goes, so that other ones make another job.
 */
export function groupPayouts(jobs: readonly NewJob[]): readonly NewJob[] {
  const grouped: NewJob[] = [];
  let some: PayoutJob[] = [];
  const close = (): void => {
    if (some.length > 0) grouped.push(asOne(some));
    some = [];
  };
  for (const job of jobs) {
    if (job.kind !== "payout.pay" || job.delayMs > 0) {
      close();
      grouped.push(job);
      continue;
    }
    const isAlike = some.length < PAYOUTS_PER_JOB && some.at(-1)?.data.later === job.data.later;
    if (!isAlike) close();
    some.push(job);
  }
  close();
  return grouped;
}

type PayoutJob = Extract<NewJob, { readonly kind: "payout.pay" }>;

function asOne(jobs: readonly PayoutJob[]): NewJob {
  const [first, last] = [jobs[0], jobs.at(-1)];
  assert(first !== undefined && last !== undefined, "a group has jobs");
  if (first === last) return first;
  const [payoutId, ...also] = jobs.flatMap(({ data }) => [data.payoutId, ...(data.also ?? [])]);
  assert(payoutId !== undefined, "a job names a payout");
  return { ...first, id: `${first.id}-to-${last.id}`, data: { ...first.data, payoutId, also } };
}

export const jobForDueRows = (dueMs: number, delayMs: number): NewJob => ({
  id: `due-${dueMs}`,
  kind: "stakes.due",
  data: { dueMs },
  delayMs,
});
