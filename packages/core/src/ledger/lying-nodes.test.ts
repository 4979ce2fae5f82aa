import { createChainClient } from "@stakebts/bitshares/chain-client";
import { ChainError } from "@stakebts/bitshares/chain";
import { isLie, type Lie, LIES, tellLie } from "@stakebts/devnet";
import type { PayoutId } from "../rules/payout.ts";
import { describe, expect, it } from "vitest";
import { CUSTODIAN, inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";

// A chain of several nodes, of which the first lies in each of the ways that the devnet knows, from the moment on at which
// everything works. What happened on the chain is read from an honest one.

const ATTACKER = "nominator-3";

async function lieWith(cluster: InProcessCluster, lie: Lie): Promise<void> {
  const [victim, attacker] = await cluster.chain.accounts([CUSTODIAN, ATTACKER]);
  const [first] = cluster.devnet.nodes;
  if (victim === undefined || attacker === undefined || first === undefined)
    throw new Error("the devnet has too few accounts or nodes");
  tellLie(first.faults, lie, { victim: victim.id, attacker: attacker.id });
}

/** What the custodian has sent, in the blocks of the last node: to whom and how much. */
async function sent(cluster: InProcessCluster): Promise<readonly string[]> {
  const honest = createChainClient({ nodes: cluster.devnet.urls.slice(-1), callDeadlineMs: 1_000 });
  try {
    const { headBlockNum } = await honest.head();
    const blocks = await honest.blocks({ from: 1, to: headBlockNum, account: cluster.custodian.id });
    const transfers = blocks.flatMap((block) =>
      block.transfers.filter((t) => t.fromId === cluster.custodian.id),
    );
    const accounts = await honest.accounts(transfers.map(({ toId }) => toId));
    return transfers.map(({ amount }, i) => `${accounts[i]?.name} ${Number(amount) / 100_000}`).toSorted();
  } finally {
    await honest.close();
  }
}

/** As a process does: what a node causes is tried again, and again. */
async function workOn(cluster: InProcessCluster, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    await cluster.devnet.produce();
    cluster.clock.advance(3_000);
    await cluster.work().catch((error: unknown) => {
      if (!(error instanceof ChainError)) throw error;
    });
  }
}

async function everythingThatIsOwed(cluster: InProcessCluster): Promise<void> {
  await cluster.send("nominator-1", 25_000, "three_months");
  await cluster.send("nominator-2", 100, "what is this");
  await workOn(cluster, 15);
  await cluster.months(1);
  await workOn(cluster, 25);
}

/** A refund of 450 BTS that is owed and not yet paid. */
async function refundDue(cluster: InProcessCluster): Promise<PayoutId> {
  await cluster.send("nominator-1", 500, "what is this");
  for (let i = 0; i < 30 && cluster.ledger.contents.payouts.size === 0; i++) {
    await cluster.devnet.produce();
    await cluster.ingest();
    await cluster.applyEvents();
  }
  const [payout] = cluster.ledger.contents.payouts.values();
  if (payout === undefined) throw new Error("nothing is owed");
  return payout.id;
}

const OWED = ["nominator-1 1", "nominator-1 2000", "nominator-2 50"];
const lies = Object.keys(LIES).filter(isLie);

describe("one node of three that lies", () => {
  it.each(lies)("and %s: changes nothing of who is paid what", (lie) =>
    inCluster({ devnet: { nodes: 3 }, walletNode: 2 }, async (cluster) => {
      await lieWith(cluster, lie);
      await everythingThatIsOwed(cluster);
      expect(await sent(cluster)).toEqual(OWED);
    }),
  );
});

describe("one node of two that lies", () => {
  it.each(lies)("and %s: pays no account what it is not owed", (lie) =>
    inCluster({ devnet: { nodes: 2 }, walletNode: 1 }, async (cluster) => {
      await lieWith(cluster, lie);
      await everythingThatIsOwed(cluster);
      expect(OWED).toEqual(expect.arrayContaining([...(await sent(cluster))]));
    }),
  );
});

describe("the only node that is known, which lies", () => {
  // What a single node can do all the same stands in ADR 0015.
  it.each(lies)("and %s: pays no account what it is not owed", (lie) =>
    inCluster({ devnet: { nodes: 2 }, nodesKnown: 1, walletNode: 1 }, async (cluster) => {
      await lieWith(cluster, lie);
      await everythingThatIsOwed(cluster);
      expect(OWED).toEqual(expect.arrayContaining([...(await sent(cluster))]));
    }),
  );

  it.each([
    "invent",
    "invent-unknown",
    "hide",
    "hide-unknown",
    "rewind",
    "dear-fee",
    "other-account",
  ] as const)("and %s: gets nothing paid at all", (lie) =>
    inCluster({ devnet: { nodes: 2 }, nodesKnown: 1, walletNode: 1 }, async (cluster) => {
      await cluster.devnet.produce(120); // enough to go back
      await cluster.work();
      await lieWith(cluster, lie);
      await everythingThatIsOwed(cluster);
      expect(await sent(cluster)).toEqual([]);
    }),
  );
});

describe("a node that was honest until a payment was due,", () => {
  it("and then names its own account for the payee, gets nothing: he has sent from another", () =>
    inCluster({ devnet: { nodes: 2 }, nodesKnown: 1, walletNode: 1 }, async (cluster) => {
      const debt = await refundDue(cluster);
      await lieWith(cluster, "other-account");
      expect(await cluster.pay(debt)).toMatchObject({
        type: "again",
        reason: expect.stringContaining("who has sent from"),
      });
      expect(cluster.ledger.contents.receipts.map(({ event }) => event)).toContain("payee.differs");
      expect(cluster.ledger.contents.withdrawals.size).toBe(0);
    }));
});

describe("a node that tells a chain of its own, far ahead of the honest ones,", () => {
  /** Of the last irreversible block it says that it is the head: the witnesses of a fork alone cannot get it so far. */
  const boast = (method: string, result: unknown): unknown =>
    method === "get_objects"
      ? (result as ({ id?: string; head_block_number?: number } | null)[]).map((object) =>
          object?.id === "2.1.0"
            ? { ...object, last_irreversible_block_num: object.head_block_number }
            : object,
        )
      : result;

  it.each<[string, number, number, readonly number[]]>([
    ["the first of two", 2, 0, []],
    ["the last of two", 2, 1, []],
    ["the first of three, of which another is down", 3, 0, [2]],
    ["the last of three, of which another is down", 3, 2, [0]],
    ["in the middle of three", 3, 1, []],
    ["the first of four, of which another is down", 4, 0, [1]],
  ])("%s: is paid nothing of what it invents", (_, count, liar, down) =>
    inCluster({ devnet: { nodes: count }, walletNode: liar }, async (cluster) => {
      const { devnet } = cluster;
      await workOn(cluster, 2);
      const others = Array.from({ length: count }, (_n, i) => i).filter((i) => i !== liar);
      devnet.partition([[liar], others]);
      // Signed in earnest, and in a block: but of a chain that no honest node knows.
      await cluster
        .wallet(ATTACKER)
        .transfer({ to: CUSTODIAN, amountShares: 850_000_000_000n, memo: "what is this" });
      await devnet.produce(200, 0);
      devnet.nodes[liar]?.faults.lie(boast);
      for (const i of down) {
        devnet.nodes[i]?.faults.refuseConnections(true);
        devnet.nodes[i]?.faults.disconnectAll();
      }
      await workOn(cluster, 15);
      const { payouts, withdrawals, transfers } = cluster.ledger.contents;
      expect([payouts.size, withdrawals.size, transfers.size]).toEqual([0, 0, 0]);
      // Without a majority the payer does not know how far the chain is, and would sign nothing.
      const isMajority = others.length - down.length > count / 2;
      const apart = async () => {
        const { irreversibleBlockNum, latest } = await cluster.chain.head();
        return (latest?.irreversibleBlockNum ?? 0) - irreversibleBlockNum;
      };
      if (isMajority) expect(await apart()).toBeLessThan(20);
      else await expect.poll(apart, { timeout: 10_000 }).toBeGreaterThan(150);
    }),
  );
});

describe("nothing is signed while one node of two says", () => {
  it.each<[string, (head: Record<string, unknown>) => object, string]>([
    [
      "that the chain is far ahead",
      (head) => {
        const ahead = Number(head["head_block_number"]) + 500;
        const head_block_id = ahead.toString(16).padStart(8, "0") + "ab".repeat(16);
        return { head_block_number: ahead, head_block_id, last_irreversible_block_num: ahead };
      },
      "blocks apart",
    ],
    ["that it is yesterday", () => ({ time: "2020-01-01T00:00:00" }), "earlier than in the ledger"],
    ["that the chain is far behind", () => ({ last_irreversible_block_num: 1 }), "apart"],
  ])("%s", (_, change, reason) =>
    inCluster({ devnet: { nodes: 2 } }, async (cluster) => {
      const debt = await refundDue(cluster);
      for (let i = 0; i < 4; i++) {
        await cluster.devnet.produce(10);
        await cluster.ingest();
      }
      cluster.devnet.nodes[1]?.faults.lie((method, result) =>
        method === "get_objects"
          ? (result as (Record<string, unknown> | null)[]).map((object) =>
              object?.["id"] === "2.1.0" ? { ...object, ...change(object) } : object,
            )
          : result,
      );
      const answer = await cluster.pay(debt).catch((error: unknown) => {
        if (error instanceof ChainError) return { type: "again", reason: `${error.message}: apart` };
        throw error;
      });
      expect(answer).toMatchObject({ type: "again", reason: expect.stringContaining(reason) });
      expect(cluster.ledger.contents.withdrawals.size).toBe(0);
    }),
  );
});

describe("the block that a transaction refers to", () => {
  it("is one that a majority of the nodes has: no payer signs with another one in the ledger", () =>
    inCluster({ devnet: { nodes: 3 } }, async (cluster) => {
      const debt = await refundDue(cluster);
      const { cursor } = cluster.ledger.contents;
      if (cursor === undefined) throw new Error("nothing was ingested");
      // The same 32 bits that a transaction carries, found by trial by a thief who could write there, in front of other bytes.
      const blockId = `${cursor.blockId.slice(0, 16)}${"66".repeat(12)}`;
      Object.assign(cluster.ledger.contents, { cursor: { ...cursor, blockId } });
      expect(await cluster.pay(debt)).toMatchObject({
        type: "again",
        reason: expect.stringContaining("a majority of the nodes"),
      });
      expect(cluster.ledger.contents.withdrawals.size).toBe(0);
      expect(cluster.ledger.contents.receipts.map(({ event }) => event)).toContain("chain.disagrees");
      Object.assign(cluster.ledger.contents, { cursor });
      expect(await cluster.pay(debt)).toMatchObject({ type: "in_flight" });
    }));
});

describe("a shortage that one node invents while another is away", () => {
  it.each(["poor", "rich"] as const)("moves nothing and pays nothing: %s", (lie) =>
    inCluster({ devnet: { nodes: 3 }, walletNode: 2, reserveBts: 1_000_000n }, async (cluster) => {
      await lieWith(cluster, lie);
      cluster.devnet.nodes[1]?.faults.refuseConnections(true);
      cluster.devnet.nodes[1]?.faults.disconnectAll();
      await cluster.send("nominator-1", 500, "what is this");
      await workOn(cluster, 15);
      if (lie === "poor") expect(await sent(cluster)).toEqual([]);
      expect(cluster.ledger.contents.topUps.size).toBe(0);
      const [payout] = cluster.ledger.contents.payouts.values();
      expect(["due", "ready", "confirmed"]).toContain(payout?.status);
      cluster.devnet.nodes[1]?.faults.refuseConnections(false);
      const workAndLook = async () => {
        // Also what has to be enqueued again, as the scheduler does.
        await cluster.settle(5).catch((error: unknown) => {
          if (!(error instanceof ChainError)) throw error;
        });
        return sent(cluster);
      };
      await expect.poll(workAndLook, { timeout: 30_000, interval: 250 }).toEqual(["nominator-1 450"]);
    }),
  );
});
