import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import type { Cluster } from "@stakebts/testkit/cluster";
import { spawned, stakebtsWith } from "../../apps/cli/test/stakebts.ts";
import { withCluster } from "../staking-cluster.ts";

// A row that the database refuses, for any reason: it used to stop everything, for everybody and in silence.

const BROKEN_ASSUMPTION = 70;

const count = async (cluster: Cluster, what: string): Promise<number> =>
  Number((await cluster.query<{ count: string }>(`SELECT count(*) FROM ${what}`))[0]?.count);

/** A receiver of messages; what it was told, and a wait for the next. */
async function listen() {
  const told: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => {
      told.push(body);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { told, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

describe("a row that the database refuses", () => {
  it("ends the scheduler, tells people within a minute, and keeps no other transfer waiting once it is set aside", () =>
    withCluster({ month: "10h" }, async (cluster) => {
      const { told, server, url } = await listen();
      try {
        cluster.start("ingester");
        cluster.start("payer");
        await cluster.until(async () => (await count(cluster, "chain_cursor")) === 1, "the ledger has begun");
        await cluster.query(
          "ALTER TABLE agreement ADD CONSTRAINT refuses CHECK (nominator <> 'nominator-2')",
        );
        for (const name of ["nominator-1", "nominator-2", "nominator-3"])
          await cluster.send(name, 25_000n, "three_months");
        await cluster.until(async () => (await count(cluster, "transfer")) === 3, "all three are read");
        const startedMs = Date.now();
        const scheduler = cluster.start("scheduler", {
          STAKEBTS_NOTIFY_WEBHOOK_URL: url,
          STAKEBTS_NOTIFY_WEBHOOK_SECRET: `whsec_${"b".repeat(43)}=`,
        });
        expect(await scheduler.exited).toBe(BROKEN_ASSUMPTION);
        await cluster.until(async () => told.some((text) => text.includes("set-aside")), "people are told");
        expect(Date.now() - startedMs).toBeLessThan(60_000);
        const [refused] = await cluster.query<{ at: string }>(
          "SELECT block_num || ':' || trx_in_block || ':' || op_in_trx AS at FROM transfer WHERE sender = 'nominator-2'",
        );
        const at = refused?.at as string;
        expect(told.join()).toContain(`transfer ${at} of nominator-2 cannot be answered`);
        const stakebts = stakebtsWith(cluster.commandSettings(), spawned);
        expect(await stakebts("transfers", "set-aside", at, "--reason", "a drill")).toMatchObject({
          code: 0,
        });
        cluster.start("scheduler");
        const paid = "payout WHERE kind = 'confirm' AND status = 'confirmed'";
        await cluster.until(async () => (await count(cluster, paid)) === 2, "the two others are answered");
        await cluster.query("ALTER TABLE agreement DROP CONSTRAINT refuses");
        expect(await stakebts("transfers", "resume", at, "--reason", "mended")).toMatchObject({ code: 0 });
        await cluster.until(async () => (await count(cluster, paid)) === 3, "all three are answered");
      } finally {
        server.close();
      }
    }));
});
