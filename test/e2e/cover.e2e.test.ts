import { describe, expect, it } from "vitest";
import { EXCHANGE, inTown, MANAGER, type Town } from "@stakebts/testkit/cluster";
import { startAll } from "@stakebts/testkit/workers";

// A wallet that cannot pay what it owes, with the real adapter, a real HTTP exchange and its transfers on the chain.

/** Two agreements of 50 000, of which a manager moves nearly everything to the exchange; then both are stopped. */
async function givenShortWallet(town: Town): Promise<void> {
  for (const name of ["nominator-1", "nominator-2"]) await town.send(name, 50_000n, "twelve_months");
  await town.until(async () => (await count(town, "agreement")) === 2, "both agreements are open");
  await town.send(MANAGER, 1n, '{"type":"bmg_to_bittrex","amount":95000,"api":1}');
  await town.until(
    async () => (await count(town, "payout WHERE kind = 'deposit' AND status = 'confirmed'")) === 1,
    "the manager's order is carried out",
  );
  for (const name of ["nominator-1", "nominator-2"]) await town.send(name, 1n, "stop");
}

const count = async (town: Town, what: string): Promise<number> =>
  Number((await town.query<{ count: string }>(`SELECT count(*) FROM ${what}`))[0]?.count);

const topUps = (town: Town) =>
  town.query<{ key: string; status: string; amount_shares: string }>(
    "SELECT key, status, amount_shares FROM top_up ORDER BY created_at",
  );

/** Both are out with their 42 500, and nobody was paid twice. */
async function expectBothPaid(town: Town): Promise<void> {
  await town.until(
    async () => (await count(town, "payout WHERE kind = 'stop' AND status = 'confirmed'")) === 2,
    "both have got their money",
  );
  const doubled = await town.query(
    "SELECT payout_key FROM transfer WHERE direction = 'out' AND payout_key IS NOT NULL GROUP BY 1 HAVING count(*) > 1",
  );
  expect(doubled).toEqual([]);
}

const asked = (town: Town) => town.exchange?.withdrawals() ?? [];

describe("real processes with a wallet that is short", () => {
  it("fetch cover from the exchange once, although its answers are lost and the payer is killed", () =>
    inTown({ month: "1h", custodianBts: 1_000n, exchangeBts: 1_000_000n }, async (town) => {
      const workers = await startAll(town);
      town.exchange?.faults.dropAnswersAfterAccept(1);
      await givenShortWallet(town);
      await town.until(async () => asked(town).length > 0, "the exchange holds a withdrawal");
      workers.payer.kill("SIGKILL");
      await workers.payer.exited;
      workers.payer = town.cluster.start("payer");
      await expectBothPaid(town);
      const requests = await topUps(town);
      expect(requests.map(({ status }) => status)).toEqual(requests.map(() => "arrived"));
      // Each request was taken once: the sum of what was asked for is the sum of what the exchange sent.
      const needed = requests.reduce((sum, request) => sum + BigInt(request.amount_shares), 0n);
      const fee = 500_000n;
      expect(asked(town).reduce((sum, { quantityShares }) => sum + quantityShares - fee, 0n)).toBe(needed);
      // What came from the exchange is kept, not sent back to it less a fee.
      expect(await count(town, `payout WHERE payee = '${EXCHANGE}' AND kind <> 'deposit'`)).toBe(0);
    }));

  it("ask the reserve account first, whose transfer is signed here", () =>
    inTown(
      { month: "1h", custodianBts: 1_000n, exchangeBts: 1_000_000n, reserveBts: 200_000n },
      async (town) => {
        await startAll(town);
        await givenShortWallet(town);
        await expectBothPaid(town);
        const requests = await topUps(town);
        expect(requests.every(({ key, status }) => key.startsWith("top-up:0:") && status === "arrived")).toBe(
          true,
        );
        expect(asked(town)).toEqual([]);
      },
    ));

  it("draw from a reserve account whose key nobody here has", () =>
    inTown(
      { month: "1h", custodianBts: 1_000n, exchangeBts: 0n, reserveBts: 200_000n, reserveBy: "permission" },
      async (town) => {
        await startAll(town);
        await givenShortWallet(town);
        await expectBothPaid(town);
        const requests = await topUps(town);
        expect(requests.map(({ status }) => status)).toEqual(requests.map(() => "arrived"));
        expect(asked(town)).toEqual([]);
        // 85 000 are owed and 5 000 were left. The fees of the claims came with them, or there would be no end to it.
        expect(requests.length).toBeLessThanOrEqual(2);
      },
    ));

  it("report what is there and what is owed, and warn before it is due", () =>
    inTown({ month: "1h", custodianBts: 1_000n, exchangeBts: 700n }, async (town) => {
      const workers = await startAll(town);
      for (const name of ["nominator-1", "nominator-2"]) await town.send(name, 25_000n, "three_months");
      await town.until(async () => (await count(town, "agreement")) === 2, "both agreements are open");
      // The first report comes as soon as there is something to report, also from a payer that was there before the ledger.
      await workers.payer.waitFor(({ event }) => event === "treasury.liabilities");
      workers.payer.kill("SIGTERM");
      expect(await workers.payer.exited).toBe(0);
      const payer = town.cluster.start("payer");
      await payer.waitFor(({ event }) => event === "treasury.liabilities");
      const [report] = await town.query<{ details: Record<string, string> }>(
        "SELECT details FROM receipt WHERE event = 'treasury.balances' ORDER BY id DESC LIMIT 1",
      );
      expect(report?.details).toMatchObject({ exchange1Shares: "69500000" });
      // 62 000 are owed within days of this chain, and 51 697 are there.
      await town.until(
        async () => (await count(town, "receipt WHERE event IN ('treasury.short', 'treasury.low')")) > 0,
        "a warning is written down",
      );
    }));
});
