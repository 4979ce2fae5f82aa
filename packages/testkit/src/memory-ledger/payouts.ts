import { HOUR_MS } from "@stakebts/kernel/time";
import { toShares } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import { memoNonces } from "@stakebts/core/ledger/ids";
import { weighEvidence } from "@stakebts/core/rules/payment-evidence";
import { isOnRecoveryHold } from "@stakebts/core/rules/recovery-hold";
import { compareOperations, operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { CORE_ASSET_ID } from "@stakebts/core/rules/transfer";
import {
  IN_FLIGHT_STATUSES,
  laneOf,
  PAYABLE_STATUSES,
  type PaymentLane,
  type PayoutId,
  type PayoutKey,
  type PayoutStatus,
} from "@stakebts/core/rules/payout";
import { assertStakeRowMove, type StakeRowId, type StakeRowStatus } from "@stakebts/core/rules/stake-row";
import { isLive } from "@stakebts/core/rules/withdrawal";
import type {
  CancelAsked,
  IdentifiedPayout,
  NewReceipt,
  OpenPayout,
  PaymentView,
  PayoutConfirmation,
  PayoutDecision,
  PayoutQuery,
  PayoutRecord,
  PayoutRequeue,
  Payouts,
  PayoutsTx,
  SettlementMatch,
} from "@stakebts/core/ledger/ledger";
import type { NewJob } from "@stakebts/core/queue/queue";
import type { Debt } from "@stakebts/core/rules/owed";
import { controlOf } from "./control.ts";
import { debtIn } from "./debts.ts";
import { applyLimits, byAge } from "./limits.ts";
import { movePayout, putPayout } from "./payout-moves.ts";
import { jobsIn, receiptsIn } from "./receipts.ts";
import type { Clock, State, StoredPayout, StoredTransfer } from "./state.ts";

/** How this transfer is found to be the payment of that payout; the rule of `confirm_payouts` in the database. */
function matchOf(
  state: State,
  { id, key, kind, payee, amount }: StoredPayout,
  by: OperationPosition,
  said: NewReceipt["details"],
): SettlementMatch | undefined {
  const transfer = state.transfers.get(operationId(by));
  if (
    transfer === undefined ||
    transfer.direction !== "out" ||
    transfer.receiver !== payee ||
    transfer.assetId !== CORE_ASSET_ID ||
    transfer.amount !== toShares(amount) ||
    (transfer.payoutKey ?? key) !== key
  )
    return undefined;
  const signed = [...state.withdrawals.values()].find(({ txid }) => txid === transfer.txid);
  if (signed?.payoutId === id) return "txid";
  if (transfer.payoutKey === key) return "key";
  if (kind === "deposit" && memoNonces(key).includes(transfer.memoNonce ?? "")) return "nonce";
  return signed === undefined && Boolean(said["actor"]) && Boolean(said["reason"]) ? "operator" : undefined;
}

/** What names this payout: by its key, an attempt's transaction id or, of a deposit, a nonce. */
function recordedOf(state: State, { id, key, kind }: PayoutRecord) {
  const withdrawals = [...state.withdrawals.values()].filter(({ payoutId }) => payoutId === id);
  const txids = withdrawals.map(({ txid }) => txid);
  const nonces = kind === "deposit" ? memoNonces(key) : [];
  const transfers = [...state.transfers.values()].filter(
    ({ direction, payoutKey, txid, memoNonce }) =>
      direction === "out" &&
      (payoutKey === key || txids.includes(txid ?? "") || nonces.includes(memoNonce ?? "")),
  );
  return { withdrawals, transfers };
}

function settleRow(state: State, id: StakeRowId, settlesAs: StakeRowStatus, blockProcessed: number): void {
  const row = state.rows.get(id);
  if (row === undefined || !["processing", "paid"].includes(row.status)) return;
  assertStakeRowMove(row.status, settlesAs);
  state.rows.set(id, { ...row, status: settlesAs, blockProcessed });
}

const CANCELLABLE: readonly PayoutStatus[] = [...PAYABLE_STATUSES, "held", "failed"];

/** How often the payout was given back to the payer, or approved: that ends what was asked for before. */
const timesGiven = (state: State, id: PayoutId): { readonly given: number } => ({
  given: [...state.requests, ...state.approvals].filter(({ payoutId }) => payoutId === id).length,
});

const withPayout = (receipt: NewReceipt, { id, key, payee, amount, status }: PayoutRecord): NewReceipt => ({
  ...receipt,
  subject: key,
  details: { ...receipt.details, payoutId: id, payee, amount: `${amount}`, was: status },
});

const storedOf = (state: State, ids: readonly PayoutId[]): readonly StoredPayout[] =>
  ids.flatMap((id) => state.payouts.get(id) ?? []);

export const payoutsIn = (state: State, clock: Clock): PayoutsTx & Payouts => ({
  async find({ ids, keys, kinds, statuses, limit }: PayoutQuery): Promise<readonly PayoutRecord[]> {
    return [...state.payouts.values()]
      .filter(({ id }) => ids?.includes(id) ?? true)
      .filter(({ key }) => keys?.includes(key) ?? true)
      .filter(({ kind }) => kinds?.includes(kind) ?? true)
      .filter(({ status }) => statuses?.includes(status) ?? true)
      .sort(byAge)
      .slice(0, limit);
  },

  async views(ids: readonly PayoutId[]): Promise<readonly PaymentView[]> {
    const { payments, limits, recoveryHold } = controlOf(state);
    return storedOf(state, ids).map((payout) => {
      const live = [...state.withdrawals.values()].find((w) => w.payoutId === payout.id && isLive(w.status));
      return { payout, live, payments, limits, recoveryHold, cursor: state.cursor };
    });
  },

  async debts(ids: readonly PayoutId[]): Promise<ReadonlyMap<PayoutId, Debt>> {
    return new Map(storedOf(state, ids).map((payout) => [payout.id, debtIn(state, payout)]));
  },

  async insert(payouts: readonly IdentifiedPayout[]): Promise<void> {
    for (const payout of payouts) {
      const old = state.payouts.get(payout.id);
      assert(
        old === undefined ||
          (old.payee === payout.payee && old.amount === payout.amount && old.memo === payout.memo),
        `payout ${payout.key} exists with another payee, amount or memo`,
      );
      if (old !== undefined) continue;
      state.payouts.set(payout.id, {
        ...payout,
        status: "due",
        reason: undefined,
        limitedBy: undefined,
        attempts: 0,
        uncountedAttempts: 0,
        waitingSinceMs: undefined,
        enqueuedAtMs: clock.nowMs(),
        blockProcessed: undefined,
      });
    }
  },

  async move(id, from, to, change) {
    return movePayout(state, id, from, to, change);
  },

  async fundsCame() {
    for (const payout of state.payouts.values())
      if (payout.status === "waiting_funds") state.payouts.set(payout.id, { ...payout, enqueuedAtMs: 0 });
  },

  async endAttempts(ends) {
    return new Set(
      ends
        .filter(({ id, to, counts, reason }) => {
          const isMoved = movePayout(state, id, IN_FLIGHT_STATUSES, to, { reason });
          const payout = state.payouts.get(id);
          if (isMoved && !counts && payout !== undefined)
            state.payouts.set(id, { ...payout, uncountedAttempts: payout.uncountedAttempts + 1 });
          return isMoved;
        })
        .map(({ id }) => id),
    );
  },

  async requeue({ payout, job, receipt, despite }: PayoutRequeue): Promise<boolean> {
    const { id, key, payee, amount, status, reason } = payout;
    const evidence = weighEvidence(payout, recordedOf(state, payout), despite);
    if (isOnRecoveryHold(state.recoveryHold) || evidence.type !== "nothing_sent") return false;
    if (!movePayout(state, id, [status], "ready")) return false;
    await jobsIn(state).add([job]);
    state.requests = [...state.requests, { payoutId: id, actor: String(receipt.details["actor"]) }];
    const known = { payoutId: id, payee, amount: `${amount}`, was: status, because: reason ?? null };
    const details = { ...receipt.details, ...known, despite: despite ?? null };
    await receiptsIn(state).add([{ ...receipt, subject: key, details }]);
    return true;
  },

  async hold({ payout, receipt }: PayoutDecision): Promise<boolean> {
    if (!PAYABLE_STATUSES.some((status) => status === payout.status)) return false;
    const reason = String(receipt.details["reason"]);
    if (!movePayout(state, payout.id, [payout.status], "held", { reason })) return false;
    await receiptsIn(state).add([withPayout(receipt, payout)]);
    return true;
  },

  async askToCancel({ payout, receipt }: PayoutDecision): Promise<boolean> {
    const { id, status } = payout;
    if (!CANCELLABLE.includes(status) || state.payouts.get(id)?.status !== status) return false;
    const { actor, reason } = receipt.details;
    if (status !== "held" && status !== "failed")
      movePayout(state, id, [status], "held", { reason: String(reason) });
    const asked = { payoutId: id, actor: String(actor), reason: String(reason), atMs: clock.nowMs() };
    state.cancelRequests = [...state.cancelRequests, { ...asked, ...timesGiven(state, id) }];
    await receiptsIn(state).add([withPayout(receipt, payout)]);
    return true;
  },

  cancelAsked: (id: PayoutId): Promise<readonly CancelAsked[]> =>
    Promise.resolve(
      state.cancelRequests
        .filter((asked) => asked.payoutId === id && asked.given === timesGiven(state, id).given)
        .map(({ actor, reason, atMs }) => ({
          actor,
          reason,
          askedAtMs: atMs,
          openFromMs: atMs + HOUR_MS,
          isOpen: atMs + HOUR_MS <= clock.nowMs(),
        })),
    ),

  async cancel({ payout, receipt, despite }: PayoutDecision & { despite: string | undefined }) {
    const { id, status, reason } = payout;
    const evidence = weighEvidence(payout, recordedOf(state, payout), despite);
    if (!CANCELLABLE.includes(status) || isOnRecoveryHold(state.recoveryHold)) return false;
    if (evidence.type !== "nothing_sent") return false;
    if (!movePayout(state, id, [status], "cancelled", { reason: String(receipt.details["reason"]) }))
      return false;
    const rows = (state.payouts.get(id)?.rows ?? [])
      .flatMap(({ id: row }) => state.rows.get(row) ?? [])
      .filter((row) => row.status === "processing");
    for (const row of rows) state.rows.set(row.id, { ...row, status: "pending" });
    const details = {
      because: reason ?? null,
      despite: despite ?? null,
      rows: rows.map((row) => row.id).join(" "),
    };
    const known = withPayout(receipt, payout);
    await receiptsIn(state).add([{ ...known, details: { ...known.details, ...details } }]);
    return true;
  },

  async settledBy(transfer: OperationPosition): Promise<PayoutKey | undefined> {
    const found = [...state.settlements].find(([, { by }]) => compareOperations(by, transfer) === 0);
    return found === undefined ? undefined : state.payouts.get(found[0])?.key;
  },

  async confirm(confirmed: readonly PayoutConfirmation[], said = {}): Promise<number> {
    let moved = 0;
    for (const { payoutId, by } of confirmed) {
      const payout = state.payouts.get(payoutId);
      if (payout === undefined || payout.status === "confirmed" || payout.status === "cancelled") continue;
      const matchedBy = matchOf(state, payout, by, said);
      assert(matchedBy !== undefined, `the ledger knows no payment of payout ${payout.key} at that place`);
      const isTaken = [...state.settlements.values()].some((other) => compareOperations(other.by, by) === 0);
      assert(!isTaken, `transfer ${operationId(by)} has settled another payout`);
      state.settlements.set(payoutId, { by, matchedBy });
      const { blockNum } = by;
      const { amount, txid, blockTimeMs } = state.transfers.get(operationId(by)) as StoredTransfer;
      const { key, payee, status } = payout;
      const receipt = {
        event: "payout.confirmed",
        subject: key,
        chainTimeMs: blockTimeMs,
        details: {
          ...said,
          payoutId,
          payee,
          amountShares: `${amount}`,
          txid: txid ?? null,
          was: status,
          operation: operationId(by),
          matchedBy,
        },
      };
      await receiptsIn(state).add([receipt]);
      putPayout(state, payout, "confirmed", { reason: undefined, blockProcessed: blockNum });
      for (const { id, settlesAs } of payout.rows) settleRow(state, id, settlesAs, blockNum);
      moved++;
    }
    return moved;
  },

  async applyLimits(id: PayoutId): Promise<"go" | "held" | "later"> {
    return applyLimits(state, id);
  },

  async open({ lane, after, limit, untouched = false }): Promise<readonly OpenPayout[]> {
    const isLater = (a: OpenPayout, b: OpenPayout) =>
      a.dueMs > b.dueMs || (a.dueMs === b.dueMs && a.id > b.id);
    return [...state.payouts.values()]
      .filter(({ status }) => ["due", "ready", "signed", "sent", "waiting_funds"].includes(status))
      .filter(({ status }) => !untouched || status === "due" || status === "ready")
      .filter(({ kind }) => laneOf(kind) === lane)
      .filter((payout) => after === undefined || isLater(payout, after))
      .sort((a, b) => (isLater(a, b) ? 1 : -1))
      .slice(0, limit)
      .map(({ id, dueMs, status }) => ({ id, dueMs, status }));
  },

  async enqueueStale({
    lane,
    notEnqueuedForMs,
    limit,
  }: {
    lane: PaymentLane;
    notEnqueuedForMs: number;
    limit: number;
  }): Promise<number> {
    const nowMs = clock.nowMs();
    const stale = [...state.payouts.values()]
      .filter((payout) => ["due", "ready", "signed", "sent", "waiting_funds"].includes(payout.status))
      .filter(({ kind }) => laneOf(kind) === lane)
      .filter((payout) => payout.enqueuedAtMs < nowMs - notEnqueuedForMs)
      .sort((a, b) => a.dueMs - b.dueMs)
      .slice(0, limit);
    for (const payout of stale) {
      state.payouts.set(payout.id, { ...payout, enqueuedAtMs: nowMs });
      const id = `payout-${payout.id}-${nowMs}-${state.jobs.size}`;
      const data = lane === "returns" ? { payoutId: payout.id, later: true } : { payoutId: payout.id };
      const job: NewJob = { id, kind: "payout.pay", data, delayMs: 0 };
      state.jobs.set(id, { job, made: false });
    }
    return stale.length;
  },
});
