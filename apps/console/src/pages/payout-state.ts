import { payoutId } from "@stakebts/core/ledger/ids";
import type { PayoutLife } from "@stakebts/core/operators/browse/payout-life";
import type { PayoutState } from "@stakebts/core/operators/next-step";
import type { PayoutId, PayoutKey } from "@stakebts/core/rules/payout";

/** A key, or an id, from an address. */
export const payoutIdOf = (text: string): PayoutId | undefined => {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu.test(text)) return text.toLowerCase() as PayoutId;
  return /^[a-z]+:[a-z0-9:.-]{1,80}$/u.test(text) ? payoutId(text as PayoutKey) : undefined;
};

export const stateOf = (life: PayoutLife): PayoutState => ({
  status: life.status,
  reason: life.reason,
  limitedBy: life.limitedBy,
  waitingSinceMs: life.waitingSinceMs,
  attempts: life.attempts,
  live: life.withdrawals.find(({ status }) => status === "signed" || status === "broadcast"),
  cancelAsked: life.cancelAsked,
  requesters: life.requests.map(({ actor }) => actor),
});
