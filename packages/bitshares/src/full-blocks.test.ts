import { shares } from "@stakebts/kernel/amount";
import { ScriptedChain } from "@stakebts/testkit/scripted-chain";
import { beforeAll, describe, expect, it } from "vitest";
import { heldBytes, readBlocks } from "./block-reader.ts";
import type { AccountId } from "./chain.ts";
import type { RpcConnection } from "./rpc-connection.ts";
import type { Transfer } from "./transaction-codec.ts";

// A flood: blocks that are full of transfers to the account, each with a long memo.

const ACCOUNT: AccountId = "1.2.7";
const [BLOCKS, TRANSFERS, MEMO_BYTES] = [200, 40, 1_000];
const WINDOW = 8;
const KEY = "BTS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV";

let chain: ScriptedChain;
beforeAll(() => {
  chain = new ScriptedChain();
  const transfer: Transfer = {
    feeAmount: shares(1n),
    feeAssetId: "1.3.0",
    fromId: "1.2.9",
    toId: ACCOUNT,
    amount: shares(1n),
    assetId: "1.3.0",
    memo: { from: KEY, to: KEY, nonce: "1", messageHex: "ab".repeat(MEMO_BYTES) },
  };
  const transfers = Array.from({ length: TRANSFERS }, () => transfer);
  for (let n = 0; n < BLOCKS; n++)
    chain.append([
      { refBlockNum: n, refBlockPrefix: 1, expirationSec: 2_000_000_000, transfers, signatures: [] },
    ]);
});

/** A node that counts what it is asked for. */
function nodeOf(answerBytes: number) {
  const asked: number[] = [];
  const connection = {
    name: "node",
    answerBytes,
    requestsPerSecond: undefined,
    call: async (_api: string, _method: string, [blockNum]: readonly [number]) => {
      asked.push(blockNum);
      return chain.blocks[blockNum - 1] ?? null;
    },
  } as unknown as RpcConnection;
  return { connection, asked };
}

const BLOCK_BYTES = TRANSFERS * (2 * MEMO_BYTES + 700);

describe("of blocks that strangers have filled", () => {
  it("no more are held than fit, and those come first; however many were asked for", async () => {
    const { connection, asked } = nodeOf(BLOCK_BYTES);
    const heldBytesMax = 20 * BLOCK_BYTES;
    const request = { from: 1, to: BLOCKS, account: ACCOUNT, window: WINDOW, isFinal: true, heldBytesMax };
    const read = await readBlocks(connection, request);
    expect(read.map(({ block }) => block.blockNum)).toEqual(read.map((_, i) => i + 1));
    const held = read.reduce((sum, block) => sum + heldBytes(block), 0);
    expect(held).toBeGreaterThanOrEqual(heldBytesMax);
    // And what was on its way by then.
    expect(held).toBeLessThanOrEqual(heldBytesMax + 2 * WINDOW * (BLOCK_BYTES + 1_000));
    expect(asked).toHaveLength(read.length);
    const onward = await readBlocks(connection, { ...request, from: read.length + 1 });
    expect(onward[0]?.block.blockNum).toBe(read.length + 1);
  });

  it("one is read, however much it holds, and all where the caller does not say how much fits", async () => {
    const { connection } = nodeOf(BLOCK_BYTES);
    const request = { from: 3, to: BLOCKS, account: ACCOUNT, window: 1 };
    expect(await readBlocks(connection, { ...request, heldBytesMax: 1 })).toHaveLength(1);
    expect(await readBlocks(connection, request)).toHaveLength(BLOCKS - 2);
  });
});
