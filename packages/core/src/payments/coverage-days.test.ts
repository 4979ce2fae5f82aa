import { fc, test } from "@stakebts/testkit/property";
import { describe, expect } from "vitest";
import { bts, shares, toShares } from "@stakebts/kernel/amount";
import { DAY_MS, millis } from "@stakebts/kernel/time";
import { COVERAGE_DAYS_MAX, coverageDays } from "./coverage-days.ts";
import { dayOf } from "./forecast.ts";

const NOW = millis(Date.parse("2026-11-24T13:00:00Z"));
const TODAY = dayOf(NOW);
const MINIMUM = bts(100n);

/** Days from a month ago to the end of what is looked at, each at most once, as the ledger gives them. */
const dueDays = fc
  .uniqueArray(
    fc.record({ day: fc.integer({ min: -30, max: COVERAGE_DAYS_MAX - 1 }), amount: fc.bigInt(1n, 10_000n) }),
    { selector: ({ day }) => day, maxLength: 40 },
  )
  .map((days) =>
    days.map(({ day, amount }) => ({
      dayMs: millis(TODAY + day * DAY_MS),
      payments: 1,
      amount: bts(amount),
    })),
  );
const balances = fc.bigInt(0n, 200_000n).map((amount) => toShares(bts(amount)));
const covered = (days: Parameters<typeof coverageDays>[0], balance: ReturnType<typeof shares>) =>
  coverageDays(days, { nowMs: NOW, balance, minimumBalance: MINIMUM });
/** All that is due before a day, counted from today; what is past due is due today. */
const dueBefore = (days: Parameters<typeof coverageDays>[0], day: number) =>
  days
    .filter(({ dayMs }) => Math.max(dayMs, TODAY) < TODAY + day * DAY_MS)
    .reduce((sum, { amount }) => sum + toShares(amount), 0n);

describe("the days of what falls due that the money reaches for", () => {
  test.prop([dueDays, balances])(
    "are those that can be paid, and the day after them cannot",
    (days, balance) => {
      const reach = covered(days, balance);
      const spendable = balance - toShares(MINIMUM);
      if (reach > 0) expect(dueBefore(days, reach) <= spendable || dueBefore(days, reach) === 0n).toBe(true);
      if (reach < COVERAGE_DAYS_MAX) expect(dueBefore(days, reach + 1) > spendable).toBe(true);
    },
  );

  test.prop([dueDays, balances, balances])("are no fewer with more money", (days, balance, more) => {
    expect(covered(days, shares(balance + more))).toBeGreaterThanOrEqual(covered(days, balance));
  });

  test.prop([balances])("are as many as are looked at when nothing falls due", (balance) => {
    expect(covered([], balance)).toBe(COVERAGE_DAYS_MAX);
  });

  test("are none when what is past due cannot be paid", () => {
    const days = [{ dayMs: millis(TODAY - 5 * DAY_MS), payments: 1, amount: bts(1_000n) }];
    expect(covered(days, toShares(bts(1_099n)))).toBe(0);
    expect(covered(days, toShares(bts(1_100n)))).toBe(COVERAGE_DAYS_MAX);
  });
});
