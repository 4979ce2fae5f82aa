import { assert } from "@stakebts/kernel/assert";
import { millis } from "@stakebts/kernel/time";
import type { Cursor } from "./ledger.ts";
import { unprovableAfter } from "./expire-withdrawals.ts";
import { logReceipt } from "./log-receipt.ts";
import { type IngestDeps, lastFinalBlockNum, replayBlocks } from "./ingest-blocks.ts";
import { type ReplayHistoryDeps, replayHistory } from "./read-history.ts";
import { placeRecoveryHold } from "./recovery-hold.ts";

/**
 * Where to begin: `last`, where the ledger stopped; `current`, at the newest final block; a number, from that block on.
 * An empty ledger has no last block and begins at the newest one.
 */
export type StartMode = "last" | "current" | number;

/**
 * Puts the cursor in place before the first block is ingested. The cursor never goes back: a number below it reads the
 * blocks up to it again, which adds what the ledger has missed and changes nothing else.
 *
 * An empty ledger may be a lost one, and blocks that are jumped over may hold payments of an old one: in both cases a
 * recovery hold is raised, and after a jump it stays until those blocks have been read after all.
 */
export async function establishCursor(deps: ReplayHistoryDeps, mode: StartMode): Promise<void> {
  const { chain, ledger, log } = deps;
  const cursor = await ledger.cursor.read();
  if (cursor !== undefined && mode === "last") {
    log.info("cursor.continues", { blockNum: cursor.blockNum });
    return;
  }
  const head = await chain.head();
  const newest = lastFinalBlockNum(head.irreversibleBlockNum);
  const firstBlockNum = typeof mode === "number" ? Math.max(1, mode) : newest + 1;
  if (cursor !== undefined && firstBlockNum <= cursor.blockNum + 1) {
    const range = { from: firstBlockNum, to: cursor.blockNum };
    log.info("replay.started", range);
    const found = (await replayBlocks(deps, range)) + (await replayHistory(deps, range));
    log.info("replay.finished", { ...range, transfersAdded: found });
    return;
  }
  const next = await cursorBefore(deps, firstBlockNum);
  const receipt = {
    event: cursor === undefined ? "cursor.placed" : "cursor.jumped",
    subject: `${next.blockNum}`,
    chainTimeMs: next.blockTimeMs,
    details: { mode, firstBlock: firstBlockNum, before: cursor?.blockNum ?? null },
  };
  const receipts = await ledger.transaction(async (tx) => {
    if (!(await tx.cursor.move(cursor?.blockNum, next))) return [];
    const all = [receipt, ...(await unprovableAfter(tx, next))];
    await tx.receipts.add(all);
    const recoveryHold =
      cursor === undefined
        ? { head, fromBlockNum: firstBlockNum, reason: "the ledger was empty, and may have been lost" }
        : {
            head,
            fromBlockNum: cursor.blockNum + 1,
            reason: `the blocks before ${firstBlockNum} were jumped over: start once with STAKEBTS_REPLAY=${cursor.blockNum + 1}`,
          };
    return [...all, await placeRecoveryHold(tx, deps.policy, recoveryHold)];
  });
  for (const each of receipts) logReceipt(log, each);
  deps.watch.finalBlockNum = newest; // However far behind it is now, the recovery hold for that is up.
  if (receipts.length === 0) log.info("cursor.placed_by_another", { firstBlockNum });
}

/** A cursor that stands just before the block: everything from that block on will have been looked into. */
async function cursorBefore({ chain, custodian }: IngestDeps, firstBlockNum: number): Promise<Cursor> {
  const blockNum = firstBlockNum - 1;
  if (blockNum === 0)
    return { blockNum, blockId: "0".repeat(40), blockTimeMs: millis(0), scannedFromBlockNum: firstBlockNum };
  const [block] = await chain.blocks({ from: blockNum, to: blockNum, account: custodian.id });
  assert(block !== undefined, `asked for block ${blockNum} and got none`);
  return { blockNum, blockId: block.blockId, blockTimeMs: block.timeMs, scannedFromBlockNum: firstBlockNum };
}
