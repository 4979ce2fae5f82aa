import { type OperationPosition, operationId } from "@stakebts/kernel/operation-id";
import type { PayoutId } from "../rules/payout.ts";
import type { Ring } from "../queue/queue.ts";

// How each ring is named. A name is used once: the queue drops a second ring with a name that it still remembers.

export const ringForTransfer = (operation: OperationPosition): Ring => ({
  id: `transfer-${operationId(operation).replaceAll(":", "-")}`,
  kind: "memo.process",
  data: { transfer: operationId(operation) },
  delayMs: 0,
});

/** @param cause what makes this ring another one than the last: an attempt, a release, an arrival */
export const ringForPayout = (id: PayoutId, cause: string): Ring => ({
  id: `payout-${id}-${cause}`,
  kind: "payout.pay",
  data: { payoutId: id },
  delayMs: 0,
});

export const ringForDueRows = (dueMs: number, delayMs: number): Ring => ({
  id: `due-${dueMs}`,
  kind: "stakes.due",
  data: { dueMs },
  delayMs,
});
