import { BinaryWriter } from "./binary-writer.ts";
import type { Wire } from "./json-text.ts";

/*
 * Strings that are no UTF-8. The chain takes them, and the node prints their bytes as they are: over HTTP they arrive, a
 * WebSocket refuses to send them, and a client that asked over one waits for ever. Here such a byte is a lone surrogate, U+DC00 and the
 * byte, which JSON.stringify writes as an escape.
 */

const ESCAPED_BYTE = /\\udc([89a-f][0-9a-f])/g;

/** Can a WebSocket not carry this reply? */
export const isUnreadable = (text: string): boolean => /\\udc[89a-f][0-9a-f]/.test(text);

export function replyBytes(text: string): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const match of text.matchAll(ESCAPED_BYTE)) {
    parts.push(Buffer.from(text.slice(at, match.index), "utf8"), Buffer.from(match[1] as string, "hex"));
    at = match.index + match[0].length;
  }
  parts.push(Buffer.from(text.slice(at), "utf8"));
  return Buffer.concat(parts);
}

/** A proposal of a worker whose name is one byte that begins no character, as JSON and as the chain packs it. */
export function unreadableProposal(headTimeSec: number): { tag: number; value: Wire; packed: Buffer } {
  const none = { amount: 0, asset_id: "1.3.0" };
  const time = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 19);
  const expiration = headTimeSec + 3_600;
  const worker = {
    fee: none,
    owner: "1.2.1",
    work_begin_date: time(expiration),
    work_end_date: time(expiration),
    daily_pay: 0,
    name: "\udcff",
    url: "",
    initializer: [0, {}],
  } as const;
  const value = {
    fee: none,
    fee_paying_account: "1.2.1",
    expiration_time: time(expiration),
    proposed_ops: [{ op: [34, worker] }],
    extensions: [],
  } as const;
  const out = new BinaryWriter();
  const nothing = Buffer.alloc(9); // of the core asset
  out.raw(nothing);
  out.varint(1); // account
  out.uint32(expiration);
  out.varint(1); // one operation
  out.varint(34);
  out.raw(nothing);
  out.varint(1);
  out.uint32(expiration);
  out.uint32(expiration);
  out.raw(Buffer.alloc(8)); // daily pay
  out.raw(Buffer.from("01ff" + "00" + "00", "hex")); // name, address, initializer
  out.raw(Buffer.from("0000", "hex")); // no review period, no extensions
  return { tag: 22, value, packed: out.bytes() };
}
