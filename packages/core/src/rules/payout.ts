import type { Bts } from "@stakebts/kernel/amount";
import { assertNever } from "@stakebts/kernel/assert";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { StakeRow, StakeRowId, StakeRowStatus } from "./stake-row.ts";
import type { Millis } from "@stakebts/kernel/time";

declare const brand: unique symbol;
/** A UUID derived from the key: the same debt has the same id wherever and whenever it is computed. */
export type PayoutId = string & { readonly [brand]: "payout" };

/** `reward:<block>:<trx>:<op>:<n>` and so on: the debt's own name, unique in the ledger and written in its memo. */
export type PayoutKey = string & { readonly [brand]: "payout key" };

export const PAYOUT_KINDS = [
  "reward",
  "base",
  "stop",
  "refund",
  "confirm",
  "notice",
  "deposit",
  "checkpoint",
] as const;
export type PayoutKind = (typeof PAYOUT_KINDS)[number];

/**
 * One debt, settled by one transfer.
 *
 * ```
 * due ─▶ ready ─▶ signed ─▶ sent ─▶ confirmed
 *         │  ▲       └────────┴── its withdrawal expired ──▶ ready (a new attempt, a new id), or failed
 *         │  └── funds arrived, released, requeued
 *         ├─▶ waiting_funds ── too long ──▶ failed
 *         ├─▶ held       a person decides
 *         └─▶ failed     permanent; a person may requeue it
 * ```
 * - `due`: the debt exists and no payment was tried.
 * - `ready`: the payer has picked it up, or may do so again. What is `due` or waits for funds may be signed without that step.
 * - `signed`, `sent`: a live withdrawal exists; see there.
 * - `waiting_funds`: the hot wallet is short; `waitingSinceMs` says since when.
 * - `cancelled`: an operator took it back with proof that nothing was sent.
 */
export const PAYOUT_STATUSES = [
  "due",
  "ready",
  "signed",
  "sent",
  "confirmed",
  "waiting_funds",
  "held",
  "failed",
  "cancelled",
] as const;
export type PayoutStatus = (typeof PAYOUT_STATUSES)[number];

/** What strangers sent goes back behind what the programme owes: they choose how many of those there are. */
export const PAYMENT_LANES = ["programme", "returns"] as const;
export type PaymentLane = (typeof PAYMENT_LANES)[number];
export const laneOf = (kind: PayoutKind): PaymentLane => (kind === "refund" ? "returns" : "programme");

/** What a shortage of funds is topped up for: not deposits at an exchange, which take away what could be spared. */
export const TOPPED_UP_KINDS = PAYOUT_KINDS.filter((kind) => kind !== "deposit");

/** Neither confirmed nor cancelled. */
export const UNSETTLED_STATUSES = PAYOUT_STATUSES.filter(
  (status) => status !== "confirmed" && status !== "cancelled",
);

/** Statuses in which a payer may start a new attempt. */
export const PAYABLE_STATUSES = ["due", "ready", "waiting_funds"] as const satisfies readonly PayoutStatus[];

/** Statuses in which a withdrawal is out and the same bytes are sent again until the chain has decided. */
export const IN_FLIGHT_STATUSES = ["signed", "sent"] as const satisfies readonly PayoutStatus[];

export const isInFlight = (status: PayoutStatus): boolean =>
  (IN_FLIGHT_STATUSES as readonly string[]).includes(status);

/** A debt as the rules create it. */
export interface NewPayout {
  readonly key: PayoutKey;
  readonly kind: PayoutKind;
  /** Account name. */
  readonly payee: string;
  readonly amount: Bts;
  /**
   * Text of the memo. It carries the key, by which the payment is known again from the chain alone; that of a deposit at an
   * exchange cannot, and is known by its nonce. Either way two payouts never share a transaction id.
   */
  readonly memo: string;
  /** When it fell due: the order in which debts are paid. */
  readonly dueMs: Millis;
  /** The rows it settles, each with the status that it gives them when it is irreversible. */
  readonly rows: readonly { readonly id: StakeRowId; readonly settlesAs: StakeRowStatus }[];
}

export const payoutKey = {
  row(row: StakeRow): PayoutKey {
    const at = operationId(row.agreement);
    return (row.type === "reward" ? `reward:${at}:${row.number}` : `base:${at}`) as PayoutKey;
  },
  stop: (stop: OperationPosition) => `stop:${operationId(stop)}` as PayoutKey,
  refund: (transfer: OperationPosition) => `refund:${operationId(transfer)}` as PayoutKey,
  confirm: (agreement: OperationPosition) => `confirm:${operationId(agreement)}` as PayoutKey,
  deposit: (request: OperationPosition) => `deposit:${operationId(request)}` as PayoutKey,
  notice: (payout: PayoutKey) => `notice:${payout}` as PayoutKey,
  /** @param day `2026-11-25`, UTC by chain time */
  checkpoint: (day: string) => `checkpoint:${day}` as PayoutKey,
} as const;

/**
 * The memo of a payout: compact JSON with the kind, what it is for, and the key, which makes every payment traceable
 * from the chain alone.
 */
export const payoutMemo = (
  kind: PayoutKind,
  key: PayoutKey,
  fields: Record<string, string | number>,
): string => JSON.stringify({ type: kind, ...fields, payout: key });

/** The key inside the text of one of our memos, `undefined` when there is none. Total: any text may come in. */
export function payoutKeyInMemo(text: string): PayoutKey | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, "payout")) return undefined;
    const key: unknown = (value as { payout: unknown }).payout;
    return typeof key === "string" && KEY_SHAPE.test(key) ? (key as PayoutKey) : undefined;
  } catch {
    return undefined;
  }
}
// Ten digits hold any block number, and keep a hand-written memo from bringing a key too long for its index.
const KEY_SHAPE =
  /^(?:(?:notice:)?(?:reward(?::\d{1,10}){3}(?:\.\d{1,5})?:\d{1,10}|(?:base|stop|refund|confirm)(?::\d{1,10}){3}(?:\.\d{1,5})?)|checkpoint:\d{4}-\d{2}-\d{2})$/u;

/** What the end of an attempt means for the payout. */
export type AttemptEnd =
  | { readonly type: "withdrawal_expired"; readonly attempts: number; readonly maxAttempts: number }
  /** It ended for a cause that concerned every payout alike, and does not count. */
  | { readonly type: "common_cause"; readonly attempts: number; readonly maxAttempts: number }
  | { readonly type: "refused_for_ever" };

export function afterAttempt(end: AttemptEnd): "ready" | "failed" {
  switch (end.type) {
    case "withdrawal_expired":
      return end.attempts < end.maxAttempts ? "ready" : "failed";
    case "common_cause":
      return "ready";
    case "refused_for_ever":
      return "failed";
    default:
      return assertNever(end);
  }
}
