import type { NewStakeRow } from "../rules/stake-row.ts";
import { assert } from "@stakebts/kernel/assert";
import type { ChainReader, AccountId } from "@stakebts/bitshares/chain";
import type { Cursor, Ledger, NewReceipt } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import { ImportRefused, needPaymentsOff, type OnProgress } from "./import-refused.ts";
import {
  type OfferedAgreement,
  type PlannedAgreement,
  writeAgreements,
  type WrittenAgreements,
} from "./write-agreements.ts";

/** What there is in a database of v2.4. */
export interface V24Import {
  /** Its name for receipts: the file's, without the folder. */
  readonly source: string;
  readonly agreements: readonly OfferedAgreement[];
  readonly receipts: readonly NewReceipt[];
  /** Rows that the ledger has no place for, as receipts, so that nothing is lost. */
  readonly leftOut: readonly NewReceipt[];
  /** The last block that v2.4 checked; 0 when it does not say. */
  readonly processedElsewhereUpToBlockNum: number;
}

export interface V24Imported extends WrittenAgreements {
  readonly receipts: number;
  readonly leftOut: number;
  /** The cursor was placed at v2.4's block: the ingester goes on from there. */
  readonly cursorPlaced: boolean;
}

const RECEIPTS_PER_TRANSACTION = 2_000;

/**
 * Takes over what v2.4 has written. First of all the block up to which it answered every transfer: from then on no
 * transfer up to there is answered a second time, in whatever order blocks are read. Then agreements, then receipts.
 * May be called again after a crash, or with a newer copy: what is there stays as it is.
 * @param chain where to look up that block, if the ledger is empty; without it the cursor is left alone
 * Errors: {@link ImportRefused}; ChainError.
 */
export async function importV24(
  deps: {
    readonly ledger: Ledger;
    readonly chain?: ChainReader | undefined;
    readonly custodianId?: AccountId | undefined;
  },
  what: V24Import,
  action: OperatorAction,
  onProgress: OnProgress,
): Promise<V24Imported> {
  const { ledger } = deps;
  const { source, agreements, receipts, processedElsewhereUpToBlockNum } = what;
  const first = await firstCursor(deps, processedElsewhereUpToBlockNum);
  const cursorPlaced = await ledger.transaction(async (tx) => {
    await needPaymentsOff(tx);
    await tx.lockEvents(); // A apply events that is under way has read the old limit.
    await tx.control.setProcessedElsewhereUpToBlockNum(processedElsewhereUpToBlockNum);
    const placed = first !== undefined && (await tx.cursor.move(undefined, first));
    await tx.receipts.add([
      receiptOf("import.started", source, action, {
        kind: "sqlite",
        agreements: agreements.length,
        receipts: receipts.length,
        leftOut: what.leftOut.length,
        processedElsewhereUpToBlock: processedElsewhereUpToBlockNum,
        cursorPlaced: placed,
      }),
    ]);
    return placed;
  });
  const total = agreements.length + receipts.length;
  const written = await writeAgreements(deps, agreements, (done) => onProgress(done, total));
  let added = 0;
  for (let from = 0; from < receipts.length; from += RECEIPTS_PER_TRANSACTION) {
    const chunk = receipts.slice(from, from + RECEIPTS_PER_TRANSACTION);
    added += await ledger.transaction((tx) => tx.receipts.add(chunk, { once: true }));
    onProgress(agreements.length + from + chunk.length, total);
  }
  const leftOut = await ledger.transaction(async (tx) => {
    const count = await tx.receipts.add(what.leftOut, { once: true });
    await tx.receipts.add([
      receiptOf("import.finished", source, action, {
        kind: "sqlite",
        ...written,
        receipts: added,
        leftOut: count,
      }),
    ]);
    return count;
  });
  return { ...written, receipts: added, leftOut, cursorPlaced };
}

/**
 * Rows that the ledger has pending and a newer copy of the same database does not: v2.4 went on after the first import, and
 * what it paid would be paid again.
 */
export async function rowsThatWentOn(
  { ledger }: { readonly ledger: Ledger },
  planned: readonly PlannedAgreement[],
): Promise<readonly NewStakeRow[]> {
  const known = planned.filter(({ acquaintance }) => acquaintance.type === "same_place");
  const pending = new Set<string>();
  for (const nominator of new Set(known.map(({ offered }) => offered.agreement.nominator)))
    for (const row of await ledger.transaction((tx) => tx.rows.find({ pendingOf: nominator })))
      pending.add(row.id);
  return known
    .flatMap(({ offered }) => offered.rows)
    .filter((row) => row.status !== "pending" && pending.has(row.id));
}

/** A cursor at the last block that v2.4 checked, for a ledger that has none. */
async function firstCursor(
  { ledger, chain, custodianId }: Parameters<typeof importV24>[0],
  blockNum: number,
): Promise<Cursor | undefined> {
  if (blockNum === 0 || chain === undefined || custodianId === undefined) return undefined;
  if ((await ledger.cursor.read()) !== undefined) return undefined;
  const newest = lastFinalBlockNum((await chain.head()).irreversibleBlockNum);
  if (blockNum > newest)
    throw new ImportRefused(
      `v2.4 says it has checked block ${blockNum}, and the newest final block of these nodes is ${newest}`,
      "is this the right chain? See STAKEBTS_NODES",
    );
  const [block] = await chain.blocks({ from: blockNum, to: blockNum, account: custodianId });
  assert(block !== undefined, `asked for block ${blockNum} and got none`);
  return {
    blockNum,
    blockId: block.blockId,
    blockTimeMs: block.timeMs,
    scannedFromBlockNum: blockNum + 1,
  };
}
