import type { Roles } from "../rules/decide.ts";
import { type ImportMark, monthsPaidOn } from "../rules/import-mark.ts";
import { type Policy, TERMS } from "../rules/policy.ts";
import type { Millis } from "@stakebts/kernel/time";
import type { Cursor, Ledger, NewTransfer } from "../ledger/ledger.ts";
import { applyEvents } from "../ledger/apply-events.ts";
import { findTransfers, replayBlocks } from "../ledger/ingest-blocks.ts";
import { BLOCKS_PER_STEP } from "../ledger/read-ahead.ts";
import { findInHistory, type ReplayHistoryDeps, replayHistory } from "../ledger/read-history.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";
import { ImportRefused, needPaymentsOff, type OnProgress } from "./import-refused.ts";
import { planTransfers, type PlannedTransfer } from "./plan-blocks.ts";

export interface BlockRange {
  readonly from: number;
  readonly to: number;
}

/** v2.4 replayed from "two less than the block they occur in", since people copied numbers that were one off. */
export const NEIGHBOURS = 2;
/** Blocks between two receipts of a replay, and between two lines of progress. */
export const BLOCKS_PER_RECEIPT = 1_000;

/** The blocks with their neighbours, in order, each read once. */
export function rangesAround(blocks: readonly number[]): readonly BlockRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const block of [...new Set(blocks)].toSorted((a, b) => a - b)) {
    const [from, to] = [Math.max(1, block - NEIGHBOURS), block + NEIGHBOURS];
    const last = ranges.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = to;
    else ranges.push({ from, to });
  }
  return ranges;
}

/**
 * What an import by blocks knows of a transfer that it finds: that it was answered, and which months were paid by hand.
 * @param days on which was paid by hand; `upToBlockNum`: for agreements of blocks up to this one, later ones never were
 */
export const importMarks =
  ({ days, upToBlockNum }: { readonly days: readonly Millis[]; readonly upToBlockNum: number }) =>
  ({ operation, blockTimeMs, request }: NewTransfer): ImportMark => ({
    monthsPaid:
      request?.type === "open" && operation.blockNum <= upToBlockNum
        ? monthsPaidOn(days, { startMs: blockTimeMs, months: TERMS[request.term] })
        : [],
  });

/**
 * Old blocks are those that the cursor has passed; the last neighbours of the newest ones are cut off.
 * Errors: {@link ImportRefused} for a block that the ingester has yet to read, or a ledger that has not begun.
 */
export async function needPassedBlocks(
  ledger: Ledger,
  { from, to }: BlockRange,
): Promise<{ readonly cursor: Cursor; readonly to: number }> {
  const cursor = await ledger.cursor.read();
  if (cursor === undefined)
    throw new ImportRefused(
      "the ledger is empty: it has to begin somewhere before older blocks can be added to it",
      `start the ingester once, with STAKEBTS_REPLAY=current (from now on) or a block number (from there on), and repeat this. To read everything since block ${from} as new, STAKEBTS_REPLAY=${from} is enough`,
    );
  if (from > cursor.blockNum || to > cursor.blockNum + NEIGHBOURS)
    throw new ImportRefused(
      `block ${to} is above the cursor, block ${cursor.blockNum}: the ingester has yet to read it, and does so by itself`,
      `wait for it (\`stakebts status\`), or name blocks up to ${cursor.blockNum}`,
    );
  return { cursor, to: Math.min(to, cursor.blockNum) };
}

type Deps = ReplayHistoryDeps & { readonly roles: Roles };
type Mark = (transfer: NewTransfer) => ImportMark | undefined;

/** Reads the blocks and says what adding them would do. Writes nothing. */
export async function planBlocks(
  deps: Deps,
  ranges: readonly BlockRange[],
  mark: Mark,
  onProgress: OnProgress,
): Promise<readonly PlannedTransfer[]> {
  const total = blocksIn(ranges);
  const found: NewTransfer[] = [];
  let done = 0;
  const isRead = ({ direction, operation }: NewTransfer): boolean =>
    direction === "out" || !deps.skipBlocks.has(operation.blockNum);
  for (const range of ranges) {
    for (const step of stepsOf(range)) {
      found.push(...(await findTransfers(deps, step)).filter(isRead));
      onProgress((done += step.to - step.from + 1), total);
    }
    found.push(...((await findInHistory(deps, range))?.transfers ?? []).filter(isRead));
  }
  return deps.ledger.transaction((tx) => planTransfers(tx, deps, found, mark));
}

export interface BlocksRead {
  readonly blocks: number;
  /** Of them passed over, because an earlier run had finished with them. */
  readonly passedOver: number;
  readonly transfersAdded: number;
  /** Steps of the event step that followed. */
  readonly steps: number;
}

/**
 * Reads old blocks, adds what the ledger does not have, and brings it up to the cursor. A receipt for each thousand
 * blocks: after a crash the same call passes over what is done. Safe to repeat.
 * Errors: {@link ImportRefused} as soon as payments are on; ChainError.
 * @param finished subjects of the receipts `blocks.read` there are, for blocks to be passed over
 */
export async function readBlocks(
  deps: Deps & { readonly policy: Policy },
  request: {
    readonly kind: "replay" | "import";
    readonly ranges: readonly BlockRange[];
    readonly mark: Mark;
    readonly action: OperatorAction;
    readonly finished: ReadonlySet<string>;
  },
  onProgress: OnProgress,
): Promise<BlocksRead> {
  const { ledger } = deps;
  const { kind, ranges, mark, action, finished } = request;
  const blocks = blocksIn(ranges);
  const subject = ranges.length === 1 ? nameOf(ranges[0] as BlockRange) : `${ranges.length} ranges`;
  await ledger.transaction(async (tx) => {
    await needPaymentsOff(tx);
    await tx.receipts.add([receiptOf(`${kind}.started`, subject, action, { kind: "blocks", blocks })]);
  });
  let [done, passedOver, transfersAdded] = [0, 0, 0];
  for (const range of ranges) {
    for (const step of stepsOf(range)) {
      const size = step.to - step.from + 1;
      if (finished.has(nameOf(step))) passedOver += size;
      else {
        const added = await replayBlocks(deps, step, { mark, guard: needPaymentsOff });
        transfersAdded += added;
        const receipt = receiptOf("blocks.read", nameOf(step), action, { kind, transfersAdded: added });
        await ledger.transaction((tx) => tx.receipts.add([receipt]));
      }
      onProgress((done += size), blocks);
    }
    transfersAdded += await replayHistory(deps, range, { mark, guard: needPaymentsOff });
    await ledger.transaction((tx) => tx.cursor.extendScan(range));
  }
  const steps = await applyEvents(deps);
  await ledger.transaction((tx) =>
    tx.receipts.add([
      receiptOf(`${kind}.finished`, subject, action, { kind: "blocks", blocks, passedOver, transfersAdded }),
    ]),
  );
  return { blocks, passedOver, transfersAdded, steps };
}

export const nameOf = ({ from, to }: BlockRange): string => `${from}-${to}`;

export const blocksIn = (ranges: readonly BlockRange[]): number =>
  ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);

/** Cut at round numbers, so that a second run with another beginning or end meets the same steps. */
export function* stepsOf({ from, to }: BlockRange): Generator<BlockRange> {
  const size = Math.min(BLOCKS_PER_RECEIPT, BLOCKS_PER_STEP);
  for (let first = from; first <= to;) {
    const last = Math.min(to, Math.floor(first / size) * size + size - 1);
    yield { from: first, to: last };
    first = last + 1;
  }
}
