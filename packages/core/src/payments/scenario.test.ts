import { bts, shares, toShares } from "@stakebts/kernel/amount";
import { DAY_MS, millis } from "@stakebts/kernel/time";
import { describe, expect, it } from "vitest";
import { DEFAULT_POLICY } from "../rules/policy.ts";
import type { DueDay } from "./forecast.ts";
import { forecastScenario, NOTHING_ASSUMED, type Scenario } from "./scenario.ts";

const NOW = millis(Date.UTC(2026, 0, 1));
const day = (n: number) => millis(NOW + n * DAY_MS);
const DAYS: readonly DueDay[] = [
  { dayMs: day(10), payments: 1, amount: bts(1_000n) },
  { dayMs: day(40), payments: 2, amount: bts(9_000n) },
];

const forecastOf = (
  change: Partial<Scenario>,
  {
    hot = 5_100n,
    elsewhere = 0n,
    days = DAYS,
  }: { hot?: bigint; elsewhere?: bigint; days?: readonly DueDay[] } = {},
) =>
  forecastScenario(
    days,
    {
      by: "day",
      nowMs: NOW,
      untilMs: day(365),
      funds: {
        hotWallet: toShares(bts(hot)),
        elsewhere: toShares(bts(elsewhere)),
        minimumBalance: bts(100n),
      },
      stops: { agreements: 3, base: bts(50_000n), penalty: bts(-7_500n), payouts: bts(10n) },
      terms: DEFAULT_POLICY.terms,
    },
    { ...NOTHING_ASSUMED, ...change },
  );

describe("a forecast", () => {
  it("without an assumption is what falls due, against the hot wallet less what stays in it", () => {
    const { lines, shortOn, shortMax, spendable } = forecastOf({});
    expect(lines.map(({ amount }) => amount)).toEqual([1_000n, 9_000n]);
    expect(spendable).toBe(toShares(bts(5_000n)));
    expect(shortOn).toBe("2026-02-10");
    expect(shortMax).toBe(toShares(bts(5_000n)));
  });

  it("where everybody stops owes everything today, less the penalties", () => {
    const { lines, shortOn } = forecastOf({ everybodyStops: true });
    expect(lines).toMatchObject([{ period: "2026-01-01", payments: 3, amount: 42_510n }]);
    expect(shortOn).toBe("2026-01-01");
  });

  it("with arrivals has their money from today on, and owes rewards each month and the amount at the end", () => {
    const arrivals = { count: 2, amount: bts(100_000n), months: 3 } as const;
    const { lines, spendable } = forecastOf({ arrivals }, { days: [] });
    expect(spendable).toBe(toShares(bts(205_000n)));
    expect(lines.map(({ payments, amount }) => [payments, amount])).toEqual([
      [2, 16_000n],
      [2, 16_000n],
      [4, 216_000n],
    ]);
    const dearer = forecastOf({ arrivals, rewardBps: 1_000n }, { days: [] });
    expect(dearer.lines[0]?.amount).toBe(20_000n);
  });

  it("reckons with other wallets at once, or from the day on which they open", () => {
    expect(forecastOf({}, { elsewhere: 5_000n }).shortOn).toBeUndefined();
    expect(forecastOf({ closedDays: 14 }, { elsewhere: 5_000n }).shortOn).toBeUndefined();
    const closed = forecastOf({ closedDays: 50 }, { elsewhere: 5_000n });
    expect(closed.shortOn).toBe("2026-02-10");
  });

  it("says nothing is short where no balance is known", () => {
    const { shortOn, shortMax, spendable } = forecastScenario(
      DAYS,
      {
        by: "month",
        nowMs: NOW,
        untilMs: day(365),
        funds: { hotWallet: undefined, elsewhere: shares(0n), minimumBalance: bts(100n) },
        stops: { agreements: 0, base: bts(0n), penalty: bts(0n), payouts: bts(0n) },
        terms: DEFAULT_POLICY.terms,
      },
      NOTHING_ASSUMED,
    );
    expect({ shortOn, shortMax, spendable }).toEqual({
      shortOn: undefined,
      shortMax: 0n,
      spendable: undefined,
    });
  });
});
