import type { ChainBlock } from "@stakebts/bitshares/chain";
import { millis } from "@stakebts/kernel/time";
import type { LedgerTx, NewReceipt } from "./ledger.ts";
import { contradict } from "./settle-outgoing.ts";

/**
 * Withdrawals of this ledger that are in a block and move no money of its account: a payer with another account has signed them.
 * They are anything but dead, so they are `confirmed` and can never expire; their payouts stay where they are, and payments stop
 * until a person has looked. Asked in the transaction that would declare them dead (ADR 0006).
 */
export async function findForeignPayments(
  tx: LedgerTx,
  blocks: readonly ChainBlock[],
): Promise<readonly NewReceipt[]> {
  if (blocks.every(({ payments }) => payments.length === 0)) return [];
  const live = await tx.withdrawals.find({ liveExpiringBeforeMs: millis(Number.MAX_SAFE_INTEGER) });
  const byTxid = new Map(live.map((withdrawal) => [withdrawal.txid, withdrawal]));
  const receipts: NewReceipt[] = [];
  for (const { blockNum, timeMs, transfers, payments } of byTxid.size === 0 ? [] : blocks) {
    const own = new Set(transfers.map(({ txid }) => txid));
    for (const { txid, trxInBlock } of payments) {
      const withdrawal = byTxid.get(txid);
      if (withdrawal === undefined || own.has(txid)) continue;
      const at = { blockNum, trxInBlock, opInTrx: 0 };
      const [payout] = await tx.payouts.find({ ids: [withdrawal.payoutId] });
      await tx.withdrawals.confirm([{ id: withdrawal.id, at }]);
      const reason = `transaction ${txid} was signed for payout ${payout?.key ?? withdrawal.payoutId}, and is in block ${blockNum} without the custodian: a payer has paid it from another account`;
      receipts.push(await contradict(tx, { at, timeMs, txid, reason }));
    }
  }
  return receipts;
}
