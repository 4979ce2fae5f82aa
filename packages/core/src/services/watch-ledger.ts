import { fenceEnd } from "../domain/fence.ts";
import type { Policy } from "../domain/policy.ts";
import type { ChainHead } from "../ports/chain.ts";
import type { Cursor, Ledger, LedgerTx, NewReceipt } from "../ports/ledger.ts";
import type { Log } from "../ports/log.ts";

/**
 * Blocks that the ledger may be behind the chain while payments are made. Further behind, it may not know what is paid,
 * and it may be an old copy that does not know what was signed.
 */
export const LEDGER_LAG_BLOCKS_MAX = 20;

/** What an ingester remembers of the ledger, to see when another one has taken its place. */
export class LedgerWatch {
  /** The highest block at which this process has seen the cursor. */
  seenBlockNum = 0;
  /** The lag has been noticed, and a fence raised for it. */
  isBehind = false;
}

interface WatchDeps {
  readonly ledger: Ledger;
  readonly log: Log;
  readonly policy: Policy;
  readonly watch: LedgerWatch;
}

/**
 * Raises the fence (domain/fence.ts) if the ledger may be older than what was there before. Asked before each step: the
 * fence has to be up before the first block is written that an old copy had not seen, because that is what makes such a
 * copy look like any other ledger.
 */
export async function raiseFenceInDoubt(
  { ledger, log, policy, watch }: WatchDeps,
  cursor: Cursor,
  { head, lag }: { head: ChainHead; lag: number },
): Promise<void> {
  const isBehind = lag > LEDGER_LAG_BLOCKS_MAX;
  const { databaseChanged } = await ledger.fenceState();
  const reason = databaseChanged
    ? "the database was restored, copied or started anew"
    : cursor.blockNum < watch.seenBlockNum
      ? `the ledger stands at block ${cursor.blockNum} and has been at ${watch.seenBlockNum}: an older copy took its place`
      : isBehind && !watch.isBehind
        ? `the ledger was ${lag} blocks behind the chain, as an old copy is`
        : undefined;
  if (reason !== undefined) {
    const receipt = await ledger.transaction(async (tx) => {
      const now = await tx.cursor();
      return raiseFence(tx, policy, { head, fromBlockNum: (now ?? cursor).blockNum + 1, reason });
    });
    log.warn(receipt.event, receipt.details);
  }
  watch.seenBlockNum = cursor.blockNum;
  watch.isBehind = isBehind;
}

/** @param fromBlockNum the first block that the ledger has not looked into */
export async function raiseFence(
  tx: LedgerTx,
  { expirationMs }: Pick<Policy, "expirationMs">,
  { head, fromBlockNum, reason }: { head: ChainHead; fromBlockNum: number; reason: string },
): Promise<NewReceipt> {
  const untilMs = fenceEnd(head.headTimeMs, expirationMs);
  await tx.raiseFence({ untilMs, fromBlockNum, reason });
  const receipt = {
    event: "fence.raised",
    subject: `${fromBlockNum}`,
    chainTimeMs: head.headTimeMs,
    details: { reason, untilMs },
  };
  await tx.addReceipts([receipt]);
  return receipt;
}
