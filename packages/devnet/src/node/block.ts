import { BinaryWriter } from "./binary-writer.ts";
import { ripemd160, sha224, sha256, signDigest } from "./keys.ts";
import type { Transaction } from "./transaction.ts";
import { wireTime } from "./wire-values.ts";

export const NO_ID = "0".repeat(40);

export interface BlockHeader {
  /** 40 hex digits. */
  readonly previous: string;
  /** UTC seconds. */
  readonly timestamp: number;
  /** Instance of `1.6.x`. */
  readonly witness: number;
  readonly merkleRoot: string;
}

/**
 * What the test decided about a block. It is not part of the chain's format: it travels with the block, so that every
 * node which applies it, on any branch, does the same.
 */
export interface BlockDirectives {
  /** The witness votes of this block do not move the last irreversible block. */
  readonly stallIrreversibility?: true;
  /** New transfer fee, in force after this block, which is a maintenance block. */
  readonly transferFee?: { readonly fee: bigint; readonly pricePerKbyte: bigint };
  /** Steps of the witness rota that this block used up: more than one if turns were missed. */
  readonly turns: number;
}

export interface Block extends BlockHeader {
  readonly num: number;
  readonly id: string;
  /** 130 hex digits. */
  readonly signature: string;
  readonly transactions: readonly Transaction[];
  readonly directives: BlockDirectives;
}

export const blockNumOf = (id: string): number => Number.parseInt(id.slice(0, 8), 16);

/** The word of a block id that ties a transaction to it. */
export const refPrefixOf = (id: string): number => Buffer.from(id.slice(8, 16), "hex").readUInt32LE();

export function headerBytes(header: BlockHeader): Buffer {
  const out = new BinaryWriter();
  out.raw(Buffer.from(header.previous, "hex"));
  out.uint32(header.timestamp);
  out.varint(header.witness);
  out.raw(Buffer.from(header.merkleRoot, "hex"));
  out.varint(0);
  return out.bytes();
}

/** Signed by the witness; no chain id enters. */
export const headerDigest = (header: BlockHeader): Buffer => sha256(headerBytes(header));

export function blockId(header: BlockHeader, signature: Uint8Array): string {
  const id = sha224(headerBytes(header), signature).subarray(0, 20);
  id.writeUInt32BE(blockNumOf(header.previous) + 1);
  return id.toString("hex");
}

/** Pairs are hashed level by level; an odd last one moves up unchanged. */
export function merkleRoot(leaves: readonly Buffer[]): string {
  let level = [...leaves];
  if (level.length === 0) return NO_ID;
  while (level.length > 1) {
    const above: Buffer[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as Buffer, level[i + 1]];
      above.push(right === undefined ? left : sha256(left, right));
    }
    level = above;
  }
  return ripemd160(level[0] as Buffer).toString("hex");
}

const NO_TRANSACTIONS: readonly Transaction[] = [];

export function signBlock(
  draft: Omit<BlockHeader, "merkleRoot"> & Pick<Block, "transactions" | "directives">,
  signingKey: Uint8Array,
): Block {
  const transactions = draft.transactions.length === 0 ? NO_TRANSACTIONS : draft.transactions;
  const header: BlockHeader = {
    previous: draft.previous,
    timestamp: draft.timestamp,
    witness: draft.witness,
    merkleRoot: merkleRoot(transactions.map((transaction) => transaction.merkleDigest())),
  };
  const signature = signDigest(headerDigest(header), signingKey);
  const id = blockId(header, signature);
  return {
    ...header,
    num: blockNumOf(id),
    id,
    signature: signature.toString("hex"),
    transactions,
    directives: draft.directives,
  };
}

export function headerJson(
  block: Block,
  { withSignature = false }: { withSignature?: boolean } = {},
): string {
  const signature = withSignature ? `,"witness_signature":"${block.signature}"` : "";
  return `{"previous":"${block.previous}","timestamp":"${wireTime(block.timestamp)}","witness":"1.6.${block.witness}","transaction_merkle_root":"${block.merkleRoot}","extensions":[]${signature}}`;
}

/** Large texts are kept: a scanner reads the same block again and again. Weak: they may go when the block does. */
const jsonOfBlock = new WeakMap<Block, string>();

export function blockJson(block: Block): string {
  const known = jsonOfBlock.get(block);
  if (known !== undefined) return known;
  const transactions = block.transactions.map((transaction) => transaction.processedJson([])).join(",");
  const json = `${headerJson(block, { withSignature: true }).slice(0, -1)},"transactions":[${transactions}]}`;
  if (block.transactions.length > 0) jsonOfBlock.set(block, json);
  return json;
}
