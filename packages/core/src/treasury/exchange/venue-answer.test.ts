import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { shares } from "@stakebts/kernel/amount";
import {
  arrivingOf,
  feeInShares,
  formatVenueUnits,
  minimumArriving,
  parseVenueUnits,
  quantityFor,
  type VenueUnits,
} from "./venue-answer.ts";

const units = (amount: bigint) => amount as VenueUnits;
const anyUnits = fc.bigInt({ min: 0n, max: 10n ** 20n }).map(units);
const anyShares = fc.bigInt({ min: 0n, max: 10n ** 15n }).map(shares);

describe("decimal text", () => {
  test.prop([anyUnits])("comes back as it went out, eight decimals and no exponent", (amount) => {
    const text = formatVenueUnits(amount);
    expect(text).toMatch(/^\d+\.\d{8}$/);
    expect(parseVenueUnits(text, "down")).toBe(amount);
    expect(parseVenueUnits(text, "up")).toBe(amount);
  });

  test.prop([anyUnits, fc.stringMatching(/^\d{1,10}$/)])(
    "of more digits is cut or raised by one",
    (amount, digits) => {
      const text = `${formatVenueUnits(amount)}${digits}`;
      expect(parseVenueUnits(text, "down")).toBe(amount);
      expect(parseVenueUnits(text, "up")).toBe(/[1-9]/.test(digits) ? amount + 1n : amount);
    },
  );

  it.each([
    ["0", 0n],
    ["5", 500_000_000n],
    ["21.88270681", 2_188_270_681n],
    ["2.67000000", 267_000_000n],
    ["0.1", 10_000_000n],
    ["90071992.54740993", 9_007_199_254_740_993n],
  ])("%s is read to the last digit", (text, expected) => {
    expect(parseVenueUnits(text, "down")).toBe(expected);
  });

  it.each([
    "",
    "-1",
    "+1",
    "1e-8",
    "1E8",
    ".5",
    "5.",
    "1,5",
    " 1",
    "1 ",
    "0x10",
    "NaN",
    "Infinity",
    "1.2.3",
    "١",
  ])("%j is not an amount", (text) => {
    expect(parseVenueUnits(text, "down")).toBeUndefined();
  });

  it("is never written for less than nothing", () => {
    expect(() => formatVenueUnits(units(-1n))).toThrow("negative");
  });
});

describe("the fee", () => {
  test.prop([anyShares, anyUnits])("is added so that exactly the amount arrives", (amount, fee) => {
    expect(arrivingOf(quantityFor(amount, fee), fee)).toBe(amount);
  });

  test.prop([anyUnits, anyUnits])(
    "leaves of what is available only what can be asked for",
    (available, fee) => {
      const arriving = arrivingOf(available, fee);
      expect(arriving).toBeGreaterThanOrEqual(0n);
      if (arriving > 0n) expect(quantityFor(arriving, fee)).toBeLessThanOrEqual(available);
      if (available >= fee) expect(quantityFor(shares(arriving + 1n), fee)).toBeGreaterThan(available);
    },
  );

  test.prop([anyUnits])("makes the least amount, which one share less would miss", (fee) => {
    const least = minimumArriving(fee);
    expect(quantityFor(least, fee)).toBeGreaterThan(3n * fee);
    expect(quantityFor(shares(least - 1n), fee)).toBeLessThanOrEqual(3n * fee);
  });

  test.prop([anyUnits])("is shown rounded up, by less than a share", (fee) => {
    const shown = feeInShares(fee) * 1_000n;
    expect(shown - fee).toBeGreaterThanOrEqual(0n);
    expect(shown - fee).toBeLessThan(1_000n);
  });
});
