import type { BroadcastOutcome } from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";
import type { JobHandlers } from "../queue/queue.ts";
import type { PayoutId } from "../rules/payout.ts";
import type { DuePayouts } from "./due-payouts.ts";
import type { OpenPayouts } from "./open-payouts.ts";
import type { PayResult, PayResults } from "./pay-payouts.ts";
import { RecentlySent } from "./recently-sent.ts";

/** Payouts that are signed, saved and sent together. Half a megabyte, and half a second of signing. */
export const PAYOUTS_PER_STEP = 500;
/** For so long one job goes on with what else is due. */
const GO_ON_MS_MAX = 30_000;

/** One step of the payer: all of these. */
export type Pay = (ids: readonly PayoutId[]) => Promise<PayResults>;

export interface PayJobsDeps {
  readonly pay: Pay;
  readonly open: OpenPayouts;
  readonly due: DuePayouts;
  readonly clock: Pick<HostClock, "nowMs">;
  /** This payer is to stop, or does not lead any more. */
  readonly isOver: () => boolean;
}

type Trouble = Extract<PayResult, { readonly type: "trouble" }>;

/** A job is a wake-up: its payouts are paid, and others that are due with them. Their jobs find nothing left to do. */
export function payJobs({ pay, open, due, clock, isOver }: PayJobsDeps): JobHandlers {
  const sent = new RecentlySent(clock);
  return {
    "payout.pay": async ({ payoutId, also = [], later = false }) => {
      const named = [...new Set([payoutId, ...also])] as PayoutId[];
      const left = named.filter((id) => !sent.has(id));
      for (const id of named) if (!left.includes(id)) open.jobCame(id, true);
      let trouble: Trouble | undefined;
      let hasSent = false;
      for (let i = 0; i < left.length; i += PAYOUTS_PER_STEP) {
        const done = await step(left.slice(i, i + PAYOUTS_PER_STEP), later);
        trouble ??= done.trouble;
        hasSent ||= done.hasSent;
      }
      // After a freeze the jobs of what has waited are minutes apart: one of them is enough for all.
      const untilMs = clock.nowMs() + GO_ON_MS_MAX;
      while (hasSent && !isOver() && clock.nowMs() < untilMs) ({ hasSent } = await step([], later));
      // The queue tries again.
      if (trouble !== undefined) throw trouble.error;
      return { done: true };
    },
  };

  /** @returns trouble with one of these, and whether anything was sent */
  async function step(
    ids: readonly PayoutId[],
    later: boolean,
  ): Promise<{ readonly trouble: Trouble | undefined; readonly hasSent: boolean }> {
    const own = new Set(ids);
    const room = PAYOUTS_PER_STEP - ids.length;
    const others = room > 0 ? (await due.next(room)).filter((other) => !own.has(other)) : [];
    const results = await pay(later ? [...others, ...ids] : [...ids, ...others]);
    const hasSent = [...results.values()].some(({ type }) => type === "in_flight");
    if (hasSent) due.goOn();
    else if (others.length > 0) due.rest();
    let trouble: Trouble | undefined;
    for (const [id, result] of results) {
      if (result.type === "in_flight" && isTaken(result.outcome)) sent.add(id);
      if (own.has(id)) open.jobCame(id, result.type !== "settled");
      else open.handled(id);
      if (own.has(id) && result.type === "trouble") trouble ??= result;
    }
    return { trouble, hasSent };
  }
}

const isTaken = ({ type }: BroadcastOutcome): boolean => type === "accepted" || type === "duplicate";
