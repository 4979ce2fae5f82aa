import { describe, expect, it, vi } from "vitest";
import { Crash, inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";

// The two standing tests of every service: a crash at every step, and every step twice. The process dies after
// each single change that it makes in the database or at a node; then another one starts, knowing nothing but what is written.

// A cluster for each of some dozens of points.
vi.setConfig({ testTimeout: 120_000 });

/** Runs `work` in a fresh cluster for every state in which it may leave the world when it dies, until there is none left. */
async function crashEverywhere(
  prepare: (cluster: InProcessCluster) => Promise<void>,
  work: (cluster: InProcessCluster) => Promise<void>,
  verify: (cluster: InProcessCluster) => Promise<void>,
): Promise<number> {
  let changes = 0;
  while (await diesAfter(changes, prepare, work, verify)) changes++;
  return changes;
}

/** Answers whether there was a call left before which it could die. */
async function diesAfter(
  changes: number,
  prepare: (cluster: InProcessCluster) => Promise<void>,
  work: (cluster: InProcessCluster) => Promise<void>,
  verify: (cluster: InProcessCluster) => Promise<void>,
): Promise<boolean> {
  let died = false;
  await inCluster({}, async (cluster) => {
    await prepare(cluster);
    cluster.restart();
    cluster.crashAfterChanges = changes;
    try {
      await work(cluster);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      died = true;
    }
    cluster.restart();
    await cluster.settle();
    await verify(cluster);
  });
  return died;
}

/** A day on which everything happens: an agreement and a refund, then a reward falls due and a stop comes. */
async function busyDay(cluster: InProcessCluster): Promise<void> {
  await cluster.send("nominator-1", 25_000, "three_months");
  await cluster.send("nominator-2", 50_000, "six_months");
  await cluster.send("nominator-3", 500, "what is this");
  await cluster.settle();
  await cluster.months(1);
  await cluster.send("nominator-2", 3, "stop");
  await cluster.devnet.produce(4);
}

async function everybodyPaidOnce(cluster: InProcessCluster): Promise<void> {
  expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 2_000]);
  expect(await cluster.arrivedAt("nominator-2")).toEqual([1, 3, 4_000, 42_500]);
  expect(await cluster.arrivedAt("nominator-3")).toEqual([450]);
  await cluster.expectLedgerMatchesChain();
}

describe("when a process dies at any step, everybody is paid exactly once:", () => {
  it("the ingester, while it writes blocks", async () => {
    const changes = await crashEverywhere(busyDay, (cluster) => cluster.ingest(), everybodyPaidOnce);
    expect(changes).toBeGreaterThan(1);
  });

  it("the scheduler, while it applies events", async () => {
    const prepare = async (cluster: InProcessCluster) => {
      await busyDay(cluster);
      await cluster.ingest();
    };
    const changes = await crashEverywhere(prepare, (cluster) => cluster.applyEvents(), everybodyPaidOnce);
    expect(changes).toBeGreaterThan(2);
  });

  it("the payer, while it pays", async () => {
    const prepare = async (cluster: InProcessCluster) => {
      await busyDay(cluster);
      await cluster.ingest();
      await cluster.applyEvents();
    };
    const changes = await crashEverywhere(prepare, (cluster) => cluster.work(), everybodyPaidOnce);
    expect(changes).toBeGreaterThan(4);
  });

  it("the payer, while it pays all in one step", async () => {
    const prepare = async (cluster: InProcessCluster) => {
      await busyDay(cluster);
      await cluster.produceUntilFinal();
      await cluster.ingest();
      await cluster.applyEvents();
    };
    const changes = await crashEverywhere(
      prepare,
      async (cluster) => void (await cluster.payTogether()),
      everybodyPaidOnce,
    );
    // What is due is saved at once, each of it is sent, and all is noted as sent.
    expect(changes).toBeGreaterThan(2);
  });

  it("the payer, twice in a row, at the step after the last", () =>
    inCluster({}, async (cluster) => {
      await busyDay(cluster);
      for (let call = 1; call < 40; call++) {
        cluster.restart();
        cluster.crashBeforeCall = call;
        await cluster.settle(1).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
      }
      cluster.restart();
      await cluster.settle();
      // The ledger has been so far behind the chain as an old copy is: payments wait until nothing can be in flight.
      cluster.devnet.skipTime(1_200);
      await cluster.settle(20);
      await everybodyPaidOnce(cluster);
    }));

  it("the payer, each time before it has noted what the nodes answered, on more attempts than a payment has", () =>
    inCluster({}, async (cluster) => {
      await busyDay(cluster);
      await cluster.produceUntilFinal();
      await cluster.ingest();
      await cluster.applyEvents();
      for (let death = 0; death < 12; death++) {
        cluster.restart();
        cluster.crashAfterChanges = 1; // All is saved, and nothing is sent.
        await expect(cluster.payTogether()).rejects.toBeInstanceOf(Crash);
        cluster.restart();
        cluster.devnet.skipTime(240);
        await cluster.devnet.produce();
        // The next one sends it too late, and every second time lives to hear so.
        if (death % 2 === 1) await cluster.payTogether();
        await cluster.produceUntilFinal();
        await cluster.ingest();
        await cluster.applyEvents();
        const payouts = [...cluster.ledger.contents.payouts.values()].filter((p) => p.status !== "confirmed");
        expect(payouts.map(({ status }) => status)).toEqual(payouts.map(() => "ready"));
      }
      await cluster.settle();
      await everybodyPaidOnce(cluster);
    }));
});

describe("when every step happens twice, everybody is paid exactly once:", () => {
  it("one after the other", () =>
    inCluster({}, async (cluster) => {
      await busyDay(cluster);
      for (let round = 0; round < 12; round++) {
        await cluster.devnet.produce();
        for (const step of [() => cluster.ingest(), () => cluster.applyEvents()]) {
          await step();
          cluster.restart();
          await step();
        }
        for (const { id } of cluster.ledger.contents.payouts.values()) {
          await cluster.pay(id);
          await cluster.pay(id);
        }
      }
      await everybodyPaidOnce(cluster);
    }));

  it("at the same time, by two of each process", () =>
    inCluster({}, async (cluster) => {
      await busyDay(cluster);
      for (let round = 0; round < 12; round++) {
        await cluster.devnet.produce();
        await Promise.all([cluster.ingest(), cluster.ingest()]);
        await Promise.all([cluster.applyEvents(), cluster.applyEvents(), cluster.applyEvents()]);
        const ids = [...cluster.ledger.contents.payouts.keys()];
        await Promise.all([...ids, ...ids].map((id) => cluster.pay(id)));
      }
      await everybodyPaidOnce(cluster);
    }));
});
