import { checkpointFor } from "./checkpoint.ts";
import type { AuditLog } from "./audit-log.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Log } from "@stakebts/kernel/log";
import { logReceipt } from "../ledger/log-receipt.ts";
import { createPayouts } from "../ledger/create-payouts.ts";

export interface CheckpointDeps {
  readonly ledger: Ledger;
  readonly audit: Pick<AuditLog, "head">;
  readonly log: Log;
}

/**
 * Owes the account that keeps the checkpoints 1 BTS for the day on which the ledger stands, once, with the head of the audit
 * log in the memo. It is a payout like any other: written under its name, signed, sent and settled exactly once.
 * @returns the day, `2026-11-25`; `undefined` when there is nothing to checkpoint yet
 */
export async function createCheckpoint(
  { ledger, audit, log }: CheckpointDeps,
  payee: string,
): Promise<string | undefined> {
  const [cursor, head] = [await ledger.cursor.read(), await audit.head()];
  if (cursor === undefined || head === undefined) return undefined;
  const day = new Date(cursor.blockTimeMs).toISOString().slice(0, 10);
  const payout = checkpointFor(day, { ...head, payee, dueMs: cursor.blockTimeMs });
  const receipt = {
    event: "audit.checkpoint_made",
    subject: payout.key,
    chainTimeMs: cursor.blockTimeMs,
    details: { entry: head.seq, hash: head.hash, payee },
  };
  const isNew = await ledger.transaction(async (tx) => {
    await tx.lockEvents(); // Of two schedulers the second finds it there.
    if ((await tx.payouts.find({ keys: [payout.key] })).length > 0) return false;
    await createPayouts(tx, [payout]);
    await tx.receipts.add([receipt]);
    return true;
  });
  if (isNew) logReceipt(log, receipt);
  return day;
}
