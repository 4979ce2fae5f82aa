import { bindLedger } from "../ledger/bind-ledger.ts";
import type { OnProgress } from "../imports/import-refused.ts";
import { type ApplyDeps, applyEvents } from "../ledger/apply-events.ts";
import { establishCursor } from "../ledger/establish-cursor.ts";
import { ingestBlocks } from "../ledger/ingest-blocks.ts";
import { MemoKeyWatch } from "../ledger/watch-memo-key.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";
import { AT_ONCE, type HistoryDeps, readHistory } from "../ledger/read-history.ts";
import type { Roles } from "../rules/decide.ts";

/** Nothing was done: what is in the way, and what to do. */
export class RebuildRefused extends Error {
  override readonly name = "RebuildRefused";
  readonly todo: string;
  constructor(message: string, todo: string) {
    super(message);
    this.todo = todo;
  }
}

/** What the ingester needs to read the chain and the scheduler to apply events, in one. */
export type ReadDeps = HistoryDeps & ApplyDeps & { readonly roles: Roles };

export interface ChainRead {
  readonly fromBlockNum: number;
  readonly toBlockNum: number;
}

/** The chain and the ledger contradict each other, or another process has moved the cursor. Payments are off. */
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
    await readHistory(deps, AT_ONCE);
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
  const { ledger, custodian } = deps;
  await bindLedger(ledger.control, { account: custodian, chainId: await deps.chain.chainId() });
  await ledger.transaction(async (tx) => {
    await tx.control.addFreeze({
      source: "operator",
      level: "pay-nothing",
      reason: `rebuilt from the chain by ${action.actor}: ${action.reason}`,
    });
    await tx.receipts.add([receiptOf("rebuild.started", `${fromBlockNum}`, action)]);
  });
  // The lost ledger knew which memo keys there were; this one learns it from those that it is given.
  await new MemoKeyWatch(deps).look();
  const read = await readChain(deps, fromBlockNum, onProgress, signal);
  if (signal?.aborted !== true)
    await ledger.transaction((tx) =>
      tx.receipts.add([
        receiptOf("rebuild.finished", `${fromBlockNum}`, action, {
          fromBlock: read.fromBlockNum,
          toBlock: read.toBlockNum,
        }),
      ]),
    );
  return read;
}
