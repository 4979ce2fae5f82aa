import { letPaymentsGo, stopPayments } from "@stakebts/testkit/stop-payments";
import { ChainError } from "@stakebts/bitshares/chain";
import { payPayout } from "../payments/pay-payout.ts";
import { describe, expect, it } from "vitest";
import { CUSTODIAN, inWorld, type World } from "@stakebts/testkit/service-bench";

/** A refund of 450 BTS that is owed and not yet paid. */
async function refundDue(world: World) {
  await world.send("nominator-1", 500, "what is this");
  await world.devnet.produce(8);
  await world.ingest();
  await world.fold();
  const [payout] = world.ledger.contents.payouts.values();
  if (payout === undefined) throw new Error("nothing is owed");
  return payout;
}

const refundIsPaidOnce = async (world: World): Promise<void> => {
  expect(await world.arrivedAt("nominator-1")).toEqual([450]);
  await world.expectLedgerMatchesChain();
};

const node = (world: World) => {
  const [first] = world.devnet.nodes;
  if (first === undefined) throw new Error("no node");
  return first.faults;
};

const attempts = (world: World) => [...world.ledger.contents.withdrawals.values()].map((w) => w.status);

const PAYMENTS_OFF = [
  { source: "environment", level: "pay-nothing", reason: "STAKEBTS_PAYMENTS is off" },
] as const;

describe("a payment is made once", () => {
  it("when the node takes it and the answer is lost", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      node(world).dropReplyAfterAccept(1);
      await world.pay(id);
      await world.settle();
      expect(attempts(world)).toEqual(["confirmed"]);
      await refundIsPaidOnce(world);
    }));

  it("when the node says yes and loses it: again, with the same bytes", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      node(world).swallowBroadcasts(1);
      await world.pay(id);
      await world.settle();
      expect(attempts(world)).toEqual(["confirmed"]);
      await refundIsPaidOnce(world);
    }));

  it("when it is lost for good: a second attempt only after the first is provably dead", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      node(world).swallowBroadcasts(1_000);
      await world.pay(id);
      await world.settle(5);
      expect(attempts(world)).toEqual(["broadcast"]);
      node(world).swallowBroadcasts(0);
      world.devnet.skipTime(world.policy.expirationMs / 1000);
      await world.devnet.produce();
      // The head is past the expiration. Nothing irreversible is, so nothing may be signed.
      await world.pay(id);
      expect(attempts(world)).toEqual(["broadcast"]);
      await world.settle();
      expect(attempts(world)).toEqual(["expired", "confirmed"]);
      await refundIsPaidOnce(world);
    }));

  it("when the block that held it is on the losing side of a fork", () =>
    inWorld({ devnet: { nodes: 2, witnesses: 7 } }, async (world) => {
      await world.devnet.produce(14);
      await world.ingest();
      const { id } = await refundDue(world);
      await world.devnet.produce(8);
      await world.ingest();
      world.devnet.partition([[0], [1]]);
      await world.pay(id);
      await world.devnet.produce(2, 0);
      expect((await world.chain.head()).headBlockNum).toBeGreaterThan(10);
      await world.devnet.produce(4, 1);
      world.devnet.heal();
      await world.settle(20);
      await refundIsPaidOnce(world);
    }));

  it("when the chain stands still between sending and including", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      await world.pay(id);
      world.clock.advance(86_400_000);
      for (let n = 0; n < 5; n++) await world.work();
      expect(attempts(world)).toEqual(["broadcast"]);
      world.devnet.skipTime(3_600); // The next block is an hour later, and its parent is still before the expiration.
      await world.settle();
      expect(attempts(world)).toEqual(["confirmed"]);
      await refundIsPaidOnce(world);
    }));

  it("when irreversibility stalls for longer than the transaction lives", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      node(world).swallowBroadcasts(1_000);
      await world.pay(id);
      world.devnet.stallIrreversibility(true);
      world.devnet.skipTime(3_600);
      await world.settle(5);
      expect(attempts(world)).toEqual(["broadcast"]);
      node(world).swallowBroadcasts(0);
      world.devnet.stallIrreversibility(false);
      await world.settle();
      expect(attempts(world)).toEqual(["expired", "confirmed"]);
      await refundIsPaidOnce(world);
    }));

  it("when the network fee rises between two payments", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-2", 500, "what is this");
      await world.settle();
      const { id } = await refundDue(world).then(
        () => [...world.ledger.contents.payouts.values()].at(-1) ?? { id: "" as never },
      );
      world.devnet.setTransferFee({ fee: 3_000_000n, pricePerKbyte: 100_000n });
      await world.devnet.produce(2);
      await world.pay(id); // Still with the old fee: refused, and dead in three minutes.
      world.devnet.skipTime(240);
      await world.settle();
      await refundIsPaidOnce(world);
    }));

  it("when the chain asks more than the policy allows, and pays nothing until it does not", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      world.devnet.setTransferFee({ fee: 5_000_000n, pricePerKbyte: 100_000n });
      await world.devnet.produce(2);
      expect(await world.pay(id)).toMatchObject({
        type: "again",
        reason: expect.stringContaining("max_network_fee"),
      });
      world.devnet.setTransferFee({ fee: 3_000_000n, pricePerKbyte: 100_000n });
      await world.devnet.produce(2);
      world.restart();
      await world.settle();
      await refundIsPaidOnce(world);
    }));

  it("when two payers run, and the one that is over learns it before it signs", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      const old = await world.newPayer();
      const current = await world.newPayer();
      expect(await payPayout(old, id)).toEqual({ type: "superseded" });
      expect(await payPayout(current, id)).toMatchObject({ type: "in_flight" });
      // The old one may still send what is signed: the same bytes, which the chain takes once.
      expect(await payPayout(old, id)).toMatchObject({ type: "in_flight", outcome: { type: "duplicate" } });
      await world.settle();
      await refundIsPaidOnce(world);
    }));
});

describe("a nominator without a usable memo key", () => {
  it("is paid all the same, with a memo that we can read", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      const payer = await world.newPayer();
      const [account] = await world.chain.accounts(["nominator-1"]);
      if (account === undefined) throw new Error("no nominator");
      const payees = {
        find: async () => ({ ...account, memoKey: "BTS1111111111111111111111111111111114T1Anm" }),
      };
      await payPayout({ ...payer, payees }, id);
      await world.settle();
      await refundIsPaidOnce(world); // Recognised by the key in its memo.
    }));
});

describe("payments stop and nothing is lost", () => {
  it("while the process has payments off", () =>
    inWorld({}, async (world) => {
      world.frozenHere = () => PAYMENTS_OFF;
      await refundDue(world);
      await world.settle();
      expect(await world.paidOnChain()).toEqual([]);
      world.frozenHere = () => [];
      world.restart();
      await world.settle();
      await refundIsPaidOnce(world);
    }));

  it("while the kill switch is thrown", () =>
    inWorld({}, async (world) => {
      await refundDue(world);
      await stopPayments(world.ledger);
      await world.settle();
      expect(await world.paidOnChain()).toEqual([]);
      await letPaymentsGo(world.ledger);
      await world.settle();
      await refundIsPaidOnce(world);
    }));

  it("while the ledger is behind the chain, because it may not know what is paid", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      await world.devnet.produce(40);
      expect(await world.pay(id)).toMatchObject({ type: "again", reason: expect.stringContaining("behind") });
      await world.ingest();
      // An old copy looks the same, and does not know what was in flight when it was made.
      expect(await world.pay(id)).toMatchObject({
        type: "again",
        reason: expect.stringContaining("signed"),
      });
      await world.passRecoveryHold();
      expect(await world.pay(id)).toMatchObject({ type: "in_flight" });
    }));

  it("when the queue is emptied: forgotten payouts are rung for again", () =>
    inWorld({}, async (world) => {
      await refundDue(world);
      world.queue.flush();
      world.clock.advance(60_000);
      await world.settle();
      await refundIsPaidOnce(world);
    }));

  it("when a node serves another history than the ledger has: payments go off by themselves", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      await world.ledger.transaction(async (tx) => {
        const cursor = await tx.cursor();
        if (cursor === undefined) throw new Error("no cursor");
        await tx.moveCursor(cursor.blockNum, {
          ...cursor,
          blockNum: cursor.blockNum + 1,
          blockId: "f".repeat(40),
        });
      });
      await world.devnet.produce(4);
      await world.ingest();
      expect(await world.ledger.payments()).toMatchObject({ on: false });
      expect(await world.pay(id)).toMatchObject({ type: "again" });
      expect(world.ledger.contents.receipts.some((receipt) => receipt.event === "chain.disagrees")).toBe(
        true,
      );
    }));
});

describe("a short wallet", () => {
  it("lets a payout wait while smaller ones go on, and pays it when funds arrive", () =>
    inWorld({ custodianBts: 200n }, async (world) => {
      await world.send("nominator-1", 25_000, "three_months");
      await world.settle();
      await world.send("nominator-1", 1, "stop"); // 21 250 of 25 199 BTS: can be paid.
      await world.settle();
      await world.send("nominator-2", 25_000, "three_months");
      await world.months(3);
      await world.settle(); // Owes 31 000 and has about 28 900.
      expect(await world.arrivedAt("nominator-2")).toEqual([1, 2_000, 2_000, 2_000]);
      const waiting = [...world.ledger.contents.payouts.values()].filter((p) => p.status === "waiting_funds");
      expect(waiting.map((p) => p.kind)).toEqual(["base"]);
      await world.send("dls.cipher", 10_000, "loan_to_bmg");
      await world.settle();
      expect(await world.arrivedAt("nominator-2")).toEqual([1, 2_000, 2_000, 2_000, 25_000]);
      await world.expectLedgerMatchesChain();
    }));

  it("makes a payout fail after twelve hours, tells the nominator once with 1 BTS, and keeps the minimum balance", () =>
    inWorld({ custodianBts: 200n }, async (world) => {
      await world.send("nominator-1", 25_000, "three_months");
      await world.settle();
      await world.months(3);
      await world.settle();
      for (let hours = 0; hours < 14; hours++) {
        world.devnet.skipTime(3_600);
        await world.settle(2);
      }
      await world.settle(); // Bytes signed before an hour was skipped are dead; those signed now are not.
      const failed = [...world.ledger.contents.payouts.values()].filter((p) => p.status === "failed");
      expect(failed.map((p) => p.kind)).toEqual(["base"]);
      const arrived = await world.arrivedAt("nominator-1");
      expect(arrived).toEqual([1, 1, 2_000, 2_000, 2_000]);
      expect(await world.chain.balance(world.custodian.id)).toBeGreaterThanOrEqual(100n * 100_000n);
      await world.expectLedgerMatchesChain();
    }));
});

describe("money that moves in a way the ledger cannot explain", () => {
  const memoOf = (world: World) => [...world.ledger.contents.payouts.values()][0]?.memo ?? "";
  const sendAsCustodian = (world: World, amountBts: number, to = "nominator-1") =>
    world.send(CUSTODIAN, amountBts, memoOf(world), { to });

  it("switches payments off when a payout is paid a second time by another hand", () =>
    inWorld({}, async (world) => {
      await refundDue(world);
      await world.settle();
      await sendAsCustodian(world, 450);
      await world.settle();
      expect(await world.ledger.payments()).toMatchObject({
        on: false,
        reason: expect.stringContaining("paid before") as string,
      });
    }));

  it("switches payments off when a payment names a payout and pays something else", () =>
    inWorld({}, async (world) => {
      world.frozenHere = () => PAYMENTS_OFF;
      await refundDue(world);
      await sendAsCustodian(world, 451);
      await world.settle();
      expect(await world.ledger.payments()).toMatchObject({ on: false });
      expect([...world.ledger.contents.payouts.values()].map((p) => p.status)).toEqual(["due"]);
    }));

  it("takes a payout as settled that the custodian paid by hand with its key", () =>
    inWorld({}, async (world) => {
      world.frozenHere = () => PAYMENTS_OFF;
      await refundDue(world);
      await sendAsCustodian(world, 450);
      await world.settle();
      world.frozenHere = () => [];
      world.restart();
      await world.settle();
      await refundIsPaidOnce(world);
    }));
});

describe("blocks that were jumped over", () => {
  it("keep a withdrawal undecided until they have been read after all", () =>
    inWorld({}, async (world) => {
      const { id } = await refundDue(world);
      await world.pay(id); // It is included in one of the next blocks, which nobody reads.
      await world.devnet.produce(12);
      world.devnet.skipTime(3_600);
      await world.devnet.produce(6);
      const before = (await world.ledger.cursor())?.blockNum ?? 0;
      await world.startFrom("current");
      await world.settle();
      expect(attempts(world)).toEqual(["broadcast"]);
      expect(world.ledger.contents.receipts.map((r) => r.event)).toContain("withdrawal.unprovable");
      await world.startFrom(before + 1);
      await world.settle();
      expect(attempts(world)).toEqual(["confirmed"]);
      await refundIsPaidOnce(world);
    }));
});

describe("a stop that is found late", () => {
  it("ends what was open when it was sent, and nothing that was opened later", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-1", 25_000, "three_months");
      await world.settle();
      const gap = (await world.ledger.cursor())?.blockNum ?? 0;
      await world.send("nominator-1", 1, "stop");
      await world.devnet.produce(10);
      await world.startFrom("current");
      await world.send("nominator-1", 50_000, "three_months");
      await world.settle();
      // What was paid in the blocks between is not known: nothing is paid until they have been read.
      world.devnet.skipTime(3_600);
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([1]);
      await world.startFrom(gap + 1);
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 1, 21_250]);
      await world.expectLedgerMatchesChain();
    }));
});

describe("a node that does not know an account", () => {
  it("which is in a final block is trouble to be tried again, and nothing is passed over", () =>
    inWorld({}, async (world) => {
      await world.ingest();
      const accounts = world.chain.accounts.bind(world.chain);
      await world.send("nominator-1", 500, "what is this");
      await world.devnet.produce(8);
      const before = await world.ledger.cursor();
      Object.assign(world.chain, { accounts: async (ids: readonly string[]) => ids.map(() => undefined) });
      await expect(world.ingest()).rejects.toThrow(ChainError);
      expect(await world.ledger.cursor()).toEqual(before);
      Object.assign(world.chain, { accounts });
      await world.ingest();
      expect(world.ledger.contents.transfers.size).toBe(1);
    }));
});
