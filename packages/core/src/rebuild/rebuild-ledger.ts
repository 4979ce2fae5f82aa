import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";
import type { OnProgress } from "../imports/import-refused.ts";
import { type ChainRead, readChain, type ReadDeps } from "./read-chain.ts";

export interface RebuildRequest {
  /** The first block that the lost ledger had looked into. */
  readonly fromBlockNum: number;
  readonly action: OperatorAction;
}

/**
 * Fills a lost ledger from the chain, with payments off until a person has looked. It can be interrupted and repeated:
 * each batch of blocks is one transaction with the cursor, and `rebuild.started` names the first block.
 * Errors: ChainError, ChainDisagrees; what the database says.
 */
export async function rebuildLedger(
  deps: ReadDeps,
  { fromBlockNum, action }: RebuildRequest,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<ChainRead> {
  const { ledger } = deps;
  await ledger.transaction(async (tx) => {
    await tx.addFreeze({
      source: "operator",
      level: "pay-nothing",
      reason: `rebuilt from the chain by ${action.actor}: ${action.reason}`,
    });
    await tx.addReceipts([receiptOf("rebuild.started", `${fromBlockNum}`, action)]);
  });
  const read = await readChain(deps, fromBlockNum, onProgress, signal);
  if (signal?.aborted !== true)
    await ledger.transaction((tx) =>
      tx.addReceipts([
        receiptOf("rebuild.finished", `${fromBlockNum}`, action, {
          fromBlock: read.fromBlockNum,
          toBlock: read.toBlockNum,
        }),
      ]),
    );
  return read;
}
