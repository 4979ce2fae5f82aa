import { type Bts, type Shares, toShares } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { sharesText } from "@stakebts/kernel/text";
import { isLive, type WithdrawalStatus } from "./withdrawal.ts";

interface SentTransfer {
  readonly operation: OperationPosition;
  readonly receiver: string;
  readonly amount: Shares;
}

interface Attempt {
  readonly txid: string;
  readonly status: WithdrawalStatus;
}

/** What the ledger knows of a payout's money. */
export type PaymentEvidence<T = SentTransfer, W = Attempt> =
  /** No attempt is alive and no transfer on the chain is for it. The proof that nothing was sent. */
  | { readonly type: "nothing_sent" }
  /** Signed bytes are out: the chain may still take them. */
  | { readonly type: "alive"; readonly withdrawal: W }
  /** An irreversible block holds its payment. */
  | { readonly type: "paid"; readonly transfer: T }
  /** Something is recorded that does not fit: a person has to find out. */
  | { readonly type: "unclear"; readonly reason: string };

/**
 * Weighs what is recorded of a payout. `requeue_payout` of the database refuses all that this does not find to be `nothing_sent`,
 * and a test compares the two.
 * @param found.withdrawals every attempt that was ever signed for it, one that was declared dead included
 * @param found.transfers every outgoing transfer that names it: by its key, by an attempt's transaction id, or by a nonce
 * @param despite `block:trx:op` of a transfer that names this payout and pays something else: a person has looked at it
 *   and says that the debt is open all the same. A transfer that does pay the debt is never overlooked.
 */
export function weighEvidence<T extends SentTransfer, W extends Attempt>(
  payout: { readonly payee: string; readonly amount: Bts },
  { withdrawals, transfers }: { readonly withdrawals: readonly W[]; readonly transfers: readonly T[] },
  despite?: string,
): PaymentEvidence<T, W> {
  const right = transfers.find(
    (transfer) => transfer.receiver === payout.payee && transfer.amount === toShares(payout.amount),
  );
  if (right !== undefined) return { type: "paid", transfer: right };
  const wrong = transfers.find((transfer) => operationId(transfer.operation) !== despite);
  if (wrong !== undefined)
    return {
      type: "unclear",
      reason: `transfer ${operationId(wrong.operation)} names this payout and paid ${sharesText(wrong.amount)} to ${wrong.receiver}`,
    };
  const live = withdrawals.find((withdrawal) => isLive(withdrawal.status));
  if (live !== undefined) return { type: "alive", withdrawal: live };
  const confirmed = withdrawals.find((withdrawal) => withdrawal.status === "confirmed");
  if (confirmed !== undefined)
    return {
      type: "unclear",
      reason: `withdrawal ${confirmed.txid} is confirmed, and no transfer of it is recorded`,
    };
  return { type: "nothing_sent" };
}
