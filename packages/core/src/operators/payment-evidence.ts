import { type PaymentEvidence as Evidence, weighEvidence } from "../rules/payment-evidence.ts";
import { memoNonces } from "../ledger/ids.ts";
import type { LedgerTx, PaidTransfer, PayoutRecord, WithdrawalRecord } from "../ledger/ledger.ts";

export type PaymentEvidence = Evidence<Omit<PaidTransfer, "payoutKey">, WithdrawalRecord>;

/**
 * Looks for a payment of this payout: by its key in the memo of an outgoing transfer, by the transaction id of every
 * withdrawal that was ever signed for it, and for one that is alive. All of it from one transaction.
 * @param despite see {@link weighEvidence}
 */
export async function paymentEvidence(
  tx: LedgerTx,
  payout: PayoutRecord,
  despite?: string,
): Promise<PaymentEvidence> {
  const withdrawals = await tx.withdrawalsOf(payout.id);
  const transfers = [
    ...(await tx.paidTransfers([payout.key])),
    ...(await tx.sentTransfers(withdrawals.map((withdrawal) => withdrawal.txid))),
    // The memo of a deposit at an exchange names no payout; its nonce does.
    ...(payout.kind === "deposit" ? await tx.sentWithNonces(memoNonces(payout.key)) : []),
  ];
  return weighEvidence(payout, { withdrawals, transfers }, despite);
}
