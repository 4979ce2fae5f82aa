import { SHARES_PER_BTS } from "@stakebts/kernel/amount";
import { MemoryExchange } from "@stakebts/testkit/memory-exchange";
import { describe, expect, it } from "vitest";
import { Crash, inWorld, MANAGER, RESERVE_ACCOUNT, type World } from "@stakebts/testkit/service-bench";

// The reserve account has let the custodian draw from it: nobody here holds a key of the reserve.

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
const inShortWorld = (terms: Terms, run: (world: World) => Promise<void>): Promise<void> => {
  const { limitBts = 300_000n, periodSeconds = DAY_SECONDS, periods = 30, startsInSeconds } = terms;
  return inWorld(
    {
      custodianBts: 500n,
      reserveBts: terms.reserveBts ?? 300_000n,
      reserveBy: "permission",
      ...(terms.exchange === undefined ? {} : { exchanges: { 1: terms.exchange } }),
    },
    async (world) => {
      for (const name of NOMINATORS) await world.send(name, 50_000, "six_months");
      await world.settle(3);
      await world.send(MANAGER, 1, JSON.stringify({ type: "bmg_to_bittrex", amount: 149_000, api: 1 }));
      await world.settle(6);
      await world.permit({
        limitBts,
        periodSeconds,
        periods,
        ...(startsInSeconds === undefined ? {} : { startsInSeconds }),
      });
      for (const name of NOMINATORS) await world.send(name, 1, "stop");
      await world.devnet.produce(4);
      await run(world);
    },
  );
};

const topUps = (world: World) =>
  [...world.ledger.contents.topUps.values()].map(({ key, status }) => `${key} ${status}`);
const receipts = (world: World, event: string) =>
  world.ledger.contents.receipts.filter((receipt) => receipt.event === event);

/** What operators were told of it, each time. */
const whyShort = (world: World) =>
  receipts(world, "top_up.insufficient").map(({ details }) => details["reason"]);

/** What the custodian has drawn, read from the blocks: BTS of each claim, in chain order. */
async function drawn(world: World): Promise<readonly number[]> {
  const { headBlockNum } = await world.chain.head();
  const blocks = await world.chain.blocks({ from: 1, to: headBlockNum, account: world.custodian.id });
  return blocks
    .flatMap(({ transfers }) => transfers)
    .filter(({ permissionId }) => permissionId !== undefined)
    .map(({ amount }) => Number(amount / SHARES_PER_BTS));
}

async function expectEverybodyPaid(world: World, why = ""): Promise<void> {
  for (const name of NOMINATORS) expect(await world.arrivedAt(name), `${name} ${why}`).toEqual([1, 42_500]);
  await world.expectLedgerMatchesChain();
}

describe("a reserve account that lets the custodian draw", () => {
  it("is drawn from once, before any exchange is asked, for what is missing and for nothing else", () => {
    const exchange = new MemoryExchange({ balanceShares: 1_000_000n * SHARES_PER_BTS });
    return inShortWorld({ exchange }, async (world) => {
      await world.settle(24);
      expect(topUps(world)).toEqual(["top-up:0:1 arrived"]);
      expect(exchange.withdrawals).toEqual([]);
      expect(await drawn(world)).toHaveLength(1);
      await expectEverybodyPaid(world);
      const left = await world.chain.balance(world.custodian.id);
      // The fee of the claim came with it: the minimum is whole, and no more than roundings are above it.
      expect(left).toBeGreaterThanOrEqual(100n * SHARES_PER_BTS);
      expect(left).toBeLessThan(102n * SHARES_PER_BTS);
    });
  });

  it("is drawn from once by a claim that a node swallows again and again", () =>
    inShortWorld({}, async (world) => {
      world.devnet.nodes[0]?.faults.swallowBroadcasts(3);
      await world.settle(24);
      expect(topUps(world)).toEqual(["top-up:0:1 arrived"]);
      expect(await drawn(world)).toHaveLength(1);
      await expectEverybodyPaid(world);
    }));

  it("whose claim no block takes in time is drawn from by another, and only the second arrives", () =>
    inShortWorld({}, async (world) => {
      world.devnet.nodes[0]?.faults.swallowBroadcasts(1_000);
      await world.settle();
      expect(topUps(world)).toEqual(["top-up:0:1 asked"]);
      world.devnet.skipTime(600);
      await world.settle(8);
      expect(topUps(world)).toEqual(["top-up:0:1 cancelled", "top-up:0:2 asked"]);
      world.devnet.nodes[0]?.faults.swallowBroadcasts(0);
      await world.settle(24);
      expect(topUps(world)).toEqual(["top-up:0:1 cancelled", "top-up:0:2 arrived"]);
      expect(await drawn(world)).toHaveLength(1);
      await expectEverybodyPaid(world);
    }));

  it("gives what its limit has left, and the rest in the next periods", () =>
    inShortWorld({ limitBts: 50_000n, periodSeconds: 2 * HOUR_SECONDS }, async (world) => {
      const paid = async () => {
        const all = await Promise.all(NOMINATORS.map((name) => world.arrivedAt(name)));
        return all.filter((amounts) => amounts.includes(42_500)).length;
      };
      for (const period of [1, 2, 3]) {
        await world.settle(24);
        expect(await drawn(world), `period ${period}`).toHaveLength(period);
        expect(await paid()).toBe(period);
        world.devnet.skipTime(2 * HOUR_SECONDS);
      }
      for (const amount of await drawn(world)) expect(amount).toBeLessThanOrEqual(50_000);
      expect(topUps(world)).toEqual(["top-up:0:1 arrived", "top-up:0:2 arrived", "top-up:0:3 arrived"]);
      // The chain was never asked for more than it would give: no claim had to die for that.
      expect(receipts(world, "top_up.cancelled")).toEqual([]);
      await expectEverybodyPaid(world);
    }));

  it("that holds less than its limit gives what it holds", () =>
    inShortWorld({ reserveBts: 43_000n }, async (world) => {
      await world.settle(24);
      const [amount = 0, ...others] = await drawn(world);
      expect(others).toEqual([]);
      expect(amount).toBeLessThan(43_000);
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 42_500]);
    }));

  it("is helped out by the exchange where its limit does not suffice", () => {
    const exchange = new MemoryExchange({ balanceShares: 1_000_000n * SHARES_PER_BTS });
    return inShortWorld({ limitBts: 50_000n, exchange }, async (world) => {
      await world.settle();
      expect(topUps(world)).toEqual(["top-up:0:1 arrived", "top-up:1:1 accepted"]);
      expect(await drawn(world)).toEqual([49_990]);
    });
  });

  it("whose permission has not begun gives nothing until then", () =>
    inShortWorld({ startsInSeconds: HOUR_SECONDS }, async (world) => {
      await world.settle();
      expect(topUps(world)).toEqual([]);
      expect(whyShort(world)).toEqual([
        expect.stringContaining("the reserve account gives nothing at present"),
      ]);
      world.devnet.skipTime(HOUR_SECONDS);
      await world.settle(24);
      expect(topUps(world)).toEqual(["top-up:0:1 arrived"]);
      await expectEverybodyPaid(world);
    }));

  it("whose permission has expired is not asked, and a person is told that cover is short", () =>
    inShortWorld({ periodSeconds: 60, periods: 1 }, async (world) => {
      world.devnet.skipTime(60);
      await world.settle();
      expect(topUps(world)).toEqual([]);
      expect(await drawn(world)).toEqual([]);
      expect(whyShort(world)).toEqual([
        expect.stringContaining("no withdraw permission 1.12.0 on the chain: it has expired, or was revoked"),
      ]);
    }));

  it("that revokes its permission after it was asked lets the claim die; its money is not waited for for ever", () => {
    const exchange = new MemoryExchange({ balanceShares: 1_000_000n * SHARES_PER_BTS });
    return inShortWorld({ exchange }, async (world) => {
      world.devnet.nodes[0]?.faults.swallowBroadcasts(1_000);
      await world.settle(8);
      expect(topUps(world)).toEqual(["top-up:0:1 asked"]);
      world.devnet.nodes[0]?.faults.swallowBroadcasts(0);
      await world
        .wallet(RESERVE_ACCOUNT)
        .deletePermission({ permissionId: "1.12.0", to: world.custodian.name });
      await world.devnet.produce();
      await world.settle();
      expect(topUps(world)).toEqual(["top-up:0:1 asked"]); // refused by the node, which proves nothing
      world.devnet.skipTime(600);
      await world.settle(8);
      expect(topUps(world)).toEqual(["top-up:0:1 cancelled", "top-up:1:1 accepted"]);
      expect(await drawn(world)).toEqual([]);
    });
  });

  it("is drawn from with an empty wallet too: the chain takes the fee out of what comes in", () =>
    inShortWorld({}, async (world) => {
      const wallet = world.wallet(world.custodian.name);
      const balance = await world.chain.balance(world.custodian.id);
      await wallet.transfer({ to: RESERVE_ACCOUNT, amountShares: balance - 88_000n });
      await world.devnet.produce();
      expect(await world.chain.balance(world.custodian.id)).toBeLessThan(2_000n);
      await world.settle(24);
      expect(topUps(world)).toEqual(["top-up:0:1 arrived"]);
      for (const name of NOMINATORS) expect(await world.arrivedAt(name)).toEqual([1, 42_500]);
    }));
});

describe("what the custodian draws by hand", () => {
  it("is a deposit and not sent back, whoever gave it", () =>
    inWorld({ reserveBts: 100_000n, reserveBy: "permission" }, async (world) => {
      await world.wallet("nominator-1").createPermission({
        to: world.custodian.name,
        limitShares: 1_000n * SHARES_PER_BTS,
        periodSeconds: DAY_SECONDS,
        periods: 1,
      });
      await world.devnet.produce();
      await world.wallet(world.custodian.name).claim({
        permissionId: "1.12.0",
        from: "nominator-1",
        amountShares: 500n * SHARES_PER_BTS,
      });
      await world.settle();
      expect(receipts(world, "transfer.treasury_deposit")).toMatchObject([
        { details: { sender: "nominator-1" } },
      ]);
      expect(await world.paidOnChain()).toEqual([]);
    }));

  it("leaves the custodian as an outgoing transfer where another account draws, and settles no payout", () =>
    inWorld({}, async (world) => {
      await world.wallet(world.custodian.name).createPermission({
        to: "nominator-1",
        limitShares: 1_000n * SHARES_PER_BTS,
        periodSeconds: DAY_SECONDS,
        periods: 1,
      });
      await world.devnet.produce();
      await world.wallet("nominator-1").claim({
        permissionId: "1.12.0",
        from: world.custodian.name,
        amountShares: 500n * SHARES_PER_BTS,
      });
      await world.settle();
      expect(receipts(world, "transfer.sent")).toMatchObject([
        { details: { receiver: "nominator-1", feeShares: "0", payout: null } },
      ]);
      expect(receipts(world, "ledger.contradicted")).toEqual([]);
    }));
});

it("a payer that dies at any moment while it draws draws once, and everybody is paid once", async () => {
  for (const when of ["before", "after"] as const)
    for (let call = 1, done = false; !done; call += 1)
      await inShortWorld({}, async (world) => {
        await world.settle(6);
        world.restart();
        world.crashAt = { call, when };
        try {
          await world.treasury();
          await world.treasury();
          done = true;
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
        }
        world.restart();
        await world.settle(18);
        const where = `crash ${when} call ${call}`;
        expect(topUps(world), where).toEqual(["top-up:0:1 arrived"]);
        expect(await drawn(world), where).toHaveLength(1);
        await expectEverybodyPaid(world, where);
      });
}, 300_000);
