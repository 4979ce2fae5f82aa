import { assert } from "@stakebts/kernel/assert";
import type { Millis } from "@stakebts/kernel/time";
import type { PayoutId, PayoutStatus } from "@stakebts/core/rules/payout";
import { PAYOUT_MOVES } from "../twins/moves.ts";
import { isLive } from "@stakebts/core/rules/withdrawal";
import type { State, StoredPayout } from "./state.ts";

/** Writes a payout in its new status; the checks are those of the database's trigger. */
export function putPayout(
  state: State,
  payout: StoredPayout,
  to: PayoutStatus,
  change: Partial<StoredPayout>,
): void {
  assert(
    PAYOUT_MOVES[payout.status].includes(to),
    `payout ${payout.key} does not go from ${payout.status} to ${to}`,
  );
  const live = [...state.withdrawals.values()].some((w) => w.payoutId === payout.id && isLive(w.status));
  assert(!live || ["sent", "confirmed"].includes(to), `payout ${payout.key} has a live withdrawal`);
  assert(
    !["held", "failed", "cancelled"].includes(to) || change.reason !== undefined,
    `${to} without a reason`,
  );
  const limitedBy = to === payout.status ? payout.limitedBy : undefined;
  state.payouts.set(payout.id, { ...payout, limitedBy, ...change, status: to });
}

export function movePayout(
  state: State,
  id: PayoutId,
  from: readonly PayoutStatus[],
  to: PayoutStatus,
  change: { reason?: string; waitingSinceMs?: Millis } = {},
): boolean {
  const payout = state.payouts.get(id);
  if (payout === undefined || !from.includes(payout.status)) return false;
  putPayout(state, payout, to, {
    reason: change.reason,
    waitingSinceMs: change.waitingSinceMs ?? (to === "waiting_funds" ? payout.waitingSinceMs : undefined),
  });
  return true;
}
