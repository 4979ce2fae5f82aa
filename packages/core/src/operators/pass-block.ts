import type { Shares } from "@stakebts/kernel/amount";
import { type AccountId, type ChainBlock, ChainError, type ChainReader } from "@stakebts/bitshares/chain";
import type { UndeliveredBlockReader } from "@stakebts/bitshares/account-operations";
import type { Cursor, Ledger } from "../ledger/ledger.ts";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";

/** What nodes can say of the block. */
export type BlockExamination =
  | {
      readonly result: "undelivered";
      readonly block: ChainBlock;
      readonly balance: Shares;
      readonly why: string;
    }
  /** `message` says why it is not to be passed. */
  | { readonly result: "refused"; readonly message: string };

/**
 * Can no node deliver the block, and does a majority of the configured nodes agree on its header and on what it holds of the
 * account? Throws ChainError when they do not agree.
 */
export async function examineBlock(
  { chain, ledger }: { chain: ChainReader & Partial<UndeliveredBlockReader>; ledger: Pick<Ledger, "cursor"> },
  { blockNum, account }: { blockNum: number; account: AccountId },
): Promise<BlockExamination> {
  const refused = (message: string): BlockExamination => ({ result: "refused", message });
  const [head, cursor] = await Promise.all([chain.head(), ledger.cursor.read()]);
  const stands = whereItStands(cursor, blockNum);
  if (stands !== undefined) return refused(stands);
  if (blockNum > lastFinalBlockNum(head.irreversibleBlockNum)) return refused("it is not irreversible yet");
  if (chain.undelivered === undefined) return refused("these nodes cannot be asked in another way");
  let why: string;
  try {
    await chain.blocks({ from: blockNum, to: blockNum, account });
    return refused("a node delivers it: the ingester will read it by itself");
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    why = error.message;
  }
  const [{ block }, balance] = await Promise.all([
    chain.undelivered({ blockNum, account }),
    chain.balance(account),
  ]);
  return { result: "undelivered", block, balance, why };
}

/** Only the blocks that the ledger still has to read can be in its way. */
function whereItStands(cursor: Cursor | undefined, blockNum: number): string | undefined {
  if (cursor === undefined) return "the ledger is empty: nothing stands in its way yet";
  return blockNum <= cursor.blockNum
    ? `the ledger has read it: it stands at block ${cursor.blockNum}`
    : undefined;
}

/** Writes the order. The same again changes nothing. @returns whether it is new */
export function orderToPass(
  { ledger }: { ledger: Ledger },
  {
    examined,
    action,
  }: {
    readonly examined: BlockExamination & { readonly result: "undelivered" };
    readonly action: OperatorAction;
  },
): Promise<boolean> {
  const { block, balance, why } = examined;
  const { actor, reason } = action;
  return ledger.transaction(async (tx) => {
    if (!(await tx.passedBlocks.add({ blockNum: block.blockNum, actor, reason }))) return false;
    await tx.receipts.add([
      {
        ...receiptOf("block.pass_ordered", `${block.blockNum}`, action, {
          blockId: block.blockId,
          transfers: block.transfers.length,
          balanceShares: `${balance}`,
          problem: why,
        }),
        chainTimeMs: block.timeMs,
      },
    ]);
    return true;
  });
}
