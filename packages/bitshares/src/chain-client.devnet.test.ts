import { accountFromSeeds, type Devnet, startDevnet, wifFromSeed } from "@stakebts/devnet";
import { afterEach, describe, expect, it } from "vitest";
import { plusMs } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import { ChainError, type ChainReader, type ChainWriter } from "./chain.ts";
import { type ChainClientOptions, createChainClient } from "./chain-client.ts";
import { transferFee } from "./fees.ts";
import { createMemoReader, createMemoWriter } from "./memo-cipher.ts";
import { createSigner } from "./signer.ts";

type Chain = ChainReader & ChainWriter;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function givenChain(
  options: Partial<ChainClientOptions> = {},
): Promise<{ devnet: Devnet; chain: Chain }> {
  const devnet = await startDevnet({
    accounts: [
      accountFromSeeds("payer", { balanceBts: 1_000n }),
      accountFromSeeds("payee", { balanceBts: 0n }),
    ],
    blockIntervalMs: "manual",
    nodes: 3,
  });
  cleanups.push(() => devnet.stop());
  await devnet.produce(20);
  const chain = createChainClient({ nodes: devnet.urls, callDeadlineMs: 2_000, ...options });
  cleanups.push(() => chain.close());
  return { devnet, chain };
}

/** A payout signed as the product signs it. */
async function givenPayout(chain: Chain, text = "payout") {
  const [payer, payee] = await chain.accounts(["payer", "payee"]);
  if (payer === undefined || payee === undefined) throw new Error("the devnet lost its accounts");
  const head = await chain.head();
  const [reference] = await chain.blocks({
    from: head.irreversibleBlockNum,
    to: head.irreversibleBlockNum,
    account: payer.id,
  });
  const memo = createMemoWriter({ wif: wifFromSeed("payer-memo") }).write({
    text,
    toPublicKey: payee.memoKey,
    nonce: 1n,
  });
  const signer = createSigner({ wif: wifFromSeed("payer-active"), chainId: await chain.chainId() });
  const signed = signer.sign({
    fromId: payer.id,
    toId: payee.id,
    amount: shares(100_000n),
    fee: transferFee(await chain.transferFees(), memo),
    memo,
    refBlockId: reference?.blockId as string,
    expirationMs: plusMs(head.headTimeMs, 300_000),
  });
  return { signed, payer, payee };
}

async function findPayout(chain: Chain, txid: string) {
  const [payee] = await chain.accounts(["payee"]);
  const { headBlockNum } = await chain.head();
  const blocks = await chain.blocks({ from: 1, to: headBlockNum, account: payee?.id ?? "1.2.0" });
  return blocks.flatMap(({ transfers }) => transfers).filter((transfer) => transfer.txid === txid);
}

const read = createMemoReader({ wifs: [wifFromSeed("payee-memo")] });

describe("a chain of three nodes", () => {
  it("carries a payout from the signer to the reader of the memo, once, however often it is sent", async () => {
    const { devnet, chain } = await givenChain();
    const { signed, payee } = await givenPayout(chain, "reward 💸");
    expect(await chain.broadcast(signed.bytes)).toEqual({ type: "accepted" });
    expect(await chain.broadcast(signed.bytes)).toEqual({ type: "duplicate" });
    await devnet.produce(3);
    const found = await findPayout(chain, signed.txid);
    expect(found).toMatchObject([{ amount: 100_000n, toId: payee.id }]);
    expect(read.read(found[0]?.memo)).toEqual({ type: "text", text: "reward 💸" });
    expect(await chain.balance(payee.id)).toBe(100_000n);
  });

  it("learns from the other node that a payout was taken whose answer was lost", async () => {
    const { devnet, chain } = await givenChain();
    const { signed } = await givenPayout(chain);
    for (const { faults } of devnet.nodes) faults.dropReplyAfterAccept(1);
    const outcome = await chain.broadcast(signed.bytes);
    expect(["duplicate", "unknown"]).toContain(outcome.type);
    expect(await chain.broadcast(signed.bytes)).toEqual({ type: "duplicate" });
    await devnet.produce(2);
    expect(await findPayout(chain, signed.txid)).toHaveLength(1);
  });

  it("is read and paid through the others while the first is frozen", async () => {
    const { devnet, chain } = await givenChain();
    await chain.head();
    devnet.nodes[0]?.faults.freeze(true);
    const { signed } = await givenPayout(chain);
    expect(await chain.broadcast(signed.bytes)).toEqual({ type: "accepted" });
    await devnet.produce(2);
    expect(await findPayout(chain, signed.txid)).toHaveLength(1);
  });

  it("is not read through a node that lags or that lies about a block", async () => {
    const { devnet, chain } = await givenChain();
    const { signed } = await givenPayout(chain);
    await chain.broadcast(signed.bytes);
    await devnet.produce(60);
    devnet.nodes[0]?.faults.lagBlocks(50);
    expect((await chain.head()).headBlockNum).toBe(80);
    expect(await findPayout(chain, signed.txid)).toHaveLength(1);
    devnet.nodes[0]?.faults.lagBlocks(0);
    for (const { faults } of devnet.nodes.slice(0, 1)) {
      faults.lie((method, result) =>
        method === "get_block" ? { ...(result as object), transactions: [] } : result,
      );
    }
    expect(await findPayout(chain, signed.txid)).toHaveLength(1);
  });

  it("has its irreversible block agreed on by all, in the middle of a fork too", async () => {
    const { devnet, chain } = await givenChain({ quorum: 3 });
    const before = await chain.head();
    devnet.partition([[0], [1], [2]]);
    await devnet.produce(3);
    const within = await chain.head();
    expect(within.irreversibleBlockNum).toBeGreaterThanOrEqual(before.irreversibleBlockNum);
    expect(within.irreversibleBlockNum).toBeLessThanOrEqual(20);
    const [payer] = await chain.accounts(["payer"]);
    const account = payer?.id ?? "1.2.0";
    await expect(chain.blocks({ from: 1, to: 22, account })).rejects.toThrow(ChainError);
    expect(await chain.blocks({ from: 1, to: within.irreversibleBlockNum, account })).toHaveLength(
      within.irreversibleBlockNum,
    );
    devnet.heal();
    await devnet.produce(10);
    expect((await chain.head()).irreversibleBlockNum).toBeGreaterThan(20);
  });

  it("is read past operations that this program does not know", async () => {
    const { devnet, chain } = await givenChain({ quorum: 2 });
    const { signed } = await givenPayout(chain);
    await chain.broadcast(signed.bytes);
    devnet.injectOperation([75, { fee: { amount: 0, asset_id: "1.3.0" } }]);
    await devnet.produce(1);
    expect(await findPayout(chain, signed.txid)).toHaveLength(1);
  });

  it("is read past a block that is full of keys, and its root is proved byte by byte", async () => {
    const events: string[] = [];
    const { devnet, chain } = await givenChain({ log: (event) => events.push(event) });
    const { signed } = await givenPayout(chain);
    devnet.injectDear(8);
    await chain.broadcast(signed.bytes);
    await devnet.produce(30);
    devnet.nodes[1]?.faults.refuseConnections(true); // no second node needs to vouch for it
    expect(await findPayout(chain, signed.txid)).toHaveLength(1);
    expect(events).not.toContain("block.unverifiable");
  });

  it("is read past a block that no WebSocket can carry, and its root is proved byte by byte", async () => {
    const events: string[] = [];
    const { devnet, chain } = await givenChain({ log: (event) => events.push(event), callDeadlineMs: 500 });
    const { signed } = await givenPayout(chain);
    devnet.injectUnreadable();
    await chain.broadcast(signed.bytes);
    await devnet.produce(30);
    devnet.nodes[1]?.faults.refuseConnections(true); // no second node needs to vouch for it
    expect(await findPayout(chain, signed.txid)).toHaveLength(1);
    expect(events).toContain("node.asked_over_http");
    expect(events).not.toContain("block.unverifiable");
  });
});
