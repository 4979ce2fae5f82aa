import { END_FREEZES_SQL } from "@stakebts/testkit/stop-payments";
import { DevnetWallet, wifFromSeed } from "@stakebts/devnet";
import { describe, expect, it } from "vitest";
import type { Cluster } from "@stakebts/testkit/cluster";
import {
  CUSTODIAN,
  MANAGER,
  NOMINATORS,
  everybodyNominates,
  expectEverybodyPaidOnce,
  settled,
  withCluster,
} from "../staking-cluster.ts";

const SHARES_PER_BTS = 100_000n;

/** A wallet of a thief, who holds the custodian's keys. */
const handOf = (cluster: Cluster) =>
  new DevnetWallet({
    url: cluster.devnet.urls[1] as string,
    name: CUSTODIAN,
    activeKey: wifFromSeed(`${CUSTODIAN}-active`),
    memoKey: wifFromSeed(`${CUSTODIAN}-memo`),
  });

const switchOf = async (cluster: Cluster) =>
  (
    await cluster.query<{ on: boolean; reason: string | null }>(
      "SELECT NOT is_frozen() AS on, string_agg(reason, '; and ') AS reason FROM ledger_freeze WHERE ended_at IS NULL",
    )
  )[0];

const alertsOf = async (cluster: Cluster) =>
  (
    await cluster.query<{ event: string }>(
      "SELECT event FROM receipt WHERE event LIKE 'spend.%' OR event LIKE 'authority.%' ORDER BY id",
    )
  ).map(({ event }) => event);

async function startWatcher(cluster: Cluster) {
  const watcher = cluster.start("watcher");
  await watcher.waitFor(({ event }) => event === "monitor.started");
  return watcher;
}

describe("a spend that the ledger does not know", () => {
  it("stops a cluster that pays, is told once, and a person who resumes payments is not overruled", () =>
    withCluster({}, async (cluster) => {
      await cluster.startWorkers();
      const watchers = [await startWatcher(cluster), await startWatcher(cluster)];
      await everybodyNominates(cluster);
      await cluster.until(
        async () => (await cluster.query("SELECT FROM payout WHERE status = 'confirmed'")).length > 3,
        "some are paid",
      );
      expect(await switchOf(cluster)).toMatchObject({ on: true });
      const hand = handOf(cluster);
      await hand.transfer({ to: MANAGER, amountShares: 1n, memo: "for me" });
      await Promise.race(watchers.map((w) => w.waitFor(({ event }) => event === "spend.unexplained")));
      await cluster.until(async () => (await switchOf(cluster))?.on === false, "payments are off");
      await cluster.query(END_FREEZES_SQL);
      const [first] = watchers;
      first?.kill("SIGKILL");
      await startWatcher(cluster);
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster);
      expect(await switchOf(cluster)).toMatchObject({ on: true });
      expect(new Set(await alertsOf(cluster))).toEqual(new Set(["authority.recorded", "spend.unexplained"]));
      hand.close();
    }));
});

describe("honest work", () => {
  it("of a year raises no alert, on any branch of blocks; a spend after it is stopped by a watcher alone", () =>
    withCluster({}, async (cluster) => {
      const workers = await cluster.startWorkers();
      const watcher = await startWatcher(cluster);
      await everybodyNominates(cluster);
      await cluster.send(NOMINATORS[0] as string, 70n, "what is this");
      await workers.payer.waitFor(({ event }) => event === "withdrawal.sent");
      cluster.devnet.partition([[0], [1]]);
      const { headBlockNum } = await cluster.head();
      await cluster.until(
        async () => (await cluster.head()).headBlockNum > headBlockNum + 5,
        "the branches have grown",
      );
      cluster.devnet.heal();
      await settled(cluster);
      await cluster.until(async () => {
        const [cursor] = await cluster.query<{ n: number }>("SELECT block_num AS n FROM chain_cursor");
        return (await cluster.head()).irreversibleBlockNum - 5 <= Number(cursor?.n);
      }, "the ledger is up to date");
      expect(await alertsOf(cluster)).toEqual(["authority.recorded"]);
      expect(watcher.lines.filter(({ level }) => level === "error")).toEqual([]);
      expect(await switchOf(cluster)).toEqual({ on: true, reason: null });

      for (const worker of Object.values(workers)) worker.kill("SIGKILL");
      await Promise.all(Object.values(workers).map(({ exited }) => exited));
      const hand = handOf(cluster);
      const { txid } = await hand.transfer({
        to: NOMINATORS[0] as string,
        amountShares: 2_000n * SHARES_PER_BTS,
      });
      const { block } = await watcher.waitFor(({ event }) => event === "spend.unexplained");
      // A block is a tenth of a second here. That it is the next look is proved where blocks wait: the tests of the spend monitor.
      expect((await cluster.head()).headBlockNum - Number(block)).toBeLessThan(50);
      const state = await switchOf(cluster);
      expect(state?.on).toBe(false);
      expect(state?.reason).toContain(`unknown transfer of the custodian in block ${String(block)}`);
      expect(state?.reason).toContain(txid);
      hand.close();
    }));
});
