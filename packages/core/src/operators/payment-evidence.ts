import { toShares } from "@stakebts/kernel/amount";
import { operationId } from "@stakebts/kernel/operation-id";
import { isLive } from "../rules/withdrawal.ts";
import { memoNonces } from "../ledger/ids.ts";
import type { LedgerTx, PaidTransfer, PayoutRecord, WithdrawalRecord } from "../ledger/ledger.ts";

/** What the ledger knows of a payout's money: all of it from one transaction. */
export type PaymentEvidence =
  /** No attempt is alive and no transfer on the chain is for it. The proof that nothing was sent. */
  | { readonly type: "nothing_sent" }
  /** Signed bytes are out: the chain may still take them. */
  | { readonly type: "alive"; readonly withdrawal: WithdrawalRecord }
  /** An irreversible block holds its payment. */
  | { readonly type: "paid"; readonly transfer: Omit<PaidTransfer, "payoutKey"> }
  /** Something is recorded that does not fit: a person has to find out. */
  | { readonly type: "unclear"; readonly reason: string };

/**
 * Looks for a payment of this payout: by its key in the memo of an outgoing transfer, by the transaction id of every
 * withdrawal that was ever signed for it (one that was declared dead included), and for one that is alive.
 * @param despite `block:trx:op` of a transfer that names this payout and pays something else: somebody has looked at it
 *   and says that the debt is open all the same. A transfer that does pay the debt is never overlooked.
 */
export async function paymentEvidence(
  tx: LedgerTx,
  payout: PayoutRecord,
  despite?: string,
): Promise<PaymentEvidence> {
  const withdrawals = await tx.withdrawals.find({ payoutId: payout.id });
  const transfers = [
    ...(await tx.transfers.find({ direction: "out", keys: [payout.key] })),
    ...(await tx.transfers.find({
      direction: "out",
      txids: withdrawals.map((withdrawal) => withdrawal.txid),
    })),
    // The memo of a deposit at an exchange names no payout; its nonce does.
    ...(payout.kind === "deposit"
      ? await tx.transfers.find({ direction: "out", nonces: memoNonces(payout.key) })
      : []),
  ];
  const right = transfers.find(
    (transfer) => transfer.receiver === payout.payee && transfer.amount === toShares(payout.amount),
  );
  if (right !== undefined) return { type: "paid", transfer: right };
  const wrong = transfers.find((transfer) => operationId(transfer.operation) !== despite);
  if (wrong !== undefined)
    return {
      type: "unclear",
      reason: `transfer ${operationId(wrong.operation)} names this payout and paid ${wrong.amount} shares to ${wrong.receiver}`,
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
