import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { bts, shares, SHARES_PER_BTS } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import type { Liabilities } from "../ledger/view.ts";
import { type Balances, shortages } from "./report-treasury.ts";

const sum = (amount: bigint) => ({ count: 1, amount: bts(amount) });
const owed = (within24h: bigint, within7d: bigint, within30d: bigint): Liabilities => ({
  asOfMs: millis(0),
  gross: sum(within30d),
  within30d: sum(within30d),
  within7d: sum(within7d),
  within48h: sum(within24h),
  within24h: sum(within24h),
  pastDue: sum(0n),
  stopped: sum(0n),
  paidLast48h: sum(0n),
  cancelled: sum(0n),
  nominators: 1,
});
const inShares = (amount: bigint) => shares(amount * SHARES_PER_BTS);
const balances = (hot: bigint, ...others: (bigint | undefined)[]): Balances => ({
  hotWallet: inShares(hot),
  sources: others.map((amount, index) => ({
    name: `exchange${index + 1}`,
    balance: amount === undefined ? { problem: "throttled" } : inShares(amount),
  })),
});
const warned = (debts: Liabilities, there: Balances, minimumBalance = bts(100n)) =>
  shortages(debts, there, { minimumBalance }).map(
    ({ horizon, of, shortShares }) => `${horizon} ${of} ${shortShares / SHARES_PER_BTS}`,
  );

describe("a warning before money is due", () => {
  it("is not given while the hot wallet suffices for 30 days, the minimum that stays in it included", () => {
    expect(warned(owed(10n, 50n, 900n), balances(1_000n))).toEqual([]);
    expect(warned(owed(10n, 50n, 901n), balances(1_000n))).toEqual(["30d hot_wallet 1", "30d all 1"]);
  });

  it("says for each horizon whether the hot wallet alone is short, or all purses together", () => {
    expect(warned(owed(500n, 2_000n, 9_000n), balances(1_000n, 2_000n, 500n))).toEqual([
      "7d hot_wallet 1100",
      "30d hot_wallet 8100",
      "30d all 5600",
    ]);
  });

  it("does not count on a purse that could not be asked", () => {
    expect(warned(owed(1_500n, 1_500n, 1_500n), balances(1_000n, undefined))[1]).toBe("24h all 600");
  });

  const amounts = fc.bigInt({ min: 0n, max: 10n ** 7n });
  test.prop([fc.tuple(amounts, amounts, amounts), amounts, fc.array(amounts, { maxLength: 3 })])(
    "grows with the horizon, and all purses are never shorter than one",
    ([day, week, month], hot, others) => {
      const debts = owed(day, day + week, day + week + month);
      const found = shortages(debts, balances(hot, ...others), { minimumBalance: bts(100n) });
      for (const of of ["hot_wallet", "all"] as const) {
        const series = found.filter((each) => each.of === of).map(({ shortShares }) => shortShares);
        expect(series).toEqual(series.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
      }
      for (const all of found.filter(({ of }) => of === "all")) {
        const alone = found.find(({ of, horizon }) => of === "hot_wallet" && horizon === all.horizon);
        expect(alone?.shortShares).toBeGreaterThanOrEqual(all.shortShares);
      }
    },
  );
});
