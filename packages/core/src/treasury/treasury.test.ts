import { letPaymentsGo, stopPayments } from "@stakebts/testkit/stop-payments";
import { bts, shares, SHARES_PER_BTS } from "@stakebts/kernel/amount";
import { topUpMemo, type TopUpKey } from "../rules/top-up.ts";
import { millis } from "@stakebts/kernel/time";
import type { PayoutId } from "../rules/payout.ts";
import { topUpReference } from "../operators/give-up-top-up.ts";
import { MemoryExchange } from "@stakebts/testkit/memory-exchange";
import { describe, expect, it } from "vitest";
import {
  Crash,
  DEPOSIT_MEMO,
  EXCHANGE,
  inCluster,
  MANAGER,
  RESERVE_ACCOUNT,
  type InProcessCluster,
} from "@stakebts/testkit/in-process-cluster";

const venue = (balanceBts: number, options: { repeatable?: boolean } = {}) =>
  new MemoryExchange({ balanceShares: BigInt(balanceBts) * SHARES_PER_BTS, ...options });

const request = (type: string, amount: number, api = 1) => JSON.stringify({ type, amount, api });

/** What the exchange has taken becomes transfers on the chain, as a real one would make them. */
async function payOut(cluster: InProcessCluster, exchange: MemoryExchange, from = EXCHANGE): Promise<void> {
  for (const { state, amountShares, memo } of exchange.withdrawals)
    if (state === "pending") await cluster.send(from, Number(amountShares) / 100_000, memo ?? "");
  exchange.settle();
}

/** Three agreements were stopped, and the wallet has what is left after a manager moved the rest to the exchange. */
async function givenShortWallet(cluster: InProcessCluster): Promise<void> {
  for (const name of ["nominator-1", "nominator-2", "nominator-3"])
    await cluster.send(name, 50_000, "six_months");
  await cluster.settle(3);
  await cluster.send(MANAGER, 1, request("bmg_to_bittrex", 149_000));
  await cluster.settle(6);
  for (const name of ["nominator-1", "nominator-2", "nominator-3"]) await cluster.send(name, 1, "stop");
  await cluster.devnet.produce(4); // All three are final before a process looks: one shortage, and not three.
}
/** 3 × (50 000 − 15 %), plus the minimum balance and fees, less what the wallet still has: see the assertions. */
const OWED = 127_500;

const inShortCluster = (
  options: Parameters<typeof inCluster>[0],
  run: (cluster: InProcessCluster) => Promise<void>,
): Promise<void> =>
  inCluster({ custodianBts: 500n, ...options }, async (cluster) => {
    await givenShortWallet(cluster);
    await run(cluster);
  });

/** A ledger that was restored starts nothing until what it may have forgotten is in a block or dead. */
async function pastRecoveryHold(cluster: InProcessCluster): Promise<void> {
  await cluster.settle(2);
  cluster.devnet.skipTime(600);
  await cluster.settle();
}

/** Transfers that brought funds, of whichever source. */
const deposits = (cluster: InProcessCluster) =>
  [...cluster.ledger.contents.transfers.values()].filter(({ outcome }) => outcome === "treasury_deposit")
    .length;

/** The cover that a payer would write down now, written down. */
async function orderOf(cluster: InProcessCluster, key: "top-up:1:1"): Promise<void> {
  const id = topUpReference(key);
  const order = { kind: "shortage", source: 1, amount: bts(126_106n), memo: topUpMemo(id) } as const;
  await cluster.ledger.transaction((tx) =>
    tx.topUps.insert({ ...order, key: key as TopUpKey, id, requestedMs: millis(Date.now()) }),
  );
}

/** Another payer has found out that the wallet cannot pay it. */
const payingElsewhere = (cluster: InProcessCluster, id: PayoutId) =>
  cluster.ledger.transaction(async (tx) => {
    await tx.payouts.move(id, ["due"], "ready");
    await tx.payouts.move(id, ["ready"], "waiting_funds", {
      reason: "test",
      waitingSinceMs: millis(Date.now()),
    });
  });

const topUps = (cluster: InProcessCluster) =>
  [...cluster.ledger.contents.topUps.values()].map(({ key, status }) => `${key} ${status}`);
const receipts = (cluster: InProcessCluster, event: string) =>
  cluster.ledger.contents.receipts.filter((receipt) => receipt.event === event);
const takenFrom = (...exchanges: MemoryExchange[]) =>
  exchanges
    .flatMap(({ withdrawals }) => withdrawals.map(({ amountShares }) => amountShares))
    .reduce((sum, amount) => sum + amount, 0n);

describe("a short wallet", () => {
  it("is covered once for all payouts that wait, from the exchange, and everybody is paid", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 accepted"]);
      expect(exchange.withdrawals).toHaveLength(1);
      const balance = await cluster.chain.balance(cluster.custodian.id);
      await payOut(cluster, exchange);
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 arrived"]);
      for (const name of ["nominator-1", "nominator-2", "nominator-3"])
        expect(await cluster.arrivedAt(name)).toEqual([1, 42_500]);
      // Asked for was what was missing, to the BTS: what was owed, the minimum that stays, and the fees.
      const left = await cluster.chain.balance(cluster.custodian.id);
      const fees = balance + takenFrom(exchange) - BigInt(OWED) * SHARES_PER_BTS - left;
      expect(left).toBeGreaterThanOrEqual(100n * SHARES_PER_BTS);
      expect(left).toBeLessThan(101n * SHARES_PER_BTS);
      expect(fees).toBeGreaterThan(0n);
      await cluster.expectLedgerMatchesChain();
    });
  });

  it("is covered from several accounts in their order, each asked for what the ones before it lack", () => {
    const [one, two, three] = [venue(100_015), venue(615), venue(1_000_000)];
    return inShortCluster({ exchanges: { 1: one, 2: two, 3: three } }, async (cluster) => {
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 accepted", "top-up:2:1 accepted", "top-up:3:1 accepted"]);
      expect([takenFrom(one), takenFrom(two)]).toEqual([10_000_000_000n, 60_000_000n]);
      for (const each of [one, two, three]) await payOut(cluster, each);
      await cluster.settle();
      for (const name of ["nominator-1", "nominator-2", "nominator-3"])
        expect(await cluster.arrivedAt(name)).toEqual([1, 42_500]);
      await cluster.expectLedgerMatchesChain();
    });
  });

  it("pays whom it can meanwhile, and small debts do not wait behind large ones", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      await cluster.settle();
      await cluster.send("nominator-3", 111, "hello");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-3")).toEqual([1, 61]);
      expect(topUps(cluster)).toEqual(["top-up:1:1 accepted"]);
    });
  });

  it("is not covered while payments are off", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      await stopPayments(cluster.ledger);
      await cluster.settle();
      expect(exchange.withdrawals).toEqual([]);
      await letPaymentsGo(cluster.ledger);
      await cluster.settle();
      expect(exchange.withdrawals).toHaveLength(1);
    });
  });

  it("that nothing can cover is told to a person once, and fails after its time with a notice", () =>
    inShortCluster({ exchanges: { 1: venue(400) } }, async (cluster) => {
      await cluster.settle();
      await cluster.settle();
      expect(receipts(cluster, "top_up.insufficient")).toHaveLength(1);
      cluster.devnet.skipTime(12 * 3_600);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 1]);
      expect(topUps(cluster)).toEqual([]);
    }));

  it("is told of when the money does not come in time, and paid when it does come", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      await cluster.settle();
      cluster.devnet.skipTime(12 * 3_600 + 60);
      await cluster.settle();
      await cluster.settle();
      expect(receipts(cluster, "top_up.overdue")).toHaveLength(1);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 1]);
      await payOut(cluster, exchange);
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 arrived"]);
      expect(exchange.withdrawals).toHaveLength(1);
    });
  });
});

describe("a request to an exchange", () => {
  it("whose answer is lost is asked again under the same id, and taken once", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      exchange.loseAnswers(3);
      await cluster.settle(20);
      expect(topUps(cluster)).toEqual(["top-up:1:1 accepted"]);
      expect(exchange.withdrawals).toHaveLength(1);
    });
  });

  it("that never reached it is asked again until it does", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      exchange.loseRequests(2);
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 accepted"]);
      expect(exchange.withdrawals).toHaveLength(1);
    });
  });

  it("is asked once and then looked for, where the venue does not know its own clients' ids", () => {
    const exchange = venue(1_000_000, { repeatable: false });
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      exchange.loseAnswers(1);
      exchange.failFinds(1); // the look before the first question
      await cluster.settle();
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 accepted"]);
      expect(exchange.withdrawals).toHaveLength(1);
    });
  });

  it("that such a venue has lost is not repeated: a person finds out, and nothing more is asked of it", () => {
    const exchange = venue(1_000_000, { repeatable: false });
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      exchange.loseRequests(1);
      await cluster.settle(60);
      expect(topUps(cluster)).toEqual(["top-up:1:1 unresolved"]);
      expect(receipts(cluster, "top_up.unresolved")).toHaveLength(1);
      expect(exchange.withdrawals).toEqual([]);
    });
  });

  it("that is refused moves nothing; the next source is asked, and the refusing one rests", () => {
    const [one, two] = [venue(1_000_000), venue(1_000_000)];
    return inShortCluster({ exchanges: { 1: one, 2: two } }, async (cluster) => {
      one.refuseNext({ reason: "address_not_allowed", permanent: true });
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 refused", "top-up:2:1 accepted"]);
      expect(receipts(cluster, "top_up.rejected")).toHaveLength(1);
      expect(one.withdrawals).toEqual([]);
    });
  });

  it("that could not be sent at all is asked again, as the same request", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      exchange.refuseNext({ reason: "throttled", permanent: false });
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 accepted"]);
    });
  });

  it("that the venue cancels is over, and another takes its place", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      await cluster.settle();
      exchange.settle("cancelled");
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 cancelled", "top-up:1:2 accepted"]);
      await payOut(cluster, exchange);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 42_500]);
    });
  });

  it("is known by its memo when the money comes from an account that no setting names", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      await cluster.settle();
      await payOut(cluster, exchange, "nominator-3");
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 arrived"]);
      // And is not sent back to an exchange's hot wallet less a fee, as stakeBTS v2.4 did.
      expect(await cluster.arrivedAt("nominator-3")).toEqual([1, 42_500]);
    });
  });

  it("is made once by two payers, of which one does not know that it is over", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      await cluster.settle(8);
      const takenBefore = exchange.withdrawals.length;
      await cluster.newPayer(); // leads from now on
      exchange.settle("cancelled");
      await cluster.settle();
      expect(exchange.withdrawals).toHaveLength(takenBefore);
      cluster.restart();
      await cluster.settle();
      expect(exchange.withdrawals).toHaveLength(takenBefore + 1);
    });
  });

  it("is neither written down nor asked by a payer that is over", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      await cluster.devnet.produce(1);
      await cluster.ingest();
      await cluster.applyEvents();
      await cluster.treasury(); // This payer takes its epoch; nothing waits for funds yet.
      await cluster.newPayer();
      for (const { id, kind, status } of cluster.ledger.contents.payouts.values())
        if (kind === "stop" && status === "due") await payingElsewhere(cluster, id);
      await cluster.treasury();
      expect(topUps(cluster)).toEqual([]);
      await orderOf(cluster, "top-up:1:1");
      await cluster.treasury();
      expect(topUps(cluster)).toEqual(["top-up:1:1 requested"]);
      expect(exchange.withdrawals).toEqual([]);
      cluster.restart();
      await cluster.treasury();
      expect(topUps(cluster)).toEqual(["top-up:1:1 accepted"]);
    });
  });

  it.each([{ repeatable: true }, { repeatable: false }])(
    "is not made again by a ledger that was restored from before it, at a venue that is $repeatable to repeat",
    (options) => restoredFromBefore(venue(1_000_000, options)),
  );

  const restoredFromBefore = (exchange: MemoryExchange) =>
    inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      const backup = cluster.ledger.backup();
      exchange.loseAnswers(1);
      await cluster.settle();
      expect(exchange.withdrawals).toHaveLength(1);
      cluster.ledger.restore(backup);
      cluster.restart();
      await pastRecoveryHold(cluster);
      expect(topUps(cluster)).toEqual(["top-up:1:1 accepted"]);
      await payOut(cluster, exchange);
      await cluster.settle();
      expect(exchange.withdrawals).toHaveLength(1);
      expect(topUps(cluster)).toEqual(["top-up:1:1 arrived"]);
      await cluster.expectLedgerMatchesChain();
    });

  it("that a restored ledger does not know, and whose money is here already, is completed by it", () => {
    const exchange = venue(1_000_000, { repeatable: false });
    return inShortCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      const backup = cluster.ledger.backup();
      await cluster.settle();
      await payOut(cluster, exchange);
      await cluster.devnet.produce(4);
      cluster.ledger.restore(backup);
      cluster.restart();
      cluster.treasuryOn = false;
      await pastRecoveryHold(cluster); // The money is here, and the ledger does not know what for.
      await orderOf(cluster, "top-up:1:1");
      cluster.treasuryOn = true;
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:1:1 arrived"]);
      expect(exchange.withdrawals).toHaveLength(1);
    });
  });
});

describe("the reserve account", () => {
  it("is asked first, with a transfer signed by its own key", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange }, reserveBts: 300_000n }, async (cluster) => {
      await cluster.settle(24);
      expect(topUps(cluster)).toEqual(["top-up:0:1 arrived"]);
      expect(exchange.withdrawals).toEqual([]);
      for (const name of ["nominator-1", "nominator-2", "nominator-3"])
        expect(await cluster.arrivedAt(name)).toEqual([1, 42_500]);
      await cluster.expectLedgerMatchesChain();
    });
  });

  it("sends one transfer, however often a node swallows it", () =>
    inShortCluster({ reserveBts: 300_000n }, async (cluster) => {
      cluster.devnet.nodes[0]?.faults.swallowBroadcasts(3);
      await cluster.settle(24);
      expect(topUps(cluster)).toEqual(["top-up:0:1 arrived"]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("whose transfer no block takes in time signs another, and only the second arrives", () =>
    inShortCluster({ reserveBts: 300_000n }, async (cluster) => {
      cluster.devnet.nodes[0]?.faults.swallowBroadcasts(1_000);
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:0:1 asked"]);
      cluster.devnet.skipTime(600);
      await cluster.settle(8);
      expect(topUps(cluster)).toEqual(["top-up:0:1 cancelled", "top-up:0:2 asked"]);
      cluster.devnet.nodes[0]?.faults.swallowBroadcasts(0);
      await cluster.settle(24);
      expect(topUps(cluster)).toEqual(["top-up:0:1 cancelled", "top-up:0:2 arrived"]);
      for (const name of ["nominator-1", "nominator-2", "nominator-3"])
        expect(await cluster.arrivedAt(name)).toEqual([1, 42_500]);
    }));

  it("that does not suffice is helped out by the exchange", () => {
    const exchange = venue(1_000_000);
    return inShortCluster({ exchanges: { 1: exchange }, reserveBts: 50_000n }, async (cluster) => {
      await cluster.settle();
      await payOut(cluster, exchange);
      await cluster.settle();
      expect(topUps(cluster)).toEqual(["top-up:0:1 arrived", "top-up:1:1 arrived"]);
      for (const name of ["nominator-1", "nominator-2", "nominator-3"])
        expect(await cluster.arrivedAt(name)).toEqual([1, 42_500]);
    });
  });
});

describe("a manager's order", () => {
  it("moves funds to the exchange once, with its deposit memo, also when the ledger is lost and rebuilt", () =>
    inCluster({ adminReplay: true }, async (cluster) => {
      await cluster.send(MANAGER, 1, request("bmg_to_bittrex", 5_000));
      await cluster.settle();
      expect(await cluster.paidOnChain()).toMatchObject([{ to: EXCHANGE, amount: shares(500_000_000n) }]);
      await cluster.expectLedgerMatchesChain();
      cluster.loseLedger();
      await cluster.settle();
      expect(await cluster.paidOnChain()).toHaveLength(1);
      await cluster.expectLedgerMatchesChain();
    }));

  it("is not carried out again by a replay, and is when that is asked for", () => {
    const exchange = venue(100_000);
    const run = (adminReplay: boolean, expected: number) =>
      inCluster({ adminReplay, exchanges: { 1: exchange } }, async (cluster) => {
        await cluster.send(MANAGER, 1, request("bmg_to_bittrex", 5_000));
        await cluster.send(MANAGER, 1, request("bittrex_to_bmg", 7_000));
        await cluster.devnet.produce(110);
        await cluster.settle(2);
        cluster.devnet.skipTime(600); // Past the recovery hold that a ledger so far behind raises.
        await cluster.settle();
        expect(await cluster.paidOnChain()).toHaveLength(expected);
        expect(exchange.withdrawals).toHaveLength(expected);
      });
    return run(false, 0).then(() => run(true, 1));
  });

  it("has the exchange send funds to the custodian, and what arrives completes it", () => {
    const exchange = venue(100_000);
    return inCluster({ exchanges: { 2: exchange } }, async (cluster) => {
      await cluster.send(MANAGER, 1, request("bittrex_to_bmg", 7_000, 2));
      await cluster.settle();
      expect(exchange.withdrawals).toMatchObject([
        { toAccount: "custodian", amountShares: 700_000_000n, memo: "loan_to_bmg" },
      ]);
      await payOut(cluster, exchange);
      await cluster.settle();
      expect(topUps(cluster)).toHaveLength(1);
      expect(topUps(cluster)[0]).toMatch(/^admin:.* arrived$/u);
      expect(await cluster.paidOnChain()).toEqual([]);
    });
  });

  it("for an exchange account that is not set up is recorded with the reason, and moves nothing", () =>
    inCluster({ exchanges: {} }, async (cluster) => {
      await cluster.send(MANAGER, 1, request("bittrex_to_bmg", 7_000, 3));
      await cluster.send(MANAGER, 1, request("bmg_to_bittrex", 7_000, 3));
      await cluster.settle();
      expect(receipts(cluster, "top_up.rejected")[0]?.details["reason"]).toContain("STAKEBTS_EXCHANGE_3_KEY");
      expect(receipts(cluster, "transfer.admin_request")[1]?.details["reason"]).toContain("no deposit memo");
      expect(await cluster.paidOnChain()).toEqual([]);
    }));

  it("that the exchange cannot carry out is told to a person, because no process repeats it", () => {
    const exchange = venue(1_000);
    return inCluster({ exchanges: { 1: exchange } }, async (cluster) => {
      await cluster.send(MANAGER, 1, request("bittrex_to_bmg", 7_000));
      await cluster.settle();
      const [told] = receipts(cluster, "top_up.rejected");
      expect(told?.details["reason"]).toContain("insufficient_funds");
      expect(exchange.withdrawals).toEqual([]);
    });
  });

  it("of funds to the exchange is not paid for with funds from the exchange, and its failure sends no notice", () => {
    const exchange = venue(1_000_000);
    return inCluster({ custodianBts: 500n, exchanges: { 1: exchange } }, async (cluster) => {
      await cluster.send(MANAGER, 1, request("bmg_to_bittrex", 5_000));
      await cluster.settle();
      cluster.devnet.skipTime(12 * 3_600 + 60);
      await cluster.settle();
      expect([...cluster.ledger.contents.payouts.values()].map(({ kind, status }) => [kind, status])).toEqual(
        [["deposit", "failed"]],
      );
      expect(exchange.withdrawals).toEqual([]);
      expect(await cluster.paidOnChain()).toEqual([]);
    });
  });

  it("carries the memo that the exchange credits it by", () =>
    inCluster({}, async (cluster) => {
      await cluster.send(MANAGER, 1, request("bmg_to_bittrex", 5_000));
      await cluster.settle();
      const [deposit] = [...cluster.ledger.contents.payouts.values()];
      expect(deposit).toMatchObject({ kind: "deposit", memo: DEPOSIT_MEMO, status: "confirmed" });
    }));
});

describe("a payer that dies at any moment while the wallet is covered", () => {
  it.each(["exchange", "reserve"] as const)(
    "has the %s asked once, and everybody paid once",
    async (which) => {
      for (let changes = 0, done = false; !done; changes++) {
        const exchange = venue(1_000_000);
        const options = which === "exchange" ? { exchanges: { 1: exchange } } : { reserveBts: 300_000n };
        await inShortCluster(options, async (cluster) => {
          cluster.treasuryOn = false;
          await cluster.settle(6);
          cluster.treasuryOn = true;
          cluster.restart();
          cluster.crashAfterChanges = changes;
          try {
            for (let turn = 0; turn < 3; turn++) await cluster.treasury(); // written down, asked, looked at
            done = true;
          } catch (error) {
            if (!(error instanceof Crash)) throw error;
          }
          cluster.restart();
          await cluster.settle(18);
          if (which === "exchange") {
            await payOut(cluster, exchange);
            await cluster.settle();
            expect(exchange.withdrawals, `crash after ${changes} changes`).toHaveLength(1);
          }
          expect(topUps(cluster)).toEqual([`top-up:${which === "exchange" ? 1 : 0}:1 arrived`]);
          expect(deposits(cluster), `crash after ${changes} changes`).toBe(1);
          for (const name of ["nominator-1", "nominator-2", "nominator-3"])
            expect(await cluster.arrivedAt(name), `crash after ${changes} changes`).toEqual([1, 42_500]);
          await cluster.expectLedgerMatchesChain();
        });
      }
    },
    300_000,
  );
});

it("the reserve's transfers are never sent back", () =>
  inCluster({ reserveBts: 10_000n }, async (cluster) => {
    await cluster.send(RESERVE_ACCOUNT, 500, "anything");
    await cluster.settle();
    expect(await cluster.paidOnChain()).toEqual([]);
  }));
