import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import {
  bts,
  formatShares,
  MAX_SUPPLY_SHARES,
  percentOf,
  shares,
  SHARES_PER_BTS,
  toBtsRoundedDown,
  toShares,
} from "./amount.ts";
import { AssertionError } from "./assert.ts";

const MAX_BTS = MAX_SUPPLY_SHARES / SHARES_PER_BTS;
const amountShares = fc.bigInt({ min: 0n, max: MAX_SUPPLY_SHARES }).map(shares);
const wholeBts = fc.bigInt({ min: 0n, max: MAX_BTS }).map(bts);

describe("an amount that arrived", () => {
  it.each([
    [0n, 0n],
    [1n, 0n],
    [99_999n, 0n],
    [100_000n, 1n],
    [2_499_999_999n, 24_999n],
    [2_500_000_000n, 25_000n],
    [2_500_050_000n, 25_000n],
    [2_500_099_999n, 25_000n],
    [2_500_100_000n, 25_001n],
    [MAX_SUPPLY_SHARES, 10_000_000_000n],
  ])("of %i shares is %i BTS", (given, expected) => expect(toBtsRoundedDown(shares(given))).toBe(expected));

  test.prop([amountShares])("loses less than 1 BTS to rounding, and never gains", (amount) => {
    const rest = amount - toShares(toBtsRoundedDown(amount));
    expect(rest).toBeGreaterThanOrEqual(0n);
    expect(rest).toBeLessThan(SHARES_PER_BTS);
  });

  test.prop([wholeBts])("is exact for whole BTS", (amount) => {
    expect(toBtsRoundedDown(toShares(amount))).toBe(amount);
  });

  it("is never negative", () => expect(() => toBtsRoundedDown(shares(-1n))).toThrow(AssertionError));
});

describe("a percentage", () => {
  it.each([
    [100_000n, 800n, 8_000n],
    [100_000n, 1_500n, 15_000n],
    [12n, 800n, 0n],
    [13n, 800n, 1n],
    [99n, 1_250n, 12n],
    [1n, 9_999n, 0n],
    [1n, 10_000n, 1n],
    [0n, 800n, 0n],
    [25_000n, 0n, 0n],
    [MAX_BTS, 800n, 800_000_000n],
  ])("of %i BTS at %i basis points is %i BTS", (amount, percentBps, expected) =>
    expect(percentOf(bts(amount), percentBps)).toBe(expected),
  );

  test.prop([wholeBts, fc.bigInt({ min: 0n, max: 10_000n })])(
    "is rounded down, by less than 1 BTS, and is no more than the whole",
    (amount, percentBps) => {
      const part = percentOf(amount, percentBps);
      expect(part * 10_000n).toBeLessThanOrEqual(amount * percentBps);
      expect((part + 1n) * 10_000n).toBeGreaterThan(amount * percentBps);
      expect(part).toBeLessThanOrEqual(amount);
    },
  );

  it("of a negative is a broken assumption", () => {
    expect(() => percentOf(bts(-1n), 800n)).toThrow(AssertionError);
    expect(() => percentOf(bts(1n), -800n)).toThrow(AssertionError);
  });
});

describe("an amount as people read it", () => {
  it.each([
    [0n, "0 BTS"],
    [1n, "0.00001 BTS"],
    [100_000n, "1 BTS"],
    [1_250_000n, "12.50000 BTS"],
    [6_199_999n, "61.99999 BTS"],
    [-1n, "-0.00001 BTS"],
    [-1_500_000_000n, "-15000 BTS"],
    [MAX_SUPPLY_SHARES, "10000000000 BTS"],
  ])("%i shares are %s", (amount, text) => expect(formatShares(shares(amount))).toBe(text));

  test.prop([fc.bigInt({ min: 0n - MAX_SUPPLY_SHARES, max: MAX_SUPPLY_SHARES })])(
    "loses nothing",
    (amount) => {
      const [, sign, whole, fraction] =
        /^(-?)(\d+)(?:\.(\d{5}))? BTS$/u.exec(formatShares(shares(amount))) ?? [];
      const absolute = BigInt(whole ?? "") * SHARES_PER_BTS + BigInt(fraction ?? "0");
      expect(sign === "-" ? -absolute : absolute).toBe(amount);
    },
  );
});
