import { WITHDRAWAL_MOVES } from "../twins/moves.ts";
import { assert } from "@stakebts/kernel/assert";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import { PAYABLE_STATUSES } from "@stakebts/core/rules/payout";
import { isLive, type WithdrawalId, type WithdrawalStatus } from "@stakebts/core/rules/withdrawal";
import {
  type NewWithdrawal,
  whyNotPay,
  type WithdrawalQuery,
  type WithdrawalRecord,
  type WithdrawalRefusal,
  type Withdrawals,
  type WithdrawalsTx,
} from "@stakebts/core/ledger/ledger";
import { bindTo, controlOf } from "./control.ts";
import { applyLimits } from "./limits.ts";
import type { Clock, State } from "./state.ts";

function putWithdrawal(
  state: State,
  id: WithdrawalId,
  to: WithdrawalStatus,
  at: OperationPosition | undefined,
): boolean {
  const withdrawal = state.withdrawals.get(id);
  if (withdrawal === undefined || !isLive(withdrawal.status)) return false;
  assert(WITHDRAWAL_MOVES[withdrawal.status].includes(to), `withdrawal ${id}: ${withdrawal.status} to ${to}`);
  state.withdrawals.set(id, { ...withdrawal, status: to, at });
  return true;
}

function isAskedFor(withdrawal: WithdrawalRecord, query: WithdrawalQuery): boolean {
  if ("txids" in query) return query.txids.includes(withdrawal.txid);
  if ("payoutId" in query) return withdrawal.payoutId === query.payoutId;
  return (
    isLive(withdrawal.status) &&
    withdrawal.expirationMs < query.liveExpiringBeforeMs &&
    withdrawal.refBlockNum >= (query.refBlockNumMin ?? 0)
  );
}

function saveOne(
  state: State,
  clock: Clock,
  { account, ...withdrawal }: NewWithdrawal,
): "saved" | WithdrawalRefusal {
  const bound = bindTo(state, account);
  if (bound.chainId !== account.chainId || bound.custodianId !== account.custodianId)
    return "another_account";
  const refusal = whyNotPay(controlOf(state), withdrawal.writerEpoch);
  if (refusal !== undefined) return refusal;
  const payout = state.payouts.get(withdrawal.payoutId);
  assert(payout !== undefined, `payout ${withdrawal.payoutId} does not exist`);
  if (!(PAYABLE_STATUSES as readonly string[]).includes(payout.status)) return "payout_moved";
  for (const other of state.withdrawals.values())
    if (other.txid === withdrawal.txid || (other.payoutId === payout.id && other.status !== "expired"))
      return "payout_moved";
  const limited = applyLimits(state, payout.id);
  if (limited !== "go") return limited === "held" ? "payout_moved" : "payments_off";
  state.payouts.set(payout.id, {
    ...payout,
    status: "signed",
    reason: undefined,
    limitedBy: undefined,
    waitingSinceMs: undefined,
    attempts: payout.attempts + 1,
    enqueuedAtMs: clock.nowMs(),
  });
  const signedMs = state.cursor?.blockTimeMs ?? withdrawal.expirationMs;
  state.withdrawals.set(withdrawal.id, {
    ...withdrawal,
    status: "signed",
    at: undefined,
    signedMs,
    refusedFor: undefined,
  });
  return "saved";
}

export const withdrawalsIn = (state: State, clock: Clock): WithdrawalsTx & Withdrawals => ({
  async find(query: WithdrawalQuery): Promise<readonly WithdrawalRecord[]> {
    const found = [...state.withdrawals.values()].filter((withdrawal) => isAskedFor(withdrawal, query));
    if (!("liveExpiringBeforeMs" in query)) return found;
    return found.sort((a, b) => a.expirationMs - b.expirationMs).slice(0, query.limit);
  },

  async confirm(found) {
    return found.filter(({ id, at }) => putWithdrawal(state, id, "confirmed", at)).length;
  },

  async expire(ids) {
    return ids.filter((id) => putWithdrawal(state, id, "expired", undefined)).length;
  },

  async save(withdrawals) {
    return withdrawals.map((withdrawal) => saveOne(state, clock, withdrawal));
  },

  async markSent(withdrawals) {
    for (const { id } of withdrawals) {
      const withdrawal = state.withdrawals.get(id);
      if (withdrawal?.status !== "signed") continue;
      state.withdrawals.set(id, { ...withdrawal, status: "broadcast" });
      const payout = state.payouts.get(withdrawal.payoutId);
      if (payout?.status === "signed") state.payouts.set(payout.id, { ...payout, status: "sent" });
    }
  },

  async noteRefusal({ id, payoutId }, { reason, commonCause }) {
    const withdrawal = state.withdrawals.get(id);
    if (withdrawal !== undefined && isLive(withdrawal.status))
      state.withdrawals.set(id, { ...withdrawal, refusedFor: withdrawal.refusedFor ?? commonCause });
    if (reason === undefined) return;
    const payout = state.payouts.get(payoutId);
    if (payout?.status === "signed" || payout?.status === "sent")
      state.payouts.set(payoutId, { ...payout, reason });
  },
});
