import type { HostClock } from "@stakebts/kernel/clock";
import type { OpenPayout, Payouts } from "../ledger/ledger.ts";
import { isInFlight, type PaymentLane, type PayoutId } from "../rules/payout.ts";

const PAYOUTS_PER_LOOK = 200;
/**
 * Its job comes within moments of a debt, and again every ten seconds. Without one for so long the queue is not served. After each
 * job that changed nothing the next one takes twice as long (Payouts.enqueueStale), and so does this.
 */
export const JOB_GRACE_MS = 30_000;
const DOUBLED_MAX = 4;
/** While jobs come, those before it may take a while: so long is waited for the one of each payout. */
const TURN_GRACE_MS = 120_000;
/** For what is not urgent. */
const AGAIN_GRACE_MS = 600_000;

interface Seen {
  /** When it was first seen open, or last handled. */
  sinceMs: number;
  /** When it was first seen open, or its last job came. */
  jobMs: number;
  jobs: number;
  lane: PaymentLane;
  walk: number;
}

/** It may go now. What was sent, or waits for funds, has had its first job. */
const isUrgent = ({ status }: OpenPayout): boolean =>
  status !== "waiting_funds" && (!isInFlight(status) || status === "signed");

interface Walk {
  after: OpenPayout | undefined;
  number: number;
}

/**
 * The payer's own look at what is open in the ledger. A queue is a wake-up (ADR 0001), and it may be paused, empty or in a
 * thief's hands: what is due is paid without it, a little later.
 */
export class OpenPayouts {
  readonly #payouts: Pick<Payouts, "open">;
  readonly #clock: Pick<HostClock, "nowMs">;
  readonly #seen = new Map<PayoutId, Seen>();
  readonly #walks: Readonly<Record<PaymentLane, Walk>> = {
    programme: { after: undefined, number: 0 },
    returns: { after: undefined, number: 0 },
  };
  #servedMs: number;
  #isServed = true;

  constructor(payouts: Pick<Payouts, "open">, clock: Pick<HostClock, "nowMs">) {
    this.#payouts = payouts;
    this.#clock = clock;
    this.#servedMs = clock.nowMs();
  }

  /** Jobs come for payouts that wait for one. One job again and again, or jobs for what is not open, prove nothing. */
  get isQueueServed(): boolean {
    return this.#isServed;
  }

  /** A job for it came, with any outcome. */
  jobCame(id: PayoutId, isOpen: boolean): void {
    const nowMs = this.#clock.nowMs();
    if (!isOpen) return;
    const seen = this.#seen.get(id);
    if (seen === undefined || nowMs - seen.jobMs > JOB_GRACE_MS / 2) this.#served(nowMs);
    Object.assign(this.#note(id, nowMs), { jobMs: nowMs, jobs: (seen?.jobs ?? 0) + 1 });
  }

  /** It was handled without a job. */
  handled(id: PayoutId): void {
    this.#note(id, this.#clock.nowMs());
  }

  /**
   * The next page of what is open, round and round. What the programme owes is looked at each time, however much there is to be
   * given back.
   * @returns those that have waited too long for a job, oldest debts first; `isLast`: all have been looked at
   */
  async look(): Promise<{
    readonly overdue: readonly PayoutId[];
    /** What goes back to strangers, of which there may be very many. */
    readonly returns: readonly PayoutId[];
    readonly isLast: boolean;
  }> {
    const programme = await this.#page("programme");
    const returns = programme.isLast ? await this.#page("returns") : undefined;
    if (programme.isEmpty && returns?.isEmpty === true) this.#served(this.#clock.nowMs());
    return {
      overdue: programme.overdue,
      returns: returns?.overdue ?? [],
      isLast: returns?.isLast ?? false,
    };
  }

  async #page(lane: PaymentLane) {
    const walk = this.#walks[lane];
    const page = await this.#payouts.open({ lane, after: walk.after, limit: PAYOUTS_PER_LOOK });
    const nowMs = this.#clock.nowMs();
    for (const payout of page) {
      const seen = this.#seen.get(payout.id);
      if (seen === undefined) {
        this.#seen.set(payout.id, { sinceMs: nowMs, jobMs: nowMs, jobs: 0, lane, walk: walk.number });
        continue;
      }
      Object.assign(seen, { lane, walk: walk.number });
      const jobGraceMs = JOB_GRACE_MS * 2 ** Math.min(seen.jobs, DOUBLED_MAX);
      if (isUrgent(payout) && nowMs - seen.jobMs > jobGraceMs && nowMs - this.#servedMs > JOB_GRACE_MS)
        this.#isServed = false;
    }
    const overdue = page.filter((payout) => {
      const seen = this.#seen.get(payout.id);
      return seen !== undefined && nowMs - seen.sinceMs > this.#graceMs(payout);
    });
    const isLast = page.length < PAYOUTS_PER_LOOK;
    walk.after = isLast ? undefined : page.at(-1);
    if (isLast) this.#forgetSettled(lane);
    return { overdue: overdue.map(({ id }) => id), isLast, isEmpty: page.length === 0 };
  }

  #graceMs(payout: OpenPayout): number {
    if (!isUrgent(payout)) return AGAIN_GRACE_MS;
    return this.#isServed ? TURN_GRACE_MS : JOB_GRACE_MS;
  }

  #served(nowMs: number): void {
    this.#servedMs = nowMs;
    this.#isServed = true;
  }

  #note(id: PayoutId, nowMs: number): Seen {
    const { lane = "programme", jobMs = nowMs, jobs = 0 } = this.#seen.get(id) ?? {};
    const seen = { sinceMs: nowMs, jobMs, jobs, lane, walk: this.#walks[lane].number };
    this.#seen.set(id, seen);
    return seen;
  }

  #forgetSettled(of: PaymentLane): void {
    const walk = this.#walks[of];
    for (const [id, { lane, walk: seenIn }] of this.#seen)
      if (lane === of && seenIn < walk.number) this.#seen.delete(id);
    walk.number += 1;
  }
}
