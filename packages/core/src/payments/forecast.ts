import { type Bts, bts, type Shares, toShares } from "@stakebts/kernel/amount";
import { dayText } from "@stakebts/kernel/text";
import { DAY_MS, millis, type Millis } from "@stakebts/kernel/time";

/** What falls due on one day of the chain (UTC). */
export interface DueDay {
  /** Midnight at which the day begins. */
  readonly dayMs: Millis;
  readonly payments: number;
  readonly amount: Bts;
}

export interface ForecastLine {
  /** `2026-11-23`, or `2026-11`. */
  readonly period: string;
  readonly payments: number;
  readonly amount: Bts;
  /** All that has to be paid from now to the end of this period. */
  readonly total: Bts;
  /** What the balance is short by at the end of this period, less what has to stay in it; 0 when it suffices. */
  readonly short: Shares;
}

export interface Forecast {
  readonly lines: readonly ForecastLine[];
  /** The first day on which the balance does not suffice; `undefined` when it suffices to the end of the forecast. */
  readonly shortOn: string | undefined;
}

/** Midnight (UTC) of the day of an instant. */
export const dayOf = (instant: Millis): Millis => millis(instant - (((instant % DAY_MS) + DAY_MS) % DAY_MS));

/**
 * What falls due in each day or month, and when the balance ends. Past due is due today. Network fees are not in it:
 * they are what the minimum balance is for.
 */
export function forecast(
  days: readonly DueDay[],
  {
    by,
    nowMs,
    balance,
    minimumBalance,
    later,
  }: {
    readonly by: "day" | "month";
    readonly nowMs: Millis;
    readonly balance: Shares | undefined;
    readonly minimumBalance: Bts;
    /** What can be reached from a day on, beside the balance. */
    readonly later?: { readonly fromMs: Millis; readonly amount: Shares } | undefined;
  },
): Forecast {
  const spendable = balance === undefined ? undefined : balance - toShares(minimumBalance);
  const shortBy = (total: Bts, dayMs: Millis): Shares => {
    if (spendable === undefined) return 0n as Shares;
    const there = spendable + (later !== undefined && dayMs >= later.fromMs ? later.amount : 0n);
    return (toShares(total) <= there ? 0n : toShares(total) - there) as Shares;
  };
  const lines: ForecastLine[] = [];
  let total = bts(0n);
  let shortOn: string | undefined;
  const today = dayOf(nowMs);
  for (const day of days.toSorted((a, b) => a.dayMs - b.dayMs)) {
    const dayMs = millis(Math.max(day.dayMs, today));
    const text = dayText(dayMs);
    total = bts(total + day.amount);
    if (shortOn === undefined && shortBy(total, dayMs) > 0n) shortOn = text;
    const period = by === "day" ? text : text.slice(0, 7);
    const before = lines.at(-1)?.period === period ? lines.pop() : undefined;
    lines.push({
      period,
      payments: (before?.payments ?? 0) + day.payments,
      amount: bts((before?.amount ?? 0n) + day.amount),
      total,
      short: shortBy(total, dayMs),
    });
  }
  return { lines, shortOn };
}
