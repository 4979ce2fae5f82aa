import { setTimeout as delay } from "node:timers/promises";
import { findRedis } from "@stakebts/testkit/redis";
import { Redis } from "ioredis";
import { describe, expect, inject, it } from "vitest";
import {
  everybodyNominates,
  expectEverybodyPaidOnce,
  killInTurn,
  settled,
  withCluster,
} from "../staking-cluster.ts";

describe("real processes that are cut off from what they need pay everybody exactly once", () => {
  it("with answers lost after acceptance and nodes that drop the connection", () =>
    withCluster({}, async (cluster) => {
      await cluster.startWorkers();
      for (const node of cluster.devnet.nodes) node.faults.dropReplyAfterAccept(10);
      await everybodyNominates(cluster).catch(() => undefined);
      await cluster.until(
        async () => (await cluster.query("SELECT FROM agreement")).length >= 1,
        "something arrived",
      );
      for (const node of cluster.devnet.nodes) node.faults.disconnectAll();
      const [row] = await cluster.query<{ n: string }>("SELECT count(*) AS n FROM agreement");
      expect(Number(row?.n)).toBeGreaterThan(0);
      await cluster.until(
        async () => (await cluster.query("SELECT FROM payout WHERE status <> 'confirmed'")).length === 0,
        "nothing is open",
      );
      const twice = await cluster.query(
        "SELECT payout_key FROM transfer WHERE direction = 'out' GROUP BY 1 HAVING count(*) > 1",
      );
      expect(twice).toEqual([]);
    }));

  it("with PostgreSQL restarted under them", () =>
    withCluster({}, async (cluster) => {
      const workers = await cluster.startWorkers();
      await everybodyNominates(cluster);
      await workers.payer.waitFor(({ event }) => event === "withdrawal.signed");
      await cluster.database.restart();
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster);
      const ended = await Promise.race([
        ...Object.values(workers).map((w) => w.exited),
        Promise.resolve("all run"),
      ]);
      expect(ended).toBe("all run");
    }));

  it("with the nodes gone for a while", () =>
    withCluster({}, async (cluster) => {
      await cluster.startWorkers();
      await everybodyNominates(cluster);
      for (const node of cluster.devnet.nodes) {
        node.faults.refuseConnections(true);
        node.faults.disconnectAll();
      }
      await delay(2_000); // An outage of one month of the programme.
      for (const node of cluster.devnet.nodes) node.faults.refuseConnections(false);
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster);
    }));
});

describe.skipIf(inject("redisUrl") === "")("with queues in Redis", () => {
  it("Redis is emptied again and again while payers are killed, and everybody is paid exactly once", async () => {
    const redis = await findRedis();
    if (redis === null) throw new Error("redis-server was there a moment ago");
    try {
      await withCluster({ redis: { url: redis.url } }, async (cluster) => {
        const workers = await cluster.startWorkers();
        await everybodyNominates(cluster);
        const client = new Redis(redis.url);
        for (let round = 0; round < 6; round++) {
          await client.flushall();
          await killInTurn(cluster, workers, 2);
        }
        client.disconnect();
        await settled(cluster);
        await expectEverybodyPaidOnce(cluster);
      });
    } finally {
      await redis.stop();
    }
  });
});
