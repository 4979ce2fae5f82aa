import { ChainError, type ChainReader } from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";
import { databaseProblem } from "../database/database-problem.ts";
import type { JobQueue } from "../queue/queue.ts";
import type { ReadinessCheck } from "../runtime/readiness.ts";
import type { Ledger } from "./ledger.ts";

/** Nodes come and go; a shorter absence is not worth a word. */
const NODE_GONE_MS_MAX = 300_000;

/** The ledger's database answers, and has the ledger's tables. */
export const ledgerIsThere =
  (ledger: Pick<Ledger, "cursor">): ReadinessCheck =>
  async () => {
    try {
      await ledger.cursor.read();
      return undefined;
    } catch (error) {
      const problem = databaseProblem(error);
      if (problem === undefined) return "the ledger cannot be read";
      return problem.kind === "unavailable" ? "the database does not answer" : problem.message;
    }
  };

/** Jobs get from process to process. */
export const queueIsServed =
  (queue: Pick<JobQueue, "problem">): ReadinessCheck =>
  async () =>
    queue.problem?.();

/** A node that can be used, now or a few minutes ago. */
export function nodeIsThere(
  { chain, clock }: { chain: Pick<ChainReader, "head">; clock: Pick<HostClock, "nowMs"> },
  goneMsMax = NODE_GONE_MS_MAX,
): ReadinessCheck {
  let goneSinceMs: number | undefined;
  return async () => {
    try {
      await chain.head();
      goneSinceMs = undefined;
      return undefined;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      goneSinceMs ??= clock.nowMs();
      const goneMs = clock.nowMs() - goneSinceMs;
      return goneMs > goneMsMax ? `no usable node for ${Math.round(goneMs / 1000)} s` : undefined;
    }
  };
}
