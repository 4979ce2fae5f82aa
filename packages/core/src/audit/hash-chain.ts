import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { assert } from "@stakebts/kernel/assert";
import { isoText } from "@stakebts/kernel/text";
import type { AuditLog, HashChainEntry, Receipt } from "./audit-log.ts";

/** What the first hash chain entry follows: 32 bytes of nothing. */
export const BEFORE_THE_FIRST = "0".repeat(64);

/**
 * What is chained of a receipt: this object as JSON by RFC 8785 (keys in order, no blanks), in UTF-8. Numbers that may
 * be larger than JSON's are digits in text. docs/audit-log.md describes it for a check with another program.
 */
export const chainedText = (receipt: Receipt, chainedAtMs: number): string => {
  const text = canonicalize({
    chainTimeMs: receipt.chainTimeMs === undefined ? null : `${receipt.chainTimeMs}`,
    createdAt: isoText(receipt.createdAtMs),
    details: receipt.details,
    event: receipt.event,
    id: `${receipt.id}`,
    chainedAt: isoText(chainedAtMs),
    subject: receipt.subject,
    writtenBy: receipt.writtenBy,
  });
  assert(text !== undefined, "an object has a text");
  return text;
};

/** SHA-256 over the 32 bytes of the hash before and the text. */
export const hashAfter = (previousHash: string, text: string): string =>
  createHash("sha256").update(Buffer.from(previousHash, "hex")).update(text, "utf8").digest("hex");

/** The hash chain entries that follow `last`, in the order of these receipts. */
export function chainAll(
  last: Pick<HashChainEntry, "seq" | "hash"> | undefined,
  receipts: readonly Receipt[],
  chainedAtMs: number,
): readonly HashChainEntry[] {
  let { seq, hash } = last ?? { seq: 0, hash: BEFORE_THE_FIRST };
  return receipts.map((receipt) => {
    hash = hashAfter(hash, chainedText(receipt, chainedAtMs));
    seq++;
    return { seq, receiptId: receipt.id, hash, chainedAtMs };
  });
}

/** In one transaction: enough to get through a million in minutes, few enough that no other transaction waits long. */
const RECEIPTS_PER_STEP = 1_000;

/** Chains all receipts that are not chained yet, or as many as no other process is chaining. Safe at any time, by any number of processes. */
export async function extendHashChain(
  log: Pick<AuditLog, "appendEntries">,
  signal?: AbortSignal,
): Promise<number> {
  for (let total = 0; ;) {
    const chained = await log.appendEntries(RECEIPTS_PER_STEP, chainAll);
    total += chained;
    if (chained < RECEIPTS_PER_STEP || signal?.aborted === true) return total;
  }
}
