import { payPayout } from "@stakebts/testkit/one-payout";
import { type InProcessCluster, inCluster } from "@stakebts/testkit/in-process-cluster";
import { incoming, operation, refundOf } from "@stakebts/testkit/given";
import { bts, shares } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import { describe, expect, it } from "vitest";
import type { AccountId } from "@stakebts/bitshares/chain";
import { identified } from "../ledger/ids.ts";
import type { NewTransfer } from "../ledger/ledger.ts";
import { payoutKey, payoutMemo } from "../rules/payout.ts";

// With the login of the ingester rows are written that no block holds, or that say otherwise than their block. The scheduler
// believes its own ledger, and writes debts; the payer looks for itself.

const BTS = 100_000n;

/** The transfer that was sent last, as the chain has it. */
async function sent(cluster: InProcessCluster) {
  const { headBlockNum } = await cluster.chain.head();
  const from = Math.max(1, headBlockNum - 3);
  const blocks = await cluster.chain.blocks({ from, to: headBlockNum, account: cluster.custodian.id });
  const [found] = blocks.flatMap(({ blockNum, timeMs, transfers }) =>
    transfers.map(({ trxInBlock, opInTrx, fromId, amount }) => ({
      operation: { blockNum, trxInBlock, opInTrx },
      blockTimeMs: timeMs,
      senderId: fromId,
      amount,
    })),
  );
  if (found === undefined) throw new Error("nothing was sent");
  return found;
}

const write = (cluster: InProcessCluster, change: Partial<NewTransfer>): Promise<unknown> =>
  cluster.ledger.transaction((tx) =>
    tx.transfers.insert([incoming({ sender: "nominator-1", receiver: "custodian", ...change })]),
  );

async function final(cluster: InProcessCluster): Promise<void> {
  await cluster.devnet.produceUntilFinal(8);
  await cluster.ingest();
  await cluster.applyEvents();
}

/** Nothing was signed, payments are off, and the reason says why. */
async function expectRefused(cluster: InProcessCluster, why: string | RegExp): Promise<void> {
  await cluster.settle();
  expect(cluster.ledger.contents.payouts.size).toBeGreaterThan(0);
  expect([...cluster.ledger.contents.withdrawals.values()]).toEqual([]);
  const { payments } = await cluster.ledger.control.read();
  expect(payments).toMatchObject({ on: false, reason: expect.stringMatching(why) as string });
  const alarms = cluster.ledger.contents.receipts.filter(({ event }) => event === "ledger.contradicted");
  expect(alarms).toHaveLength(1);
}

describe("a payer signs nothing for", () => {
  it("a nomination and a stop that are in no block", () =>
    inCluster({}, async (cluster) => {
      await final(cluster);
      const { blockNum } = (await cluster.ledger.cursor.read())!;
      await write(cluster, { operation: operation(blockNum - 2, 7), amount: shares(10_000_000n * BTS) });
      await write(cluster, {
        operation: operation(blockNum - 1, 7),
        memoText: "stop",
        request: { type: "stop" },
        amount: shares(BTS),
      });
      await final(cluster);
      await expectRefused(cluster, /transfer \d+:7:0 is not on the chain/u);
    }));

  it("a cause in a block that is not there yet", () =>
    inCluster({}, async (cluster) => {
      await write(cluster, {
        operation: operation(900_000),
        request: { type: "invalid", reason: "not_json" },
      });
      await final(cluster);
      await expectRefused(cluster, "transfer 900000:0:0 is not on the chain");
    }));

  it("the refund of more than was sent", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 500, "what is this");
      const { operation: at, blockTimeMs, senderId } = await sent(cluster);
      const request = { type: "invalid", reason: "not_json" } as const;
      await write(cluster, {
        operation: at,
        blockTimeMs,
        senderId,
        request,
        amount: shares(8_500_000n * BTS),
      });
      await final(cluster);
      await expectRefused(cluster, /is of 50000000 of 1\.3\.0 on the chain/u);
    }));

  it("the refund to another than the sender", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 500, "what is this");
      const request = { type: "invalid", reason: "not_json" } as const;
      const [other] = await cluster.chain.accounts(["nominator-2"]);
      const forged = { request, sender: "nominator-2", senderId: other?.id as AccountId };
      await write(cluster, { ...(await sent(cluster)), ...forged });
      await final(cluster);
      await expectRefused(cluster, "is by nominator-1 on the chain, and not by nominator-2");
    }));

  it("an agreement that the memo does not ask for", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "what is this");
      await write(cluster, { ...(await sent(cluster)), request: { type: "open", term: "three_months" } });
      await final(cluster);
      await expectRefused(cluster, "asks for something else on the chain");
    }));

  it("a reward of an agreement that begins earlier than its transfer", () =>
    inCluster({ policy: { confirmAgreements: false } }, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      const found = await sent(cluster);
      await write(cluster, { ...found, blockTimeMs: millis(found.blockTimeMs - 31 * 86_400_000) });
      await final(cluster);
      await expectRefused(cluster, "is of another time on the chain");
    }));

  it("a reward by terms that never held, which a scheduler in other hands has written into a real agreement", () =>
    inCluster({}, async (cluster) => {
      const { policy } = cluster;
      const generous = { ...policy, terms: { ...policy.terms, rewardBps: 8_000n }, confirmAgreements: false };
      await cluster.send("nominator-1", 25_000, "three_months");
      cluster.policy = generous;
      await final(cluster);
      cluster.policy = policy;
      await cluster.months(1);
      await expectRefused(cluster, "has terms that never held \\(month 2592000 s, reward 8000");
    }));

  it("a deposit with a memo that a scheduler in other hands has chosen: the exchange would credit another account", () =>
    inCluster({}, async (cluster) => {
      const order = JSON.stringify({ type: "bmg_to_bittrex", amount: 500, api: 1 });
      await cluster.send("dls.cipher", 1, order);
      await final(cluster);
      const { payouts } = cluster.ledger.contents;
      for (const [id, payout] of payouts) payouts.set(id, { ...payout, memo: "the thief's account" });
      await expectRefused(cluster, "its memo is not STAKEBTS_EXCHANGE_1_DEPOSIT_MEMO of the payer");
    }));

  it("nothing else: terms that held before are paid as they were", () =>
    inCluster({ policy: { confirmAgreements: false } }, async (cluster) => {
      const { policy } = cluster;
      await cluster.send("nominator-1", 25_000, "three_months");
      await final(cluster);
      cluster.policy = {
        ...policy,
        terms: { ...policy.terms, rewardBps: 100n },
        earlierTerms: [policy.terms],
      };
      cluster.restart();
      await cluster.months(1);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([2_000]);
    }));

  it("what falls due later, by a ledger whose clock a thief has put forward: a stop could not end it any more", () =>
    inCluster({ policy: { confirmAgreements: false } }, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await final(cluster);
      const cursor = (await cluster.ledger.cursor.read())!;
      const { blockNum } = cursor;
      const next = { from: blockNum + 1, to: blockNum + 1, account: cluster.custodian.id };
      const [block] = await cluster.chain.blocks(next);
      const year = millis(cursor.blockTimeMs + 365 * 86_400_000);
      await cluster.ledger.transaction((tx) =>
        tx.cursor.move(blockNum, { ...cursor, ...block!, blockTimeMs: year }),
      );
      await cluster.applyEvents();
      await cluster.send("nominator-1", 1, "stop");
      await expectRefused(cluster, /falls due at .* by the chain/u);
    }));

  it.each([
    ["the whole principal", ["base_amount"]],
    ["the rewards as well", ["base_amount", "penalty", "reward"]],
  ])("%s for a stop, which a scheduler in other hands has written", (_what, paid) =>
    inCluster({ policy: { confirmAgreements: false } }, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await final(cluster);
      await cluster.send("nominator-1", 1, "stop");
      const stop = await sent(cluster);
      await cluster.devnet.produceUntilFinal(8);
      await cluster.ingest();
      const rows = [...cluster.ledger.contents.rows.values()].filter(({ type }) => paid.includes(type));
      const key = payoutKey.stop(stop.operation);
      const forged = identified({
        key,
        kind: "stop",
        payee: "nominator-1",
        amount: bts(rows.reduce((sum, { amount }) => sum + amount, 0n)),
        memo: payoutMemo("stop", key, {}),
        dueMs: stop.blockTimeMs,
        rows: rows.map(({ id }) => ({ id, settlesAs: "premature" })),
      });
      await cluster.ledger.transaction((tx) => tx.payouts.insert([forged]));
      await cluster.pay(forged.id);
      expect(cluster.ledger.contents.withdrawals.size).toBe(0);
      expect((await cluster.ledger.control.read()).payments).toMatchObject({
        on: false,
        reason: expect.stringContaining("is not what a stop gives back") as string,
      });
    }),
  );

  it("a payout that no transfer of the ledger asked for", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      const at: OperationPosition = (await sent(cluster)).operation;
      await final(cluster);
      await cluster.settle();
      const before = cluster.ledger.contents.withdrawals.size;
      const forged = refundOf(at);
      await cluster.ledger.transaction((tx) => tx.payouts.insert([forged]));
      await cluster.pay(forged.id);
      expect(cluster.ledger.contents.withdrawals.size).toBe(before);
      expect((await cluster.ledger.control.read()).payments).toMatchObject({ on: false });
    }));
});

describe("a payer that is told that its first transaction is dead", () => {
  it("signs no second one before it has seen that by itself: the first is in a block", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 500, "what is this");
      await final(cluster);
      const [payout] = cluster.ledger.contents.payouts.values();
      if (payout === undefined) throw new Error("nothing is owed");
      await cluster.pay(payout.id);
      await cluster.devnet.produce(1);
      // With the ingester's login.
      const lie = () =>
        cluster.ledger.transaction(async (tx) => {
          const [withdrawal] = await tx.withdrawals.find({ payoutId: payout.id });
          await tx.withdrawals.expire([withdrawal!.id]);
          await tx.payouts.move(payout.id, ["signed", "sent"], "ready");
        });
      await lie();
      expect(await cluster.pay(payout.id)).toMatchObject({
        type: "again",
        reason: expect.stringMatching(/may still be taken|is in block/u) as string,
      });
      await cluster.devnet.produce(20);
      expect(await cluster.pay(payout.id)).toMatchObject({
        type: "again",
        reason: expect.stringMatching(/may still be taken|is in block/u) as string,
      });
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    }));
});

describe("a payer that looks for causes", () => {
  it("asks for a block once, and no node for what it has seen", () =>
    inCluster({}, async (cluster) => {
      let asked = 0;
      const blocks = cluster.chain.blocks.bind(cluster.chain);
      await cluster.send("nominator-1", 25_000, "three_months");
      await final(cluster);
      const payer = await cluster.newPayer();
      const { debts } = payer;
      cluster.chain.blocks = (request) => {
        asked++;
        return blocks(request);
      };
      const ids = [...cluster.ledger.contents.payouts.keys()];
      const [debt] = (await cluster.ledger.payouts.debts(ids)).values();
      if (debt === undefined) throw new Error("nothing is owed");
      const head = await cluster.chain.head();
      const at = { upToBlockNum: head.irreversibleBlockNum, finalBlockNum: 0 };
      for (let i = 0; i < 12; i++) expect(await debts.whyNotOwed(debt, at)).toBeUndefined();
      expect(asked).toBe(1);
    }));

  it("pays later while no node can be asked, and stops nothing", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 500, "what is this");
      await final(cluster);
      const [payout] = cluster.ledger.contents.payouts.values();
      if (payout === undefined) throw new Error("nothing is owed");
      const payer = await cluster.newPayer();
      await cluster.devnet.stop();
      await expect(payPayout(payer, payout.id)).rejects.toThrow();
      expect((await cluster.ledger.control.read()).payments).toMatchObject({ on: true });
    }));
});
