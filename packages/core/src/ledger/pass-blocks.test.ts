import { ChainError } from "@stakebts/bitshares/chain";
import type { ChainClient } from "@stakebts/bitshares/chain-client";
import { describe, expect, it } from "vitest";
import { inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";
import { examineBlock, orderToPass } from "../operators/pass-block.ts";
import { readOperationsOrPass } from "./pass-blocks.ts";

const action = { id: "1", actor: "anna", reason: "no node answers" };

/** From now on no node has the block with this number; header and history are told as before. */
function withhold(cluster: InProcessCluster, blockNum: number): void {
  const previous = (blockNum - 1).toString(16).padStart(8, "0");
  for (const { faults } of cluster.devnet.nodes)
    faults.lie((method, result) =>
      method === "get_block" &&
      (result as { previous?: string } | null)?.previous?.startsWith(previous) === true
        ? null
        : result,
    );
}

/** A nomination, or what is none, is in a block that no node delivers any more. */
async function blocked(cluster: InProcessCluster): Promise<number> {
  await cluster.devnet.produceUntilFinal(8);
  await cluster.ingest();
  const before = (await cluster.chain.head()).headBlockNum;
  await cluster.send("nominator-1", 25_000, "three_months");
  await cluster.send("nominator-2", 100, "what is this");
  await cluster.devnet.produce(12);
  const { headBlockNum } = await cluster.chain.head();
  const blocks = await cluster.chain.blocks({
    from: before,
    to: headBlockNum,
    account: cluster.custodian.id,
  });
  const blockNum = blocks.findLast(({ transfers }) => transfers.length > 0)?.blockNum ?? 0;
  withhold(cluster, blockNum);
  return blockNum;
}

const deliverAgain = (cluster: InProcessCluster): void => {
  for (const { faults } of cluster.devnet.nodes) faults.lie(null);
};

const cursor = async (cluster: InProcessCluster) => (await cluster.ledger.cursor.read())?.blockNum ?? 0;
const ask = (cluster: InProcessCluster, blockNum: number) =>
  examineBlock({ chain: cluster.chain, ledger: cluster.ledger }, { blockNum, account: cluster.custodian.id });

describe("a block that no node delivers", () => {
  it("stops the ledger until an operator orders to pass it, and then loses nothing that it holds", () =>
    inCluster({ devnet: { nodes: 3 } }, async (cluster) => {
      const blockNum = await blocked(cluster);
      await expect(cluster.ingest()).rejects.toThrow(ChainError);
      const examined = await ask(cluster, blockNum);
      if (examined.result === "refused") throw new Error(examined.message);
      expect(examined.block.transfers.length).toBeGreaterThan(0);
      expect(await orderToPass({ ledger: cluster.ledger }, { examined, action })).toBe(true);
      expect(await orderToPass({ ledger: cluster.ledger }, { examined, action })).toBe(false);
      for (let i = 0; i < 3; i++) await cluster.ingest();
      expect(await cursor(cluster)).toBeGreaterThan(blockNum);
      await cluster.settle(30);
      expect((await cluster.compare()).comparison.serious).toBe(0);
      deliverAgain(cluster);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([50]);
      expect(cluster.ledger.contents.receipts).toContainEqual(
        expect.objectContaining({
          event: "block.pass_ordered",
          subject: `${blockNum}`,
          details: expect.objectContaining({ actor: "anna", reason: "no node answers" }),
        }),
      );
    }));

  it("is taken for read by a recovery hold", () =>
    inCluster({ devnet: { nodes: 3 } }, async (cluster) => {
      const blockNum = await blocked(cluster);
      cluster.loseLedger();
      const examined = await examineBlock(
        { chain: cluster.chain, ledger: { cursor: { read: async () => ({ blockNum: 0 }) as never } } },
        { blockNum, account: cluster.custodian.id },
      );
      if (examined.result === "refused") throw new Error(examined.message);
      await orderToPass({ ledger: cluster.ledger }, { examined, action });
      await cluster.settle(30);
      cluster.devnet.skipTime(3_600);
      await cluster.settle(30);
      deliverAgain(cluster);
      expect((await cluster.ledger.control.read()).recoveryHold.raised).toBeUndefined();
      expect(await cluster.arrivedAt("nominator-2")).toEqual([50]);
    }));

  it("is not passed on the word of a minority", () =>
    inCluster({ devnet: { nodes: 3 } }, async (cluster) => {
      const blockNum = await blocked(cluster);
      cluster.devnet.nodes[1]?.faults.refuseConnections(true);
      cluster.devnet.nodes[2]?.faults.refuseConnections(true);
      cluster.devnet.nodes[1]?.faults.disconnectAll();
      cluster.devnet.nodes[2]?.faults.disconnectAll();
      await expect(ask(cluster, blockNum)).rejects.toThrow(ChainError);
    }));

  it("is not passed where a node hides what it holds of the custodian", () =>
    inCluster({ devnet: { nodes: 2 } }, async (cluster) => {
      const blockNum = await blocked(cluster);
      cluster.devnet.nodes[0]?.faults.lie((method, result) =>
        method === "get_block" ? null : method === "get_account_history" ? [] : result,
      );
      await expect(ask(cluster, blockNum)).rejects.toThrow(/which no node can deliver/);
    }));

  it("is nothing that can be ordered while a node delivers it, or the ledger has read it", () =>
    inCluster({ devnet: { nodes: 2 } }, async (cluster) => {
      await cluster.devnet.produce(20);
      await cluster.ingest();
      expect(await ask(cluster, 8)).toMatchObject({
        result: "refused",
        message: expect.stringMatching(/has read/),
      });
      expect(await ask(cluster, 999)).toMatchObject({
        result: "refused",
        message: expect.stringMatching(/not irreversible/),
      });
      await cluster.devnet.produce(4);
      expect(await ask(cluster, (await cursor(cluster)) + 1)).toMatchObject({
        result: "refused",
        message: expect.stringMatching(/delivers it/),
      });
    }));

  it("is passed by a watcher too, in the middle of what it reads, with what the account does in it", () =>
    inCluster({ devnet: { nodes: 3 } }, async (cluster) => {
      const blockNum = await blocked(cluster);
      const chain = cluster.chain as ChainClient;
      const account = (await chain.accounts(["nominator-2"]))[0]?.id ?? "1.2.0";
      const read = async (from: number) =>
        readOperationsOrPass(
          { chain, passedBlocks: cluster.ledger.passedBlocks, account, isReversible: false },
          { from, to: blockNum + 2 },
        );
      await expect(read(blockNum - 3)).rejects.toThrow(ChainError);
      await cluster.ledger.transaction((tx) => tx.passedBlocks.add({ blockNum, actor: "anna", reason: "x" }));
      const numbers = async (from: number) => (await read(from)).map((block) => block.blockNum);
      expect(await numbers(blockNum - 3)).toEqual([blockNum - 3, blockNum - 2, blockNum - 1]);
      expect(await numbers(blockNum + 1)).toEqual([blockNum + 1, blockNum + 2]);
      const [passed] = await read(blockNum);
      expect(passed).toMatchObject({
        blockNum,
        operations: [{ name: "transfer", txid: expect.stringMatching(/^[0-9a-f]{40}$/) }],
      });
    }));
});
