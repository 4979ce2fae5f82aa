import { setTimeout as delay } from "node:timers/promises";
import type { Queue } from "bullmq";

/** A queue store that is away answers when it is back; a page does not wait for that. */
const WAIT_MS_MAX = 1_000;

export interface QueueCounts {
  readonly name: string;
  /** `undefined`: the store did not answer. */
  readonly counts:
    | { readonly waiting: number; readonly active: number; readonly delayed: number; readonly failed: number }
    | undefined;
}

export const queueCounts = (queues: readonly Queue[]): Promise<readonly QueueCounts[]> =>
  Promise.all(queues.map(async (queue) => ({ name: queue.name, counts: await countsOf(queue) })));

async function countsOf(queue: Queue): Promise<QueueCounts["counts"]> {
  const counted = queue
    .getJobCounts("waiting", "prioritized", "active", "delayed", "failed")
    .catch(() => undefined);
  const counts = await Promise.race([counted, delay(WAIT_MS_MAX, undefined, { ref: false })]);
  if (counts === undefined) return undefined;
  const count = (...states: readonly string[]): number =>
    states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  return {
    waiting: count("waiting", "prioritized"),
    active: count("active"),
    delayed: count("delayed"),
    failed: count("failed"),
  };
}
