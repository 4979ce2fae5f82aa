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

export const jobForDueRows = (dueMs: number, delayMs: number): NewJob => ({
  id: `due-${dueMs}`,
  kind: "stakes.due",
  data: { dueMs },
  delayMs,
});
