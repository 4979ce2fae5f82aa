import type { HostClock } from "@stakebts/kernel/clock";

/**
 * The venue rounds its time down to the second and the answer takes a while, so that a small difference is noise. It is
 * left out on purpose: a correction by noise could make a restarted process begin before the last timestamp of the one
 * before it.
 */
const NOISE_MS = 5_000;
/** A host's clock is set right while a process runs, or drifts. */
const SYNC_AGAIN_MS = 3_600_000;

/** The venue's time as far as it is known, and timestamps that never repeat and never go back. */
export class VenueClock {
  readonly #clock: HostClock;
  #offsetMs = 0;
  #syncedAtMs: number | undefined;
  #lastMs = 0;
  #believedMs = 0;
  #answeredMs = 0;

  constructor(clock: HostClock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.#offsetMs;
  }

  /** Does the venue have to be asked for its time? */
  isStale(): boolean {
    return this.#syncedAtMs === undefined || Math.abs(this.#clock.nowMs() - this.#syncedAtMs) > SYNC_AGAIN_MS;
  }

  /** @param askedAtMs the host's time when the question was sent; the answer has arrived now */
  synchronise({ serverTimeMs, askedAtMs }: { serverTimeMs: number; askedAtMs: number }): void {
    const nowMs = this.#clock.nowMs();
    const offsetMs = serverTimeMs - Math.round((askedAtMs + nowMs) / 2);
    this.#offsetMs = Math.abs(offsetMs) > NOISE_MS ? offsetMs : 0;
    this.#syncedAtMs = nowMs;
    // The host was ahead. What it made then the venue has not believed, and would not for hours.
    if (this.#lastMs > this.nowMs() + NOISE_MS) this.#lastMs = this.#believedMs;
  }

  /** The venue has answered the last signed request as one of a customer, or, not answered, may have believed it. */
  believed(proof: "answered" | "perhaps"): void {
    this.#believedMs = this.#lastMs;
    if (proof === "answered") this.#answeredMs = this.#lastMs;
  }

  /** The venue did not believe a request: perhaps its time is another one by now. */
  doubt(): void {
    this.#syncedAtMs = undefined;
    this.#believedMs = this.#answeredMs;
  }

  /** Greater than any before it, but for those that the venue has not believed. */
  nextTimestampMs(): number {
    this.#lastMs = Math.max(this.#lastMs + 1, this.nowMs());
    return this.#lastMs;
  }
}
