import { payPayout } from "@stakebts/testkit/one-payout";
import { letPaymentsGo, stopPayments } from "@stakebts/testkit/stop-payments";
import { ChainError } from "@stakebts/bitshares/chain";
import { describe, expect, it } from "vitest";
import { CUSTODIAN, inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";

/** A refund of 450 BTS that is owed and not yet paid. */
const refundDue = (cluster: InProcessCluster) => cluster.refundDue(8);

const refundIsPaidOnce = async (cluster: InProcessCluster): Promise<void> => {
  expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
  await cluster.expectLedgerMatchesChain();
};

const node = (cluster: InProcessCluster) => {
  const [first] = cluster.devnet.nodes;
  if (first === undefined) throw new Error("no node");
  return first.faults;
};

const attempts = (cluster: InProcessCluster) =>
  [...cluster.ledger.contents.withdrawals.values()].map((w) => w.status);

const PAYMENTS_OFF = [
  { source: "environment", level: "pay-nothing", reason: "STAKEBTS_PAYMENTS is off" },
] as const;

describe("a payment is made once", () => {
  it("when the node takes it and the answer is lost", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      node(cluster).dropReplyAfterAccept(1);
      await cluster.pay(id);
      await cluster.settle();
      expect(attempts(cluster)).toEqual(["confirmed"]);
      await refundIsPaidOnce(cluster);
    }));

  it("when the node says yes and loses it: again, with the same bytes", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      node(cluster).swallowBroadcasts(1);
      await cluster.pay(id);
      await cluster.settle();
      expect(attempts(cluster)).toEqual(["confirmed"]);
      await refundIsPaidOnce(cluster);
    }));

  it("when it is lost for good: a second attempt only after the first is provably dead", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      node(cluster).swallowBroadcasts(1_000);
      await cluster.pay(id);
      await cluster.settle(5);
      expect(attempts(cluster)).toEqual(["broadcast"]);
      node(cluster).swallowBroadcasts(0);
      cluster.devnet.skipTime(cluster.policy.expirationMs / 1000);
      await cluster.devnet.produce();
      // The head is past the expiration. Nothing irreversible is, so nothing may be signed.
      await cluster.pay(id);
      expect(attempts(cluster)).toEqual(["broadcast"]);
      await cluster.settle();
      expect(attempts(cluster)).toEqual(["expired", "confirmed"]);
      await refundIsPaidOnce(cluster);
    }));

  it("when the block that held it is on the losing side of a fork", () =>
    inCluster({ devnet: { nodes: 2, witnesses: 7 } }, async (cluster) => {
      await cluster.devnet.produce(14);
      await cluster.ingest();
      const { id } = await refundDue(cluster);
      await cluster.devnet.produceUntilFinal(8);
      await cluster.ingest();
      cluster.devnet.partition([[0], [1]]);
      await cluster.pay(id);
      await cluster.devnet.produce(2, 0);
      expect((await cluster.chain.head()).headBlockNum).toBeGreaterThan(10);
      await cluster.devnet.produce(4, 1);
      cluster.devnet.heal();
      await cluster.settle(20);
      await refundIsPaidOnce(cluster);
    }));

  it.each(["closing", "refusing"] as const)("when the node limits requests by %s", (by) =>
    inCluster({}, async (cluster) => {
      await refundDue(cluster);
      await cluster.devnet.produce(70);
      node(cluster).limitRequests({ perSecond: 50, by });
      const catchUp = async () => {
        await cluster.ingest().catch((error: unknown) => {
          if (!(error instanceof ChainError)) throw error;
        });
        return cluster.ledger.contents.cursor?.blockNum;
      };
      await expect.poll(catchUp, { timeout: 30_000, interval: 250 }).toBeGreaterThan(70);
      node(cluster).limitRequests(null);
      await cluster.passRecoveryHold(); // It was behind, as an old copy is.
      await cluster.settle();
      await refundIsPaidOnce(cluster);
    }),
  );

  it("when the chain stands still between sending and including", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      await cluster.pay(id);
      cluster.clock.advance(86_400_000);
      for (let n = 0; n < 5; n++) await cluster.work();
      expect(attempts(cluster)).toEqual(["broadcast"]);
      cluster.devnet.skipTime(3_600); // The next block is an hour later, and its parent is still before the expiration.
      await cluster.settle();
      expect(attempts(cluster)).toEqual(["confirmed"]);
      await refundIsPaidOnce(cluster);
    }));

  it("when irreversibility stalls for longer than the transaction lives", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      node(cluster).swallowBroadcasts(1_000);
      await cluster.pay(id);
      cluster.devnet.stallIrreversibility(true);
      cluster.devnet.skipTime(3_600);
      await cluster.settle(5);
      expect(attempts(cluster)).toEqual(["broadcast"]);
      node(cluster).swallowBroadcasts(0);
      cluster.devnet.stallIrreversibility(false);
      await cluster.settle();
      expect(attempts(cluster)).toEqual(["expired", "confirmed"]);
      await refundIsPaidOnce(cluster);
    }));

  it("when the network fee rises between two payments", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-2", 500, "what is this");
      await cluster.settle();
      const { id } = await refundDue(cluster).then(
        () => [...cluster.ledger.contents.payouts.values()].at(-1) ?? { id: "" as never },
      );
      cluster.devnet.setTransferFee({ fee: 3_000_000n, pricePerKbyte: 100_000n });
      await cluster.devnet.produce(2);
      await cluster.pay(id); // Still with the old fee: refused, and dead in three minutes.
      cluster.devnet.skipTime(240);
      await cluster.settle();
      await refundIsPaidOnce(cluster);
    }));

  it("when the chain asks more than the policy allows, and pays nothing until it does not", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      cluster.devnet.setTransferFee({ fee: 5_000_000n, pricePerKbyte: 100_000n });
      await cluster.devnet.produce(2);
      expect(await cluster.pay(id)).toMatchObject({
        type: "again",
        reason: expect.stringContaining("max_network_fee"),
      });
      cluster.devnet.setTransferFee({ fee: 3_000_000n, pricePerKbyte: 100_000n });
      await cluster.devnet.produce(2);
      cluster.restart();
      await cluster.settle();
      await refundIsPaidOnce(cluster);
    }));

  it("when two payers run, and the one that is over learns it before it signs", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      const old = await cluster.newPayer();
      const current = await cluster.newPayer();
      expect(await payPayout(old, id)).toEqual({ type: "superseded" });
      expect(await payPayout(current, id)).toMatchObject({ type: "in_flight" });
      // The old one may still send what is signed: the same bytes, which the chain takes once.
      expect(await payPayout(old, id)).toMatchObject({ type: "in_flight", outcome: { type: "duplicate" } });
      await cluster.settle();
      await refundIsPaidOnce(cluster);
    }));
});

describe("a nominator without a usable memo key", () => {
  it("is paid all the same, with a memo that we can read", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      const payer = await cluster.newPayer();
      const [account] = await cluster.chain.accounts(["nominator-1"]);
      if (account === undefined) throw new Error("no nominator");
      const payees = {
        find: async () =>
          new Map([[account.name, { ...account, memoKey: "BTS1111111111111111111111111111111114T1Anm" }]]),
      };
      await payPayout({ ...payer, payees }, id);
      await cluster.settle();
      await refundIsPaidOnce(cluster); // Recognised by the key in its memo.
    }));
});

describe("payments stop and nothing is lost", () => {
  it("while the process has payments off", () =>
    inCluster({}, async (cluster) => {
      cluster.frozenHere = () => PAYMENTS_OFF;
      await refundDue(cluster);
      await cluster.settle();
      expect(await cluster.paidOnChain()).toEqual([]);
      cluster.frozenHere = () => [];
      cluster.restart();
      await cluster.settle();
      await refundIsPaidOnce(cluster);
    }));

  it("while the kill switch is thrown", () =>
    inCluster({}, async (cluster) => {
      await refundDue(cluster);
      await stopPayments(cluster.ledger);
      await cluster.settle();
      expect(await cluster.paidOnChain()).toEqual([]);
      await letPaymentsGo(cluster.ledger);
      await cluster.settle();
      await refundIsPaidOnce(cluster);
    }));

  it("while the ledger is behind the chain, because it may not know what is paid", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      await cluster.devnet.produce(40);
      expect(await cluster.pay(id)).toMatchObject({
        type: "again",
        reason: expect.stringContaining("behind"),
      });
      await cluster.ingest();
      // An old copy looks the same, and does not know what was in flight when it was made.
      expect(await cluster.pay(id)).toMatchObject({
        type: "again",
        reason: expect.stringContaining("signed"),
      });
      await cluster.passRecoveryHold();
      expect(await cluster.pay(id)).toMatchObject({ type: "in_flight" });
    }));

  it("when the queue is emptied: payouts without a job get one again", () =>
    inCluster({}, async (cluster) => {
      await refundDue(cluster);
      cluster.queue.flush();
      cluster.clock.advance(60_000);
      await cluster.settle();
      await refundIsPaidOnce(cluster);
    }));

  it("when a node serves another history than the ledger has: payments go off by themselves", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      await cluster.ledger.transaction(async (tx) => {
        const cursor = await tx.cursor.read();
        if (cursor === undefined) throw new Error("no cursor");
        await tx.cursor.move(cursor.blockNum, {
          ...cursor,
          blockNum: cursor.blockNum + 1,
          blockId: "f".repeat(40),
        });
      });
      await cluster.devnet.produce(4);
      await cluster.ingest();
      expect((await cluster.ledger.control.read()).payments).toMatchObject({ on: false });
      expect(await cluster.pay(id)).toMatchObject({ type: "again" });
      expect(cluster.ledger.contents.receipts.some((receipt) => receipt.event === "chain.disagrees")).toBe(
        true,
      );
    }));
});

describe("a short wallet", () => {
  it("lets a payout wait while smaller ones go on, and pays it when funds arrive", () =>
    inCluster({ custodianBts: 200n }, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.settle();
      await cluster.send("nominator-1", 1, "stop"); // 21 250 of 25 199 BTS: can be paid.
      await cluster.settle();
      await cluster.send("nominator-2", 25_000, "three_months");
      await cluster.months(3);
      await cluster.settle(); // Owes 31 000 and has about 28 900.
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1, 2_000, 2_000, 2_000]);
      const waiting = [...cluster.ledger.contents.payouts.values()].filter(
        (p) => p.status === "waiting_funds",
      );
      expect(waiting.map((p) => p.kind)).toEqual(["base"]);
      await cluster.send("dls.cipher", 10_000, "loan_to_bmg");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1, 2_000, 2_000, 2_000, 25_000]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("makes a payout fail after twelve hours, tells the nominator once with 1 BTS, and keeps the minimum balance", () =>
    inCluster({ custodianBts: 200n }, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.settle();
      await cluster.months(3);
      await cluster.settle();
      for (let hours = 0; hours < 14; hours++) {
        cluster.devnet.skipTime(3_600);
        await cluster.settle(2);
      }
      await cluster.settle(); // Bytes signed before an hour was skipped are dead; those signed now are not.
      const failed = [...cluster.ledger.contents.payouts.values()].filter((p) => p.status === "failed");
      expect(failed.map((p) => p.kind)).toEqual(["base"]);
      const arrived = await cluster.arrivedAt("nominator-1");
      expect(arrived).toEqual([1, 1, 2_000, 2_000, 2_000]);
      expect(await cluster.chain.balance(cluster.custodian.id)).toBeGreaterThanOrEqual(100n * 100_000n);
      await cluster.expectLedgerMatchesChain();
    }));
});

describe("money that moves in a way the ledger cannot explain", () => {
  const memoOf = (cluster: InProcessCluster) => [...cluster.ledger.contents.payouts.values()][0]?.memo ?? "";
  const sendAsCustodian = (cluster: InProcessCluster, amountBts: number, to = "nominator-1") =>
    cluster.send(CUSTODIAN, amountBts, memoOf(cluster), { to });

  it("switches payments off when a payout is paid a second time by another hand", () =>
    inCluster({}, async (cluster) => {
      await refundDue(cluster);
      await cluster.settle();
      await sendAsCustodian(cluster, 450);
      await cluster.settle();
      expect((await cluster.ledger.control.read()).payments).toMatchObject({
        on: false,
        reason: expect.stringContaining("paid before") as string,
      });
    }));

  it("switches payments off when a payment names a payout and pays something else", () =>
    inCluster({}, async (cluster) => {
      cluster.frozenHere = () => PAYMENTS_OFF;
      await refundDue(cluster);
      await sendAsCustodian(cluster, 451);
      await cluster.settle();
      expect((await cluster.ledger.control.read()).payments).toMatchObject({ on: false });
      expect([...cluster.ledger.contents.payouts.values()].map((p) => p.status)).toEqual(["due"]);
    }));

  it("takes a payout as settled that the custodian paid by hand with its key", () =>
    inCluster({}, async (cluster) => {
      cluster.frozenHere = () => PAYMENTS_OFF;
      await refundDue(cluster);
      await sendAsCustodian(cluster, 450);
      await cluster.settle();
      cluster.frozenHere = () => [];
      cluster.restart();
      await cluster.settle();
      await refundIsPaidOnce(cluster);
    }));
});

describe("blocks that were jumped over", () => {
  it("keep a withdrawal undecided until they have been read after all", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundDue(cluster);
      await cluster.pay(id); // It is included in one of the next blocks, which no ingester reads.
      await cluster.devnet.produce(12);
      cluster.devnet.skipTime(3_600);
      await cluster.devnet.produce(6);
      const before = (await cluster.ledger.cursor.read())?.blockNum ?? 0;
      await cluster.startFrom("current");
      await cluster.settle();
      expect(attempts(cluster)).toEqual(["broadcast"]);
      expect(cluster.ledger.contents.receipts.map((r) => r.event)).toContain("withdrawal.unprovable");
      await cluster.startFrom(before + 1);
      await cluster.settle();
      expect(attempts(cluster)).toEqual(["confirmed"]);
      await refundIsPaidOnce(cluster);
    }));
});

describe("a stop that is found late", () => {
  it("ends what was open when it was sent, and nothing that was opened later", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.settle();
      const gap = (await cluster.ledger.cursor.read())?.blockNum ?? 0;
      await cluster.send("nominator-1", 1, "stop");
      await cluster.devnet.produce(10);
      await cluster.startFrom("current");
      await cluster.send("nominator-1", 50_000, "three_months");
      await cluster.settle();
      // What was paid in the blocks between is not known: nothing is paid until they have been read.
      cluster.devnet.skipTime(3_600);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      await cluster.startFrom(gap + 1);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 1, 21_250]);
      await cluster.expectLedgerMatchesChain();
    }));
});

describe("a node that does not know an account", () => {
  it("which is in a final block is trouble to be tried again, and nothing is passed over", () =>
    inCluster({}, async (cluster) => {
      await cluster.ingest();
      const accounts = cluster.chain.accounts.bind(cluster.chain);
      await cluster.send("nominator-1", 500, "what is this");
      await cluster.devnet.produceUntilFinal(8);
      const before = await cluster.ledger.cursor.read();
      Object.assign(cluster.chain, { accounts: async (ids: readonly string[]) => ids.map(() => undefined) });
      await expect(cluster.ingest()).rejects.toThrow(ChainError);
      expect(await cluster.ledger.cursor.read()).toEqual(before);
      Object.assign(cluster.chain, { accounts });
      await cluster.ingest();
      expect(cluster.ledger.contents.transfers.size).toBe(1);
    }));
});
