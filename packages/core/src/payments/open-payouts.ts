import type { HostClock } from "@stakebts/kernel/clock";
import type { OpenPayout, Payouts } from "../ledger/ledger.ts";
import { isInFlight, type PaymentLane, type PayoutId } from "../rules/payout.ts";

const PAYOUTS_PER_LOOK = 200;
/** Its job comes within moments of a debt, and again every ten seconds. Without one for so long the queue is not served. */
export const JOB_GRACE_MS = 30_000;
/** While jobs come, those before it may take a while: so long is waited for the one of each payout. */
const TURN_GRACE_MS = 120_000;
/** What was sent, or waits for funds, has had its first job: another one helps, and is not urgent. */
const AGAIN_GRACE_MS = 600_000;

interface Seen {
  /** When it was first seen open, or last handled. */
  sinceMs: number;
  lane: PaymentLane;
  walk: number;
}

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

  constructor(payouts: Pick<Payouts, "open">, clock: Pick<HostClock, "nowMs">) {
    this.#payouts = payouts;
    this.#clock = clock;
    this.#servedMs = clock.nowMs();
  }

  /** Jobs come for payouts that wait for one. One job again and again, or jobs for what is not open, prove nothing. */
  get isQueueServed(): boolean {
    return this.#clock.nowMs() - this.#servedMs <= JOB_GRACE_MS;
  }

  /** A job for it came, whatever its outcome. */
  jobCame(id: PayoutId, isOpen: boolean): void {
    const nowMs = this.#clock.nowMs();
    const seen = this.#seen.get(id);
    if (isOpen && (seen === undefined || nowMs - seen.sinceMs > JOB_GRACE_MS / 2)) this.#servedMs = nowMs;
    if (isOpen) this.#note(id, nowMs);
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
    if (programme.isEmpty && returns?.isEmpty === true) this.#servedMs = this.#clock.nowMs();
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
    const overdue = page.filter((payout) => {
      const seen = this.#seen.get(payout.id);
      if (seen !== undefined) Object.assign(seen, { lane, walk: walk.number });
      else this.#seen.set(payout.id, { sinceMs: nowMs, lane, walk: walk.number });
      return seen !== undefined && nowMs - seen.sinceMs > this.#graceMs(payout);
    });
    const isLast = page.length < PAYOUTS_PER_LOOK;
    walk.after = isLast ? undefined : page.at(-1);
    if (isLast) this.#forgetSettled(lane);
    return { overdue: overdue.map(({ id }) => id), isLast, isEmpty: page.length === 0 };
  }

  #graceMs({ status }: OpenPayout): number {
    if (status === "waiting_funds" || (isInFlight(status) && status !== "signed")) return AGAIN_GRACE_MS;
    return this.isQueueServed ? TURN_GRACE_MS : JOB_GRACE_MS;
  }

  #note(id: PayoutId, nowMs: number): void {
    const lane = this.#seen.get(id)?.lane ?? "programme";
    this.#seen.set(id, { sinceMs: nowMs, lane, walk: this.#walks[lane].number });
  }

  #forgetSettled(of: PaymentLane): void {
    const walk = this.#walks[of];
    for (const [id, { lane, walk: seenIn }] of this.#seen)
      if (lane === of && seenIn < walk.number) this.#seen.delete(id);
    walk.number += 1;
  }
}
