import type { Roles } from "../rules/decide.ts";
import { establishCursor } from "../ledger/establish-cursor.ts";
import { applyEvents, type ApplyDeps } from "../ledger/apply-events.ts";
import type { OnProgress } from "../imports/import-refused.ts";
import { ingestBlocks, type IngestDeps } from "../ledger/ingest-blocks.ts";

/** Ingester and scheduler in one: what reads the chain and what applies events it. */
export type ReadDeps = IngestDeps & ApplyDeps & { readonly roles: Roles };

export interface ChainRead {
  readonly fromBlockNum: number;
  readonly toBlockNum: number;
}

/** The chain and the ledger tell different stories, or somebody else moved the cursor. Payments are off. */
export class ChainDisagrees extends Error {
  override readonly name = "ChainDisagrees";
}

/**
 * Brings a ledger from where it stands, or from this block if it is empty, up to the newest final block, by the very
 * services that ingester and scheduler run: what comes out is what they would have made of it. Ended at any moment, the
 * same call goes on.
 * @param onProgress blocks read, and to be read in all
 */
export async function readChain(
  deps: ReadDeps,
  fromBlockNum: number,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<ChainRead> {
  const { ledger } = deps;
  if ((await ledger.cursor.read()) === undefined) await establishCursor(deps, fromBlockNum);
  const startedAt = (await ledger.cursor.read())?.blockNum ?? 0;
  for (;;) {
    const { ingestedTo, finalBlockNum } = await ingestBlocks(deps);
    await applyEvents(deps, signal);
    const cursor = await ledger.cursor.read();
    const standsAt = cursor?.blockNum ?? 0;
    onProgress(standsAt - startedAt, finalBlockNum - startedAt);
    if (standsAt >= finalBlockNum || signal?.aborted === true)
      return { fromBlockNum: cursor?.scannedFromBlockNum ?? fromBlockNum, toBlockNum: standsAt };
    if (ingestedTo === undefined)
      throw new ChainDisagrees(
        `block ${standsAt + 1} of the nodes does not follow block ${standsAt} of the ledger; payments are off`,
      );
  }
}
