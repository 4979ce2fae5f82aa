import { describe, expect, it } from "vitest";
import { spawned, stakebtsWith } from "../../apps/cli/test/stakebts.ts";
import { everybodyNominates, expectEverybodyPaidOnce, settled, withCluster } from "../staking-cluster.ts";

const REASON = ["--reason", "the disk was lost"];

describe("a database that is wiped while the whole cluster works", () => {
  it("is rebuilt by one command, and everybody is paid exactly once; the chain and the audit log agree", () =>
    withCluster({}, async (cluster) => {
      const stakebts = stakebtsWith(cluster.commandSettings(), spawned);
      const workers = await cluster.startWorkers();
      await everybodyNominates(cluster);
      // In the middle: some payments are final, some in blocks that can be undone, some signed and nowhere yet.
      await workers.payer.waitFor(
        (line) => line.event === "withdrawal.sent" && JSON.stringify(line).includes("reward"),
      );
      for (const worker of Object.values(workers)) worker.kill("SIGKILL");
      await Promise.all(Object.values(workers).map(({ exited }) => exited));
      await cluster.database.lose();

      const rebuilt = await stakebts("rebuild", "--from", "1", "--yes", ...REASON);
      expect(rebuilt, rebuilt.err).toMatchObject({ code: 0 });
      cluster.start("ingester", { STAKEBTS_REPLAY: "last" });
      cluster.start("scheduler", { STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT: "dls.cipher" });
      cluster.start("payer", { STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT: "dls.cipher" });
      expect(await stakebts("payments", "on", ...REASON)).toMatchObject({ code: 0 });
      await settled(cluster);
      await expectEverybodyPaidOnce(cluster);

      await cluster.until(
        async () => (await cluster.query("SELECT FROM hash_chain_entry")).length > 100,
        "the scheduler hash chain entries receipts",
      );
      const compared = await stakebts("rebuild", "--compare", "--serious");
      expect(compared, compared.out + compared.err).toMatchObject({ code: 0 });
      const verified = await stakebts("audit", "verify");
      expect(verified, verified.out).toMatchObject({ code: 0 });
      expect(verified.out).toContain("rebuild.started");
    }));
});
