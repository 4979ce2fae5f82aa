import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { type Bts, bts } from "@stakebts/kernel/amount";
import { NO_LIMITS, type PaymentLimits } from "@stakebts/core/rules/limits";
import { limitPayment, type SignedPayment, signedWithin } from "./limit-payment.ts";
import { DAY_MS, HOUR_MS, millis } from "@stakebts/kernel/time";

const NOW = millis(10 * DAY_MS);
const ago = (ms: number, amount: bigint): SignedPayment => ({
  amount: bts(amount),
  signedMs: millis(NOW - ms),
});
const NOTHING = { approved: false, signed: [], nowMs: NOW, olderWaits: undefined } as const;
const limits = (change: { [Name in keyof PaymentLimits]?: bigint }): PaymentLimits => ({
  ...NO_LIMITS,
  ...Object.fromEntries(Object.entries(change).map(([name, amount]) => [name, bts(amount)])),
});

describe("a payment under limits", () => {
  it("goes when there are none, however much was signed", () => {
    const signed = [ago(0, 10n ** 9n)];
    expect(limitPayment(bts(10n ** 9n), NO_LIMITS, { ...NOTHING, signed })).toEqual({ type: "go" });
  });

  it("goes up to the cap for one payment, and waits for a person above it", () => {
    const cap = limits({ paymentCap: 1_000n });
    expect(limitPayment(bts(1_000n), cap, NOTHING)).toEqual({ type: "go" });
    expect(limitPayment(bts(1_001n), cap, NOTHING)).toMatchObject({ type: "held", by: "payment_cap" });
    expect(limitPayment(bts(1_001n), cap, { ...NOTHING, approved: true })).toEqual({ type: "go" });
  });

  it("of the threshold itself waits for a second person", () => {
    const threshold = limits({ approvalFrom: 1_000n });
    expect(limitPayment(bts(999n), threshold, NOTHING)).toEqual({ type: "go" });
    expect(limitPayment(bts(1_000n), threshold, NOTHING)).toMatchObject({ type: "held", by: "approval" });
    expect(limitPayment(bts(1_000n), threshold, { ...NOTHING, approved: true })).toEqual({ type: "go" });
  });

  it("fills an hour to the last BTS, and has room again when what fills it is an hour old, to the millisecond", () => {
    const cap = limits({ hourCap: 1_000n });
    const after = (ms: number, amount = 400n) =>
      limitPayment(bts(amount), cap, { ...NOTHING, signed: [ago(ms, 600n)] }).type;
    expect(after(HOUR_MS - 1)).toBe("go");
    expect(after(HOUR_MS - 1, 401n)).toBe("later");
    expect(after(HOUR_MS, 401n)).toBe("go");
  });

  it("says which of two windows is full, the day before the hour, for it lasts longer", () => {
    const both = limits({ hourCap: 1_000n, dayCap: 2_000n });
    const with_ = (...signed: SignedPayment[]) => limitPayment(bts(500n), both, { ...NOTHING, signed });
    expect(with_(ago(0, 600n))).toMatchObject({ type: "later", by: "hour_cap" });
    expect(with_(ago(0, 600n), ago(2 * HOUR_MS, 1_000n))).toMatchObject({ by: "day_cap" });
    expect(with_(ago(DAY_MS, 2_000n))).toEqual({ type: "go" });
  });

  it("larger than a whole window waits for a person, and with his word for an empty window", () => {
    const cap = limits({ dayCap: 1_000n });
    expect(limitPayment(bts(1_001n), cap, NOTHING)).toMatchObject({ type: "held", by: "day_cap" });
    const approved = { ...NOTHING, approved: true };
    expect(limitPayment(bts(1_001n), cap, approved)).toEqual({ type: "go" });
    expect(limitPayment(bts(1_001n), cap, { ...approved, signed: [ago(0, 1n)] })).toMatchObject({
      type: "later",
    });
  });

  it("does not pass an older one that waits for room, and does when that cap is gone", () => {
    const waits = { ...NOTHING, olderWaits: "hour_cap" } as const;
    expect(limitPayment(bts(1n), limits({ hourCap: 1_000n }), waits)).toMatchObject({ type: "later" });
    expect(limitPayment(bts(1n), limits({ dayCap: 1_000n }), waits)).toEqual({ type: "go" });
  });

  const amounts = fc.array(
    fc.record({ amount: fc.bigInt(1n, 400n), waitMs: fc.integer({ min: 0, max: HOUR_MS }) }),
    { maxLength: 60 },
  );
  test.prop([amounts, fc.bigInt(400n, 1_500n), fc.bigInt(400n, 5_000n)])(
    "never makes any hour or any day hold more than its cap, wherever the hour begins",
    (payments, hourCap, dayCap) => {
      const signed: SignedPayment[] = [];
      let nowMs = NOW;
      for (const { amount, waitMs } of payments) {
        nowMs = millis(nowMs + waitMs);
        const caps = limits({ hourCap, dayCap });
        const verdict = limitPayment(bts(amount), caps, { ...NOTHING, signed, nowMs });
        if (verdict.type === "go") signed.push({ amount: bts(amount), signedMs: nowMs });
      }
      for (const { signedMs } of signed) {
        const until = signed.filter((payment) => payment.signedMs <= signedMs);
        expect(signedWithin(until, { nowMs: signedMs, windowMs: HOUR_MS })).toBeLessThanOrEqual(hourCap);
        expect(signedWithin(until, { nowMs: signedMs, windowMs: DAY_MS })).toBeLessThanOrEqual(dayCap);
      }
    },
  );

  test.prop([fc.bigInt(1n, 2_000n), fc.bigInt(1n, 2_000n), amounts])(
    "has room in the end, once nothing more is signed, unless it waits for a person",
    (amount, cap, payments) => {
      const signed = payments.map((payment) => ago(0, payment.amount));
      const after = { ...NOTHING, signed, nowMs: millis(NOW + DAY_MS) };
      const { type } = limitPayment(amount as Bts, limits({ hourCap: cap, dayCap: cap }), after);
      expect(type).toBe(amount > cap ? "held" : "go");
    },
  );
});
