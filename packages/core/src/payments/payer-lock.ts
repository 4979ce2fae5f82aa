import { messageOf } from "../runtime/error-facts.ts";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import { brokenStep } from "../runtime/broken-step.ts";
import { mayPass } from "../runtime/passing-trouble.ts";

const RETRY_MS = 1_000;

/** Of all payers of one ledger at most one holds it, but for a payer that has lost it and has not noticed yet. */
export interface PayerLock {
  /**
   * Asks for the lock until this process has it, then runs `work`, and gives it back. `work` is told by its own signal when
   * the lock is lost, or when `signal` says so. Returns without having run it when it was told to stop before.
   */
  hold(signal: AbortSignal, work: (lost: AbortSignal) => Promise<void>): Promise<void>;
}

/**
 * Runs `work` while this process, and no other, holds the payer's lock. When the lock is lost `work` is told to stop, and
 * after it has, the lock is asked for again, until the signal.
 *
 * The lock keeps payers apart for order and speed. What keeps the money safe from a payer that has not noticed yet is
 * the writer epoch in the ledger.
 */
export async function withPayerLock(
  { lock, clock, log }: { readonly lock: PayerLock; readonly clock: HostClock; readonly log: Log },
  signal: AbortSignal,
  work: (lost: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await lock.hold(signal, work);
    } catch (error) {
      if (!mayPass(error)) throw brokenStep("payer lock", error);
      log.warn("payer.lock_unavailable", { message: messageOf(error) });
    }
    await clock.sleep(RETRY_MS, signal);
  }
}
