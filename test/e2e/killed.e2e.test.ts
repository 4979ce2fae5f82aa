import { LOCKS } from "@stakebts/core/database/locks";
import { describe, expect, it } from "vitest";
import { inTown } from "@stakebts/testkit/cluster";
import { killUntil, startAll } from "@stakebts/testkit/workers";

describe("real processes that are killed or frozen pay everybody exactly once", () => {
  it("with SIGKILL for each of them, again and again", () =>
    inTown({}, async (town) => {
      const workers = await startAll(town);
      await town.everybodyNominates();
      await killUntil(town, workers, 16);
      await town.settled();
      await town.expectEverybodyPaidOnce();
    }));

  it("with the payer killed while a node holds its transaction without an answer", () =>
    inTown({}, async (town) => {
      const workers = await startAll(town);
      for (const node of town.devnet.nodes) node.faults.delayRepliesMs(150);
      await town.everybodyNominates();
      for (let kill = 0; kill < 4; kill++) {
        await workers.payer.waitFor(({ event }) => event === "withdrawal.signed");
        workers.payer.kill("SIGKILL"); // Its bytes are with the node, and it has not heard a word yet.
        await workers.payer.exited;
        workers.payer = town.cluster.start("payer");
      }
      for (const node of town.devnet.nodes) node.faults.delayRepliesMs(0);
      await town.settled();
      await town.expectEverybodyPaidOnce();
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

  it("with two of each process at once, and one of each killed: no block is lost, and nobody waits ten seconds", () =>
    inTown({}, async (town) => {
      const workers = await startAll(town);
      const others = {
        ingester: town.cluster.start("ingester"),
        scheduler: town.cluster.start("scheduler"),
        payer: town.cluster.start("payer"),
      };
      await others.payer.waitFor(({ event }) => event === "payer.stands_by");
      await town.everybodyNominates();
      await workers.payer.waitFor(({ event }) => event === "withdrawal.sent");
      const cursor = async () =>
        Number((await town.query<{ n: number }>("SELECT block_num AS n FROM chain_cursor"))[0]?.n);
      for (const name of ["ingester", "scheduler", "payer"] as const) workers[name].kill("SIGKILL");
      const [stoodAt, killedAtMs] = [await cursor(), Date.now()];
      await others.payer.waitFor(({ event }) => event === "payer.leads");
      await town.until(async () => (await cursor()) > stoodAt, "blocks are read again");
      expect(Date.now() - killedAtMs).toBeLessThan(10_000);
      await town.settled();
      await town.expectEverybodyPaidOnce();
      // From the first block on without a gap: what was in no block would otherwise be unprovable.
      const [scan] = await town.query("SELECT scanned_from_block_num AS first FROM chain_cursor");
      expect(scan).toEqual({ first: 1 });
    }));

  it("that are told to stop in the middle of their work end it, and end with 0", () =>
    inTown({}, async (town) => {
      const workers = await startAll(town);
      await town.everybodyNominates();
      await workers.payer.waitFor(({ event }) => event === "withdrawal.signed");
      const toldAtMs = Date.now();
      for (const worker of Object.values(workers)) worker.kill("SIGTERM");
      expect(await Promise.all(Object.values(workers).map(({ exited }) => exited))).toEqual([0, 0, 0]);
      expect(Date.now() - toldAtMs).toBeLessThan(20_000);
      for (const name of ["ingester", "scheduler", "payer"] as const) town.cluster.start(name);
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
        `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = ${LOCKS.payer} AND granted`,
      );
      const second = town.cluster.start("payer");
      await second.waitFor(({ event }) => event === "withdrawal.sent");
      workers.payer.kill("SIGCONT");
      await town.settled();
      await town.expectEverybodyPaidOnce();
    }));
});
