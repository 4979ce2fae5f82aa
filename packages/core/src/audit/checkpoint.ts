import { bts } from "@stakebts/kernel/amount";
import { type NewPayout, payoutKey, payoutMemo } from "../rules/payout.ts";
import type { Millis } from "@stakebts/kernel/time";

/**
 * The payment that carries the head of the audit log to where nobody can change it: 1 BTS to an account that the custodian
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

/** What the memo of a checkpoint says; `undefined` when it says nothing of the kind. Total. */
export function checkpointInMemo(text: string): { readonly seq: number; readonly hash: string } | undefined {
  const [, seq, hash] = /"audit":"(\d{1,15}) ([0-9a-f]{64})"/u.exec(text) ?? [];
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
}
