import { createChainClient } from "@stakebts/bitshares/chain-client";
import { ChainError } from "@stakebts/bitshares/chain";
import { isLie, type Lie, LIES, tellLie } from "@stakebts/devnet";
import { describe, expect, it } from "vitest";
import { CUSTODIAN, inWorld, type World } from "@stakebts/testkit/service-bench";

// A chain of several nodes, of which the first lies in each of the ways that the devnet knows, from the moment on at which
// everything works. What happened on the chain is read from an honest one.

const ATTACKER = "nominator-3";

async function lieWith(world: World, lie: Lie): Promise<void> {
  const [victim, attacker] = await world.chain.accounts([CUSTODIAN, ATTACKER]);
  const [first] = world.devnet.nodes;
  if (victim === undefined || attacker === undefined || first === undefined) throw new Error("no world");
  tellLie(first.faults, lie, { victim: victim.id, attacker: attacker.id });
}

/** What the custodian has sent, in the blocks of the last node: to whom and how much. */
async function sent(world: World): Promise<readonly string[]> {
  const honest = createChainClient({ nodes: world.devnet.urls.slice(-1), callDeadlineMs: 1_000 });
  try {
    const { headBlockNum } = await honest.head();
    const blocks = await honest.blocks({ from: 1, to: headBlockNum, account: world.custodian.id });
    const transfers = blocks.flatMap((block) =>
      block.transfers.filter((t) => t.fromId === world.custodian.id),
    );
    const accounts = await honest.accounts(transfers.map(({ toId }) => toId));
    return transfers.map(({ amount }, i) => `${accounts[i]?.name} ${Number(amount) / 100_000}`).toSorted();
  } finally {
    await honest.close();
  }
}

/** As a process does: what a node causes is tried again, and again. */
async function workOn(world: World, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    await world.devnet.produce();
    world.clock.advance(3_000);
    await world.work().catch((error: unknown) => {
      if (!(error instanceof ChainError)) throw error;
    });
  }
}

async function everythingThatIsOwed(world: World): Promise<void> {
  await world.send("nominator-1", 25_000, "three_months");
  await world.send("nominator-2", 100, "what is this");
  await workOn(world, 15);
  await world.months(1);
  await workOn(world, 25);
}

const OWED = ["nominator-1 1", "nominator-1 2000", "nominator-2 50"];
const lies = Object.keys(LIES).filter(isLie);

describe("one node of three that lies", () => {
  it.each(lies)("and %s: changes nothing of who is paid what", (lie) =>
    inWorld({ devnet: { nodes: 3 }, walletNode: 2 }, async (world) => {
      await lieWith(world, lie);
      await everythingThatIsOwed(world);
      expect(await sent(world)).toEqual(OWED);
    }),
  );
});

describe("one node of two that lies", () => {
  it.each(lies)("and %s: pays nobody anything that he is not owed", (lie) =>
    inWorld({ devnet: { nodes: 2 }, walletNode: 1 }, async (world) => {
      await lieWith(world, lie);
      await everythingThatIsOwed(world);
      expect(OWED).toEqual(expect.arrayContaining([...(await sent(world))]));
    }),
  );
});

describe("the only node that is known, which lies", () => {
  // What a single node can do all the same stands in ADR 0015.
  it.each(lies)("and %s: pays nobody anything that he is not owed", (lie) =>
    inWorld({ devnet: { nodes: 2 }, nodesKnown: 1, walletNode: 1 }, async (world) => {
      await lieWith(world, lie);
      await everythingThatIsOwed(world);
      expect(OWED).toEqual(expect.arrayContaining([...(await sent(world))]));
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
    inWorld({ devnet: { nodes: 2 }, nodesKnown: 1, walletNode: 1 }, async (world) => {
      await world.devnet.produce(120); // enough to go back
      await world.work();
      await lieWith(world, lie);
      await everythingThatIsOwed(world);
      expect(await sent(world)).toEqual([]);
    }),
  );
});

describe("a node that was honest until a payment was due,", () => {
  it("and then names its own account for the payee, gets nothing: he has sent from another", () =>
    inWorld({ devnet: { nodes: 2 }, nodesKnown: 1, walletNode: 1 }, async (world) => {
      await world.send("nominator-1", 500, "what is this");
      for (let i = 0; i < 30 && world.ledger.contents.payouts.size === 0; i++) {
        await world.devnet.produce();
        await world.ingest();
        await world.fold();
      }
      const [debt] = world.ledger.contents.payouts.values();
      await lieWith(world, "other-account");
      expect(await world.pay(debt?.id as never)).toMatchObject({
        type: "again",
        reason: expect.stringContaining("who has sent from"),
      });
      expect(world.ledger.contents.receipts.map(({ event }) => event)).toContain("payee.differs");
      expect(world.ledger.contents.withdrawals.size).toBe(0);
    }));
});
