import type { HostClock } from "@stakebts/kernel/clock";

/** A clock that a test sets. Sleeping moves it on at once. */
export class ManualClock implements HostClock {
  #nowMs: number;

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  advance(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  sleep(durationMs: number): Promise<void> {
    this.advance(durationMs);
    return Promise.resolve();
  }
}
