import { noticeOfFailure } from "../rules/decide.ts";
import type { Policy } from "../rules/policy.ts";
import type { Millis } from "@stakebts/kernel/time";
import type { LedgerTx, PayoutRecord } from "./ledger.ts";
import { createPayouts } from "./create-payouts.ts";

/**
 * Creates the notice for the nominator of a failed payout: 1 BTS and the support address. Once per payout, however often that fails:
 * the first notice stands, even if the support address has changed since.
 */
export async function createNotice(
  tx: LedgerTx,
  failed: PayoutRecord,
  policy: Policy,
  nowMs: Millis,
): Promise<void> {
  const notice = noticeOfFailure(failed, policy, nowMs);
  if (notice === undefined) return;
  const [existing] = await tx.payouts.find({ keys: [notice.key] });
  if (existing !== undefined) return;
  await createPayouts(tx, [notice]);
}
