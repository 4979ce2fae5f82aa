import { type AccountId, type ChainBlock, ChainError } from "./chain.ts";
import { type ParsedBlock, parseBlockHeader, parseBlockInTurns } from "./block-parser.ts";
import { NodeLie, NodeRefusal } from "./node-errors.ts";
import type { RpcConnection } from "./rpc-connection.ts";
import { asObject } from "./wire-values.ts";

/** Questions on their way at once. Measured on one node: 64 give three times the blocks per second of one at a time. */
export const WINDOW = 128;
/** Of answers that are on their way, as JSON: read, each takes several times as much memory. */
const WINDOW_BYTES = 32 * 1024 * 1024;
/** Before the first answer of a node its blocks count as this large. */
const ANSWER_BYTES = 512 * 1024;
/** With a node that limits requests: what it answers in this time may be on its way. */
const WINDOW_SECONDS = 0.5;
/** Blocks that are asked for at once shall arrive within this time. */
const BATCH_SECONDS = 10;
/** Blocks that one node has sent and the caller could not use yet. */
const KEPT_MAX = 4_000;

interface BlocksRequest {
  readonly from: number;
  readonly to: number;
  readonly account: AccountId;
  /** Of the account's authorities: what is done with them counts as done by it. */
  readonly keys?: ReadonlySet<string> | undefined;
  /** Default: {@link WINDOW} */
  readonly window?: number | undefined;
  /** In bytes, about: when those that were read hold so much, no more are asked for, and the first ones are answered with. */
  readonly heldBytesMax?: number | undefined;
  /** Blocks that never change: what was read before the node failed need not be read again. */
  readonly isFinal?: boolean;
}

/**
 * What a node has sent of a range before it failed. A node that allows fifty requests in a second would otherwise send the
 * same blocks again and again, and a range would never be whole.
 */
const keptOf = new WeakMap<RpcConnection, { of: string; blocks: Map<number, ParsedBlock> }>();

/** What blocks were reduced to. */
const viewOf = ({ account, keys = new Set() }: Pick<BlocksRequest, "account" | "keys">): string =>
  [account, ...[...keys].toSorted()].join(" ");

/** Takes what is kept of the range. */
function takeKept(connection: RpcConnection, request: BlocksRequest): Map<number, ParsedBlock> {
  const { from, to } = request;
  const taken = new Map<number, ParsedBlock>();
  const kept = keptOf.get(connection);
  if (kept?.of !== viewOf(request)) return taken;
  for (const [blockNum, block] of kept.blocks)
    if (blockNum >= from && blockNum <= to) {
      taken.set(blockNum, block);
      kept.blocks.delete(blockNum);
    }
  return taken;
}

/** Keeps these for the next time; of too many the newest ones. */
function keep(
  connection: RpcConnection,
  request: BlocksRequest,
  blocks: ReadonlyMap<number, ParsedBlock>,
): void {
  let kept = keptOf.get(connection);
  const of = viewOf(request);
  if (kept?.of !== of) keptOf.set(connection, (kept = { of, blocks: new Map() }));
  for (const [blockNum, block] of blocks) kept.blocks.set(blockNum, block);
  for (const blockNum of kept.blocks.keys()) {
    if (kept.blocks.size <= KEPT_MAX) break;
    kept.blocks.delete(blockNum);
  }
}

const BLOCK_BYTES = 500;
const TRANSFER_BYTES = 700;
const PAYMENT_BYTES = 150;

/** About how much memory a block takes while it waits: strangers choose how many transfers it has, and how long their memos are. */
export function heldBytes({ block: { transfers, payments }, accountOperations }: ParsedBlock): number {
  const memos = transfers.reduce((sum, { memo }) => sum + (memo?.messageHex.length ?? 0), 0);
  return (
    BLOCK_BYTES +
    memos +
    TRANSFER_BYTES * (transfers.length + accountOperations.length) +
    PAYMENT_BYTES * payments.length
  );
}

/** How many blocks are to be asked for at once, of at most `max`: with a node that limits requests, few. */
export const blocksAtOnce = (connection: RpcConnection, max: number): number =>
  Math.max(1, Math.min(max, Math.floor((connection.requestsPerSecond ?? Infinity) * BATCH_SECONDS)));

/**
 * Blocks `from`…`to` of one node, or the first of them (`heldBytesMax`), in order, linked and with transactions that hash to their merkle roots.
 * Each is reduced to its transfers as it arrives, so what waits in memory is small even when the blocks are not.
 * A node that closes or refuses because it is asked too much is asked for the rest, at the pace that it bears.
 * Throws ChainError.
 */
export async function readBlocks(connection: RpcConnection, request: BlocksRequest): Promise<ParsedBlock[]> {
  const { from, to, isFinal = false } = request;
  const blocks = isFinal ? takeKept(connection, request) : new Map<number, ParsedBlock>();
  const missing = Array.from({ length: to - from + 1 }, (_, i) => from + i).filter((n) => !blocks.has(n));
  const hadPace = connection.requestsPerSecond !== undefined;
  try {
    while (missing.length > 0) {
      const before = missing.length;
      const failure = await readMissing(connection, request, { missing, blocks });
      if (failure === undefined) break;
      // When this is new, others are to be asked first: they may bear more.
      const isLimited = hadPace && (failure.code === "disconnected" || failure instanceof NodeRefusal);
      // Without a step forward it is no matter of pace. And of a range that takes long at this pace, less is to be asked for.
      if (!isLimited || missing.length === before || missing.length > blocksAtOnce(connection, to))
        throw failure;
    }
    const read: ParsedBlock[] = [];
    for (let block = blocks.get(from); block !== undefined; block = blocks.get(from + read.length))
      read.push(block);
    assertLinked(read.map(({ block }) => block));
    return read;
  } catch (error) {
    if (error instanceof NodeLie) keptOf.delete(connection);
    else if (isFinal) keep(connection, request, blocks);
    throw error;
  }
}

/** How many answers of the size of the last ones may be on their way. */
const fitting = ({ answerBytes = ANSWER_BYTES }: RpcConnection): number =>
  Math.max(1, Math.floor(WINDOW_BYTES / Math.max(1, answerBytes)));

/** Asks for the blocks of `missing`; moves those that come to `blocks`. Answers with the first failure, when all has ended. */
async function readMissing(
  connection: RpcConnection,
  { account, keys, window = WINDOW, heldBytesMax = Infinity }: BlocksRequest,
  { missing, blocks }: { missing: number[]; blocks: Map<number, ParsedBlock> },
): Promise<ChainError | undefined> {
  const asked = [...missing];
  let next = 0;
  let reading = 0;
  const borne = Math.ceil((connection.requestsPerSecond ?? Infinity) * WINDOW_SECONDS);
  const most = Math.min(window, borne, asked.length);
  let failure: ChainError | undefined;
  let held = [...blocks.values()].reduce((sum, block) => sum + heldBytes(block), 0);

  async function readOnward(): Promise<void> {
    reading++;
    const others: Promise<void>[] = [];
    // One at least. Those that are on their way come after all of those that were asked for before them.
    while (next < asked.length && failure === undefined && (next === 0 || held < heldBytesMax)) {
      // As many at once as fit into memory while blocks are as large as the last ones were.
      if (reading > fitting(connection)) break;
      const blockNum = asked[next++] as number;
      if (reading < Math.min(most, fitting(connection))) others.push(readOnward());
      try {
        const raw = await connection.call("database", "get_block", [blockNum], { patient: true });
        if (raw === null) {
          throw new ChainError("inconsistent_chain", `${connection.name} does not have block ${blockNum}`);
        }
        const parsed = await parseBlockInTurns(raw, account, keys);
        if (parsed.block.blockNum !== blockNum) {
          throw new NodeLie(`it sent block ${parsed.block.blockNum} for ${blockNum}`);
        }
        blocks.set(blockNum, parsed);
        held += heldBytes(parsed);
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        failure ??= error; // the others need not go on; what they have asked for already is waited for, and kept
        // A lie counts more than a failure before it.
        if (error instanceof NodeLie) failure = error;
      }
    }
    reading--;
    await Promise.all(others);
  }

  await Promise.all(Array.from({ length: Math.min(most, fitting(connection)) }, readOnward));
  missing.splice(0, missing.length, ...asked.filter((blockNum) => !blocks.has(blockNum)));
  return failure;
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
