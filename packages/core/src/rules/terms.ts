import { type Bts, bts, percentOf } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { AgreementTerms, TermMonths } from "./policy.ts";
import { type StakeRow, stakeRowId, type StakeRowStatus, type StakeRowType } from "./stake-row.ts";
import { type Millis, plusMs } from "@stakebts/kernel/time";

/** One accepted nomination. Its name is the transfer that opened it. */
export interface Agreement {
  readonly operation: OperationPosition;
  readonly nominator: string;
  readonly amount: Bts;
  readonly months: TermMonths;
  /** Timestamp of the block with the transfer. */
  readonly startMs: Millis;
  /** The terms in force when it was opened, for life. */
  readonly terms: AgreementTerms;
}

/** The terms in words; equal terms are equal texts. */
export const termsText = ({ monthMs, rewardBps, penaltyBps }: AgreementTerms): string =>
  `month ${monthMs / 1000} s, reward ${rewardBps} and penalty ${penaltyBps} hundredths of a percent`;

/** Reward for one month, rounded down to whole BTS. */
export const rewardPerMonth = (amount: Bts, terms: AgreementTerms): Bts => percentOf(amount, terms.rewardBps);

/** What an early exit costs, rounded down, as the negative number that the ledger holds. */
export const penaltyFor = (amount: Bts, terms: AgreementTerms): Bts =>
  bts(0n - percentOf(amount, terms.penaltyBps));

/** The core asset as the ledger names it. */
export const DIGITAL_ASSET = "BTS";

/** When the principal falls due, and the penalty is waived. */
export const endOf = ({ startMs, months, terms }: Agreement): Millis =>
  plusMs(startMs, months * terms.monthMs);

/**
 * Every payment that the agreement can ever cause, written down the moment it opens: 3 + months rows, in the order in
 * which they are listed to people.
 */
export function buildStakeRows(agreement: Agreement): readonly StakeRow[] {
  const { amount, months, startMs, terms } = agreement;
  assert(amount > 0n, `an agreement of ${amount} BTS`);
  const endMs = endOf(agreement);
  const row = (
    type: StakeRowType,
    number: number,
    rowAmount: Bts,
    dueMs: Millis,
    status: StakeRowStatus,
  ) => ({
    id: stakeRowId({ type, number, agreement: agreement.operation }),
    agreement: agreement.operation,
    nominator: agreement.nominator,
    digitalAsset: DIGITAL_ASSET,
    amount: rowAmount,
    type,
    number,
    startMs,
    dueMs,
    status,
  });
  const rewards = Array.from({ length: months }, (_, index) => index + 1);
  return [
    row(`agreement_${months}`, 0, bts(1n), startMs, "paid"),
    row("base_amount", 0, amount, endMs, "pending"),
    row("penalty", 0, penaltyFor(amount, terms), endMs, "pending"),
    ...rewards.map((n) =>
      row("reward", n, rewardPerMonth(amount, terms), plusMs(startMs, n * terms.monthMs), "pending"),
    ),
  ];
}
