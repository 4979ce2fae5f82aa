import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { bts, shares, toShares } from "@stakebts/kernel/amount";
import { DAY_MS, millis } from "@stakebts/kernel/time";
import { dayOf, forecast } from "./forecast.ts";

const day = (text: string) => millis(Date.parse(`${text}T00:00:00Z`));
const due = (text: string, amount: bigint) => ({ dayMs: day(text), payments: 1, amount: bts(amount) });
const NOW = millis(Date.parse("2026-11-23T13:00:00Z"));
const NO_MINIMUM = { by: "day", nowMs: NOW, minimumBalance: bts(0n) } as const;

describe("a forecast", () => {
  it("counts past due as due today, together with what is due today", () => {
    const { lines } = forecast([due("2026-11-20", 5n), due("2026-11-23", 7n), due("2026-11-24", 1n)], {
      ...NO_MINIMUM,
      balance: undefined,
    });
    expect(lines.map(({ period, payments, amount, total }) => [period, payments, amount, total])).toEqual([
      ["2026-11-23", 2, 12n, 12n],
      ["2026-11-24", 1, 1n, 13n],
    ]);
  });

  it("names the first day on which the balance is short, and by how much", () => {
    const days = [due("2026-11-24", 60n), due("2026-12-01", 40n), due("2026-12-02", 1n)];
    const exact = forecast(days, { ...NO_MINIMUM, by: "month", balance: toShares(bts(100n)) });
    expect(exact.shortOn).toBe("2026-12-02");
    expect(exact.lines.map(({ period, short }) => [period, short])).toEqual([
      ["2026-11", 0n],
      ["2026-12", 100_000n],
    ]);
    const oneLess = forecast(days, { ...NO_MINIMUM, balance: shares(toShares(bts(100n)) - 1n) });
    expect(oneLess.shortOn).toBe("2026-12-01");
  });

  it("leaves the minimum balance where it is", () => {
    const days = [due("2026-11-24", 60n)];
    const at = (balance: bigint) =>
      forecast(days, { ...NO_MINIMUM, minimumBalance: bts(100n), balance: toShares(bts(balance)) }).shortOn;
    expect(at(160n)).toBeUndefined();
    expect(at(159n)).toBe("2026-11-24");
  });

  test.prop([
    fc.array(fc.record({ offset: fc.integer({ min: -40, max: 400 }), amount: fc.bigInt(1n, 10n ** 9n) })),
    fc.constantFrom("day" as const, "month" as const),
  ])("loses and invents nothing, in days and in months", (entries, by) => {
    const days = entries.map(({ offset, amount }) => ({
      dayMs: millis(dayOf(NOW) + offset * DAY_MS),
      payments: 1,
      amount: bts(amount),
    }));
    const { lines } = forecast(days, { ...NO_MINIMUM, by, balance: undefined });
    const sum = entries.reduce((total, { amount }) => total + amount, 0n);
    expect(lines.reduce((total, line) => total + line.amount, 0n)).toBe(sum);
    expect(lines.at(-1)?.total ?? 0n).toBe(sum);
    expect(new Set(lines.map((line) => line.period)).size).toBe(lines.length);
    expect(lines.map((line) => line.period)).toEqual(lines.map((line) => line.period).toSorted());
  });
});
