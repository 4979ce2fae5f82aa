import { messageOf } from "./error-facts.ts";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import { brokenStep } from "./broken-step.ts";
import { mayPass } from "./passing-trouble.ts";
import { type Progress, STEP_MS_MAX } from "./progress.ts";

const RETRY_MS = 500;
const RETRY_MS_MAX = 15_000;

/** What a step answers that has done all there was to do. */
export const DONE = "done";

interface Loop {
  readonly name: string;
  readonly clock: HostClock;
  readonly log: Log;
  /** Notes each step; one that takes longer than `stepMsMax` counts as stuck. */
  readonly progress?: Progress | undefined;
  readonly stepMsMax?: number | undefined;
}

/**
 * Repeats one step until the signal, or until it is done: the step says how many milliseconds to wait before the next.
 * Trouble that passes by itself ({@link mayPass}) is logged and tried again, more slowly each time; every step is safe to repeat.
 * Everything else is a broken assumption, which ends the process: it throws, and the error names the step.
 */
export async function repeat(
  { name, clock, log, progress, stepMsMax = STEP_MS_MAX }: Loop,
  signal: AbortSignal,
  step: () => Promise<number | typeof DONE>,
): Promise<void> {
  let failures = 0;
  const pause = async (waitMs: number): Promise<void> => {
    progress?.expect(name, waitMs + stepMsMax);
    await clock.sleep(waitMs, signal);
  };
  try {
    while (!signal.aborted) {
      progress?.expect(name, stepMsMax);
      try {
        const waitMs = await step();
        if (waitMs === DONE) return;
        failures = 0;
        if (waitMs > 0) await pause(waitMs);
      } catch (error) {
        if (!mayPass(error)) throw brokenStep(name, error);
        const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** failures++);
        log.warn("step.failed", {
          step: name,
          waitMs,
          message: messageOf(error),
        });
        await pause(waitMs);
      }
    }
  } finally {
    progress?.end(name);
  }
}
