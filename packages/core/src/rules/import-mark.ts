import type { Decision } from "./decide.ts";
import type { NewStakeRow, StakeRow } from "./stake-row.ts";
import type { Agreement } from "./terms.ts";
import { DAY_MS, HOUR_MS, type Millis, millis } from "@stakebts/kernel/time";

/** A reward that was paid by hand, and when. */
export interface MonthPaid {
  readonly number: number;
  readonly paidMs: Millis;
}

/**
 * What an import knows of a transfer and the chain does not: that it was answered elsewhere, and which months of the
 * agreement that it opened have been paid. It is written with the transfer, so that the event step finds it.
 */
export interface ImportMark {
  readonly monthsPaid: readonly MonthPaid[];
}

/** The days on which the custodian paid by hand before v2.4 did it: ends of months, UTC. */
export const DAYS_PAID_BY_HAND: readonly Millis[] = ["2021-06-30", "2021-07-31", "2021-08-31"].map((day) =>
  millis(Date.parse(day)),
);

/**
 * Which months those payments settled. On each day every agreement that had begun got its next month, due or not: "you
 * were paid early, this may mean up to 59 days until the next payout", as v2.0 told its nominators. So the n-th day after
 * the start is month n. Counting only what was due by then would mark fewer, and pay the rest a second time.
 * @param days beginnings of days, UTC, in any order
 */
export function monthsPaidOn(
  days: readonly Millis[],
  { startMs, months }: Pick<Agreement, "startMs" | "months">,
): readonly MonthPaid[] {
  return [...new Set(days)]
    .filter((day) => startMs < day + DAY_MS)
    .toSorted((a, b) => a - b)
    .slice(0, months)
    .map((day, index) => ({ number: index + 1, paidMs: millis(Math.max(day, startMs)) }));
}

/** The rows of a new agreement with these months settled outside this pipeline. */
export const withMonthsPaid = (
  rows: readonly StakeRow[],
  monthsPaid: readonly MonthPaid[],
): readonly NewStakeRow[] =>
  rows.map((row) => {
    const paid = row.type === "reward" ? monthsPaid.find(({ number }) => number === row.number) : undefined;
    if (paid === undefined) return row;
    return {
      ...row,
      status: "paid",
      settlement: { processedMs: paid.paidMs, blockProcessed: undefined },
    };
  });

/**
 * The answer to a transfer that an import found. It was answered years ago, so nothing is sent again: no confirmation, no
 * refund. What its agreement still owes, and what an early exit returns, is owed as it would be live.
 */
export function asImported(decision: Decision, { monthsPaid }: ImportMark): Decision {
  // The earlier installation has dealt with a manager's request: it moves and stops nothing now.
  const { agreement, topUp: _, freeze: _freeze, ...rest } = decision;
  const payouts = decision.payouts.filter((payout) => payout.kind === "stop");
  const reason = `${decision.reason}; found by an import: no confirmation and no refund`;
  return {
    ...rest,
    outcome: decision.outcome === "refunded" ? "already_processed" : decision.outcome,
    reason: payouts.length === decision.payouts.length ? decision.reason : reason,
    ...(agreement === undefined
      ? {}
      : { agreement: { ...agreement, rows: withMonthsPaid(agreement.rows, monthsPaid) } }),
    payouts,
  };
}

/** People wrote starts down by the minute, and from the clock of their own machine. */
export const SAME_START_MS = HOUR_MS;

type Terms = Pick<Agreement, "nominator" | "amount" | "months" | "startMs">;

/** One agreement that came on two ways: from a list or another installation, and from its transfer. */
export const isSameAgreement = (a: Terms, b: Terms): boolean =>
  a.nominator === b.nominator &&
  a.amount === b.amount &&
  a.months === b.months &&
  Math.abs(a.startMs - b.startMs) <= SAME_START_MS;
