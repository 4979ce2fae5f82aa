import { describe, expect, it } from "vitest";
import type { Cluster } from "@stakebts/testkit/cluster";
import { EXCHANGE } from "@stakebts/testkit/cluster-treasury";
import { MANAGER, withCluster } from "../staking-cluster.ts";

// A wallet that cannot pay what it owes, with the real adapter, a real HTTP exchange and its transfers on the chain.

/** Two agreements of 50 000, of which a manager moves nearly everything to the exchange; then both are stopped. */
async function givenShortWallet(cluster: Cluster): Promise<void> {
  for (const name of ["nominator-1", "nominator-2"]) await cluster.send(name, 50_000n, "twelve_months");
  await cluster.until(async () => (await count(cluster, "agreement")) === 2, "both agreements are open");
  await cluster.send(MANAGER, 1n, '{"type":"bmg_to_bittrex","amount":95000,"api":1}');
  await cluster.until(
    async () => (await count(cluster, "payout WHERE kind = 'deposit' AND status = 'confirmed'")) === 1,
    "the manager's order is carried out",
  );
  for (const name of ["nominator-1", "nominator-2"]) await cluster.send(name, 1n, "stop");
}

const count = async (cluster: Cluster, what: string): Promise<number> =>
  Number((await cluster.query<{ count: string }>(`SELECT count(*) FROM ${what}`))[0]?.count);

const topUps = (cluster: Cluster) =>
  cluster.query<{ key: string; status: string; amount_shares: string }>(
    "SELECT key, status, amount_shares FROM top_up ORDER BY created_at",
  );

/** Both are out with their 42 500, and neither was paid twice. */
async function expectBothPaid(cluster: Cluster): Promise<void> {
  await cluster.until(
    async () => (await count(cluster, "payout WHERE kind = 'stop' AND status = 'confirmed'")) === 2,
    "both have got their money",
  );
  // What is there suffices before the ledger knows all of it to be final.
  await cluster.until(
    async () => (await count(cluster, "top_up WHERE status <> 'arrived'")) === 0,
    "every top-up has arrived",
  );
  const doubled = await cluster.query(
    "SELECT payout_key FROM transfer WHERE direction = 'out' AND payout_key IS NOT NULL GROUP BY 1 HAVING count(*) > 1",
  );
  expect(doubled).toEqual([]);
}

const asked = (cluster: Cluster) => cluster.exchange?.withdrawals() ?? [];

describe("real processes with a wallet that is short", () => {
  it("fetch cover from the exchange once, although its answers are lost and the payer is killed", () =>
    withCluster({ month: "1h", custodianBts: 1_000n, exchangeBts: 1_000_000n }, async (cluster) => {
      const workers = await cluster.startWorkers();
      cluster.exchange?.faults.dropAnswersAfterAccept(1);
      await givenShortWallet(cluster);
      await cluster.until(async () => asked(cluster).length > 0, "the exchange holds a withdrawal");
      workers.payer.kill("SIGKILL");
      await workers.payer.exited;
      workers.payer = cluster.start("payer");
      await expectBothPaid(cluster);
      const requests = await topUps(cluster);
      expect(requests.map(({ status }) => status)).toEqual(requests.map(() => "arrived"));
      // Each request was taken once: the sum of what was asked for is the sum of what the exchange sent.
      const needed = requests.reduce((sum, request) => sum + BigInt(request.amount_shares), 0n);
      const fee = 500_000n;
      expect(asked(cluster).reduce((sum, { quantityShares }) => sum + quantityShares - fee, 0n)).toBe(needed);
      // What came from the exchange is kept, not sent back to it less a fee.
      expect(await count(cluster, `payout WHERE payee = '${EXCHANGE}' AND kind <> 'deposit'`)).toBe(0);
    }));

  it("ask the reserve account first, whose transfer is signed here", () =>
    withCluster(
      { month: "1h", custodianBts: 1_000n, exchangeBts: 1_000_000n, reserveBts: 200_000n, reserveBy: "key" },
      async (cluster) => {
        await cluster.startWorkers();
        await givenShortWallet(cluster);
        await expectBothPaid(cluster);
        const requests = await topUps(cluster);
        expect(requests.every(({ key, status }) => key.startsWith("top-up:0:") && status === "arrived")).toBe(
          true,
        );
        expect(asked(cluster)).toEqual([]);
      },
    ));

  it("draw from a reserve account whose key no process has", () =>
    withCluster(
      { month: "1h", custodianBts: 1_000n, exchangeBts: 0n, reserveBts: 200_000n, reserveBy: "permission" },
      async (cluster) => {
        await cluster.startWorkers();
        await givenShortWallet(cluster);
        await expectBothPaid(cluster);
        const requests = await topUps(cluster);
        expect(requests.map(({ status }) => status)).toEqual(requests.map(() => "arrived"));
        expect(asked(cluster)).toEqual([]);
        // 85 000 are owed and 5 000 were left. The fees of the claims came with them, or there would be no end to it.
        expect(requests.length).toBeLessThanOrEqual(2);
      },
    ));

  it("report what is there and what is owed, and warn before it is due", () =>
    withCluster({ month: "1h", custodianBts: 1_000n, exchangeBts: 700n }, async (cluster) => {
      const workers = await cluster.startWorkers();
      for (const name of ["nominator-1", "nominator-2"]) await cluster.send(name, 25_000n, "three_months");
      await cluster.until(async () => (await count(cluster, "agreement")) === 2, "both agreements are open");
      // The first report comes as soon as there is something to report, also from a payer that was there before the ledger.
      await workers.payer.waitFor(({ event }) => event === "treasury.liabilities");
      workers.payer.kill("SIGTERM");
      expect(await workers.payer.exited).toBe(0);
      const payer = cluster.start("payer");
      await payer.waitFor(({ event }) => event === "treasury.liabilities");
      const [report] = await cluster.query<{ details: Record<string, string> }>(
        "SELECT details FROM receipt WHERE event = 'treasury.balances' ORDER BY id DESC LIMIT 1",
      );
      expect(report?.details).toMatchObject({ exchange1Shares: "69500000" });
      // 62 000 are owed within days of this chain, and 51 697 are there.
      await cluster.until(
        async () => (await count(cluster, "receipt WHERE event IN ('treasury.short', 'treasury.low')")) > 0,
        "a warning is written down",
      );
    }));
});
