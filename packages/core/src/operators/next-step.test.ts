import { millis } from "@stakebts/kernel/time";
import { describe, expect, it } from "vitest";
import { PAYOUT_STATUSES } from "../rules/payout.ts";
import { actionsOn, mayDo, nextStep, type PayoutState } from "./next-step.ts";

const payout = (change: Partial<PayoutState> = {}): PayoutState => ({
  status: "ready",
  reason: undefined,
  limitedBy: undefined,
  waitingSinceMs: undefined,
  attempts: 0,
  live: undefined,
  requesters: [],
  ...change,
});
const AROUND = { paymentsOffBecause: undefined, recoveryHoldBecause: undefined, fundsWaitMs: 60_000 };
const LIVE = { txid: "ab", expirationMs: millis(90_000) };

describe("what a person is told that happens next", () => {
  it("is something for every status", () => {
    for (const status of PAYOUT_STATUSES)
      expect(nextStep(payout({ status }), AROUND).text).toMatch(/^[A-Z].*\.$/u);
  });

  it("is that payments are off, and why, before any limit", () => {
    const off = { ...AROUND, paymentsOffBecause: "anna froze them" };
    expect(nextStep(payout({ limitedBy: "hour_cap" }), off).text).toContain("off (anna froze them)");
    const hold = { ...AROUND, recoveryHoldBecause: "it was restored" };
    expect(nextStep(payout(), hold).text).toContain("off (it was restored)");
  });

  it("names the limit that it waits for, and who has to act", () => {
    expect(nextStep(payout({ limitedBy: "day_cap" }), AROUND).text).toContain("limit for a day");
    const held = payout({ status: "held", limitedBy: "approval" });
    expect(nextStep(held, AROUND).text).toContain("a second person approves it");
    expect(nextStep(payout({ status: "held" }), AROUND).text).toContain("an operator requeues it");
  });

  it("says by when, where that is known", () => {
    expect(nextStep(payout({ status: "sent", live: LIVE }), AROUND).byMs).toBe(90_000);
    const waiting = payout({ status: "waiting_funds", waitingSinceMs: millis(5_000) });
    expect(nextStep(waiting, AROUND).byMs).toBe(65_000);
  });
});

describe("an action on a payout", () => {
  const operator = { name: "anna", role: "operator" } as const;
  const whyNot = (state: PayoutState, person: Parameters<typeof actionsOn>[1] = operator) =>
    Object.fromEntries(actionsOn(state, person).map(({ action, whyNot: why }) => [action, why]));

  it("can be done only in the status that it is for", () => {
    const held = payout({ status: "held", limitedBy: "approval" });
    expect(whyNot(held)).toEqual({ approve: undefined, requeue: undefined });
    expect(whyNot(payout({ status: "failed" }))).toEqual({
      approve: "no limit holds it",
      requeue: undefined,
    });
    for (const status of ["confirmed", "cancelled"] as const) {
      const { approve, requeue } = whyNot(payout({ status }));
      expect([approve, requeue].every((why) => why !== undefined)).toBe(true);
    }
  });

  it("is never a second payment: what is signed cannot be requeued while it lives", () => {
    expect(whyNot(payout({ status: "sent", live: LIVE }))["requeue"]).toContain(
      "a signed transaction lives until",
    );
    expect(whyNot(payout({ status: "signed" }))["requeue"]).toBe("it is being paid");
  });

  it("is refused to who has given the payout to the payer and would approve it as well", () => {
    const held = payout({ status: "held", limitedBy: "approval", requesters: ["anna"] });
    expect(whyNot(held)["approve"]).toContain("anna has given it to the payer");
    expect(whyNot(held, { name: "bert", role: "approver" })["approve"]).toBeUndefined();
  });

  it("is for roles: an approver approves and does nothing else, a viewer looks", () => {
    expect(mayDo("approve", "approver")).toBe(true);
    expect(mayDo("requeue", "approver")).toBe(false);
    expect(mayDo("approve", "viewer")).toBe(false);
    const failed = payout({ status: "failed" });
    expect(whyNot(failed, { name: "bert", role: "approver" })["requeue"]).toBe("needs the role operator");
  });
});
