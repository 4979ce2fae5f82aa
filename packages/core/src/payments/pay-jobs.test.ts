import { millis } from "@stakebts/kernel/time";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { describe, expect, it } from "vitest";
import type { OpenPayout } from "../ledger/ledger.ts";
import type { PayoutId } from "../rules/payout.ts";
import { DuePayouts } from "./due-payouts.ts";
import { OpenPayouts } from "./open-payouts.ts";
import { payJobs, PAYOUTS_PER_STEP } from "./pay-jobs.ts";
import type { PayResult } from "./pay-payouts.ts";

const SENT: PayResult = { type: "in_flight", outcome: { type: "accepted" } };

/** So many debts, of which some cannot go. */
function situation(count: number, { stuck = 0, stopAfterSteps = Infinity } = {}) {
  const clock = new ManualClock(1_000_000);
  const steps: (readonly PayoutId[])[] = [];
  let owed: OpenPayout[] = Array.from({ length: count }, (_, n) => ({
    id: `payout-${n}` as PayoutId,
    dueMs: millis(n),
    status: "due",
  }));
  const cannotGo = new Set(owed.slice(0, stuck).map(({ id }) => id));
  const payouts = {
    open: async ({ lane, after, limit }: OpenQuery) =>
      lane === "returns"
        ? []
        : owed.filter(({ dueMs }) => after === undefined || dueMs > after.dueMs).slice(0, limit),
  };
  const handlers = payJobs({
    pay: async (ids) => {
      if (ids.length > 0) steps.push(ids);
      const goes = ids.filter((id) => !cannotGo.has(id));
      owed = owed.filter(({ id }) => !goes.includes(id));
      return new Map(
        ids.map((id) => [id, cannotGo.has(id) ? { type: "again", reason: "a limit was reached" } : SENT]),
      );
    },
    open: new OpenPayouts(payouts, clock),
    due: new DuePayouts(payouts, clock),
    clock,
    isOver: () => steps.length >= stopAfterSteps,
  });
  const job = (n: number) =>
    handlers["payout.pay"]?.({ payoutId: `payout-${n}` }) ?? Promise.reject(new Error("no handler"));
  return { job, steps, left: () => owed.map(({ id }) => id) };
}

interface OpenQuery {
  readonly lane: string;
  readonly after?: OpenPayout | undefined;
  readonly limit: number;
}

describe("one job", () => {
  it("pays all that is due, however many steps that takes", async () => {
    const { job, steps, left } = situation(2_600);
    await job(1_700);
    expect(left()).toEqual([]);
    expect(steps.map(({ length }) => length)).toEqual([PAYOUTS_PER_STEP, 500, 500, 500, 500, 100]);
  });

  it("ends when what is left cannot go", async () => {
    const { job, left } = situation(700, { stuck: 20 });
    await job(600);
    expect(left()).toHaveLength(20);
  });

  it("goes no further when the payer is to stop", async () => {
    const { job, steps } = situation(2_600, { stopAfterSteps: 2 });
    await job(0);
    expect(steps).toHaveLength(2);
  });
});
