import { LOCKS } from "@stakebts/core/database/locks";
import { describe, expect, it } from "vitest";
import {
  everybodyNominates,
  expectEverybodyPaidOnce,
  killInTurn,
  settled,
  withCluster,
} from "../staking-cluster.ts";

describe("real processes that are killed or frozen pay everybody exactly once", () => {
  it("with SIGKILL for each of them, again and again", () =>
    withCluster({}, async (cluster) => {
      const workers = await cluster.startWorkers();
      await everybodyNominates(cluster);
      await killInTurn(cluster, workers, 16);
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster);
    }));

  it("with the payer killed while a node holds its transaction without an answer", () =>
    withCluster({}, async (cluster) => {
      const workers = await cluster.startWorkers();
      for (const node of cluster.devnet.nodes) node.faults.delayRepliesMs(150);
      await everybodyNominates(cluster);
      for (let kill = 0; kill < 4; kill++) {
        await workers.payer.waitFor(({ event }) => event === "withdrawal.signed");
        workers.payer.kill("SIGKILL"); // Its bytes are with the node, and it has not heard a word yet.
        await workers.payer.exited;
        workers.payer = cluster.start("payer");
      }
      for (const node of cluster.devnet.nodes) node.faults.delayRepliesMs(0);
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster);
    }));

  it("with two of each process at once, and the leading payer killed: the other takes over", () =>
    withCluster({}, async (cluster) => {
      const workers = await cluster.startWorkers();
      const [standBy] = [cluster.start("payer"), cluster.start("ingester"), cluster.start("scheduler")];
      await standBy.waitFor(({ event }) => event === "payer.stands_by");
      await everybodyNominates(cluster);
      await workers.payer.waitFor(({ event }) => event === "withdrawal.sent");
      const killedAtMs = Date.now();
      workers.payer.kill("SIGKILL");
      await standBy.waitFor(({ event }) => event === "payer.leads");
      expect(Date.now() - killedAtMs).toBeLessThan(10_000);
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster);
    }));

  it("with two of each process at once, and one of each killed: no block is lost, and no nominator waits ten seconds", () =>
    withCluster({}, async (cluster) => {
      const workers = await cluster.startWorkers();
      const others = {
        ingester: cluster.start("ingester"),
        scheduler: cluster.start("scheduler"),
        payer: cluster.start("payer"),
      };
      await others.payer.waitFor(({ event }) => event === "payer.stands_by");
      await everybodyNominates(cluster);
      await workers.payer.waitFor(({ event }) => event === "withdrawal.sent");
      const cursor = async () =>
        Number((await cluster.query<{ n: number }>("SELECT block_num AS n FROM chain_cursor"))[0]?.n);
      for (const name of ["ingester", "scheduler", "payer"] as const) workers[name].kill("SIGKILL");
      const [stoodAt, killedAtMs] = [await cursor(), Date.now()];
      await others.payer.waitFor(({ event }) => event === "payer.leads");
      await cluster.until(async () => (await cursor()) > stoodAt, "blocks are read again");
      expect(Date.now() - killedAtMs).toBeLessThan(10_000);
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster);
      // From the first block on without a gap: what was in no block would otherwise be unprovable.
      const [scan] = await cluster.query("SELECT scanned_from_block_num AS first FROM chain_cursor");
      expect(scan).toEqual({ first: 1 });
    }));

  it("that are told to stop in the middle of their work end it, and end with 0", () =>
    withCluster({}, async (cluster) => {
      const workers = await cluster.startWorkers();
      await everybodyNominates(cluster);
      await workers.payer.waitFor(({ event }) => event === "withdrawal.signed");
      const toldAtMs = Date.now();
      for (const worker of Object.values(workers)) worker.kill("SIGTERM");
      expect(await Promise.all(Object.values(workers).map(({ exited }) => exited))).toEqual([0, 0, 0]);
      expect(Date.now() - toldAtMs).toBeLessThan(20_000);
      for (const name of ["ingester", "scheduler", "payer"] as const) cluster.start(name);
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster);
    }));

  it("with a payer that was frozen, wakes up, and finds another one in its place", () =>
    withCluster({}, async (cluster) => {
      const workers = await cluster.startWorkers();
      await everybodyNominates(cluster);
      await workers.payer.waitFor(({ event }) => event === "withdrawal.signed");
      workers.payer.kill("SIGSTOP");
      // Its session is cut by the database's operator, so that the lock is free while it still believes to hold it.
      await cluster.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = ${LOCKS.payer} AND granted`,
      );
      const second = cluster.start("payer");
      await second.waitFor(({ event }) => event === "withdrawal.sent");
      workers.payer.kill("SIGCONT");
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster);
    }));
});
