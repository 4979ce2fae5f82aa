import { describe, expect, it } from "vitest";
import { createChainClient, type ChainClient } from "@stakebts/bitshares/chain-client";
import { CUSTODIAN, inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";
import { memoryMonitorLedger } from "@stakebts/testkit/simulator/monitor-ledger";
import type { NewReceipt } from "../ledger/ledger.ts";
import { enqueueStalePayouts } from "../ledger/dispatch-jobs.ts";
import { reconciledBalance } from "../ledger/reconciled-balance.ts";
import { examineTransfer, recordTransfer } from "../operators/record-transfer.ts";
import { BalanceMonitor } from "./balance-monitor.ts";

const BTS = 100_000n;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

interface Watch {
  readonly alerts: NewReceipt[];
  readonly monitor: BalanceMonitor;
  /** Blocks, with a look at each. */
  readonly blocks: (count: number) => Promise<void>;
}

function watcher(cluster: InProcessCluster, chain: ChainClient): Watch {
  const alerts: NewReceipt[] = [];
  const monitor = new BalanceMonitor({
    chain,
    ledger: memoryMonitorLedger(cluster.ledger),
    log: silent,
    custodian: cluster.custodian,
    onAlert: (alert) => alerts.push(alert),
  });
  const blocks = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await cluster.devnet.produce();
      while (await monitor.look());
    }
  };
  return { alerts, monitor, blocks };
}

/** A watcher of its own nodes, which knows already what the custodian holds. */
async function watched(
  options: Parameters<typeof inCluster>[0],
  run: (cluster: InProcessCluster, watch: Watch, chain: ChainClient) => Promise<void>,
): Promise<void> {
  await inCluster(options, async (cluster) => {
    const chain = createChainClient({
      nodes: cluster.devnet.urls,
      callDeadlineMs: 1_000,
      headFreshnessMs: 0,
    });
    try {
      const watch = watcher(cluster, chain);
      for (let i = 0; i < 4; i++) {
        await watch.blocks(5);
        await cluster.ingest(); // A ledger that is far behind pays nothing for a while.
      }
      expect(watch.monitor.state.agreesAtBlockNum).toBeDefined();
      await run(cluster, watch, chain);
    } finally {
      await chain.close();
    }
  });
}

/** Every node adds this to what the custodian holds, as if it had come or gone in another way. */
const shift = (cluster: InProcessCluster, amount: bigint) => {
  for (const { faults } of cluster.devnet.nodes)
    faults.lie((method, result) =>
      method === "get_account_balances"
        ? (result as { amount: number | string }[]).map((one) => ({
            ...one,
            amount: `${BigInt(one.amount) + amount}`,
          }))
        : result,
    );
};

const noHistory = (cluster: InProcessCluster) => {
  for (const { faults } of cluster.devnet.nodes)
    faults.lie((method, result) => (method.startsWith("get_account_history") ? "no history" : result));
};

const proposed = async (cluster: InProcessCluster, amountBts: bigint) => {
  await cluster
    .wallet("nominator-3")
    .propose(cluster.wallet("nominator-1"), [
      { to: CUSTODIAN, amountShares: amountBts * BTS, memo: "three_months" },
    ]);
  await cluster.devnet.produce();
  await cluster.wallet("nominator-1").approve("1.10.0");
};

const isFrozen = async ({ ledger }: InProcessCluster) => !(await ledger.control.read()).payments.on;

/** What people are told without a watcher. */
const noted = async ({ ledger }: InProcessCluster) =>
  reconciledBalance((await memoryMonitorLedger(ledger).lastNote("balance")) ?? "");

describe("the custodian's balance", () => {
  it("agrees while hundreds of payments are on their way, and nominations come in", () =>
    watched({}, async (cluster, { alerts, monitor, blocks }) => {
      for (let round = 0; round < 6; round++) {
        for (let n = 0; n < 40; n++)
          await cluster
            .wallet(n % 2 === 0 ? "nominator-1" : "nominator-2")
            .transfer({ to: CUSTODIAN, amountShares: 61n * BTS + BigInt(n), memo: `junk ${round} ${n}` });
        await blocks(1);
        await cluster.work();
        while (await monitor.look());
      }
      for (let round = 0; round < 8; round++) {
        cluster.clock.advance(20_000);
        const { ledger, queue } = cluster;
        await enqueueStalePayouts({ ledger, queue }, { notEnqueuedForMs: 10_000 });
        await cluster.work();
        while (await monitor.look());
        await blocks(1);
      }
      await blocks(12);
      expect((await cluster.paidOnChain()).length).toBeGreaterThan(200);
      expect(alerts).toEqual([]);
      expect(monitor.state.difference).toBe(0n);
    }));

  it("that lacks money is named, with amount and block, and stops payments", () =>
    watched({}, async (cluster, { alerts, blocks }) => {
      shift(cluster, -12_345n);
      await blocks(20);
      expect(alerts).toMatchObject([
        { event: "balance.missing", details: { amountShares: "-12345", isExact: true } },
      ]);
      expect(alerts[0]?.details["todo"]).toContain("stakebts balance accept --amount -0.12345");
      expect(await isFrozen(cluster)).toBe(true);
    }));

  it("that has too much is named, and stops nothing", () =>
    watched({}, async (cluster, { alerts, blocks }) => {
      shift(cluster, 5n);
      await blocks(20);
      expect(alerts).toMatchObject([{ event: "balance.surplus", details: { amountShares: "5" } }]);
      expect(await isFrozen(cluster)).toBe(false);
    }));

  it("may be other than what nodes said of a branch that was replaced", () =>
    watched({ devnet: { nodes: 3, witnesses: 7 }, walletNode: 2 }, async (cluster, { alerts, monitor }) => {
      cluster.devnet.partition([[0, 1], [2]]);
      for (let block = 0; block < 10; block++) {
        await cluster.devnet.produce(1, 0);
        while (await monitor.look());
      }
      // On the longer branch a nomination came before the blocks that the answers were of.
      await cluster.wallet("nominator-1").transfer({
        to: CUSTODIAN,
        amountShares: 30_000n * BTS,
        memo: "six_months",
      });
      await cluster.devnet.produce(18, 1);
      cluster.devnet.heal();
      await cluster.devnet.produceUntilFinal(8);
      while (await monitor.look());
      expect(alerts).toEqual([]);
      expect(monitor.state.difference).toBe(0n);
    }));

  it("is named once, by a watcher that starts again too, and agrees when a person vouches for it", () =>
    watched({}, async (cluster, { alerts, monitor, blocks }, chain) => {
      shift(cluster, -7n);
      await blocks(30);
      const second = watcher(cluster, chain);
      await second.blocks(20);
      expect(second.alerts).toEqual([]);
      expect(second.monitor.state.difference).toBe(-7n);
      expect(alerts).toHaveLength(1);
      const { agreesAtBlockNum } = await noted(cluster);
      expect(await noted(cluster)).toMatchObject({ differenceShares: -7n });
      await cluster.ledger.transaction((tx) =>
        tx.balanceAdjustments.add({ amountShares: -7n, actor: "ann", reason: "a fee" }),
      );
      await blocks(20);
      expect(monitor.state.difference).toBe(0n);
      const after = await noted(cluster);
      expect(after.differenceShares).toBe(0n);
      expect(after.agreesAtBlockNum).toBeGreaterThan(agreesAtBlockNum);
    }));

  it("is found after an absence of the watcher", () =>
    watched({}, async (cluster, _before, chain) => {
      await cluster.send("nominator-1", 500, "what");
      await cluster.settle();
      shift(cluster, -9n);
      await cluster.devnet.produce(700);
      const { alerts, blocks } = watcher(cluster, chain);
      await blocks(20);
      expect(alerts).toMatchObject([{ event: "balance.missing", details: { amountShares: "-9" } }]);
    }));

  it("holds what a proposal has paid in, as the account's history says", () =>
    watched({}, async (cluster, { alerts, monitor, blocks }) => {
      await proposed(cluster, 25_000n);
      await blocks(20);
      expect(alerts).toEqual([]);
      expect(monitor.state.difference).toBe(0n);
    }));

  it("shows what a proposal has paid in where no node tells its history", () =>
    watched({}, async (cluster, { alerts, blocks }) => {
      noHistory(cluster);
      await proposed(cluster, 25_000n);
      await blocks(20);
      expect(alerts).toMatchObject([
        { event: "balance.surplus", details: { amountShares: `${25_000n * BTS}` } },
      ]);
      expect(alerts[0]?.details["todo"]).toContain("stakebts transfers record");
    }));

  it("agrees again when a person has recorded it; its sender is answered, once, also when a node tells of it later", () =>
    watched({}, async (cluster, { alerts, monitor, blocks }, chain) => {
      noHistory(cluster);
      await proposed(cluster, 25_000n);
      const madeAt = await chain.head();
      await cluster.devnet.produce();
      for (let i = 0; i < 5; i++) {
        await blocks(4);
        await cluster.ingest();
      }
      expect(alerts).toMatchObject([{ event: "balance.surplus" }]);
      const deps = { ...cluster.readDeps(), chain };
      const at = (blockNum: number) => ({ blockNum, trxInBlock: 0, opInTrx: 0 });
      const request = { proposal: at(madeAt.headBlockNum), executed: at(madeAt.headBlockNum + 1) };
      const examined = await examineTransfer(deps, request);
      if (examined.result === "refused") throw new Error(examined.message);
      expect(examined).toMatchObject({ isThere: false, transfer: { sender: "nominator-1" } });
      const action = { id: "1", actor: "ann", reason: "nodes have no history" };
      expect(await recordTransfer(deps, { examined, request, action })).toBe(true);
      expect(await recordTransfer(deps, { examined, request, action })).toBe(false);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      await blocks(10);
      expect(monitor.state.difference).toBe(0n);
      for (const { faults } of cluster.devnet.nodes) faults.lie(null);
      await cluster.settle(24);
      await blocks(10);
      expect(monitor.state.difference).toBe(0n);
      expect(alerts).toHaveLength(1);
      expect([...cluster.ledger.contents.agreements.keys()]).toHaveLength(1);
      await cluster.expectLedgerMatchesChain();
    }));

  it.each([
    ["a place that is no approval", { proposal: 0, executed: 0 }, /neither an approval/u],
    ["no proposal", { proposal: 1, executed: 1 }, /proposes no such transfer/u],
    ["an end before the beginning", { proposal: 1, executed: 0 }, /before it was made/u],
    ["a block that is not read yet", { proposal: 0, executed: 100 }, /not read block/u],
  ])("is not mended by %s", (_what, after, message) =>
    watched({}, async (cluster, { blocks }, chain) => {
      await proposed(cluster, 25_000n);
      const { headBlockNum } = await chain.head();
      await blocks(12);
      await cluster.ingest();
      const at = (blockNum: number) => ({ blockNum, trxInBlock: 0, opInTrx: 0 });
      expect(
        await examineTransfer(
          { ...cluster.readDeps(), chain },
          { proposal: at(headBlockNum + after.proposal), executed: at(headBlockNum + after.executed) },
        ),
      ).toMatchObject({ result: "refused", message: expect.stringMatching(message) as string });
    }),
  );

  it("is not what one node of three says", () =>
    watched({ devnet: { nodes: 3 } }, async (cluster, { alerts, blocks }) => {
      const [liar] = cluster.devnet.nodes;
      liar?.faults.lie((method, result) =>
        method === "get_account_balances"
          ? (result as object[]).map((one) => ({ ...one, amount: 0 }))
          : result,
      );
      await blocks(20);
      expect(alerts).toEqual([]);
    }));
});
