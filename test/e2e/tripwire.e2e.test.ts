import { END_FREEZES_SQL } from "@stakebts/testkit/stop-payments";
import { DevnetWallet, wifFromSeed } from "@stakebts/devnet";
import { describe, expect, it } from "vitest";
import { CUSTODIAN, inTown, MANAGER, NOMINATORS, type Town } from "@stakebts/testkit/cluster";
import { startAll } from "@stakebts/testkit/workers";

const SHARES_PER_BTS = 100_000n;

/** The custodian's keys in somebody's hand. */
const handOf = (town: Town) =>
  new DevnetWallet({
    url: town.devnet.urls[1] as string,
    name: CUSTODIAN,
    activeKey: wifFromSeed(`${CUSTODIAN}-active`),
    memoKey: wifFromSeed(`${CUSTODIAN}-memo`),
  });

const switchOf = async (town: Town) =>
  (
    await town.query<{ on: boolean; reason: string | null }>(
      "SELECT NOT is_frozen() AS on, string_agg(reason, '; and ') AS reason FROM ledger_freeze WHERE ended_at IS NULL",
    )
  )[0];

const alertsOf = async (town: Town) =>
  (
    await town.query<{ event: string }>("SELECT event FROM receipt WHERE event LIKE 'custody.%' ORDER BY id")
  ).map(({ event }) => event);

async function startWatcher(town: Town) {
  const watcher = town.cluster.start("watcher");
  await watcher.waitFor(({ event }) => event === "monitor.started");
  return watcher;
}

describe("a spend that the ledger does not know", () => {
  it("stops payments within one block, with a watcher alone", () =>
    inTown({}, async (town) => {
      const watcher = await startWatcher(town);
      const hand = handOf(town);
      const { txid } = await hand.transfer({
        to: NOMINATORS[0] as string,
        amountShares: 2_000n * SHARES_PER_BTS,
      });
      const { block } = await watcher.waitFor(({ event }) => event === "spend.unexplained");
      const { headBlockNum } = await town.head();
      // A block is a tenth of a second here. That it is the next look is proved where blocks wait: test/ledger/spend monitor.
      expect(headBlockNum - Number(block)).toBeLessThan(50);
      const state = await switchOf(town);
      expect(state?.on).toBe(false);
      expect(state?.reason).toContain(`unknown transfer of the custodian in block ${String(block)}`);
      expect(state?.reason).toContain(txid);
      hand.close();
    }));

  it("stops a cluster that pays, is told once, and whoever switches on again is not overruled", () =>
    inTown({}, async (town) => {
      await startAll(town);
      const watchers = [await startWatcher(town), await startWatcher(town)];
      await town.everybodyNominates();
      await town.until(
        async () => (await town.query("SELECT FROM payout WHERE status = 'confirmed'")).length > 3,
        "some are paid",
      );
      expect(await switchOf(town)).toMatchObject({ on: true });
      const hand = handOf(town);
      await hand.transfer({ to: MANAGER, amountShares: 1n, memo: "for me" });
      await Promise.race(watchers.map((w) => w.waitFor(({ event }) => event === "spend.unexplained")));
      await town.until(async () => (await switchOf(town))?.on === false, "payments are off");
      await town.query(END_FREEZES_SQL);
      const [first] = watchers;
      first?.kill("SIGKILL");
      await startWatcher(town);
      await town.settled();
      await town.expectEverybodyPaidOnce();
      expect(await switchOf(town)).toMatchObject({ on: true });
      expect(new Set(await alertsOf(town))).toEqual(new Set(["authority.recorded", "spend.unexplained"]));
      hand.close();
    }));
});

describe("honest work", () => {
  it("of a year raises no alert, whatever branch its blocks are on", () =>
    inTown({}, async (town) => {
      const workers = await startAll(town);
      const watcher = await startWatcher(town);
      await town.everybodyNominates();
      await town.send(NOMINATORS[0] as string, 70n, "what is this");
      await workers.payer.waitFor(({ event }) => event === "withdrawal.sent");
      town.devnet.partition([[0], [1]]);
      const { headBlockNum } = await town.head();
      await town.until(
        async () => (await town.head()).headBlockNum > headBlockNum + 5,
        "the branches have grown",
      );
      town.devnet.heal();
      await town.settled();
      await town.until(async () => {
        const [cursor] = await town.query<{ n: number }>("SELECT block_num AS n FROM chain_cursor");
        return (await town.head()).irreversibleBlockNum - 5 <= Number(cursor?.n);
      }, "the ledger is up to date");
      expect(await alertsOf(town)).toEqual(["authority.recorded"]);
      expect(watcher.lines.filter(({ level }) => level === "error")).toEqual([]);
      expect(await switchOf(town)).toEqual({ on: true, reason: null });
    }));
});
