import { assert } from "@stakebts/kernel/assert";
import type { Millis } from "@stakebts/kernel/time";
import { executionOf, operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import {
  type ChainBlock,
  ChainError,
  type ChainErrorCode,
  type ChainTransfer,
} from "@stakebts/bitshares/chain";
import type {
  AccountHistoryEntry,
  AccountHistoryReader,
  ProposalReader,
} from "@stakebts/bitshares/account-operations";
import type { Cursor, LedgerTx, NewReceipt, NewTransfer } from "./ledger.ts";
import {
  type IngestDeps,
  marked,
  needPassed,
  readBlocks,
  type ReadTransfers,
  readTransfers,
  receiptForOutgoing,
  type ReplayOptions,
  writeTransfers,
} from "./ingest-blocks.ts";
import { logReceipt } from "./log-receipt.ts";
import { settleOutgoing } from "./settle-outgoing.ts";

/*
 * What an approved proposal transfers is carried out by the chain itself and stands in no transaction of a block. The history of the
 * account has it. Nodes may keep none, or too little of it, so it is read up to a place of its own, behind the blocks; what is found
 * late is written down late, and answered as any other transfer.
 */

export interface ReplayHistoryDeps extends IngestDeps {
  readonly chain: IngestDeps["chain"] & Partial<AccountHistoryReader>;
}

export interface HistoryDeps extends ReplayHistoryDeps {
  readonly history: HistoryWatch;
}

/** What the process remembers of its tries. */
export class HistoryWatch {
  /** The first block of the ledger at which the history could not be read. */
  failingSinceBlockNum: number | undefined;
  /** It is tried again when the ledger stands here. */
  retryAtBlockNum = 0;
}

const POSITIONS_AT_ONCE = 5_000;
/** What is done about a history that cannot be read, after so many blocks of the ledger. */
export interface HistoryPatience {
  /** It is tried again: nodes without a history are not asked at each block. */
  readonly retryBlocks: number;
  readonly alarmBlocks: number;
  /** What nodes have removed is passed over, if they still have what is newer. */
  readonly giveUpBlocks: number;
}

/** Half a minute, a minute and half an hour. */
const WHILE_IT_RUNS: HistoryPatience = { retryBlocks: 10, alarmBlocks: 20, giveUpBlocks: 600 };
/** Of a command, which is not there later. */
export const AT_ONCE: HistoryPatience = { retryBlocks: 0, alarmBlocks: 0, giveUpBlocks: 0 };

/** Nodes that cannot be asked now have not removed anything. */
const AWAY: ReadonlySet<ChainErrorCode> = new Set(["no_usable_node", "deadline", "disconnected"]);

export interface HistoryResult {
  /** Of transfers that no transaction holds. */
  readonly added: number;
}

/**
 * Reads the history of the blocks that the ledger has passed and writes down the transfers in it that no block holds, with what they
 * settle. Safe to repeat. A history that cannot be read is alarmed and tried again, and keeps nothing else waiting.
 */
export async function readHistory(
  deps: HistoryDeps,
  patience: HistoryPatience = WHILE_IT_RUNS,
): Promise<HistoryResult> {
  const { chain, ledger, history, log } = deps;
  const cursor = await ledger.cursor.read();
  assert(cursor !== undefined, "the cursor is set before the history is read");
  const from = nextHistoryBlock(cursor);
  const to = cursor.blockNum;
  if (chain.accountHistory === undefined || to < from || to < history.retryAtBlockNum) return { added: 0 };
  try {
    const added = await readRange(deps, cursor, { from, to });
    history.failingSinceBlockNum = undefined;
    return { added };
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    const isAway = AWAY.has(error.code);
    // A command is repeated by a person; a process asks again.
    if (isAway && patience === AT_ONCE) throw error;
    history.retryAtBlockNum = to + patience.retryBlocks;
    if (history.failingSinceBlockNum === undefined)
      log.warn("history.unread", { from, to, code: error.code, message: error.message });
    const since = (history.failingSinceBlockNum ??= to);
    if (to - since >= patience.alarmBlocks)
      await alarm(deps, cursor, {
        event: "history.unread",
        subject: `${from}`,
        details: {
          fromBlock: from,
          reason: error.message,
          todo: "transfers of executed proposals are not seen meanwhile; the watcher compares the balance. Configure nodes that keep the account's history (runbook, history.unread)",
        },
      });
    if (isAway || to - since < patience.giveUpBlocks) return { added: 0 };
    return { added: await passOverRemoved(deps, cursor, { from, to }) };
  }
}

/** The next block whose history is to be read. What was jumped over counts as much as its blocks do. */
export const nextHistoryBlock = ({ historyBlockNum = 0, scannedFromBlockNum }: Cursor): number =>
  Math.max(historyBlockNum, scannedFromBlockNum - 1, 0) + 1;

/** Nodes that have removed what is old go on having what is new: a part that no majority has any more is passed over, with a receipt. */
async function passOverRemoved(
  deps: HistoryDeps,
  cursor: Cursor,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<number> {
  for (let blocks = Math.floor((to - from) / 2); blocks >= 1; blocks = Math.floor(blocks / 2)) {
    const first = to - blocks + 1;
    try {
      const added = await readRange(deps, cursor, { from: first, to });
      deps.history.failingSinceBlockNum = undefined;
      await alarm(deps, cursor, gapReceipt({ from, to: first - 1 }));
      return added;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      if (AWAY.has(error.code)) return 0;
    }
  }
  return 0;
}

const gapReceipt = ({ from, to }: { readonly from: number; readonly to: number }): NewReceipt => ({
  event: "history.gap",
  subject: `${from}-${to}`,
  details: {
    fromBlock: from,
    toBlock: to,
    todo: "no majority of the nodes has the account's history of these blocks any more: look whether an executed proposal paid in, and record it (stakebts transfers record)",
  },
});

async function alarm({ ledger, log }: IngestDeps, cursor: Cursor, receipt: NewReceipt): Promise<void> {
  const added = await ledger.transaction((tx) =>
    tx.receipts.add([{ ...receipt, chainTimeMs: cursor.blockTimeMs }], { once: true }),
  );
  if (added > 0) logReceipt(log, receipt);
}

async function readRange(
  deps: HistoryDeps,
  cursor: Cursor,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<number> {
  const { ledger, log } = deps;
  const { transfers: found, missing } = await findVirtualTransfers(deps, {
    from,
    to,
    toMs: cursor.blockTimeMs,
  });
  const receipts = await ledger.transaction(async (tx) => {
    // Another ingester may have read it meanwhile.
    if (!(await tx.cursor.moveHistory(cursor.historyBlockNum, to))) return [];
    return writeFound(tx, deps, { transfers: found, missing });
  });
  for (const receipt of receipts) logReceipt(log, receipt);
  return countVirtual(receipts);
}

const countVirtual = (receipts: readonly NewReceipt[]): number =>
  receipts.filter(({ event }) => event === "transfer.virtual").length;

async function writeFound(
  tx: LedgerTx,
  deps: IngestDeps,
  { transfers: found, missing }: ReadTransfers,
): Promise<readonly NewReceipt[]> {
  const written = await writeTransfers(tx, deps, await withoutRecorded(tx, found));
  const settled = await settleOutgoing(tx, written);
  const all = [
    ...settled.receipts,
    ...written.filter(({ direction }) => direction === "out").map(receiptForOutgoing),
    ...deps.memoKeys.alarms(missing, "transfers for it are recorded and not answered"),
  ];
  await tx.receipts.add(all);
  return [
    ...settled.confirmed,
    ...all,
    ...written.map((transfer): NewReceipt => ({
      event: "transfer.virtual",
      subject: operationId(transfer.operation),
      chainTimeMs: transfer.blockTimeMs,
      details: {
        direction: transfer.direction,
        sender: transfer.sender,
        amountShares: `${transfer.amount}`,
      },
    })),
  ];
}

/**
 * The same for blocks that are replayed, which the cursor has passed: what the ledger lacks is written down. Safe to repeat. Blocks of
 * which no majority of the nodes has the history any more are an alarm; throws ChainError when nodes are away.
 * @returns how many transfers were added
 */
export async function replayHistory(
  deps: ReplayHistoryDeps,
  range: { readonly from: number; readonly to: number },
  { mark, guard }: ReplayOptions = {},
): Promise<number> {
  const { chain, ledger, log } = deps;
  if (chain.accountHistory === undefined || range.to < range.from) return 0;
  const cursor = needPassed(await ledger.cursor.read(), range.to);
  const found = await findInHistory(deps, range);
  if (found === undefined) {
    await alarm(deps, cursor, gapReceipt(range));
    return 0;
  }
  const transfers = found.transfers.map((transfer) => marked(transfer, mark));
  const receipts = await ledger.transaction(async (tx) => {
    await guard?.(tx);
    needPassed(await tx.cursor.read(), range.to);
    return writeFound(tx, deps, { transfers, missing: found.missing });
  });
  for (const receipt of receipts) logReceipt(log, receipt);
  return countVirtual(receipts);
}

/** A person may have recorded some before nodes told of them, at other places of the same blocks. */
async function withoutRecorded(tx: LedgerTx, found: readonly NewTransfer[]): Promise<readonly NewTransfer[]> {
  const [first, last] = [found[0], found.at(-1)];
  if (first === undefined || last === undefined) return [];
  const range = { from: first.operation.blockNum, to: last.operation.blockNum };
  const operations = (await tx.recordedTransfers.within(range)).map(({ operation }) => operation);
  const recorded = [...(await tx.transfers.find({ operations }))];
  return found.filter((transfer) => {
    const same = recorded.findIndex((one) => isSameTransfer(one, transfer));
    if (same !== -1) recorded.splice(same, 1);
    return same === -1;
  });
}

/** Of two that the chain carried out in one block. What the memo says is not known of one whose memo key was missing. */
export const isSameTransfer = (one: NewTransfer, other: NewTransfer | undefined): boolean =>
  one.operation.blockNum === other?.operation.blockNum &&
  one.sender === other.sender &&
  one.amount === other.amount &&
  one.assetId === other.assetId &&
  (one.isUnread === true ||
    other.isUnread === true ||
    (one.memoStatus === other.memoStatus && one.memoText === other.memoText));

/** The transfers of the account in these blocks that no transaction holds, in the ledger's words. Nothing is written. */
export async function findVirtualTransfers(
  deps: Pick<HistoryDeps, "chain"> & IngestDeps,
  { from, to, toMs }: { readonly from: number; readonly to: number; readonly toMs?: Millis },
): Promise<ReadTransfers> {
  const { chain, ledger, custodian } = deps;
  const moved = movedIn(await historyIn(chain, { account: custodian.id, from, to, toMs }));
  const known = await knownAmong(
    ledger,
    moved.map(({ position }) => position),
  );
  return inWords(
    deps,
    moved.filter(({ position }) => !known.has(operationId(position))),
  );
}

/** The same; `undefined` where no majority of the nodes has the history of these blocks. Throws ChainError when nodes are away. */
export async function findInHistory(
  deps: ReplayHistoryDeps,
  range: { readonly from: number; readonly to: number },
): Promise<ReadTransfers | undefined> {
  try {
    return await findVirtualTransfers(deps, range);
  } catch (error) {
    if (!(error instanceof ChainError) || AWAY.has(error.code)) throw error;
    return undefined;
  }
}

/** The same of the blocks of transfers that the ledger has: with the memo keys that there are now. Throws ChainError. */
export async function readVirtualAgain(
  deps: IngestDeps & { readonly chain: Partial<AccountHistoryReader> },
  known: readonly Pick<NewTransfer, "operation">[],
): Promise<readonly NewTransfer[]> {
  const moved: Moved[] = [];
  for (const blockNum of blocksOf(known)) {
    const range = { account: deps.custodian.id, from: blockNum, to: blockNum };
    moved.push(...movedIn(await historyIn(deps.chain, range)));
  }
  return (await inWords(deps, moved)).transfers;
}

/** The same of those that a person has recorded, from the blocks of their proposals. Throws ChainError. */
export async function readRecordedAgain(
  deps: IngestDeps & { readonly chain: Partial<ProposalReader> },
  known: readonly Pick<NewTransfer, "operation">[],
): Promise<readonly NewTransfer[]> {
  const { chain, ledger, custodian } = deps;
  if (chain.proposal === undefined) return [];
  const blocks: ChainBlock[] = [];
  for (const { operation } of known) {
    const recorded = await ledger.recordedTransfers.at(operation);
    if (recorded === undefined) continue;
    const { blockNum, trxInBlock, opInTrx } = operation;
    const request = { at: recorded.proposal, executedAt: executionOf(operation), account: custodian.id };
    const { transfers } = await chain.proposal(request);
    const found = transfers.find(({ proposedOp }) => proposedOp === recorded.proposedOp)?.transfer;
    const [block] = await readBlocks(deps, { from: blockNum, to: blockNum });
    if (found !== undefined && block !== undefined)
      blocks.push({ ...block, transfers: [{ ...found, trxInBlock, opInTrx, txid: undefined }] });
  }
  if (blocks.length === 0) return [];
  const { irreversibleBlockNum } = await chain.head();
  return (await readTransfers(deps, blocks, irreversibleBlockNum)).transfers;
}

export const blocksOf = (transfers: readonly Pick<NewTransfer, "operation">[]): readonly number[] => [
  ...new Set(transfers.map(({ operation }) => operation.blockNum)),
];

type Moved = Required<Pick<AccountHistoryEntry, "position">> & { readonly transfer: VirtualTransfer };
type VirtualTransfer = NonNullable<AccountHistoryEntry["transfer"]>;

const movedIn = (entries: readonly AccountHistoryEntry[]): readonly Moved[] =>
  entries.flatMap(({ position, transfer }) => (transfer === undefined ? [] : [{ position, transfer }]));

/** Those of them that no block holds. */
async function inWords(deps: IngestDeps, moved: readonly Moved[]): Promise<ReadTransfers> {
  const byBlock = new Map<number, ChainTransfer[]>();
  for (const { position, transfer } of moved) {
    const others = byBlock.get(position.blockNum) ?? [];
    byBlock.set(position.blockNum, [...others, { ...transfer, txid: undefined }]);
  }
  const blocks: ChainBlock[] = [];
  for (const [blockNum, transfers] of [...byBlock].toSorted(([one], [other]) => one - other)) {
    const [block] = await readBlocks(deps, { from: blockNum, to: blockNum });
    assert(block !== undefined, `asked for block ${blockNum} and got none`);
    blocks.push({ ...block, transfers: virtualOnly(block, transfers) });
  }
  const { irreversibleBlockNum } = await deps.chain.head();
  return readTransfers(deps, blocks, irreversibleBlockNum);
}

/** The names of those places of which the ledger has a transfer: what blocks hold, nearly always all. */
async function knownAmong(
  ledger: IngestDeps["ledger"],
  positions: readonly OperationPosition[],
): Promise<ReadonlySet<string>> {
  const known = new Set<string>();
  for (let i = 0; i < positions.length; i += POSITIONS_AT_ONCE) {
    const operations = positions.slice(i, i + POSITIONS_AT_ONCE);
    const found = await ledger.transaction((tx) => tx.transfers.find({ operations }));
    for (const { operation } of found) known.add(operationId(operation));
  }
  return known;
}

async function historyIn(
  chain: Partial<AccountHistoryReader>,
  request: Parameters<AccountHistoryReader["accountHistory"]>[0],
) {
  if (chain.accountHistory === undefined)
    throw new ChainError("node_refused", "these nodes cannot be asked for the account's history");
  return chain.accountHistory(request);
}

/** Those that the block does not hold at that place, in chain order. */
export function virtualOnly(
  block: Pick<ChainBlock, "transfers">,
  history: readonly ChainTransfer[],
): readonly ChainTransfer[] {
  const place = ({ trxInBlock, opInTrx }: ChainTransfer) => `${trxInBlock}:${opInTrx}`;
  const held = new Set(block.transfers.map(place));
  return history
    .filter((transfer) => !held.has(place(transfer)))
    .toSorted((a, b) => a.trxInBlock - b.trxInBlock || a.opInTrx - b.opInTrx);
}
