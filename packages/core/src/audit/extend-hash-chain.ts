import type { AuditLog } from "./audit-log.ts";
import { chainAll } from "./hash-chain.ts";

/** In one transaction: enough to get through a million in minutes, few enough that nobody waits. */
const RECEIPTS_PER_STEP = 1_000;

/**
 * Chains the receipts that are not chained yet, until none is left or another process is at it. Safe at any time, by any
 * number of processes.
 */
export async function extendHashChain(
  log: Pick<AuditLog, "appendEntries">,
  signal?: AbortSignal,
): Promise<number> {
  for (let total = 0; ;) {
    const chained = await log.appendEntries(RECEIPTS_PER_STEP, chainAll);
    total += chained;
    if (chained < RECEIPTS_PER_STEP || signal?.aborted === true) return total;
  }
}
