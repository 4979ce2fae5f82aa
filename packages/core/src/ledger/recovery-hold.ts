import { recoveryHoldEnd } from "../rules/recovery-hold.ts";
import type { Policy } from "../rules/policy.ts";
import type { ChainHead } from "@stakebts/bitshares/chain";
import type { Cursor, Ledger, LedgerTx, NewReceipt } from "./ledger.ts";
import type { Log } from "@stakebts/kernel/log";

/**
 * Blocks that the ledger may be behind the chain while payments are made. Further behind, it may not know what is paid,
 * and it may be an old copy that does not know what was signed.
 */
export const LEDGER_LAG_BLOCKS_MAX = 20;

/** What an ingester remembers in order to notice that another ledger, or a node with newer blocks, has taken the place of the last. */
export class LedgerWatch {
  /** The highest block at which this process has seen the cursor. */
  seenBlockNum = 0;
  /** The newest final block when it last looked. */
  finalBlockNum = 0;
}

interface WatchDeps {
  readonly ledger: Ledger;
  readonly log: Log;
  readonly policy: Policy;
  readonly watch: LedgerWatch;
}

/**
 * Raises the recovery hold (rules/recovery-hold.ts) if the ledger may be older than what was there before. Asked before each step: the
 * recovery hold has to be up before the first block is written that an old copy had not seen, because that is what makes such a
 * copy look like any other ledger.
 */
export async function placeRecoveryHoldInDoubt(
  { ledger, log, policy, watch }: WatchDeps,
  cursor: Cursor,
  {
    head,
    finalBlockNum,
    databaseChanged,
  }: { head: ChainHead; finalBlockNum: number; databaseChanged: boolean },
): Promise<void> {
  const reason = databaseChanged
    ? "the database was restored, copied or started anew"
    : doubt(watch, cursor, finalBlockNum);
  if (reason !== undefined) {
    const receipt = await ledger.transaction(async (tx) => {
      const now = await tx.cursor.read();
      return placeRecoveryHold(tx, policy, { head, fromBlockNum: (now ?? cursor).blockNum + 1, reason });
    });
    log.warn(receipt.event, receipt.details);
  }
  watch.seenBlockNum = cursor.blockNum;
  watch.finalBlockNum = finalBlockNum;
}

function doubt(watch: LedgerWatch, cursor: Cursor, finalBlockNum: number): string | undefined {
  if (cursor.blockNum < watch.seenBlockNum)
    return `the ledger stands at block ${cursor.blockNum} and has been at ${watch.seenBlockNum}: an older copy took its place`;
  // Once per lag, not for each step of the way up; and again when a better node shows that the last one was behind too:
  // a recovery hold that ends by the time of an old head ends too early.
  const lag = finalBlockNum - cursor.blockNum;
  return lag > LEDGER_LAG_BLOCKS_MAX && finalBlockNum - watch.finalBlockNum > LEDGER_LAG_BLOCKS_MAX
    ? `the ledger was ${lag} blocks behind the chain, as an old copy is`
    : undefined;
}

/** @param fromBlockNum the first block that the ledger has not looked into */
export async function placeRecoveryHold(
  tx: LedgerTx,
  { expirationMs }: Pick<Policy, "expirationMs">,
  { head, fromBlockNum, reason }: { head: ChainHead; fromBlockNum: number; reason: string },
): Promise<NewReceipt> {
  // By the latest head that no majority denies: a hold that ends too late costs time, one that ends too early a payment.
  const untilMs = recoveryHoldEnd(head.latest?.headTimeMs ?? head.headTimeMs, expirationMs);
  await tx.control.placeRecoveryHold({ untilMs, fromBlockNum, reason });
  const receipt = {
    event: "recovery_hold.placed",
    subject: `${fromBlockNum}`,
    chainTimeMs: head.headTimeMs,
    details: { reason, untilMs },
  };
  await tx.receipts.add([receipt]);
  return receipt;
}
