import { assert } from "@stakebts/kernel/assert";
import { afterAttempt, laneOf } from "../rules/payout.ts";
import type { Policy } from "../rules/policy.ts";
import { millis } from "@stakebts/kernel/time";
import { decideWithdrawal } from "../rules/withdrawal.ts";
import type { Cursor, LedgerTx, NewReceipt, PayoutRecord, WithdrawalRecord } from "./ledger.ts";
import { createNotices } from "./create-notice.ts";
import { jobForPayout } from "./jobs.ts";

/**
 * Withdrawals whose end is written down together. Thousands expire at one instant when nothing could be sent for a while: those
 * that are left come with the next blocks.
 */
export const EXPIRED_PER_STEP = 2_000;

/**
 * Withdrawals that no block can hold any more: their payouts are free for another attempt, or have had their last.
 * @param scanned everything up to this block has been looked into, and its time is the newest that is irreversible
 */
export async function expireWithdrawals(
  tx: LedgerTx,
  policy: Policy,
  scanned: Cursor,
): Promise<readonly NewReceipt[]> {
  const overdue = await tx.withdrawals.find({
    liveExpiringBeforeMs: scanned.blockTimeMs,
    refBlockNumMin: scanned.scannedFromBlockNum - 1, // of older ones nothing is proved, and they would fill the step for ever
    limit: EXPIRED_PER_STEP,
  });
  const dead = overdue.filter(
    (withdrawal) =>
      decideWithdrawal(withdrawal, {
        type: "scanned",
        fromBlockNum: scanned.scannedFromBlockNum,
        blockTimeMs: scanned.blockTimeMs,
      }) === "expired",
  );
  if (dead.length === 0) return [];
  const payouts = new Map(
    (await tx.payouts.find({ ids: dead.map((w) => w.payoutId) })).map((payout) => [payout.id, payout]),
  );
  await tx.withdrawals.expire(dead.map(({ id }) => id));
  const ends = dead.map((withdrawal) => {
    const payout = payouts.get(withdrawal.payoutId);
    assert(payout !== undefined, `withdrawal ${withdrawal.id} has no payout`);
    return endOfAttempt(policy, withdrawal, payout);
  });
  // Not those that were paid by another hand meanwhile: there is nothing to try again.
  const moved = await tx.payouts.endAttempts(
    ends.map(({ payout: { id }, to, counts, reason }) => ({ id, to, counts, reason })),
  );
  const ended = ends.filter(({ payout }) => moved.has(payout.id));
  await tx.jobs.add(
    ended
      .filter(({ to }) => to === "ready")
      .map(({ payout: { id, kind, attempts } }) => jobForPayout(id, `attempt-${attempts + 1}`, laneOf(kind))),
  );
  await createNotices(
    tx,
    ended.filter(({ to }) => to === "failed").map(({ payout }) => payout),
    policy,
    scanned.blockTimeMs,
  );
  return ended.map(({ withdrawal: { txid }, payout: { key, attempts }, to, reason }) => ({
    event: to === "ready" ? "withdrawal.expired" : "payout.failed",
    subject: key,
    chainTimeMs: scanned.blockTimeMs,
    details: { txid, attempts, reason },
  }));
}

function endOfAttempt({ maxAttempts }: Policy, withdrawal: WithdrawalRecord, payout: PayoutRecord) {
  const { attempts, uncountedAttempts } = payout;
  // Of what is not marked as sent no answer is known: the payer ended before it had one, or before it had noted it.
  const isAnswered = withdrawal.status !== "signed";
  const counts = isAnswered && withdrawal.refusedFor === undefined;
  const to = afterAttempt({
    type: counts ? "withdrawal_expired" : "common_cause",
    attempts: attempts - uncountedAttempts,
    maxAttempts,
  });
  const why =
    payout.reason ??
    withdrawal.refusedFor ??
    (isAnswered ? "no block took it" : "the payer noted no answer of a node");
  const reason = `attempt ${attempts} expired unpaid${counts ? "" : " and does not count"}: ${why}`;
  return { withdrawal, payout, to, counts, reason };
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
