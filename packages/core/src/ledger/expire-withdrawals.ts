import { assert } from "@stakebts/kernel/assert";
import { afterAttempt, isInFlight } from "../rules/payout.ts";
import type { Policy } from "../rules/policy.ts";
import { millis } from "@stakebts/kernel/time";
import { decideWithdrawal } from "../rules/withdrawal.ts";
import type { Cursor, LedgerTx, NewReceipt, PayoutRecord, WithdrawalRecord } from "./ledger.ts";
import { createNotice } from "./create-notice.ts";
import { jobForPayout } from "./jobs.ts";

/**
 * Withdrawals that no block can hold any more: their payouts are free for another attempt, or have had their last.
 * @param scanned everything up to this block has been looked into, and its time is the newest that is irreversible
 */
export async function expireWithdrawals(
  tx: LedgerTx,
  policy: Policy,
  scanned: Cursor,
): Promise<readonly NewReceipt[]> {
  const overdue = await tx.withdrawals.find({ liveExpiringBeforeMs: scanned.blockTimeMs });
  const payouts = new Map(
    (await tx.payouts.find({ ids: overdue.map((w) => w.payoutId) })).map((payout) => [payout.id, payout]),
  );
  const receipts: NewReceipt[] = [];
  for (const withdrawal of overdue) {
    const payout = payouts.get(withdrawal.payoutId);
    assert(payout !== undefined, `withdrawal ${withdrawal.id} has no payout`);
    const verdict = decideWithdrawal(withdrawal, {
      type: "scanned",
      fromBlockNum: scanned.scannedFromBlockNum,
      blockTimeMs: scanned.blockTimeMs,
    });
    if (verdict !== "expired") continue;
    await tx.withdrawals.expire(withdrawal.id);
    // Paid by another hand meanwhile: there is nothing to try again.
    if (isInFlight(payout.status)) receipts.push(await endAttempt(tx, policy, scanned, withdrawal, payout));
  }
  return receipts;
}

async function endAttempt(
  tx: LedgerTx,
  policy: Policy,
  scanned: Cursor,
  withdrawal: WithdrawalRecord,
  payout: PayoutRecord,
): Promise<NewReceipt> {
  const { attempts } = payout;
  const next = afterAttempt({ type: "withdrawal_expired", attempts, maxAttempts: policy.maxAttempts });
  const reason = `attempt ${attempts} expired unpaid: ${payout.reason ?? "no block took it"}`;
  await tx.payouts.move(payout.id, ["signed", "sent"], next, { reason });
  if (next === "ready") await tx.jobs.add([jobForPayout(payout.id, `attempt-${attempts + 1}`)]);
  else await createNotice(tx, payout, policy, scanned.blockTimeMs);
  return {
    event: next === "ready" ? "withdrawal.expired" : "payout.failed",
    subject: payout.key,
    chainTimeMs: scanned.blockTimeMs,
    details: { txid: withdrawal.txid, attempts, reason },
  };
}

/**
 * The operator lets the cursor jump over blocks. A withdrawal that may be in one of them can no longer be proved dead,
 * so its payout waits, until those blocks have been read after all.
 */
export async function unprovableAfter(tx: LedgerTx, jumpedTo: Cursor): Promise<readonly NewReceipt[]> {
  const live = await tx.withdrawals.find({ liveExpiringBeforeMs: millis(Number.MAX_SAFE_INTEGER) });
  const cut = live.filter((withdrawal) => withdrawal.refBlockNum + 1 < jumpedTo.scannedFromBlockNum);
  const payouts = await tx.payouts.find({ ids: cut.map((withdrawal) => withdrawal.payoutId) });
  const keys = new Map(payouts.map((payout) => [payout.id, payout.key]));
  return cut.map((withdrawal) => ({
    event: "withdrawal.unprovable",
    subject: keys.get(withdrawal.payoutId) ?? withdrawal.payoutId,
    details: {
      txid: withdrawal.txid,
      todo: `it may be in a block that is passed over: start once with STAKEBTS_REPLAY=${withdrawal.refBlockNum + 1}`,
    },
  }));
}
