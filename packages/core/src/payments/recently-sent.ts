import type { HostClock } from "@stakebts/kernel/clock";
import type { PayoutId } from "../rules/payout.ts";

/** Shorter than the time after which a job for it comes again (STAKEBTS_REENQUEUE_MS): that one sends the same bytes once more. */
const RECENT_MS = 5_000;

/** Payouts of which this process has sent the bytes moments ago: the jobs that were made for them meanwhile need not do it again. */
export class RecentlySent {
  readonly #clock: Pick<HostClock, "nowMs">;
  readonly #sentAtMs = new Map<PayoutId, number>();

  constructor(clock: Pick<HostClock, "nowMs">) {
    this.#clock = clock;
  }

  add(id: PayoutId): void {
    const nowMs = this.#clock.nowMs();
    this.#sentAtMs.delete(id);
    this.#sentAtMs.set(id, nowMs);
    // The oldest are first.
    for (const [old, sentAtMs] of this.#sentAtMs) {
      if (isRecent(sentAtMs, nowMs)) break;
      this.#sentAtMs.delete(old);
    }
  }

  has(id: PayoutId): boolean {
    const sentAtMs = this.#sentAtMs.get(id);
    return sentAtMs !== undefined && isRecent(sentAtMs, this.#clock.nowMs());
  }
}

/** A host clock that was set back makes nothing recent for ever. */
const isRecent = (sentAtMs: number, nowMs: number): boolean =>
  nowMs >= sentAtMs && nowMs - sentAtMs <= RECENT_MS;
