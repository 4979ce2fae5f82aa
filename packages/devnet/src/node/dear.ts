import { createHash } from "node:crypto";
import { BinaryWriter } from "./binary-writer.ts";
import type { Wire } from "./json-text.ts";
import { publicKeyText, type PublicKeyHex } from "./keys.ts";

/** So many keys fill the largest transaction that the main network takes, of 98,304 bytes. */
const DEAR_KEYS = 2_900;

/**
 * An approval by keys, as many as a transaction has room for, as JSON and as the chain packs it. It costs its sender little; a reader that
 * looks for each key's point on the curve is busy with it for seconds.
 * @param seed other keys for another one
 */
export function dearApproval(
  seed: number,
  addressPrefix = "BTS",
): { tag: number; value: Wire; packed: Buffer } {
  const keys = Array.from({ length: DEAR_KEYS }, (_, n): PublicKeyHex => {
    const x = createHash("sha256").update(`${seed} ${n}`).digest("hex");
    return `0${2 + (n % 2)}${x}`;
  }).sort();
  const value = {
    fee: { amount: 0, asset_id: "1.3.0" },
    fee_paying_account: "1.2.1",
    proposal: "1.10.0",
    active_approvals_to_add: [],
    active_approvals_to_remove: [],
    owner_approvals_to_add: [],
    owner_approvals_to_remove: [],
    key_approvals_to_add: keys.map((key) => publicKeyText(key, addressPrefix)),
    key_approvals_to_remove: [],
    extensions: [],
  } as const;
  const out = new BinaryWriter();
  out.raw(Buffer.alloc(9)); // no fee, of the core asset
  out.varint(1); // account
  out.varint(0); // proposal
  out.raw(Buffer.alloc(4)); // no approvals by accounts
  out.varint(keys.length);
  for (const key of keys) out.raw(Buffer.from(key, "hex"));
  out.raw(Buffer.alloc(2)); // no keys taken back, no extensions
  return { tag: 23, value: value as unknown as Wire, packed: out.bytes() };
}
