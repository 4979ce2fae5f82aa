import { describe, expect, it, vi } from "vitest";
import { Crash, type CrashPoint, inWorld, type World } from "@stakebts/testkit/service-bench";

// The two standing tests of every service: a crash at every step, and every step twice. The process dies before or after
// each single call that it makes to the database or a node; then another one starts, knowing nothing but what is written.

// A world for each of some dozens of points.
vi.setConfig({ testTimeout: 120_000 });

/** Runs `work` in a fresh world for every point at which it may die, until there is none left. */
async function crashEverywhere(
  prepare: (world: World) => Promise<void>,
  work: (world: World) => Promise<void>,
  verify: (world: World) => Promise<void>,
): Promise<number> {
  let survived = 0;
  for (const when of ["before", "after"] as const)
    for (let call = 1; ; call++) {
      const died = await inOneWorld({ call, when }, prepare, work, verify);
      if (!died) break;
      survived++;
    }
  return survived;
}

async function inOneWorld(
  crashAt: CrashPoint,
  prepare: (world: World) => Promise<void>,
  work: (world: World) => Promise<void>,
  verify: (world: World) => Promise<void>,
): Promise<boolean> {
  let died = false;
  await inWorld({}, async (world) => {
    await prepare(world);
    world.restart();
    world.crashAt = crashAt;
    try {
      await work(world);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      died = true;
    }
    world.restart();
    await world.settle();
    await verify(world);
  });
  return died;
}

/** A day on which everything happens: an agreement and a refund, then a reward falls due and a stop comes. */
async function busyDay(world: World): Promise<void> {
  await world.send("nominator-1", 25_000, "three_months");
  await world.send("nominator-2", 50_000, "six_months");
  await world.send("nominator-3", 500, "what is this");
  await world.settle();
  await world.months(1);
  await world.send("nominator-2", 3, "stop");
  await world.devnet.produce(4);
}

async function everybodyPaidOnce(world: World): Promise<void> {
  expect(await world.arrivedAt("nominator-1")).toEqual([1, 2_000]);
  expect(await world.arrivedAt("nominator-2")).toEqual([1, 3, 4_000, 42_500]);
  expect(await world.arrivedAt("nominator-3")).toEqual([450]);
  await world.expectLedgerMatchesChain();
}

describe("when a process dies at any step, everybody is paid exactly once:", () => {
  it("the ingester, while it writes blocks", async () => {
    const points = await crashEverywhere(busyDay, (world) => world.ingest(), everybodyPaidOnce);
    expect(points).toBeGreaterThan(8);
  });

  it("the scheduler, while it applies events", async () => {
    const prepare = async (world: World) => {
      await busyDay(world);
      await world.ingest();
    };
    const points = await crashEverywhere(prepare, (world) => world.fold(), everybodyPaidOnce);
    expect(points).toBeGreaterThan(20);
  });

  it("the payer, while it pays", async () => {
    const prepare = async (world: World) => {
      await busyDay(world);
      await world.ingest();
      await world.fold();
    };
    const points = await crashEverywhere(prepare, (world) => world.work(), everybodyPaidOnce);
    expect(points).toBeGreaterThan(30);
  });

  it("the payer, twice in a row, at the step after the last", () =>
    inWorld({}, async (world) => {
      await busyDay(world);
      for (let call = 1; call < 40; call++) {
        world.restart();
        world.crashAt = { call, when: call % 2 === 0 ? "before" : "after" };
        await world.settle(1).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
      }
      world.restart();
      await world.settle();
      await everybodyPaidOnce(world);
    }));
});

describe("when every step happens twice, everybody is paid exactly once:", () => {
  it("one after the other", () =>
    inWorld({}, async (world) => {
      await busyDay(world);
      for (let round = 0; round < 12; round++) {
        await world.devnet.produce();
        for (const step of [() => world.ingest(), () => world.fold()]) {
          await step();
          world.restart();
          await step();
        }
        for (const { id } of world.ledger.contents.payouts.values()) {
          await world.pay(id);
          await world.pay(id);
        }
      }
      await everybodyPaidOnce(world);
    }));

  it("at the same time, by two of each process", () =>
    inWorld({}, async (world) => {
      await busyDay(world);
      for (let round = 0; round < 12; round++) {
        await world.devnet.produce();
        await Promise.all([world.ingest(), world.ingest()]);
        await Promise.all([world.fold(), world.fold(), world.fold()]);
        const ids = [...world.ledger.contents.payouts.keys()];
        await Promise.all([...ids, ...ids].map((id) => world.pay(id)));
      }
      await everybodyPaidOnce(world);
    }));
});
