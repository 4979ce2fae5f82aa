import type { HostClock } from "@stakebts/kernel/clock";

/** How long one step of a worker may take before the worker counts as stuck. The longest transaction takes a minute. */
export const STEP_MS_MAX = 120_000;

/**
 * Whether a process makes progress. Each of its loops says before a step how long the step may take; a loop that exceeds
 * that time is stuck, and the process with it. Trouble that is
 * reported and tried again is progress: starting the process anew would not bring a database back.
 *
 * Measured with the clock of the host. One that is set forward makes a process look stuck once, and being started again
 * costs nothing.
 */
export class Progress {
  readonly #clock: Pick<HostClock, "nowMs">;
  readonly #expectedMs = new Map<string, number>();

  constructor(clock: Pick<HostClock, "nowMs">) {
    this.#clock = clock;
  }

  /** `name` is at work or waits, and reports again within this time. */
  expect(name: string, withinMs: number): void {
    this.#expectedMs.set(name, this.#clock.nowMs() + withinMs);
  }

  /** `name` has ended; it counts again from its next report. */
  end(name: string): void {
    this.#expectedMs.delete(name);
  }

  /** The loops whose report is overdue, and for how long. */
  stuck(): readonly { readonly name: string; readonly overdueMs: number }[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#expectedMs]
      .map(([name, expectedMs]) => ({ name, overdueMs: nowMs - expectedMs }))
      .filter(({ overdueMs }) => overdueMs > 0);
  }
}
