import { ChainError } from "@stakebts/bitshares/chain";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { type IngestDeps, readAgain } from "./ingest-blocks.ts";
import { blocksOf, readRecordedAgain, readVirtualAgain } from "./read-history.ts";
import { jobForTransfer } from "./jobs.ts";
import type { NewReceipt, NewTransfer } from "./ledger.ts";
import { logReceipt } from "./log-receipt.ts";
import { settleOutgoing } from "./settle-outgoing.ts";

/** Transfers that are looked at in one step: each costs a block, unless others are in the same one. */
const PER_STEP = 100;

export interface UnreadStep {
  /** How many were read at last. */
  readonly read: number;
  /** The last one that was looked at; `undefined`: that was the last page. */
  readonly after: OperationPosition | undefined;
}

/**
 * Reads transfers again whose memo key was missing, from their blocks: with the keys that there are now. What can be read is answered
 * in its turn, as of its own block. A payment that can be read settles what it names.
 * Throws ChainError.
 */
export async function readUnread(
  deps: IngestDeps,
  after: OperationPosition | undefined,
): Promise<UnreadStep> {
  const { ledger, log } = deps;
  const unread = await ledger.transfers.unread({ after, limit: PER_STEP });
  const last = unread.length < PER_STEP ? undefined : unread.at(-1)?.operation;
  if (unread.length === 0) return { read: 0, after: undefined };
  const wanted = new Set(unread.map(({ operation }) => operationId(operation)));
  const again = [...(await readAgain(deps, blocksOf(unread)))];
  // What a proposal has paid stands in no block. What is recorded by hand may have another place than nodes give it.
  for (const readOther of [readVirtualAgain, readRecordedAgain]) {
    const found = new Set(again.map(({ operation }) => operationId(operation)));
    const left = unread.filter(({ operation }) => !found.has(operationId(operation)));
    if (left.length === 0) break;
    try {
      again.push(...(await readOther(deps, left)));
    } catch (error) {
      // The others are read all the same.
      if (!(error instanceof ChainError)) throw error;
      log.warn("history.unread", { code: error.code, message: error.message });
    }
  }
  const understood = again.filter(
    ({ operation, isUnread }) => isUnread !== true && wanted.has(operationId(operation)),
  );
  if (understood.length === 0) return { read: 0, after: last };
  const { read, receipts } = await ledger.transaction(async (tx) => {
    const read = await tx.transfers.read(understood);
    const settled = await settleOutgoing(tx, read);
    const incoming = read.filter(({ direction }) => direction === "in");
    await tx.jobs.add(incoming.slice(-1).map(({ operation }) => jobForTransfer(operation, "read")));
    const receipts = [...settled.receipts, ...read.map(receiptOf)];
    await tx.receipts.add(receipts);
    return { read, receipts: [...settled.confirmed, ...receipts] };
  });
  for (const receipt of receipts) logReceipt(log, receipt);
  return { read: read.length, after: last };
}

const receiptOf = ({ operation, blockTimeMs, sender, memoStatus, request }: NewTransfer): NewReceipt => ({
  event: "transfer.read",
  subject: operationId(operation),
  chainTimeMs: blockTimeMs,
  details: { sender, memo: memoStatus, request: request?.type ?? null },
});
