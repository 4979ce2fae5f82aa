import { bts } from "@stakebts/kernel/amount";
import type { Log } from "@stakebts/kernel/log";
import { dayText } from "@stakebts/kernel/text";
import type { Millis } from "@stakebts/kernel/time";
import { createPayouts } from "../ledger/create-payouts.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import { type NewPayout, payoutKey, payoutMemo } from "../rules/payout.ts";
import type { AuditLog } from "./audit-log.ts";

/**
 * The payment that carries the head of the audit log to where it cannot be changed: 1 BTS to an account that the custodian
 * has chosen, once a day. The memo names the payout as that of every other does.
 * @param day `2026-11-25`, UTC by chain time
 */
export function checkpointFor(
  day: string,
  {
    seq,
    hash,
    payee,
    dueMs,
  }: { readonly seq: number; readonly hash: string; readonly payee: string; readonly dueMs: Millis },
): NewPayout {
  const key = payoutKey.checkpoint(day);
  const memo = payoutMemo("checkpoint", key, { audit: `${seq} ${hash}` });
  return { key, kind: "checkpoint", payee, amount: bts(1n), memo, dueMs, rows: [] };
}

/** What the memo of a checkpoint says; `undefined` when it says nothing of the kind. Never throws. */
export function checkpointInMemo(text: string): { readonly seq: number; readonly hash: string } | undefined {
  const [, seq, hash] = /"audit":"(\d{1,15}) ([0-9a-f]{64})"/u.exec(text) ?? [];
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
}

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
  const day = dayText(cursor.blockTimeMs);
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
