import type { Progress } from "./progress.ts";

const LOOK_MS = 15_000;
/** Four in a row are a minute. One is not enough: the clock of the host may have been set forward. */
const LOOKS_MAX = 4;

/**
 * Calls `end` once, with the names of the loops, when one of them has been stuck for a minute beyond the time that its step may take:
 * a call that never comes back. Nothing else would start such a process again: Docker shows it as unhealthy and leaves it running.
 */
export function endWhenStuck(
  progress: Pick<Progress, "stuck">,
  end: (loops: readonly string[]) => void,
  { lookMs = LOOK_MS, looksMax = LOOKS_MAX } = {},
): void {
  let looks = 0;
  const timer = setInterval(() => {
    const stuck = progress.stuck();
    looks = stuck.length === 0 ? 0 : looks + 1;
    if (looks < looksMax) return;
    clearInterval(timer);
    end(stuck.map(({ name }) => name));
  }, lookMs);
  timer.unref();
}
