import { publicKeyFromWif } from "@stakebts/bitshares/keys";
import { wifFromSeed } from "@stakebts/devnet";
import type { Cluster } from "@stakebts/testkit/cluster";
import { describe, expect, it } from "vitest";
import {
  CUSTODIAN,
  everybodyNominates,
  expectEverybodyPaidOnce,
  NOMINATORS,
  settled,
  withCluster,
} from "../staking-cluster.ts";

const OLD_MEMO_KEY = wifFromSeed(`${CUSTODIAN}-memo`);
const MEMO_KEY = wifFromSeed("the memo key of tomorrow");
const ACTIVE_KEY = wifFromSeed("the active key of tomorrow");

const count = async (cluster: Cluster, sql: string): Promise<number> =>
  Number((await cluster.query<{ count: string }>(`SELECT count(*) AS count FROM ${sql}`))[0]?.count);

/** In an irreversible block; wallets that ask now get the new keys. */
async function change(cluster: Cluster, keys: { activeKey?: string; memoKey?: string }): Promise<void> {
  const wallet = cluster.wallet(CUSTODIAN);
  const { txid } = await wallet.updateKeys(keys);
  await wallet.waitForIrreversible(txid);
  for (const name of NOMINATORS) cluster.wallet(name).forgetAccounts();
}

describe("the custodian's keys, changed on the chain while nominations come in and payments go out", () => {
  it("are given to the processes afterwards: every nominator is paid exactly once, and none is charged", () =>
    withCluster({}, async (cluster) => {
      const workers = await cluster.startWorkers();
      const [early, late] = [NOMINATORS.slice(0, 4), NOMINATORS.slice(4)];
      await everybodyNominates(cluster, early);
      await workers.payer.waitFor(({ event }) => event === "withdrawal.sent");

      await change(cluster, { memoKey: publicKeyFromWif(MEMO_KEY) });
      await everybodyNominates(cluster, late);
      await cluster.until(
        async () => (await count(cluster, "transfer WHERE status = 'unread'")) === late.length,
        "nominations for the new memo key wait",
      );
      expect(await count(cluster, "receipt WHERE event = 'memo_key.not_configured'")).toBeGreaterThan(0);
      await change(cluster, { activeKey: publicKeyFromWif(ACTIVE_KEY) });
      await workers.payer.waitFor(({ event }) => event === "payer.key_not_in_authority");

      for (const worker of [workers.ingester, workers.payer]) worker.kill("SIGTERM");
      await Promise.all([workers.ingester.exited, workers.payer.exited]);
      const memoKeys = { STAKEBTS_MEMO_KEY: `${MEMO_KEY},${OLD_MEMO_KEY}` };
      cluster.start("ingester", memoKeys);
      cluster.start("payer", { ...memoKeys, STAKEBTS_ACTIVE_KEY: ACTIVE_KEY });
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster, [MEMO_KEY, OLD_MEMO_KEY]);
      expect(await count(cluster, "payout WHERE kind IN ('refund', 'notice')")).toBe(0);
      expect(await count(cluster, "transfer WHERE status = 'unread'")).toBe(0);
    }));

  it("are given to the processes before: they wait for the chain, and go on by themselves", () =>
    withCluster({}, async (cluster) => {
      const workers = await cluster.startWorkers();
      const [early, late] = [NOMINATORS.slice(0, 4), NOMINATORS.slice(4)];
      await everybodyNominates(cluster, early);
      await workers.payer.waitFor(({ event }) => event === "withdrawal.sent");

      for (const worker of [workers.ingester, workers.payer]) worker.kill("SIGTERM");
      await Promise.all([workers.ingester.exited, workers.payer.exited]);
      const memoKeys = { STAKEBTS_MEMO_KEY: `${MEMO_KEY},${OLD_MEMO_KEY}` };
      cluster.start("ingester", memoKeys);
      const payer = cluster.start("payer", { ...memoKeys, STAKEBTS_ACTIVE_KEY: ACTIVE_KEY });
      await payer.waitFor(({ event }) => event === "payer.key_not_in_authority");
      await change(cluster, {
        memoKey: publicKeyFromWif(MEMO_KEY),
        activeKey: publicKeyFromWif(ACTIVE_KEY),
      });
      await payer.waitFor(({ event }) => event === "payer.resumed");
      await everybodyNominates(cluster, late);
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster, [MEMO_KEY, OLD_MEMO_KEY]);
      expect(await count(cluster, "receipt WHERE event = 'memo_key.not_configured'")).toBe(0);
      expect(await count(cluster, "payout WHERE kind IN ('refund', 'notice')")).toBe(0);
    }));
});
