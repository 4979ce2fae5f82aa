import { noticeOfFailure } from "../rules/decide.ts";
import type { Policy } from "../rules/policy.ts";
import type { Millis } from "@stakebts/kernel/time";
import type { LedgerTx, PayoutRecord } from "./ledger.ts";
import { createPayouts } from "./create-payouts.ts";

/**
 * Creates the notices for the nominators of failed payouts: 1 BTS and the support address. Once per payout, however often that fails:
 * the first notice stands, even if the support address has changed since.
 */
export async function createNotices(
  tx: LedgerTx,
  failed: readonly PayoutRecord[],
  policy: Policy,
  nowMs: Millis,
): Promise<void> {
  const notices = failed.flatMap((payout) => noticeOfFailure(payout, policy, nowMs) ?? []);
  if (notices.length === 0) return;
  const existing = await tx.payouts.find({ keys: notices.map(({ key }) => key) });
  const keys = new Set(existing.map(({ key }) => key));
  await createPayouts(
    tx,
    notices.filter(({ key }) => !keys.has(key)),
  );
}
