import type { HostClock } from "@stakebts/kernel/clock";

const MINUTE_MS = 60_000;
const BACK_OFF_MS = 2_000;
const BACK_OFF_MAX_MS = 15 * MINUTE_MS;

/**
 * Keeps calls within what a venue allows. Two waits, and they differ: the pace is ours and short, so it is waited for; a
 * venue that has said "too fast" is left alone, and a caller is told at once.
 *
 * The back-off is both of what the venue's pages advise: the rest of the minute, because budgets are renewed with it, and
 * a time that doubles with each further complaint.
 */
export class Throttle {
  readonly #clock: HostClock;
  readonly #callsPerMinute: number;
  #recentMs: number[] = [];
  #complaints = 0;
  #quietUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: { clock: HostClock; callsPerMinute: number }) {
    this.#clock = options.clock;
    this.#callsPerMinute = options.callsPerMinute;
  }

  /** Waits for a place in the pace and takes it. `false`, at once: the venue wants to be left alone. */
  async turn(): Promise<boolean> {
    for (;;) {
      const nowMs = this.#clock.nowMs();
      // In both: a clock that was set back by hours must not make a caller wait for hours.
      const quietMs = this.#quietUntilMs - nowMs;
      if (quietMs > 0 && quietMs <= BACK_OFF_MAX_MS) return false;
      this.#recentMs = this.#recentMs.filter((atMs) => atMs <= nowMs && atMs > nowMs - MINUTE_MS);
      if (this.#recentMs.length < this.#callsPerMinute) {
        this.#recentMs.push(nowMs);
        return true;
      }
      const oldestMs = this.#recentMs[0] ?? nowMs;
      await this.#clock.sleep(oldestMs + MINUTE_MS - nowMs);
    }
  }

  /** @param venueNowMs the venue's time: its minutes are not ours */
  complained(venueNowMs: number): void {
    const restOfMinuteMs = MINUTE_MS - (venueNowMs % MINUTE_MS);
    const doubledMs = Math.min(BACK_OFF_MS * 2 ** this.#complaints, BACK_OFF_MAX_MS);
    this.#complaints++;
    this.#quietUntilMs = this.#clock.nowMs() + Math.max(restOfMinuteMs, doubledMs);
  }

  contented(): void {
    this.#complaints = 0;
  }
}
