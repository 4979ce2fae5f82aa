import type { HostClock } from "@stakebts/kernel/clock";

/** How long one step of a worker may take before the worker counts as stuck. The longest transaction takes a minute. */
export const STEP_MS_MAX = 120_000;

/**
 * Whether a process still gets on with its work. Each of its loops says, before it begins something, within what time it
 * will be heard of again; one that has not been heard of in time is stuck, and the process with it. Trouble that is
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

  /** `name` is at work, or asleep, and will be heard of within this time. */
  expect(name: string, withinMs: number): void {
    this.#expectedMs.set(name, this.#clock.nowMs() + withinMs);
  }

  /** `name` has nothing to do any more, until it is heard of again. */
  end(name: string): void {
    this.#expectedMs.delete(name);
  }

  /** Those that should have been heard of by now, and for how long. */
  stuck(): readonly { readonly name: string; readonly overdueMs: number }[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#expectedMs]
      .map(([name, expectedMs]) => ({ name, overdueMs: nowMs - expectedMs }))
      .filter(({ overdueMs }) => overdueMs > 0);
  }
}
