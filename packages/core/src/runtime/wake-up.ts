import type { HostClock } from "@stakebts/kernel/clock";

/** By which one loop ends the pause of another, because there is something for it to do. */
export class WakeUp {
  #pause: AbortController | undefined;
  #isDue = false;

  /** The pause that is under way ends now; if there is none, the next one does not begin. */
  call(): void {
    if (this.#pause === undefined) this.#isDue = true;
    else this.#pause.abort();
  }

  /** The clock of the loop that is woken: for one loop alone. */
  clock(clock: HostClock): HostClock {
    return {
      nowMs: () => clock.nowMs(),
      sleep: async (durationMs, signal) => {
        const pause = new AbortController();
        const end = () => pause.abort();
        if (this.#isDue || signal?.aborted === true) end();
        this.#isDue = false;
        this.#pause = pause;
        signal?.addEventListener("abort", end, { once: true });
        try {
          await clock.sleep(durationMs, pause.signal);
        } finally {
          signal?.removeEventListener("abort", end);
          this.#pause = undefined;
        }
      },
    };
  }
}
