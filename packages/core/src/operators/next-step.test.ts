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
  cancelAsked: [],
  ...change,
});
const AROUND = { paymentsOffBecause: undefined, recoveryHoldBecause: undefined, fundsWaitMs: 60_000 };
const ASKED = { actor: "anna", reason: "a mistake", askedAtMs: 0, openFromMs: 3_600_000, isOpen: true };
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
    expect(nextStep(payout({ status: "held" }), AROUND).text).toContain("an operator releases it");
    const asked = payout({ status: "held", cancelAsked: [ASKED] });
    expect(nextStep(asked, AROUND).text).toContain("anna asked to cancel it");
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
    const possible = (state: PayoutState) =>
      actionsOn(state, operator).flatMap(({ action, whyNot: why }) => (why === undefined ? [action] : []));
    expect(possible(held)).toEqual(["approve", "ask-to-cancel"]);
    expect(whyNot(held)["release"]).toContain("a limit holds it");
    expect(possible(payout({ status: "held" }))).toEqual(["release", "ask-to-cancel"]);
    expect(possible(payout({ status: "failed" }))).toEqual(["requeue", "ask-to-cancel"]);
    for (const status of ["due", "ready", "waiting_funds"] as const)
      expect(possible(payout({ status }))).toEqual(["hold", "ask-to-cancel"]);
    for (const status of ["confirmed", "cancelled", "signed", "sent"] as const)
      expect(possible(payout({ status }))).toEqual([]);
  });

  it("that cancels takes a second person, an hour after the first", () => {
    const cancelBy = (name: string, asked: readonly (typeof ASKED)[]) =>
      whyNot(payout({ status: "held", cancelAsked: asked }), { name, role: "approver" })["cancel"];
    expect(cancelBy("ben", [])).toBe("no person has asked for it yet");
    expect(cancelBy("ben", [{ ...ASKED, isOpen: false }])).toContain("from 1970-01-01 01:00:00 UTC on");
    expect(cancelBy("Anna", [ASKED])).toContain("another person has to say the same");
    expect(cancelBy("ben", [ASKED])).toBeUndefined();
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
    expect([mayDo("cancel", "approver"), mayDo("ask-to-cancel", "approver")]).toEqual([true, false]);
    const failed = payout({ status: "failed" });
    expect(whyNot(failed, { name: "bert", role: "approver" })["requeue"]).toBe("needs the role operator");
  });
});
