/** Time of the host. Used for polling, back-off and bookkeeping; never for a rule of the business. */
export interface HostClock {
  nowMs(): number;
  /** Resolves after the time, or at once when the signal is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}
