import { type Shares, shares } from "@stakebts/kernel/amount";
import type { Millis } from "@stakebts/kernel/time";

/**
 * What a withdraw permission lets its holder draw at one instant of the chain, by the chain's own rules
 * (`withdraw_permission_object::available_this_period` and the evaluator of operation 27).
 *
 * A period begins where the last one with a claim began, any number of whole periods later. The object says what was
 * drawn in that older one: once it is over, nothing has been drawn.
 * @param nowMs time of the head block: what a claim is checked against is the time of the parent of its block
 */
export function leftToClaim(
  permission: {
    readonly limit: Shares;
    readonly claimed: Shares;
    readonly periodMs: number;
    readonly periodStartMs: Millis;
    readonly expirationMs: Millis;
  },
  nowMs: Millis,
): Shares | "not_started" | "expired" {
  const { limit, claimed, periodMs, periodStartMs, expirationMs } = permission;
  if (nowMs >= expirationMs) return "expired";
  if (nowMs < periodStartMs) return "not_started";
  if (nowMs >= periodStartMs + periodMs) return limit;
  return shares(limit > claimed ? limit - claimed : 0n);
}
