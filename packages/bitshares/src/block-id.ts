import { ripemd160 } from "@noble/hashes/legacy.js";
import { assert } from "@stakebts/kernel/assert";
import { sha224Hex, sha256 } from "./digest.ts";

export interface BlockHeader {
  /** 40 hex digits. */
  readonly previous: string;
  readonly timestampSec: number;
  /** N of 1.6.N */
  readonly witness: number;
  /** 40 hex digits. */
  readonly transactionMerkleRoot: string;
  /** 130 hex digits. */
  readonly witnessSignature: string;
  /** A set of which the protocol knows one member, without content. */
  readonly hasExtension?: boolean | undefined;
}

const BLOCK_ID = /^[0-9a-f]{40}$/;

/** The merkle root of no transactions, and the id before block 1. */
export const ZERO_HASH = "0".repeat(40);

/** First four bytes, big-endian. */
export const blockNumOf = (blockId: string): number => Number.parseInt(blockId.slice(0, 8), 16);

/** What ties a transaction to the block: the low 16 bits of its number, and bytes 4–7 of its id, little-endian. */
export function refBlockOf(blockId: string): { refBlockNum: number; refBlockPrefix: number } {
  assert(BLOCK_ID.test(blockId), `a block id has 40 hex digits: ${blockId}`);
  const id = Buffer.from(blockId, "hex");
  return { refBlockNum: id.readUInt16BE(2), refBlockPrefix: id.readUInt32LE(4) };
}

/** Previous id, time, witness (at most 8 bytes), merkle root, extensions (at most one), signature. */
const SIGNED_HEADER_BYTES_MAX = 20 + 4 + 8 + 20 + 2 + 65;

/** Reused by every call, none of which waits: a block's id is computed for each block of the chain. */
const scratch = Buffer.alloc(SIGNED_HEADER_BYTES_MAX);

/** SHA224 of the signed header cut to 20 bytes, with the block's number in place of the first four. */
export function blockIdOf(header: BlockHeader): string {
  let length = scratch.write(header.previous, 0, 20, "hex");
  length = scratch.writeUInt32LE(header.timestampSec, length);
  length = writeVarint(scratch, header.witness, length);
  length += scratch.write(header.transactionMerkleRoot, length, 20, "hex");
  length = scratch.writeUInt8(header.hasExtension === true ? 1 : 0, length);
  if (header.hasExtension === true) length = scratch.writeUInt8(0, length); // its tag
  length += scratch.write(header.witnessSignature, length, 65, "hex");
  const hash = sha224Hex(scratch.subarray(0, length));
  const blockNum = (blockNumOf(header.previous) + 1) >>> 0;
  return blockNum.toString(16).padStart(8, "0") + hash.slice(8, 40);
}

function writeVarint(buffer: Buffer, value: number, offset: number): number {
  let rest = value;
  let at = offset;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) at = buffer.writeUInt8((rest % 0x80) | 0x80, at);
  return buffer.writeUInt8(rest, at);
}

/** Root over the transactions of a block in their packed form (signatures and results included). */
export const merkleRootOf = (packedTransactions: readonly Uint8Array[]): string =>
  merkleRootOfDigests(packedTransactions.map(sha256));

/** The same by the SHA256 of each. Pairs are hashed together, an odd last one moves up as it is. */
export function merkleRootOfDigests(transactionDigests: readonly Uint8Array[]): string {
  let level = transactionDigests;
  if (level.length === 0) return ZERO_HASH;
  const pair = Buffer.allocUnsafe(64);
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] as Uint8Array;
      const right = level[i + 1];
      if (right === undefined) {
        above.push(left);
        continue;
      }
      pair.set(left, 0);
      pair.set(right, 32);
      above.push(sha256(pair));
    }
    level = above;
  }
  return Buffer.from(ripemd160(level[0] as Uint8Array)).toString("hex");
}
