import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { shares } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import { leftToClaim } from "./reserve-permission.ts";

const permission = {
  limit: shares(100n),
  claimed: shares(30n),
  periodMs: 1_000,
  periodStartMs: millis(5_000),
  expirationMs: millis(8_000),
};

describe("what a withdraw permission has left", () => {
  it.each([
    [4_999, "not_started"],
    [5_000, 70n],
    [5_999, 70n],
    [6_000, 100n], // another period: what was claimed belongs to the one before
    [7_999, 100n],
    [8_000, "expired"],
  ] as const)("at %i is %s", (nowMs, left) => expect(leftToClaim(permission, millis(nowMs))).toBe(left));

  it("is nothing, and not less, when its limit was lowered below what was claimed", () =>
    expect(leftToClaim({ ...permission, limit: shares(10n) }, millis(5_000))).toBe(0n));

  // The node's own bookkeeping, claim after claim: what it would still take is what we say is left.
  test.prop([fc.array(fc.record({ waitMs: fc.nat(2_500), amount: fc.bigInt(1n, 150n) }), { maxLength: 20 })])(
    "follows the chain through any claims",
    (claims) => {
      let state = { ...permission, claimed: shares(0n), expirationMs: millis(1_000_000) };
      let nowMs = state.periodStartMs as number;
      const drawn = new Map<number, bigint>();
      for (const { waitMs, amount } of claims) {
        nowMs += waitMs;
        const left = leftToClaim(state, millis(nowMs));
        if (typeof left === "string") throw new Error(left);
        if (amount > left) continue;
        const periods = Math.floor((nowMs - state.periodStartMs) / state.periodMs);
        state = {
          ...state,
          periodStartMs: millis(state.periodStartMs + periods * state.periodMs),
          claimed: shares((periods === 0 ? state.claimed : 0n) + amount),
        };
        const period = Math.floor((nowMs - permission.periodStartMs) / state.periodMs);
        drawn.set(period, (drawn.get(period) ?? 0n) + amount);
        expect(leftToClaim(state, millis(nowMs))).toBe(state.limit - (drawn.get(period) ?? 0n));
      }
      for (const sum of drawn.values()) expect(sum).toBeLessThanOrEqual(permission.limit);
    },
  );
});
