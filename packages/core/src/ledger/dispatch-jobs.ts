import type { Ledger } from "./ledger.ts";
import type { JobQueue } from "../queue/queue.ts";
import { ringForDueRows } from "./jobs.ts";

/** Rings that are made in one go. */
const RINGS_PER_BATCH = 500;

/**
 * Makes the rings that were written with the states that cause them. Whoever crashes between making and marking makes
 * them again: the queue knows their names, and the handlers do not mind.
 */
export async function relayRings({ ledger, queue }: { ledger: Ledger; queue: JobQueue }): Promise<number> {
  for (let total = 0; ;) {
    const made = await ledger.relayRings(RINGS_PER_BATCH, (rings) => queue.add(rings));
    total += made;
    if (made < RINGS_PER_BATCH) return total;
  }
}

/** With more rings than this before its door the payer has been told enough. */
const WAITING_RINGS_MAX = 100;
const FORGOTTEN_PER_SWEEP = 1_000;

/**
 * Rings for open payouts that nobody has rung for lately: what a lost queue or a crashed payer left behind, and bytes
 * that are to be sent once more. Not while many rings wait: of a long queue every payout would look forgotten, and
 * ringing for all of them again would only make it longer.
 */
export async function ringForForgottenPayouts(
  { ledger, queue }: { ledger: Ledger; queue: JobQueue },
  { notRungForMs }: { notRungForMs: number },
): Promise<number> {
  if ((await queue.waiting("payout.pay")) > WAITING_RINGS_MAX) return 0;
  return ledger.ringStalePayouts({ notRungForMs, limit: FORGOTTEN_PER_SWEEP });
}

/**
 * A delayed ring for each of the next instants at which rows fall due, so that the scheduler looks at the right moment.
 * @param rate how many chain milliseconds pass in one of the host: 1, except on a network whose time runs fast
 */
export async function ringForNextDueRows(
  { ledger, queue }: { ledger: Ledger; queue: JobQueue },
  { rate, horizonMs, limit = 100 }: { rate: number; horizonMs: number; limit?: number },
): Promise<number> {
  const cursor = await ledger.cursor();
  if (cursor === undefined) return 0;
  const rings = (await ledger.nextDueInstants(limit))
    .map((dueMs) => ringForDueRows(dueMs, Math.max(0, (dueMs - cursor.blockTimeMs) / rate)))
    .filter((ring) => ring.delayMs <= horizonMs);
  await queue.add(rings);
  return rings.length;
}
