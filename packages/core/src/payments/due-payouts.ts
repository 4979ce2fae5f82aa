import type { HostClock } from "@stakebts/kernel/clock";
import type { OpenPayout, Payouts } from "../ledger/ledger.ts";
import type { PaymentLane, PayoutId } from "../rules/payout.ts";

/** After a step in which nothing could go: limits, funds or a freeze will not have changed a moment later. */
const REST_MS = 5_000;

/**
 * Walks round and round through what is due and has not been begun, so that a step of the payer takes many: over a slow line one
 * payment alone takes as long as a hundred. What cannot go now is met again in the next round only, and holds nothing up.
 */
export class DuePayouts {
  readonly #payouts: Pick<Payouts, "open">;
  readonly #after: Record<PaymentLane, OpenPayout | undefined> = { programme: undefined, returns: undefined };

  readonly #clock: Pick<HostClock, "nowMs">;
  #restsSinceMs: number | undefined;

  constructor(payouts: Pick<Payouts, "open">, clock: Pick<HostClock, "nowMs">) {
    this.#payouts = payouts;
    this.#clock = clock;
  }

  /** The next ones, oldest debts first; what goes back to strangers comes when there is nothing else. */
  async next(limit: number): Promise<readonly PayoutId[]> {
    if (this.#restsSinceMs !== undefined && Math.abs(this.#clock.nowMs() - this.#restsSinceMs) < REST_MS)
      return [];
    this.#restsSinceMs = undefined;
    const programme = await this.#page("programme", limit);
    const returns = programme.length < limit ? await this.#page("returns", limit - programme.length) : [];
    return [...programme, ...returns].map(({ id }) => id);
  }

  /** None of those that came last could go. */
  rest(): void {
    this.#restsSinceMs = this.#clock.nowMs();
  }

  /** Another one could go: what kept them has passed. */
  goOn(): void {
    this.#restsSinceMs = undefined;
  }

  async #page(lane: PaymentLane, limit: number): Promise<readonly OpenPayout[]> {
    const page = await this.#payouts.open({ lane, after: this.#after[lane], limit, untouched: true });
    this.#after[lane] = page.length < limit ? undefined : page.at(-1);
    return page;
  }
}
