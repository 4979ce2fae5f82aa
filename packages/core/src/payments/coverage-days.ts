import type { Bts, Shares } from "@stakebts/kernel/amount";
import { DAY_MS, type Millis } from "@stakebts/kernel/time";
import { dayOf, type DueDay, forecast } from "./forecast.ts";

/** How far ahead is looked. Money that reaches further reaches far enough. */
export const COVERAGE_DAYS_MAX = 60;

/**
 * For how many whole days, counted from today, what falls due can be paid out of what is there now: 0 when today's
 * cannot, {@link COVERAGE_DAYS_MAX} when all that was looked at can. Past due is due today.
 */
export function coverageDays(
  days: readonly DueDay[],
  { nowMs, balance, minimumBalance }: { nowMs: Millis; balance: Shares; minimumBalance: Bts },
): number {
  const { shortOn } = forecast(days, { by: "day", nowMs, balance, minimumBalance });
  if (shortOn === undefined) return COVERAGE_DAYS_MAX;
  return Math.min(COVERAGE_DAYS_MAX, (Date.parse(shortOn) - dayOf(nowMs)) / DAY_MS);
}
