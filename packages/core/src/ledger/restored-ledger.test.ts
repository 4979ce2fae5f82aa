import { payPayout } from "../payments/pay-payout.ts";
import { describe, expect, it, vi } from "vitest";
import { inWorld, type World } from "@stakebts/testkit/service-bench";

// The database is put back to what it was, or is lost altogether, while the chain has gone on. What is promised: nobody is
// paid twice, nothing that is owed is forgotten, and nobody has to remember to do anything for that.

/** A refund of 450 BTS that is owed and not yet paid. */
async function refundDue(world: World) {
  await world.send("nominator-1", 500, "what is this");
  // How far the irreversible block is behind the head depends on whose turn it is among the witnesses.
  for (let blocks = 0; blocks < 30; blocks++) {
    await world.devnet.produce();
    await world.ingest();
    await world.fold();
    const [payout] = world.ledger.contents.payouts.values();
    if (payout !== undefined) return payout;
  }
  throw new Error("nothing is owed");
}

/** The ledger has read on, by a block at least. */
async function aBlockLater(world: World): Promise<void> {
  const before = (await world.ledger.cursor.read())?.blockNum ?? 0;
  while (((await world.ledger.cursor.read())?.blockNum ?? 0) <= before) {
    await world.devnet.produce();
    await world.ingest();
  }
}

const refundIsPaidOnce = async (world: World): Promise<void> => {
  expect(await world.arrivedAt("nominator-1")).toEqual([450]);
  await world.expectLedgerMatchesChain();
};

const node = (world: World) => {
  const [first] = world.devnet.nodes;
  if (first === undefined) throw new Error("no node");
  return first.faults;
};

const events = (world: World) => world.ledger.contents.receipts.map(({ event }) => event);
const attempts = (world: World) => [...world.ledger.contents.withdrawals.values()].map((w) => w.status);

/** Everything that may hold a forgotten payment passes, and whatever is owed then is paid. */
async function longAfter(world: World): Promise<void> {
  await world.settle();
  world.devnet.skipTime(3_600);
  await world.settle(20);
}

/** How the rows of before come back. */
const COMINGS_BACK = {
  "from a dump": (world: World, backup: unknown) => world.ledger.restore(backup),
  "in place, under workers that go on": (world: World, backup: unknown) => world.ledger.rewind(backup),
} as const;

describe.each(Object.entries(COMINGS_BACK))("a ledger restored %s", (_how, comeBack) => {
  it("pays nobody again whose payment is in flight and in no block", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      const backup = world.ledger.backup();
      await aBlockLater(world);
      expect(await world.pay(id)).toMatchObject({ type: "in_flight" });
      comeBack(world, backup);
      await world.ingest();
      expect(await payPayout(await world.newPayer(), id)).toMatchObject({ type: "again" });
      await longAfter(world);
      await refundIsPaidOnce(world);
      expect(events(world)).toContain("recovery_hold.lifted");
      expect((await world.ledger.control.read()).payments).toEqual({ on: true });
    }));

  it("pays nobody again whose payment is in a block that can still be undone", () =>
    inWorld({ devnet: { witnesses: 7 } }, async (world) => {
      const { id } = await refundDue(world);
      const backup = world.ledger.backup();
      await aBlockLater(world);
      await world.pay(id);
      await world.devnet.produce(2);
      comeBack(world, backup);
      await world.ingest();
      expect(await payPayout(await world.newPayer(), id)).toMatchObject({ type: "again" });
      await longAfter(world);
      await refundIsPaidOnce(world);
    }));

  it("learns of a payment that became irreversible since", () =>
    inWorld({}, async (world) => {
      await refundDue(world);
      const backup = world.ledger.backup();
      await world.settle();
      await refundIsPaidOnce(world);
      comeBack(world, backup);
      await longAfter(world);
      await refundIsPaidOnce(world);
    }));

  it("learns of everything that happened in a month, and pays the rest", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-1", 25_000, "three_months");
      await world.settle();
      const backup = world.ledger.backup();
      await world.send("nominator-2", 50_000, "six_months");
      await world.months(1);
      await world.send("nominator-2", 1, "stop");
      await world.settle(30);
      comeBack(world, backup);
      await longAfter(world);
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 2_000]);
      expect(await world.arrivedAt("nominator-2")).toEqual([1, 4_000, 42_500]);
      await world.months(2);
      await longAfter(world);
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 2_000, 2_000, 2_000, 25_000]);
      await world.expectLedgerMatchesChain();
    }));

  it("that knows an older attempt than the one that paid does not pay again, and goes on paying others", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      node(world).swallowBroadcasts(1_000);
      await world.pay(id);
      const backup = world.ledger.backup();
      node(world).swallowBroadcasts(0);
      world.devnet.skipTime(600);
      await world.settle(30); // The first attempt dies, the second pays.
      expect(attempts(world)).toEqual(["expired", "confirmed"]);
      comeBack(world, backup);
      await longAfter(world);
      await refundIsPaidOnce(world);
      expect(events(world)).toContain("withdrawal.forgotten");
      expect((await world.ledger.control.read()).payments).toEqual({ on: true });
      await world.send("nominator-2", 500, "what is this");
      await longAfter(world);
      expect(await world.arrivedAt("nominator-2")).toEqual([450]);
    }));
});

describe("a payment in flight that the ledger has forgotten", () => {
  it("is waited for by a payer that was never told of it, however often it is asked", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      const backup = world.ledger.backup();
      await world.pay(id);
      // A dump of a second ago: the ledger is at the head of the chain, and the ingester has not looked at it yet.
      world.ledger.restore(backup);
      const payer = await world.newPayer();
      for (let n = 0; n < 3; n++)
        expect(await payPayout(payer, id)).toMatchObject({
          type: "again",
          reason: expect.stringContaining("restored"),
        });
      await longAfter(world);
      await refundIsPaidOnce(world);
    }));

  it("and that no block takes, is paid when it is dead", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      const backup = world.ledger.backup();
      node(world).swallowBroadcasts(1_000);
      await world.pay(id);
      node(world).swallowBroadcasts(0);
      world.ledger.restore(backup);
      world.restart();
      await world.settle();
      expect(await world.paidOnChain()).toEqual([]);
      await longAfter(world);
      await refundIsPaidOnce(world);
    }));

  it("and that a frozen payer sends at the last moment, is the one that counts", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      const backup = world.ledger.backup();
      node(world).swallowBroadcasts(1);
      await world.pay(id);
      const [forgotten] = world.ledger.contents.withdrawals.values();
      if (forgotten === undefined) throw new Error("nothing was signed");
      world.ledger.restore(backup);
      world.restart();
      await world.settle();
      world.devnet.skipTime(90);
      await world.settle(3);
      expect(await world.chain.broadcast(forgotten.bytes)).toEqual({ type: "accepted" });
      await longAfter(world);
      await refundIsPaidOnce(world);
    }));

  it("is a contradiction when nothing was restored: somebody else signs with our key", () =>
    inWorld({}, async (world) => {
      const { id, memo } = await refundDue(world);
      node(world).swallowBroadcasts(1);
      await world.pay(id);
      await world.send("custodian", 450, memo, { to: "nominator-1" });
      await world.devnet.produce(8);
      await world.ingest();
      expect(events(world)).toContain("ledger.contradicted");
      expect((await world.ledger.control.read()).payments).toMatchObject({ on: false });
    }));
});

describe("a ledger that is restored while an ingester replays blocks that it had passed before", () => {
  // Found by the simulator. What the replay wrote of blocks beyond the old cursor was read again as new, each payment
  // passed for a second one, and payments were off until somebody had found out that nothing was wrong.
  it("raises no alert, and pays once", () =>
    inWorld({}, async (world) => {
      await refundDue(world);
      const backup = world.ledger.backup();
      await world.settle();
      await refundIsPaidOnce(world);
      vi.spyOn(world.chain, "head").mockImplementationOnce(async () => {
        world.ledger.restore(backup);
        return world.chain.head();
      });
      const problem: unknown = await world.startFrom(1).catch((error: unknown) => error);
      await longAfter(world);
      await refundIsPaidOnce(world);
      expect(events(world)).not.toContain("ledger.contradicted");
      expect((await world.ledger.control.read()).payments).toEqual({ on: true });
      expect(problem).toMatchObject({ message: expect.stringContaining("an older copy took its place") });
    }));
});

describe("a node that is behind when an old ledger is found", () => {
  it("does not end the recovery hold early: what a better one says raises it anew", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      const backup = world.ledger.backup();
      await aBlockLater(world);
      node(world).swallowBroadcasts(1);
      await world.pay(id);
      world.ledger.restore(backup);
      world.restart();
      await world.ingest();
      const first = (await world.ledger.control.read()).recoveryHold.raised?.untilMs ?? 0;
      // It turns out that the chain is an hour further than that node had said.
      world.devnet.skipTime(3_600);
      await world.devnet.produce(60);
      await world.ingest();
      const second = (await world.ledger.control.read()).recoveryHold.raised?.untilMs ?? 0;
      expect(second - first).toBeGreaterThan(3_600_000);
      await longAfter(world);
      await refundIsPaidOnce(world);
    }));
});

describe("blocks that are jumped over by a restored ledger", () => {
  it("hold payments that it does not know: nothing is paid until they have been read", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      const backup = world.ledger.backup();
      const at = (await world.ledger.cursor.read())?.blockNum ?? 0;
      await world.pay(id);
      await world.settle();
      world.ledger.restore(backup);
      await world.startFrom("current");
      await longAfter(world);
      expect(await world.pay(id)).toMatchObject({
        type: "again",
        reason: expect.stringContaining(`STAKEBTS_REPLAY=${at + 1}`),
      });
      await world.startFrom(at + 1);
      await longAfter(world);
      await refundIsPaidOnce(world);
    }));
});

describe("a ledger that was lost", () => {
  it("learns from the chain what is paid, and pays the rest", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-1", 25_000, "three_months");
      await world.send("nominator-2", 500, "what is this");
      await world.months(1);
      await world.settle();
      world.loseLedger();
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 2_000]);
      expect(await world.arrivedAt("nominator-2")).toEqual([450]);
      await world.months(2);
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 2_000, 2_000, 2_000, 25_000]);
      await world.expectLedgerMatchesChain();
    }));

  it.each(["in flight", "in a block that can still be undone"])("waits for a payment that is %s", (where) =>
    inWorld({ devnet: { witnesses: 7 } }, async (world) => {
      const { id } = await refundDue(world);
      await world.pay(id);
      if (where !== "in flight") await world.devnet.produce(2);
      world.loseLedger();
      await world.ingest();
      await world.fold();
      expect(await world.pay(id)).toMatchObject({ type: "again", reason: expect.stringContaining("lost") });
      await longAfter(world);
      await refundIsPaidOnce(world);
    }),
  );
});
