import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { blockNumOf, merkleRootOf, refBlockOf } from "./block-id.ts";
import { parseBlockHeader } from "./block-parser.ts";

const vectors = JSON.parse(
  readFileSync(new URL("../../testkit/src/fixtures/bitshares-vectors.json", import.meta.url), "utf8"),
) as {
  ref_blocks: { block_id: string; block_num: number; ref_block_num: number; ref_block_prefix: number }[];
  blocks: { name: string; header: Record<string, unknown>; block_id: string; block_num?: number }[];
  merkle: { transactions: { packed_hex: string }[]; transaction_merkle_root: string }[];
};

describe("block ids", () => {
  it.each(vectors.ref_blocks)("$block_id tells number and reference", (v) => {
    expect(blockNumOf(v.block_id)).toBe(v.block_num);
    expect(refBlockOf(v.block_id)).toEqual({
      refBlockNum: v.ref_block_num,
      refBlockPrefix: v.ref_block_prefix,
    });
  });

  it.each(vectors.blocks)("are computed from the header: $name", (v) => {
    expect(parseBlockHeader(v.header).blockId).toBe(v.block_id);
    if (v.block_num !== undefined) expect(parseBlockHeader(v.header).blockNum).toBe(v.block_num);
  });

  it.each(vectors.merkle)("merkle root $transaction_merkle_root", (v) => {
    expect(merkleRootOf(v.transactions.map((t) => Buffer.from(t.packed_hex, "hex")))).toBe(
      v.transaction_merkle_root,
    );
  });
});
