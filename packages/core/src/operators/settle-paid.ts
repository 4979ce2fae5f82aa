import { operationId } from "@stakebts/kernel/operation-id";
import type { LedgerTx, PayoutRecord } from "../ledger/ledger.ts";
import { answer, type OperatorAction, type PayoutAnswer, receiptOf } from "../ledger/operator-action.ts";
import type { PaymentEvidence } from "./payment-evidence.ts";

/** A payout that turns out to be paid is confirmed, whatever the operator wanted to do with it. */
export async function settlePaid(
  tx: LedgerTx,
  payout: PayoutRecord,
  { transfer }: Extract<PaymentEvidence, { type: "paid" }>,
  action: OperatorAction,
): Promise<PayoutAnswer> {
  const operation = operationId(transfer.operation);
  const confirmation = {
    payoutId: payout.id,
    blockNum: transfer.operation.blockNum,
    blockTimeMs: transfer.blockTimeMs,
  };
  const confirmed = (await tx.payouts.confirm([confirmation])) === 1;
  if (!confirmed) return answer(payout, "unchanged", `is paid already, by transfer ${operation}`);
  await tx.receipts.add([
    {
      ...receiptOf("payout.confirmed", payout.key, action, {
        payoutId: payout.id,
        payee: payout.payee,
        amountShares: `${transfer.amount}`,
        txid: transfer.txid ?? null,
        operation,
        was: payout.status,
      }),
      chainTimeMs: transfer.blockTimeMs,
    },
  ]);
  return answer(payout, "done", `was paid already, by transfer ${operation}: confirmed, not paid again`, {
    status: "confirmed",
  });
}
