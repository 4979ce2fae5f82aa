import { describe, expect, it } from "vitest";
import { shares } from "@stakebts/kernel/amount";
import { type ChainTransaction, FakeChain } from "./fake-chain.ts";

const START_MS = 1_800_000_000_000;
const everything = () => true;

function newChain(balance = 1_000_000n) {
  const chain = new FakeChain({
    startMs: START_MS,
    feeShares: 100n,
    balances: new Map([["1.2.100", balance]]),
  });
  let timeMs = START_MS;
  /** So many blocks, three seconds apart. */
  const produce = (count = 1, aheadMs = 3_000) => {
    for (let n = 0; n < count; n++) chain.produce((timeMs += aheadMs), everything);
  };
  const signed = (change: Partial<ChainTransaction> = {}): ChainTransaction => ({
    txid: "a1",
    fromId: "1.2.100",
    toId: "1.2.200",
    amount: shares(5_000n),
    assetId: "1.3.0",
    fee: shares(100n),
    memo: undefined,
    refBlockId: chain.block(1)?.blockId,
    expirationMs: START_MS + 30_000,
    ...change,
  });
  /** In which blocks of the present branch it is. */
  const blocksWith = (txid: string) =>
    Array.from({ length: chain.head.blockNum }, (_, index) => index + 1).filter((num) =>
      chain.block(num)?.transactions.some((transaction) => transaction.txid === txid),
    );
  return { chain, produce, signed, blocksWith };
}

describe("the fake chain keeps the rules that payments rest on:", () => {
  it("the same transaction enters once, however often it is sent", () => {
    const { chain, produce, signed, blocksWith } = newChain();
    expect(chain.submit(signed())).toEqual({ type: "accepted" });
    expect(chain.submit(signed())).toEqual({ type: "duplicate" });
    produce();
    expect(chain.submit(signed())).toEqual({ type: "duplicate" });
    produce(3);
    expect(blocksWith("a1")).toEqual([2]);
    expect(chain.head.balances.get("1.2.200")).toBe(5_000n);
    expect(chain.head.balances.get("1.2.100")).toBe(994_900n);
  });

  it("a block takes what expires at its parent's time, and nothing that expired before", () => {
    const { chain, produce, signed, blocksWith } = newChain();
    produce();
    chain.submit(signed({ txid: "b1", expirationMs: chain.head.timeMs }));
    chain.submit(signed({ txid: "b2", expirationMs: chain.head.timeMs - 1 }));
    produce(1, 3_600_000);
    expect(blocksWith("b1")).toEqual([3]);
    expect(blocksWith("b2")).toEqual([]);
  });

  it("what waited for too long never enters, in any way that is tried", () => {
    const { chain, produce, signed, blocksWith } = newChain();
    chain.submit(signed());
    chain.produce(START_MS + 30_001, () => false);
    produce(5, 30_001);
    expect(chain.submit(signed())).toMatchObject({ type: "refused", code: "expired" });
    expect(blocksWith("a1")).toEqual([]);
  });

  it("after a fork a transaction enters again, in another block", () => {
    const { chain, produce, signed, blocksWith } = newChain();
    chain.submit(signed());
    produce();
    const undone = chain.head.blockId;
    chain.fork(1);
    expect(chain.head.balances.get("1.2.200")).toBeUndefined();
    produce(1, 6_000);
    expect(blocksWith("a1")).toEqual([2]);
    expect(chain.head.blockId).not.toBe(undone);
  });

  it("nothing undoes an irreversible block", () => {
    const { chain, produce, signed, blocksWith } = newChain();
    chain.submit(signed());
    produce(3);
    chain.makeIrreversible(2);
    chain.fork(100);
    expect(chain.head.blockNum).toBe(2);
    expect(blocksWith("a1")).toEqual([2]);
  });

  it("a transaction that refers to a block of another branch is refused", () => {
    const { chain, produce, signed } = newChain();
    produce();
    const refBlockId = chain.head.blockId;
    chain.fork(1);
    produce(2);
    expect(chain.submit(signed({ refBlockId }))).toMatchObject({ type: "refused", code: "tapos_mismatch" });
  });

  it("no account spends what it does not have, and the fee is what it is", () => {
    const { chain, signed } = newChain(5_000n);
    expect(chain.submit(signed())).toMatchObject({ type: "refused", code: "insufficient_balance" });
    expect(chain.submit(signed({ fee: shares(99n) }))).toMatchObject({ code: "insufficient_fee" });
  });

  it("each block names the one before it", () => {
    const { chain, produce } = newChain();
    produce(5);
    for (let num = 2; num <= 6; num++)
      expect(chain.block(num)?.previousId).toBe(chain.block(num - 1)?.blockId);
  });
});
