import { assert } from "@stakebts/kernel/assert";
import type { Millis } from "@stakebts/kernel/time";
import { isApproved } from "../twins/approval.ts";
import { hasLimits, type PaymentLimits } from "@stakebts/core/rules/limits";
import { byTurn, type Lane, laneOf, limitPayment } from "../twins/limit-payment.ts";
import type { PayoutId } from "@stakebts/core/rules/payout";
import type { ApprovalsTx, PayoutApproval, PayoutRecord } from "@stakebts/core/ledger/ledger";
import type { NewJob } from "@stakebts/core/queue/queue";
import { jobsIn } from "./receipts.ts";
import { movePayout } from "./payout-moves.ts";
import type { State } from "./state.ts";

const isApprovedIn = (state: State, payout: PayoutRecord): boolean =>
  isApproved(
    payout,
    state.approvals
      .filter(({ payoutId }) => payoutId === payout.id)
      .map(({ requests, ...approval }) => ({ ...approval, at: requests })),
    state.requests.flatMap(({ payoutId, actor }, index) =>
      payoutId === payout.id ? [{ actor, at: index + 1 }] : [],
    ),
  );

export const byAge = (a: PayoutRecord, b: PayoutRecord): number =>
  a.dueMs - b.dueMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

const capOf = (by: string | undefined, lane: Lane, limits: PaymentLimits) =>
  by === "hour_cap"
    ? lane === "returns"
      ? (limits.returnHourCap ?? limits.hourCap)
      : limits.hourCap
    : lane === "returns"
      ? (limits.returnDayCap ?? limits.dayCap)
      : limits.dayCap;

/** The function `limit_payment` of the database: decides, and writes down what holds the payout back. */
export function applyLimits(state: State, id: PayoutId): "go" | "held" | "later" {
  const { limits } = state;
  const payout = state.payouts.get(id);
  assert(payout !== undefined, `payout ${id} does not exist`);
  if (!hasLimits(limits) || !["due", "ready", "waiting_funds"].includes(payout.status)) return "go";
  const lane = laneOf(payout.kind);
  const waits = [...state.payouts.values()]
    .filter(({ kind }) => laneOf(kind) === lane)
    .filter((other) => ["due", "ready"].includes(other.status))
    .filter((other) => other.limitedBy === "hour_cap" || other.limitedBy === "day_cap")
    .sort(byTurn);
  const older = waits.find(
    (other) => byTurn(other, payout) < 0 && capOf(other.limitedBy, lane, limits) !== undefined,
  );
  const verdict = limitPayment(payout.amount, limits, {
    lane,
    approved: isApprovedIn(state, payout),
    signed: [...state.withdrawals.values()]
      .filter(({ status }) => status !== "expired")
      .filter(({ payoutId }) => laneOf(state.payouts.get(payoutId)?.kind ?? payout.kind) === lane)
      .map(({ payoutId, signedMs }) => ({
        amount: state.payouts.get(payoutId)?.amount ?? payout.amount,
        signedMs,
      })),
    nowMs: state.cursor?.blockTimeMs ?? (0 as Millis),
    olderWaits: older?.limitedBy as "hour_cap" | "day_cap" | undefined,
  });
  if (verdict.type === "go") return "go";
  const { type, by, reason } = verdict;
  const receipt =
    type === "held"
      ? { event: "payout.held", subject: payout.key, details: { payoutId: id, limit: by, reason } }
      : { event: "limit.reached", subject: by, details: { payout: payout.key, lane, reason } };
  if (type === "held" || !waits.some((other) => other.limitedBy === by))
    state.receipts = [...state.receipts, receipt];
  const status = type === "held" ? "held" : payout.status === "waiting_funds" ? "ready" : payout.status;
  state.payouts.set(id, { ...payout, status, reason, limitedBy: by, waitingSinceMs: undefined });
  return type;
}

export const approvalsIn = (state: State): ApprovalsTx => ({
  async of({ id }: Pick<PayoutRecord, "id">) {
    return {
      given: state.approvals
        .filter(({ payoutId }) => payoutId === id)
        .map(({ payee, amount, approver, reason }) => ({ payee, amount, approver, reason })),
      requesters: state.requests.filter(({ payoutId }) => payoutId === id).map(({ actor }) => actor),
    };
  },

  async add(payoutId: PayoutId, approval: PayoutApproval): Promise<boolean> {
    const { approver, payee, amount } = approval;
    const isThere = state.approvals.some(
      (old) =>
        old.payoutId === payoutId &&
        old.approver === approver &&
        old.payee === payee &&
        old.amount === amount,
    );
    if (isThere) return false;
    state.approvals = [...state.approvals, { payoutId, requests: state.requests.length, ...approval }];
    return true;
  },

  async release(id: PayoutId, job: NewJob): Promise<boolean> {
    const payout = state.payouts.get(id);
    if (payout?.limitedBy === undefined || !isApprovedIn(state, payout)) return false;
    if (!movePayout(state, id, ["held"], "ready")) return false;
    await jobsIn(state).add([job]);
    return true;
  },
});
