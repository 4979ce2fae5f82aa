import type { BroadcastOutcome } from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";
import type { JobHandlers } from "../queue/queue.ts";
import type { PayoutId } from "../rules/payout.ts";
import type { DuePayouts } from "./due-payouts.ts";
import type { OpenPayouts } from "./open-payouts.ts";
import type { PayResult, PayResults } from "./pay-payouts.ts";
import type { BegunStep } from "./step-turns.ts";
import { RecentlySent } from "./recently-sent.ts";

/** Payouts that are signed, saved and sent together: a quarter of a second of signing. */
export const PAYOUTS_PER_STEP = 250;
/** For so long one job goes on with what else is due. */
const GO_ON_MS_MAX = 30_000;

/** One step of the payer: all of these. */
export type Pay = (ids: readonly PayoutId[]) => BegunStep<PayResults>;

export interface PayJobsDeps {
  readonly pay: Pay;
  readonly open: OpenPayouts;
  readonly due: DuePayouts;
  readonly clock: Pick<HostClock, "nowMs">;
  /** This payer is to stop, or does not lead any more. */
  readonly isOver: () => boolean;
  /** {@link PAYOUTS_PER_STEP} if not said. */
  readonly payoutsPerStep?: number | undefined;
}

type Trouble = Extract<PayResult, { readonly type: "trouble" }>;

/** A job is a wake-up: its payouts are paid, and others that are due with them. Their jobs find nothing left to do. */
export function payJobs({
  pay,
  open,
  due,
  clock,
  isOver,
  payoutsPerStep: perStep = PAYOUTS_PER_STEP,
}: PayJobsDeps): JobHandlers {
  const sent = new RecentlySent(clock);
  return {
    "payout.pay": async ({ payoutId, also = [], later = false }) => {
      const named = [...new Set([payoutId, ...also])] as PayoutId[];
      const left = named.filter((id) => !sent.has(id));
      for (const id of named) if (!left.includes(id)) open.jobCame(id, true);
      if (left.length === 0) return { done: true };
      let trouble: Trouble | undefined;
      let last: Ended | undefined;
      const untilMs = clock.nowMs() + GO_ON_MS_MAX;
      const isEnough = (): boolean => isOver() || clock.nowMs() >= untilMs;
      const steps = Math.ceil(left.length / perStep);
      let step: Begun | undefined = await begin(left.slice(0, perStep), later);
      for (let n = 1; step !== undefined; n++) {
        const own = left.slice(n * perStep, (n + 1) * perStep);
        // After a freeze the jobs of what has waited are minutes apart: one of them is enough for all.
        const goesOn = (hasSent: boolean): boolean => n < steps || (hasSent && !isEnough());
        // While it is on the line the next one is signed, as long as everything is taken.
        const next: Begun | undefined =
          last?.isAllTaken === true && goesOn((await step.saved) > 0) ? await begin(own, later) : undefined;
        last = await step.ended;
        trouble ??= last.trouble;
        step = next ?? (goesOn(last.hasSent) ? await begin(own, later) : undefined);
      }
      // The queue tries again.
      if (trouble !== undefined) throw trouble.error;
      return { done: true };
    },
  };

  async function begin(ids: readonly PayoutId[], later: boolean): Promise<Begun> {
    const own = new Set(ids);
    const room = perStep - ids.length;
    const others = room > 0 ? (await due.next(room)).filter((other) => !own.has(other)) : [];
    const { saved, done } = pay(later ? [...others, ...ids] : [...ids, ...others]);
    const ended = done.then((results) => end(results, own, others.length > 0));
    // It is awaited when the step before has ended.
    ended.catch(() => undefined);
    return { saved, ended };
  }

  function end(results: PayResults, own: ReadonlySet<PayoutId>, hasOthers: boolean): Ended {
    const sentOnes = [...results.values()].filter((result) => result.type === "in_flight");
    if (sentOnes.length > 0) due.goOn();
    else if (hasOthers) due.rest();
    let trouble: Trouble | undefined;
    for (const [id, result] of results) {
      if (result.type === "in_flight" && isTaken(result.outcome)) sent.add(id);
      if (own.has(id)) open.jobCame(id, result.type !== "settled");
      else open.handled(id);
      if (own.has(id) && result.type === "trouble") trouble ??= result;
    }
    return {
      trouble,
      hasSent: sentOnes.length > 0,
      isAllTaken: sentOnes.length > 0 && sentOnes.every(({ outcome }) => isTaken(outcome)),
    };
  }
}

interface Begun {
  readonly saved: Promise<number>;
  readonly ended: Promise<Ended>;
}

interface Ended {
  /** With one of the job's own payouts. */
  readonly trouble: Trouble | undefined;
  readonly hasSent: boolean;
  readonly isAllTaken: boolean;
}

const isTaken = ({ type }: BroadcastOutcome): boolean => type === "accepted" || type === "duplicate";
