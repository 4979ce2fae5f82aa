import { payPayout } from "@stakebts/testkit/one-payout";
import { describe, expect, it, vi } from "vitest";
import { replayHistory } from "./read-history.ts";
import { mayPass } from "../runtime/passing-trouble.ts";
import { inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";

// The database is put back to what it was, or is lost altogether, while the chain has gone on. What is promised: no debt is
// paid twice, none is forgotten, and no operator has to remember to do anything for that.

/** The ledger has read on, by a block at least. */
async function aBlockLater(cluster: InProcessCluster): Promise<void> {
  const before = (await cluster.ledger.cursor.read())?.blockNum ?? 0;
  while (((await cluster.ledger.cursor.read())?.blockNum ?? 0) <= before) {
    await cluster.devnet.produce();
    await cluster.ingest();
  }
}

const refundIsPaidOnce = async (cluster: InProcessCluster): Promise<void> => {
  expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
  await cluster.expectLedgerMatchesChain();
};

const node = (cluster: InProcessCluster) => {
  const [first] = cluster.devnet.nodes;
  if (first === undefined) throw new Error("no node");
  return first.faults;
};

const events = (cluster: InProcessCluster) => cluster.ledger.contents.receipts.map(({ event }) => event);
const attempts = (cluster: InProcessCluster) =>
  [...cluster.ledger.contents.withdrawals.values()].map((w) => w.status);

/** Everything that may hold a forgotten payment passes, and all that is owed then is paid. */
async function longAfter(cluster: InProcessCluster): Promise<void> {
  await cluster.settle();
  cluster.devnet.skipTime(3_600);
  await cluster.settle(20);
}

/** How the rows of before come back. */
const COMINGS_BACK = {
  "from a dump": (cluster: InProcessCluster, backup: unknown) => cluster.ledger.restore(backup),
  "in place, under workers that go on": (cluster: InProcessCluster, backup: unknown) =>
    cluster.ledger.rewind(backup),
} as const;

describe.each(Object.entries(COMINGS_BACK))("a ledger restored %s", (_how, comeBack) => {
  it("pays no debt again whose payment is in flight and in no block", () =>
    inCluster({}, async (cluster) => {
      const { id } = await cluster.refundDue();
      const backup = cluster.ledger.backup();
      await aBlockLater(cluster);
      expect(await cluster.pay(id)).toMatchObject({ type: "in_flight" });
      comeBack(cluster, backup);
      await cluster.ingest();
      expect(await payPayout(await cluster.newPayer(), id)).toMatchObject({ type: "again" });
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
      expect(events(cluster)).toContain("recovery_hold.lifted");
      expect((await cluster.ledger.control.read()).payments).toEqual({ on: true });
    }));

  it("pays no debt again whose payment is in a block that can still be undone", () =>
    inCluster({ devnet: { witnesses: 7 } }, async (cluster) => {
      const { id } = await cluster.refundDue();
      const backup = cluster.ledger.backup();
      await aBlockLater(cluster);
      await cluster.pay(id);
      await cluster.devnet.produce(2);
      comeBack(cluster, backup);
      await cluster.ingest();
      expect(await payPayout(await cluster.newPayer(), id)).toMatchObject({ type: "again" });
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
    }));

  it("learns of a payment that became irreversible since", () =>
    inCluster({}, async (cluster) => {
      await cluster.refundDue();
      const backup = cluster.ledger.backup();
      await cluster.settle();
      await refundIsPaidOnce(cluster);
      comeBack(cluster, backup);
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
    }));

  it("learns of everything that happened in a month, and pays the rest", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.settle();
      const backup = cluster.ledger.backup();
      await cluster.send("nominator-2", 50_000, "six_months");
      await cluster.months(1);
      await cluster.send("nominator-2", 1, "stop");
      await cluster.settle(30);
      comeBack(cluster, backup);
      await longAfter(cluster);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 2_000]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1, 4_000, 42_500]);
      await cluster.months(2);
      await longAfter(cluster);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 2_000, 2_000, 2_000, 25_000]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("that knows an older attempt than the one that paid does not pay again, and goes on paying others", () =>
    inCluster({}, async (cluster) => {
      const { id } = await cluster.refundDue();
      node(cluster).swallowBroadcasts(1_000);
      await cluster.pay(id);
      const backup = cluster.ledger.backup();
      node(cluster).swallowBroadcasts(0);
      cluster.devnet.skipTime(600);
      await cluster.settle(30); // The first attempt dies, the second pays.
      expect(attempts(cluster)).toEqual(["expired", "confirmed"]);
      comeBack(cluster, backup);
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
      expect(events(cluster)).toContain("withdrawal.forgotten");
      expect((await cluster.ledger.control.read()).payments).toEqual({ on: true });
      await cluster.send("nominator-2", 500, "what is this");
      await longAfter(cluster);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([450]);
    }));
});

it("a payout that an older copy does not have, put back between two questions, is asked for again", () =>
  inCluster({}, async (cluster) => {
    const { id } = await cluster.refundDue();
    const payer = await cluster.newPayer();
    const payouts = { ...payer.ledger.payouts, debts: () => Promise.resolve(new Map()) };
    const ledger = Object.assign(Object.create(payer.ledger) as typeof payer.ledger, { payouts });
    expect(await payPayout({ ...payer, ledger }, id)).toMatchObject({
      type: "again",
      reason: expect.stringContaining("another copy of the ledger") as string,
    });
    expect(cluster.ledger.contents.withdrawals.size).toBe(0);
  }));

describe("a payment in flight that the ledger has forgotten", () => {
  it("is waited for by a payer that was never told of it, however often it is asked", () =>
    inCluster({}, async (cluster) => {
      const { id } = await cluster.refundDue();
      const backup = cluster.ledger.backup();
      await cluster.pay(id);
      // A dump of a second ago: the ledger is at the head of the chain, and the ingester has not looked at it yet.
      cluster.ledger.restore(backup);
      const payer = await cluster.newPayer();
      for (let n = 0; n < 3; n++)
        expect(await payPayout(payer, id)).toMatchObject({
          type: "again",
          reason: expect.stringContaining("restored"),
        });
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
    }));

  it("and that no block takes, is paid when it is dead", () =>
    inCluster({}, async (cluster) => {
      const { id } = await cluster.refundDue();
      const backup = cluster.ledger.backup();
      node(cluster).swallowBroadcasts(1_000);
      await cluster.pay(id);
      node(cluster).swallowBroadcasts(0);
      cluster.ledger.restore(backup);
      cluster.restart();
      await cluster.settle();
      expect(await cluster.paidOnChain()).toEqual([]);
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
    }));

  it("and that a frozen payer sends at the last moment, is the one that counts", () =>
    inCluster({}, async (cluster) => {
      const { id } = await cluster.refundDue();
      const backup = cluster.ledger.backup();
      node(cluster).swallowBroadcasts(1);
      await cluster.pay(id);
      const [forgotten] = cluster.ledger.contents.withdrawals.values();
      if (forgotten === undefined) throw new Error("nothing was signed");
      cluster.ledger.restore(backup);
      cluster.restart();
      await cluster.settle();
      cluster.devnet.skipTime(90);
      await cluster.settle(3);
      expect(await cluster.chain.broadcast(forgotten.bytes)).toEqual({ type: "accepted" });
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
    }));

  it("is a contradiction when nothing was restored: a thief signs with our key", () =>
    inCluster({}, async (cluster) => {
      const { id, memo } = await cluster.refundDue();
      node(cluster).swallowBroadcasts(1);
      await cluster.pay(id);
      await cluster.send("custodian", 450, memo, { to: "nominator-1" });
      await cluster.devnet.produceUntilFinal(8);
      await cluster.ingest();
      expect(events(cluster)).toContain("ledger.contradicted");
      expect((await cluster.ledger.control.read()).payments).toMatchObject({ on: false });
    }));
});

describe("a ledger that is restored while an ingester replays blocks that it had passed before", () => {
  // Found by the simulator. What the replay wrote of blocks beyond the old cursor was read again as new, each payment
  // passed for a second one, and payments were off until a person had found out that nothing was wrong.
  it("raises no alert, and pays once", () =>
    inCluster({}, async (cluster) => {
      await cluster.refundDue();
      const backup = cluster.ledger.backup();
      await cluster.settle();
      await refundIsPaidOnce(cluster);
      vi.spyOn(cluster.chain, "head").mockImplementationOnce(async () => {
        cluster.ledger.restore(backup);
        return cluster.chain.head();
      });
      const problem: unknown = await cluster.startFrom(1).catch((error: unknown) => error);
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
      expect(events(cluster)).not.toContain("ledger.contradicted");
      expect((await cluster.ledger.control.read()).payments).toEqual({ on: true });
      expect(problem).toMatchObject({ message: expect.stringContaining("an older copy took its place") });
      const { ledger } = cluster;
      const passed = (await ledger.cursor.read())?.blockNum ?? 0;
      const ofHistory: unknown = await replayHistory(cluster.readDeps(), { from: 1, to: passed + 1 }).catch(
        (error: unknown) => error,
      );
      expect(ofHistory).toMatchObject({ message: expect.stringContaining("an older copy took its place") });
      expect(mayPass(ofHistory)).toBe(true);
      // The step is tried again, and begins where the other ledger stands: nothing is broken.
      expect(mayPass(problem)).toBe(true);
    }));
});

describe("a node that is behind when an old ledger is found", () => {
  it("does not end the recovery hold early: what a better one says raises it anew", () =>
    inCluster({}, async (cluster) => {
      const { id } = await cluster.refundDue();
      const backup = cluster.ledger.backup();
      await aBlockLater(cluster);
      node(cluster).swallowBroadcasts(1);
      await cluster.pay(id);
      cluster.ledger.restore(backup);
      cluster.restart();
      await cluster.ingest();
      const first = (await cluster.ledger.control.read()).recoveryHold.raised?.untilMs ?? 0;
      // It turns out that the chain is an hour further than that node had said.
      cluster.devnet.skipTime(3_600);
      await cluster.devnet.produce(60);
      await cluster.ingest();
      const second = (await cluster.ledger.control.read()).recoveryHold.raised?.untilMs ?? 0;
      expect(second - first).toBeGreaterThan(3_600_000);
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
    }));
});

describe("blocks that are jumped over by a restored ledger", () => {
  it("hold payments that it does not know: nothing is paid until they have been read", () =>
    inCluster({}, async (cluster) => {
      const { id } = await cluster.refundDue();
      const backup = cluster.ledger.backup();
      const at = (await cluster.ledger.cursor.read())?.blockNum ?? 0;
      await cluster.pay(id);
      await cluster.settle();
      cluster.ledger.restore(backup);
      await cluster.startFrom("current");
      await longAfter(cluster);
      expect(await cluster.pay(id)).toMatchObject({
        type: "again",
        reason: expect.stringContaining(`STAKEBTS_REPLAY=${at + 1}`),
      });
      await cluster.startFrom(at + 1);
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
    }));
});

describe("a ledger that was lost", () => {
  it("learns from the chain what is paid, and pays the rest", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.send("nominator-2", 500, "what is this");
      await cluster.months(1);
      await cluster.settle();
      cluster.loseLedger();
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 2_000]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([450]);
      await cluster.months(2);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 2_000, 2_000, 2_000, 25_000]);
      await cluster.expectLedgerMatchesChain();
    }));

  it.each(["in flight", "in a block that can still be undone"])("waits for a payment that is %s", (where) =>
    inCluster({ devnet: { witnesses: 7 } }, async (cluster) => {
      const { id } = await cluster.refundDue();
      await cluster.pay(id);
      if (where !== "in flight") await cluster.devnet.produce(2);
      cluster.loseLedger();
      await cluster.ingest();
      await cluster.applyEvents();
      expect(await cluster.pay(id)).toMatchObject({ type: "again", reason: expect.stringContaining("lost") });
      await longAfter(cluster);
      await refundIsPaidOnce(cluster);
    }),
  );
});
