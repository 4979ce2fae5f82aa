import { SHARES_PER_BTS } from "@stakebts/kernel/amount";
import { MemoryExchange } from "@stakebts/testkit/memory-exchange";
import { describe, expect, it } from "vitest";
import {
  Crash,
  inCluster,
  MANAGER,
  RESERVE_ACCOUNT,
  type InProcessCluster,
} from "@stakebts/testkit/in-process-cluster";

// The reserve account has let the custodian draw from it: no process here holds a key of the reserve.

const NOMINATORS = ["nominator-1", "nominator-2", "nominator-3"] as const;
const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;

interface Terms {
  readonly limitBts?: bigint;
  readonly periodSeconds?: number;
  readonly periods?: number;
  readonly startsInSeconds?: number;
  readonly reserveBts?: bigint;
  readonly exchange?: MemoryExchange;
}

/** Three agreements of 50 000 were stopped (42 500 each are owed), and a manager has moved the money to the exchange. */
const inShortCluster = (terms: Terms, run: (cluster: InProcessCluster) => Promise<void>): Promise<void> => {
  const { limitBts = 300_000n, periodSeconds = DAY_SECONDS, periods = 30, startsInSeconds } = terms;
  return inCluster(
    {
      custodianBts: 500n,
      reserveBts: terms.reserveBts ?? 300_000n,
      reserveBy: "permission",
      ...(terms.exchange === undefined ? {} : { exchanges: { 1: terms.exchange } }),
    },
    async (cluster) => {
      for (const name of NOMINATORS) await cluster.send(name, 50_000, "six_months");
      await cluster.settle(3);
      await cluster.send(MANAGER, 1, JSON.stringify({ type: "bmg_to_bittrex", amount: 149_000, api: 1 }));
      await cluster.settle(6);
      await cluster.permit({
        limitBts,
        periodSeconds,
        periods,
        ...(startsInSeconds === undefined ? {} : { startsInSeconds }),
      });
      for (const name of NOMINATORS) await cluster.send(name, 1, "stop");
      await cluster.devnet.produce(4);
      await run(cluster);
    },
  );
};

const topUps = (cluster: InProcessCluster) =>
  [...cluster.ledger.contents.topUps.values()].map(({ key, status }) => `${key} ${status}`);
const receipts = (cluster: InProcessCluster, event: string) =>
  cluster.ledger.contents.receipts.filter((receipt) => receipt.event === event);

/** What operators were told of it, each time. */
const whyShort = (cluster: InProcessCluster) =>
  receipts(cluster, "top_up.insufficient").map(({ details }) => details["reason"]);

/** What the custodian has drawn, read from the blocks: BTS of each claim, in chain order. */
async function drawn(cluster: InProcessCluster): Promise<readonly number[]> {
  const { headBlockNum } = await cluster.chain.head();
  const blocks = await cluster.chain.blocks({ from: 1, to: headBlockNum, account: cluster.custodian.id });
  return blocks
    .flatMap(({ transfers }) => transfers)
    .filter(({ permissionId }) => permissionId !== undefined)
    .map(({ amount }) => Number(amount / SHARES_PER_BTS));
}

async function expectEverybodyPaid(cluster: InProcessCluster, why = ""): Promise<void> {
  for (const name of NOMINATORS) expect(await cluster.arrivedAt(name), `${name} ${why}`).toEqual([1, 42_500]);
  await cluster.expectLedgerMatchesChain();
}

describe("a reserve account that lets the custodian draw", () => {
  it("is drawn from once, before any exchange is asked, for what is missing and for nothing else", () => {
    const exchange = new MemoryExchange({ balanceShares: 1_000_000n * SHARES_PER_BTS });
    return inShortCluster({ exchange }, async (cluster) => {
      await cluster.settle(24);
      expect(topUps(cluster)).toEqual(["top-up:0:1 arrived"]);
      expect(exchange.withdrawals).toEqual([]);
      expect(await drawn(cluster)).toHaveLength(1);
      await expectEverybodyPaid(cluster);
      const left = await cluster.chain.balance(cluster.custodian.id);
      // The fee of the claim came with it: the minimum is whole, and no more than roundings are above it.
      expect(left).toBeGreaterThanOrEqual(100n * SHARES_PER_BTS);
      expect(left).toBeLessThan(102n * SHARES_PER_BTS);
    });
  });

  it("is drawn from once by a claim that a node swallows again and again", () =>
    inShortCluster({}, async (cluster) => {
      cluster.devnet.nodes[0]?.faults.swallowBroadcasts(3);
      await cluster.settle(24);
      expect(topUps(cluster)).toEqual(["top-up:0:1 arrived"]);
      expect(await drawn(cluster)).toHaveLength(1);
      await expectEverybodyPaid(cluster);
    }));

  it("whose claim no block takes in time is drawn from by another, and only the second arrives", () =>
    inShortCluster({}, async (cluster) => {
      cluster.devnet.nodes[0]?.faults.swallowBroadcasts(1_000);
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:0:1 asked"]);
      cluster.devnet.skipTime(600);
      await cluster.settle(8);
      expect(topUps(cluster)).toEqual(["top-up:0:1 cancelled", "top-up:0:2 asked"]);
      cluster.devnet.nodes[0]?.faults.swallowBroadcasts(0);
      await cluster.settle(24);
      expect(topUps(cluster)).toEqual(["top-up:0:1 cancelled", "top-up:0:2 arrived"]);
      expect(await drawn(cluster)).toHaveLength(1);
      await expectEverybodyPaid(cluster);
    }));

  it("gives what its limit has left, and the rest in the next periods", () =>
    inShortCluster({ limitBts: 50_000n, periodSeconds: 2 * HOUR_SECONDS }, async (cluster) => {
      const paid = async () => {
        const all = await Promise.all(NOMINATORS.map((name) => cluster.arrivedAt(name)));
        return all.filter((amounts) => amounts.includes(42_500)).length;
      };
      for (const period of [1, 2, 3]) {
        await cluster.settle(24);
        expect(await drawn(cluster), `period ${period}`).toHaveLength(period);
        expect(await paid()).toBe(period);
        cluster.devnet.skipTime(2 * HOUR_SECONDS);
      }
      for (const amount of await drawn(cluster)) expect(amount).toBeLessThanOrEqual(50_000);
      expect(topUps(cluster)).toEqual(["top-up:0:1 arrived", "top-up:0:2 arrived", "top-up:0:3 arrived"]);
      // The chain was never asked for more than it would give: no claim had to die for that.
      expect(receipts(cluster, "top_up.cancelled")).toEqual([]);
      await expectEverybodyPaid(cluster);
    }));

  it("that holds less than its limit gives what it holds", () =>
    inShortCluster({ reserveBts: 43_000n }, async (cluster) => {
      await cluster.settle(24);
      const [amount = 0, ...others] = await drawn(cluster);
      expect(others).toEqual([]);
      expect(amount).toBeLessThan(43_000);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 42_500]);
    }));

  it("is helped out by the exchange where its limit does not suffice", () => {
    const exchange = new MemoryExchange({ balanceShares: 1_000_000n * SHARES_PER_BTS });
    return inShortCluster({ limitBts: 50_000n, exchange }, async (cluster) => {
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:0:1 arrived", "top-up:1:1 accepted"]);
      expect(await drawn(cluster)).toEqual([49_990]);
    });
  });

  it("whose permission has not begun gives nothing until then", () =>
    inShortCluster({ startsInSeconds: HOUR_SECONDS }, async (cluster) => {
      await cluster.settle();
      expect(topUps(cluster)).toEqual([]);
      expect(whyShort(cluster)).toEqual([
        expect.stringContaining("the reserve account gives nothing at present"),
      ]);
      cluster.devnet.skipTime(HOUR_SECONDS);
      await cluster.settle(24);
      expect(topUps(cluster)).toEqual(["top-up:0:1 arrived"]);
      await expectEverybodyPaid(cluster);
    }));

  it("whose permission has expired is not asked, and a person is told that cover is short", () =>
    inShortCluster({ periodSeconds: 60, periods: 1 }, async (cluster) => {
      cluster.devnet.skipTime(60);
      await cluster.settle();
      expect(topUps(cluster)).toEqual([]);
      expect(await drawn(cluster)).toEqual([]);
      expect(whyShort(cluster)).toEqual([
        expect.stringContaining("no withdraw permission 1.12.0 on the chain: it has expired, or was revoked"),
      ]);
    }));

  it("that revokes its permission after it was asked lets the claim die; its money is not waited for for ever", () => {
    const exchange = new MemoryExchange({ balanceShares: 1_000_000n * SHARES_PER_BTS });
    return inShortCluster({ exchange }, async (cluster) => {
      cluster.devnet.nodes[0]?.faults.swallowBroadcasts(1_000);
      await cluster.settle(8);
      expect(topUps(cluster)).toEqual(["top-up:0:1 asked"]);
      cluster.devnet.nodes[0]?.faults.swallowBroadcasts(0);
      await cluster
        .wallet(RESERVE_ACCOUNT)
        .deletePermission({ permissionId: "1.12.0", to: cluster.custodian.name });
      await cluster.devnet.produce();
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:0:1 asked"]); // refused by the node, which proves nothing
      cluster.devnet.skipTime(600);
      await cluster.settle(8);
      expect(topUps(cluster)).toEqual(["top-up:0:1 cancelled", "top-up:1:1 accepted"]);
      expect(await drawn(cluster)).toEqual([]);
    });
  });

  it("is drawn from with an empty wallet too: the chain takes the fee out of what comes in", () =>
    inShortCluster({}, async (cluster) => {
      const wallet = cluster.wallet(cluster.custodian.name);
      const balance = await cluster.chain.balance(cluster.custodian.id);
      await wallet.transfer({ to: RESERVE_ACCOUNT, amountShares: balance - 88_000n });
      await cluster.devnet.produce();
      expect(await cluster.chain.balance(cluster.custodian.id)).toBeLessThan(2_000n);
      await cluster.settle(24);
      expect(topUps(cluster)).toEqual(["top-up:0:1 arrived"]);
      for (const name of NOMINATORS) expect(await cluster.arrivedAt(name)).toEqual([1, 42_500]);
    }));
});

describe("what the custodian draws by hand", () => {
  it("is a deposit and not sent back, from any account", () =>
    inCluster({ reserveBts: 100_000n, reserveBy: "permission" }, async (cluster) => {
      await cluster.wallet("nominator-1").createPermission({
        to: cluster.custodian.name,
        limitShares: 1_000n * SHARES_PER_BTS,
        periodSeconds: DAY_SECONDS,
        periods: 1,
      });
      await cluster.devnet.produce();
      await cluster.wallet(cluster.custodian.name).claim({
        permissionId: "1.12.0",
        from: "nominator-1",
        amountShares: 500n * SHARES_PER_BTS,
      });
      await cluster.settle();
      expect(receipts(cluster, "transfer.treasury_deposit")).toMatchObject([
        { details: { sender: "nominator-1" } },
      ]);
      expect(await cluster.paidOnChain()).toEqual([]);
    }));

  it("leaves the custodian as an outgoing transfer where another account draws, and settles no payout", () =>
    inCluster({}, async (cluster) => {
      await cluster.wallet(cluster.custodian.name).createPermission({
        to: "nominator-1",
        limitShares: 1_000n * SHARES_PER_BTS,
        periodSeconds: DAY_SECONDS,
        periods: 1,
      });
      await cluster.devnet.produce();
      await cluster.wallet("nominator-1").claim({
        permissionId: "1.12.0",
        from: cluster.custodian.name,
        amountShares: 500n * SHARES_PER_BTS,
      });
      await cluster.settle();
      expect(receipts(cluster, "transfer.sent")).toMatchObject([
        { details: { receiver: "nominator-1", feeShares: "0", payout: null } },
      ]);
      expect(receipts(cluster, "ledger.contradicted")).toEqual([]);
    }));
});

it("a payer that dies at any moment while it draws draws once, and everybody is paid once", async () => {
  for (let changes = 0, done = false; !done; changes++)
    await inShortCluster({}, async (cluster) => {
      await cluster.settle(6);
      cluster.restart();
      cluster.crashAfterChanges = changes;
      try {
        await cluster.treasury();
        await cluster.treasury();
        done = true;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
      cluster.restart();
      await cluster.settle(18);
      const where = `crash after ${changes} changes`;
      expect(topUps(cluster), where).toEqual(["top-up:0:1 arrived"]);
      expect(await drawn(cluster), where).toHaveLength(1);
      await expectEverybodyPaid(cluster, where);
    });
}, 300_000);
