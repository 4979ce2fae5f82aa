import { noticeOfFailure } from "../domain/decide.ts";
import type { Policy } from "../domain/policy.ts";
import type { Millis } from "../domain/time.ts";
import type { LedgerTx, PayoutRecord } from "../ports/ledger.ts";
import { owe } from "./owe.ts";

/**
 * Owes the nominator of a failed payout 1 BTS with a word where to complain. Once per payout, however often that fails:
 * the first notice stands, even if the support address has changed since.
 */
export async function oweNotice(
  tx: LedgerTx,
  failed: PayoutRecord,
  policy: Policy,
  nowMs: Millis,
): Promise<void> {
  const notice = noticeOfFailure(failed, policy, nowMs);
  if (notice === undefined) return;
  const [existing] = await tx.payoutsByKey([notice.key]);
  if (existing !== undefined) return;
  await owe(tx, [notice]);
}
