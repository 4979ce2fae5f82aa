import { TERM_MONTHS, type TermMonths } from "./policy.ts";
import { assert } from "@stakebts/kernel/assert";
import type { Bts } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";

declare const brand: unique symbol;
/** `type:number:block:trx:op`, the row's own unique key. */
export type StakeRowId = string & { readonly [brand]: "stake row" };

export const STAKE_ROW_TYPES = [
  ...TERM_MONTHS.map((months): `agreement_${TermMonths}` => `agreement_${months}`),
  "base_amount",
  "penalty",
  "reward",
] as const;
export type StakeRowType = (typeof STAKE_ROW_TYPES)[number];

/**
 * Life of a row. Only forward, but for `processing` → `pending`, when an operator cancels its payout with proof that
 * nothing was sent.
 * - `pending`: nothing has happened yet.
 * - `processing`: a payout exists for it; whether and when it is on chain is the payout's story.
 * - `confirmed`: its payment is in an irreversible block. Nothing less is ever shown as settled.
 * - `premature`: base amount and penalty whose early-exit payment is in an irreversible block.
 * - `paid`: settled outside this pipeline; an agreement row until its confirmation is irreversible.
 * - `aborted`: will never be paid: a penalty at full term, a reward after a stop.
 */
export const STAKE_ROW_STATUSES = [
  "pending",
  "processing",
  "confirmed",
  "premature",
  "paid",
  "aborted",
] as const;
export type StakeRowStatus = (typeof STAKE_ROW_STATUSES)[number];

/**
 * Every move there is. The home of this rule is the database (trigger `stake_row_moves_forward`), because it must hold against every client. This is its
 * twin: both ledgers refuse by it first, and a test compares the two pair by pair. ADR 0021.
 */
export const STAKE_ROW_MOVES: Readonly<Record<StakeRowStatus, readonly StakeRowStatus[]>> = {
  pending: ["processing", "aborted"],
  processing: ["confirmed", "premature", "pending"],
  paid: ["confirmed"],
  confirmed: [],
  premature: [],
  aborted: [],
};

export interface StakeRow {
  readonly id: StakeRowId;
  /** The transfer that opened the agreement. */
  readonly agreement: OperationPosition;
  readonly nominator: string;
  readonly digitalAsset: string;
  /** Whole BTS; negative for a penalty. */
  readonly amount: Bts;
  readonly type: StakeRowType;
  /** 1, 2, 3 … for rewards, 0 for the rest. */
  readonly number: number;
  readonly startMs: Millis;
  readonly dueMs: Millis;
  readonly status: StakeRowStatus;
}

/**
 * A row as it is first written down. With `settlement`, when and where it was settled before the ledger knew it: in an
 * import. Without, the row has no such past.
 */
export interface NewStakeRow extends StakeRow {
  readonly settlement?: {
    readonly processedMs: Millis | undefined;
    readonly blockProcessed: number | undefined;
  };
}

export const stakeRowId = (row: Pick<StakeRow, "type" | "number" | "agreement">): StakeRowId => {
  return `${row.type}:${row.number}:${operationId(row.agreement)}` as StakeRowId;
};

/** Broken assumption if the move does not exist: the caller has to look at the row first. */
export function assertStakeRowMove(from: StakeRowStatus, to: StakeRowStatus): void {
  assert(STAKE_ROW_MOVES[from].includes(to), `a stake row does not go from ${from} to ${to}`);
}
