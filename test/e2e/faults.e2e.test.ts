import { setTimeout as delay } from "node:timers/promises";
import { findRedis, type WorkerName, type WorkerProcess } from "@stakebts/devnet";
import { Redis } from "ioredis";
import { describe, expect, inject, it } from "vitest";
import { inTown, type Town } from "./town.ts";

const started = (worker: WorkerProcess) => worker.waitFor(({ event }) => event === "process.started");

async function startAll(town: Town): Promise<Record<WorkerName, WorkerProcess>> {
  const workers = {
    ingester: town.cluster.start("ingester", { STAKEBTS_REPLAY: "1" }),
    scheduler: town.cluster.start("scheduler"),
    payer: town.cluster.start("payer"),
  };
  await Promise.all(Object.values(workers).map(started));
  return workers;
}

/** Kills one worker after the other, each at another moment of its work, until the year is over. */
async function killUntil(
  town: Town,
  workers: Record<WorkerName, WorkerProcess>,
  kills: number,
): Promise<void> {
  const names: WorkerName[] = ["payer", "ingester", "payer", "scheduler"];
  for (let kill = 0; kill < kills; kill++) {
    const name = names[kill % names.length] as WorkerName;
    // Not a wait for something: the moment of death is the point, and it shall be another one each time.
    await delay(60 + ((kill * 137) % 400));
    workers[name].kill("SIGKILL");
    await workers[name].exited;
    workers[name] = town.cluster.start(name);
  }
}

describe("real processes, killed and cut off, pay everybody exactly once", () => {
  it("with SIGKILL for each of them, again and again", () =>
    inTown({}, async (town) => {
      const workers = await startAll(town);
      await town.everybodyNominates();
      await killUntil(town, workers, 24);
      await town.settled();
      await town.expectEverybodyPaidOnce();
    }));

  it("with the payer killed while a node holds its transaction without an answer", () =>
    inTown({}, async (town) => {
      const workers = await startAll(town);
      for (const node of town.devnet.nodes) node.faults.delayRepliesMs(150);
      await town.everybodyNominates();
      for (let kill = 0; kill < 6; kill++) {
        await workers.payer.waitFor(({ event }) => event === "withdrawal.signed");
        workers.payer.kill("SIGKILL"); // Its bytes are with the node, and it has not heard a word yet.
        await workers.payer.exited;
        workers.payer = town.cluster.start("payer");
      }
      for (const node of town.devnet.nodes) node.faults.delayRepliesMs(0);
      await town.settled();
      await town.expectEverybodyPaidOnce();
    }));

  it("with answers lost after acceptance and nodes that drop the connection", () =>
    inTown({}, async (town) => {
      await startAll(town);
      for (const node of town.devnet.nodes) node.faults.dropReplyAfterAccept(10);
      await town.everybodyNominates().catch(() => undefined);
      await town.until(
        async () => (await town.query("SELECT FROM agreement")).length >= 1,
        "something arrived",
      );
      for (const node of town.devnet.nodes) node.faults.disconnectAll();
      const [row] = await town.query<{ n: string }>("SELECT count(*) AS n FROM agreement");
      expect(Number(row?.n)).toBeGreaterThan(0);
      await town.until(
        async () => (await town.query("SELECT FROM payout WHERE status <> 'confirmed'")).length === 0,
        "nothing is open",
      );
      const twice = await town.query(
        "SELECT payout_key FROM transfer WHERE direction = 'out' GROUP BY 1 HAVING count(*) > 1",
      );
      expect(twice).toEqual([]);
    }));

  it("with two of each process at once, and the leading payer killed: the other takes over", () =>
    inTown({}, async (town) => {
      const workers = await startAll(town);
      const [standBy] = [
        town.cluster.start("payer"),
        town.cluster.start("ingester"),
        town.cluster.start("scheduler"),
      ];
      await standBy.waitFor(({ event }) => event === "payer.stands_by");
      await town.everybodyNominates();
      await workers.payer.waitFor(({ event }) => event === "withdrawal.sent");
      const killedAtMs = Date.now();
      workers.payer.kill("SIGKILL");
      await standBy.waitFor(({ event }) => event === "payer.leads");
      expect(Date.now() - killedAtMs).toBeLessThan(10_000);
      await town.settled();
      await town.expectEverybodyPaidOnce();
    }));

  it("with a payer that was frozen, wakes up, and finds another one in its place", () =>
    inTown({}, async (town) => {
      const workers = await startAll(town);
      await town.everybodyNominates();
      await workers.payer.waitFor(({ event }) => event === "withdrawal.signed");
      workers.payer.kill("SIGSTOP");
      // Its session is cut by the database's operator, so that the lock is free while it still believes to hold it.
      await town.query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7270002 AND granted",
      );
      const second = town.cluster.start("payer");
      await second.waitFor(({ event }) => event === "withdrawal.sent");
      workers.payer.kill("SIGCONT");
      await town.settled();
      await town.expectEverybodyPaidOnce();
    }));

  it("with PostgreSQL restarted under them", () =>
    inTown({}, async (town) => {
      const workers = await startAll(town);
      await town.everybodyNominates();
      await workers.payer.waitFor(({ event }) => event === "withdrawal.signed");
      await town.restartPostgres();
      await town.settled();
      await town.expectEverybodyPaidOnce();
      const ended = await Promise.race([
        ...Object.values(workers).map((w) => w.exited),
        Promise.resolve("all run"),
      ]);
      expect(ended).toBe("all run");
    }));

  it("with the nodes gone for a while", () =>
    inTown({}, async (town) => {
      await startAll(town);
      await town.everybodyNominates();
      for (const node of town.devnet.nodes) {
        node.faults.refuseConnections(true);
        node.faults.disconnectAll();
      }
      await delay(2_000); // An outage of one month of the programme.
      for (const node of town.devnet.nodes) node.faults.refuseConnections(false);
      await town.settled();
      await town.expectEverybodyPaidOnce();
    }));
});

describe.skipIf(inject("redisUrl") === "")("with queues in Redis", () => {
  it("Redis is emptied again and again while payers are killed, and everybody is paid exactly once", async () => {
    const redis = await findRedis();
    if (redis === null) throw new Error("redis-server was there a moment ago");
    try {
      await inTown({ redisUrl: redis.url }, async (town) => {
        const workers = await startAll(town);
        await town.everybodyNominates();
        const client = new Redis(redis.url);
        for (let round = 0; round < 6; round++) {
          await client.flushall();
          await killUntil(town, workers, 2);
        }
        client.disconnect();
        await town.settled();
        await town.expectEverybodyPaidOnce();
      });
    } finally {
      await redis.stop();
    }
  });
});
