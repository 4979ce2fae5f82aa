import { setTimeout as delay } from "node:timers/promises";
import { findRedis } from "@stakebts/testkit/redis";
import { Redis } from "ioredis";
import { describe, expect, inject, it } from "vitest";
import { inTown } from "@stakebts/testkit/cluster";
import { killUntil, startAll } from "@stakebts/testkit/workers";

describe("real processes that are cut off from what they need pay everybody exactly once", () => {
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
