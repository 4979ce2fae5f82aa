import type { WorkerProcess } from "@stakebts/testkit/worker-process";
import { describe, expect, it } from "vitest";
import { buildOlderVersion, isInHistory } from "./older-version.ts";
import type { Cluster } from "@stakebts/testkit/cluster";
import type { WorkerName } from "@stakebts/testkit/process-settings";
import { REPOSITORY } from "@stakebts/testkit/repository";
import {
  NOMINATORS,
  everybodyNominates,
  expectEverybodyPaidOnce,
  settled,
  withCluster,
} from "../staking-cluster.ts";

// Expand, backfill, contract: while an upgrade runs, workers of two versions share one ledger. With each release its
// commit goes in here, and those go out that are no longer upgraded from. The history of migrations begins with the
// baseline of 2026-11-28: a commit before it has another one, and cannot be upgraded from.
const OLDER_VERSIONS: Readonly<Record<string, string>> = {
  "6380b7b81b991ba308156fb3d314a94ace450925": "the first version with one baseline",
};

if (Object.keys(OLDER_VERSIONS).length === 0) {
  const reason = "there is no older version to upgrade from yet: OLDER_VERSIONS is empty";
  console.warn(`SKIPPED: upgrade: ${reason}`);
  it.skip(`an upgrade: ${reason}`, () => undefined);
}

for (const [commit, what] of Object.entries(OLDER_VERSIONS)) {
  const isHere = await isInHistory(commit);
  if (!isHere) console.warn(`SKIPPED: upgrade from ${what}: ${commit} is not in the history of this clone`);

  describe.skipIf(!isHere)(`an upgrade from ${what}`, () => {
    it("pays everybody exactly once with both versions at work on one ledger, whichever of them leads", async () => {
      const older = await buildOlderVersion(commit);
      try {
        await withCluster({ version: older.folder }, upgradeUnderWay);
      } finally {
        older.remove();
      }
    });
  });
}

async function upgradeUnderWay(cluster: Cluster): Promise<void> {
  const nominators = [...NOMINATORS];
  /** A payment that falls due from here on is made by this payer. */
  const expectPaymentsBy = async (payer: WorkerProcess) => {
    const sent = () => payer.lines.filter(({ event }) => event === "withdrawal.sent").length;
    const before = sent();
    await everybodyNominates(cluster, nominators.splice(0, 2));
    await cluster.until(async () => sent() > before, `${payer.name} ${payer.pid} pays`);
  };
  const stop = async (worker: WorkerProcess) => {
    worker.kill("SIGTERM");
    expect({ name: worker.name, exit: await worker.exited }).toEqual({ name: worker.name, exit: 0 });
  };

  const old = await cluster.startWorkers();
  await expectPaymentsBy(old.payer);

  await cluster.database.prepare();
  const startNew = (name: WorkerName) => cluster.startFrom(REPOSITORY, name);
  const now: Record<WorkerName, WorkerProcess> = {
    ingester: startNew("ingester"),
    scheduler: startNew("scheduler"),
    payer: startNew("payer"),
  };
  await now.payer.waitFor(({ event }) => event === "payer.stands_by");
  await expectPaymentsBy(old.payer);

  await stop(old.payer);
  await expectPaymentsBy(now.payer);

  // The way back, in the middle of it.
  const again = cluster.start("payer");
  await again.waitFor(({ event }) => event === "payer.stands_by");
  await stop(now.payer);
  await expectPaymentsBy(again);

  now.payer = startNew("payer");
  for (const worker of [again, old.ingester, old.scheduler]) await stop(worker);
  await settled(cluster);
  await expectEverybodyPaidOnce(cluster);
  for (const worker of Object.values(now)) await stop(worker);
}
