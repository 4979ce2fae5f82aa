import { type AccountId, type ChainBlock, ChainError } from "./chain.ts";
import { type ParsedBlock, parseBlockHeader, parseBlockInTurns } from "./block-parser.ts";
import { NodeLie } from "./node-errors.ts";
import type { RpcConnection } from "./rpc-connection.ts";
import { asObject } from "./wire-values.ts";

/** Questions on their way at once. Measured on one node: 64 give three times the blocks per second of one at a time. */
const WINDOW = 128;

/**
 * Blocks `from`…`to` of one node, in order, linked and with transactions that hash to their merkle roots.
 * Each is reduced to its transfers as it arrives, so what waits in memory is small even when the blocks are not.
 * Throws ChainError.
 */
export async function readBlocks(
  connection: RpcConnection,
  request: { from: number; to: number; account: AccountId; keys?: ReadonlySet<string> | undefined },
): Promise<ParsedBlock[]> {
  const { from, to, account, keys } = request;
  const blocks = Array.from<ParsedBlock>({ length: to - from + 1 });
  let next = from;
  let failed = false;

  async function readOnward(): Promise<void> {
    while (next <= to && !failed) {
      const blockNum = next++;
      try {
        const raw = await connection.call("database", "get_block", [blockNum], { patient: true });
        if (raw === null) {
          throw new ChainError("inconsistent_chain", `${connection.name} does not have block ${blockNum}`);
        }
        const parsed = await parseBlockInTurns(raw, account, keys);
        if (parsed.block.blockNum !== blockNum) {
          throw new NodeLie(`it sent block ${parsed.block.blockNum} for ${blockNum}`);
        }
        blocks[blockNum - from] = parsed;
      } catch (error) {
        failed = true; // the others need not go on
        throw error;
      }
    }
  }

  await Promise.all(Array.from({ length: Math.min(WINDOW, blocks.length) }, readOnward));
  assertLinked(blocks.map(({ block }) => block));
  return blocks;
}

function assertLinked(blocks: readonly ChainBlock[]): void {
  for (let i = 1; i < blocks.length; i++) {
    const [before, block] = [blocks[i - 1] as ChainBlock, blocks[i] as ChainBlock];
    if (block.previousId !== before.blockId) {
      throw new NodeLie(
        `block ${block.blockNum} follows ${block.previousId}, but block ${before.blockNum} is ${before.blockId}`,
      );
    }
  }
}

/** Id of a block as this node has it, computed from the header. Throws ChainError. */
export async function readBlockId(connection: RpcConnection, blockNum: number): Promise<string> {
  const header = await connection.call("database", "get_block_header", [blockNum, true]);
  const { blockNum: found, blockId } = parseBlockHeader(asObject(header, "block header"));
  if (found !== blockNum)
    throw new ChainError("malformed_answer", `header of ${found} for block ${blockNum}`);
  return blockId;
}
