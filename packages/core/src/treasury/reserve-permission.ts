import type { AccountId, ChainReader, PermissionId, WithdrawPermission } from "@stakebts/bitshares/chain";
import { type Shares, shares } from "@stakebts/kernel/amount";
import { durationText, exactTimeText, sharesText } from "@stakebts/kernel/text";
import type { Millis } from "@stakebts/kernel/time";
import { CORE_ASSET_ID } from "../rules/transfer.ts";

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

/** Who lets whom draw, as the settings have it. */
export interface ReserveParties {
  readonly reserve: { readonly id: AccountId; readonly name: string };
  readonly custodian: { readonly id: AccountId; readonly name: string };
}

/** A permission that fits its parties, or what is wrong with it. Its giver can change or revoke it at any time. */
export async function readPermission(
  chain: Pick<ChainReader, "permission">,
  id: PermissionId,
  { reserve, custodian }: ReserveParties,
): Promise<WithdrawPermission | { readonly problem: string }> {
  const permission = await chain.permission(id);
  if (permission === undefined)
    return { problem: `there is no withdraw permission ${id} on the chain: it has expired, or was revoked` };
  const { fromId, authorizedId, assetId } = permission;
  if (fromId !== reserve.id)
    return {
      problem: `${id} is a permission to draw from ${fromId}, not from ${reserve.name} (${reserve.id})`,
    };
  if (authorizedId !== custodian.id)
    return { problem: `${id} lets ${authorizedId} draw, not ${custodian.name} (${custodian.id})` };
  if (assetId !== CORE_ASSET_ID)
    return { problem: `${id} is of the asset ${assetId}, not of the core asset ${CORE_ASSET_ID}` };
  return permission;
}

/** What can be drawn of it now: what is left of this period's limit, and no more than the reserve account holds. */
export function claimable(
  permission: WithdrawPermission,
  {
    balance,
    headTimeMs,
  }: { readonly balance: Shares; readonly headTimeMs: WithdrawPermission["expirationMs"] },
): { readonly amount: Shares; readonly isOpen: boolean } {
  const left = leftToClaim(permission, headTimeMs);
  if (typeof left === "string") return { amount: shares(0n), isOpen: false };
  return { amount: left < balance ? left : balance, isOpen: true };
}

/** For people: how much of it there is, and for how long. */
export const permissionText = ({ id, limit, periodMs, expirationMs }: WithdrawPermission): string =>
  `${id}: up to ${sharesText(limit)} in each ${durationText(periodMs)}, until ${exactTimeText(expirationMs)}`;
