import { setImmediate } from "node:timers/promises";
import { millis } from "@stakebts/kernel/time";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { describe, expect, it } from "vitest";
import type { OpenPayout } from "../ledger/ledger.ts";
import type { PayoutId } from "../rules/payout.ts";
import { DuePayouts } from "./due-payouts.ts";
import { OpenPayouts } from "./open-payouts.ts";
import { payJobs, PAYOUTS_PER_STEP } from "./pay-jobs.ts";
import type { PayResult } from "./pay-payouts.ts";
import { inTurns } from "./step-turns.ts";

const SENT: PayResult = { type: "in_flight", outcome: { type: "accepted" } };
const REFUSED: PayResult = {
  type: "in_flight",
  outcome: { type: "refused", code: "tapos_mismatch", disposition: "retry", message: "another block" },
};

/** So many debts, of which some cannot go. */
function situation(
  count: number,
  { stuck = 0, stopAfterSteps = Infinity, answer = () => Promise.resolve(SENT) }: Partial<Situation> = {},
) {
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
    pay: inTurns(async (ids, turn) => {
      if (ids.length > 0) steps.push(ids);
      const step = steps.length;
      const goes = ids.filter((id) => !cannotGo.has(id));
      owed = owed.filter(({ id }) => !goes.includes(id));
      turn.saved(goes.length);
      await turn.before;
      const result = await answer(step);
      return new Map(
        ids.map((id) => [id, cannotGo.has(id) ? { type: "again", reason: "a limit was reached" } : result]),
      );
    }),
    open: new OpenPayouts(payouts, clock),
    due: new DuePayouts(payouts, clock),
    clock,
    isOver: () => steps.length >= stopAfterSteps,
  });
  const job = (n: number) =>
    handlers["payout.pay"]?.({ payoutId: `payout-${n}` }) ?? Promise.reject(new Error("no handler"));
  return { job, steps, left: () => owed.map(({ id }) => id) };
}

interface Situation {
  readonly stuck: number;
  readonly stopAfterSteps: number;
  /** What nodes say of the bytes of a step, the first of which is 1. */
  readonly answer: (step: number) => Promise<PayResult>;
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
    expect(steps.map(({ length }) => length)).toEqual([
      ...Array.from({ length: 10 }, () => PAYOUTS_PER_STEP),
      100,
    ]);
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

  it("signs one step while the one before it is on the line, and never a third", async () => {
    const ahead: number[] = [];
    const { job, steps } = situation(1_200, {
      answer: async (step) => {
        await setImmediate();
        ahead.push(steps.length - step);
        return SENT;
      },
    });
    await job(0);
    // The first one shows whether the nodes take what is sent. The last one has none behind it.
    expect(ahead.slice(0, 4)).toEqual([0, 1, 1, 1]);
    expect(Math.max(...ahead)).toBe(1);
  });

  it("signs nothing more until it is heard whether what was refused has a cause that concerns all", async () => {
    const ahead: number[] = [];
    const { job, steps } = situation(1_200, {
      answer: async (step) => {
        await setImmediate();
        ahead.push(steps.length - step);
        return step < 3 ? REFUSED : SENT;
      },
    });
    await job(0);
    expect(ahead.slice(0, 4)).toEqual([0, 0, 0, 1]);
  });
});
