import { type OperationPosition, operationId } from "@stakebts/kernel/operation-id";
import type { PayoutId } from "../rules/payout.ts";
import type { NewJob } from "../queue/queue.ts";

// The id of each job. An id is used once: the queue drops a second job with an id that it still remembers.

export const jobForTransfer = (operation: OperationPosition): NewJob => ({
  id: `transfer-${operationId(operation).replaceAll(":", "-")}`,
  kind: "memo.process",
  data: { transfer: operationId(operation) },
  delayMs: 0,
});

/** @param cause what makes this job another one than the last: an attempt, a release, an arrival */
export const jobForPayout = (id: PayoutId, cause: string): NewJob => ({
  id: `payout-${id}-${cause}`,
  kind: "payout.pay",
  data: { payoutId: id },
  delayMs: 0,
});

export const jobForDueRows = (dueMs: number, delayMs: number): NewJob => ({
  id: `due-${dueMs}`,
  kind: "stakes.due",
  data: { dueMs },
  delayMs,
});
