import { payPayout } from "@stakebts/testkit/one-payout";
import { letPaymentsGo } from "@stakebts/testkit/stop-payments";
import { createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import type { PayoutId, PayoutStatus } from "../rules/payout.ts";
import { cancelPayout } from "./cancel-payout.ts";
import { holdPayout } from "./hold-payout.ts";
import { ledgerCaughtUp } from "./payment-evidence.ts";
import type { OperatorAction } from "../ledger/operator-action.ts";
import { requeuePayout } from "./requeue-payout.ts";
import { switchPayments } from "../limits/switch-payments.ts";
import { DevnetWallet, wifFromSeed } from "@stakebts/devnet";
import { describe, expect, it, vi } from "vitest";
import { CUSTODIAN, inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";

let actions = 0;
const act = (reason = "the account exists now"): OperatorAction => ({
  id: `action-${++actions}`,
  actor: "operator-1",
  reason,
});

const caughtUp = (cluster: InProcessCluster) => ledgerCaughtUp(cluster, 0);

const requeue = async (cluster: InProcessCluster, id: PayoutId, verb: "requeue" | "release" = "requeue") =>
  requeuePayout(cluster, { id, verb, action: act(), ledger: await caughtUp(cluster) });

const cancel = async (cluster: InProcessCluster, id: PayoutId) =>
  cancelPayout(cluster, { id, action: act("paid by hand"), ledger: await caughtUp(cluster) });

const only = (cluster: InProcessCluster, kind: string) => {
  const found = [...cluster.ledger.contents.payouts.values()].filter((payout) => payout.kind === kind);
  if (found[0] === undefined || found.length !== 1) throw new Error(`${found.length} payouts of ${kind}`);
  return found[0];
};

const status = (cluster: InProcessCluster, id: PayoutId): PayoutStatus | undefined =>
  cluster.ledger.contents.payouts.get(id)?.status;

const receipts = (cluster: InProcessCluster, event: string) =>
  cluster.ledger.contents.receipts.filter((receipt) => receipt.event === event);

/** Makes blocks while no process works, and then lets the ingester read: what was made is final and known. */
async function final(cluster: InProcessCluster): Promise<void> {
  await cluster.devnet.produceUntilFinal(8);
  await cluster.ingest();
}

async function refundOwed(cluster: InProcessCluster) {
  await cluster.send("nominator-1", 500, "what is this");
  await final(cluster);
  await cluster.applyEvents();
  return only(cluster, "refund");
}

/** A refund of 450 BTS that is owed and has failed. */
async function failedRefund(cluster: InProcessCluster) {
  const payout = await refundOwed(cluster);
  await cluster.ledger.transaction(async (tx) => {
    await tx.payouts.move(payout.id, ["due"], "ready");
    await tx.payouts.move(payout.id, ["ready"], "failed", { reason: "no funds" });
  });
  return payout;
}

/** A transfer that the custodian makes outside the product. */
async function paidByHand(cluster: InProcessCluster, amountBts: bigint, memo: string): Promise<void> {
  const wallet = new DevnetWallet({
    url: cluster.devnet.urls[0] as string,
    name: CUSTODIAN,
    activeKey: wifFromSeed(`${CUSTODIAN}-active`),
    memoKey: wifFromSeed(`${CUSTODIAN}-memo`),
  });
  await wallet.transfer({ to: "nominator-1", amountShares: amountBts * 100_000n, memo });
  wallet.close();
  await cluster.devnet.produce();
}

describe("requeueing a failed payout", () => {
  it("pays it once, however often it is asked for, with receipts that say who and why", () =>
    inCluster({}, async (cluster) => {
      const { id, key } = await failedRefund(cluster);
      expect(await requeue(cluster, id)).toMatchObject({ result: "done", status: "ready", payout: key });
      expect(await requeue(cluster, id)).toMatchObject({ result: "unchanged", status: "ready" });
      await cluster.settle();
      expect(await requeue(cluster, id)).toMatchObject({ result: "unchanged", status: "confirmed" });
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
      expect(receipts(cluster, "payout.requeued")).toEqual([
        expect.objectContaining({
          subject: key,
          details: expect.objectContaining({
            actor: "operator-1",
            reason: "the account exists now",
          }) as unknown,
        }),
      ]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("many times at once, while two payers pay and it fails again in between, pays it once", () =>
    inCluster({}, async (cluster) => {
      const { id } = await failedRefund(cluster);
      const payers = [await cluster.newPayer(), await cluster.newPayer()];
      for (let round = 0; round < 12; round++) {
        const ledger = await caughtUp(cluster);
        await Promise.all([
          ...Array.from({ length: 20 }, () =>
            requeuePayout(cluster, { id, verb: "requeue", action: act(), ledger }),
          ),
          ...payers.flatMap((payer) => [payPayout(payer, id), payPayout(payer, id)]),
          cluster.ingest(),
        ]);
        if (round < 3)
          await cluster.ledger.transaction(async (tx) => {
            if ((await tx.withdrawals.find({ payoutId: id })).length > 0) return;
            await tx.payouts.move(id, ["ready"], "failed", { reason: "again" });
          });
        await cluster.devnet.produce();
      }
      await cluster.settle();
      expect(status(cluster, id)).toBe("confirmed");
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("is refused while its withdrawal is alive, and says until when", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundOwed(cluster);
      await cluster.pay(id);
      const refused = await requeue(cluster, id);
      expect(refused).toMatchObject({ result: "refused", status: "sent" });
      const [withdrawal] = cluster.ledger.contents.withdrawals.values();
      expect(refused.message).toContain(withdrawal?.txid);
      expect(refused.todo).toContain("wait");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    }));

  it("confirms it instead, when a transfer with its key is on the chain", () =>
    inCluster({}, async (cluster) => {
      const payout = await failedRefund(cluster);
      // The payment is in the ledger, and for some reason the ingester did not match the two.
      await paidByHand(cluster, 450n, payout.memo);
      await cluster.devnet.produceUntilFinal(8);
      const transaction = cluster.ledger.transaction.bind(cluster.ledger);
      const withoutConfirming = vi.spyOn(cluster.ledger, "transaction");
      withoutConfirming.mockImplementation((work) =>
        transaction((tx) => work({ ...tx, payouts: { ...tx.payouts, confirm: () => Promise.resolve(0) } })),
      );
      await cluster.ingest();
      withoutConfirming.mockRestore();
      expect(status(cluster, payout.id)).toBe("failed");
      const answer = await requeue(cluster, payout.id);
      expect(answer).toMatchObject({ result: "done", status: "confirmed" });
      expect(answer.message).toContain("not paid again");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("confirms it instead, when a withdrawal that was declared dead is on the chain", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundOwed(cluster);
      // Its memo is written with a key that the ingester does not have: nothing but the transaction id tells.
      const memos = createMemoWriter({ wif: wifFromSeed(`${CUSTODIAN}-active`) });
      await payPayout({ ...(await cluster.newPayer()), memos }, id);
      // A wrong verdict, as a lying node could bring about.
      await cluster.ledger.transaction(async (tx) => {
        for (const { id: withdrawal } of await tx.withdrawals.find({ payoutId: id }))
          await tx.withdrawals.expire([withdrawal]);
        await tx.payouts.move(id, ["sent"], "failed", { reason: "wrongly declared dead" });
      });
      await final(cluster);
      expect((await cluster.ledger.control.read()).payments.on).toBe(false);
      expect(await requeue(cluster, id)).toMatchObject({ result: "done", status: "confirmed" });
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    }));

  it("is refused while the ledger is behind the chain, and works when it has caught up", () =>
    inCluster({}, async (cluster) => {
      const { id } = await failedRefund(cluster);
      await cluster.devnet.produceUntilFinal(8);
      const refused = await requeue(cluster, id);
      expect(refused).toMatchObject({ result: "refused", status: "failed" });
      expect(refused.message).toMatch(/behind the chain/u);
      expect(receipts(cluster, "payout.requeued")).toEqual([]);
      await cluster.ingest();
      expect(await requeue(cluster, id)).toMatchObject({ result: "done" });
    }));

  it("is refused when a transfer names it and pays something else, until a person has looked at that", () =>
    inCluster({}, async (cluster) => {
      const payout = await failedRefund(cluster);
      await paidByHand(cluster, 17n, payout.memo);
      await final(cluster);
      await letPaymentsGo(cluster.ledger);
      const refused = await requeue(cluster, payout.id);
      expect(refused).toMatchObject({ result: "refused", status: "failed" });
      const despite = /transfer (\S+) names/u.exec(refused.message)?.[1] as string;
      const request = { id: payout.id, verb: "requeue", action: act() } as const;
      const ledger = await caughtUp(cluster);
      expect(await requeuePayout(cluster, { ...request, ledger, despite: "1:0:0" })).toMatchObject({
        result: "refused",
      });
      expect(await requeuePayout(cluster, { ...request, ledger, despite })).toMatchObject({ result: "done" });
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([17, 450]);
    }));

  it("says what would happen without doing it", () =>
    inCluster({}, async (cluster) => {
      const { id } = await failedRefund(cluster);
      const before = cluster.ledger.contents.receipts.length;
      const request = { id, action: act(), ledger: await caughtUp(cluster), dryRun: true } as const;
      expect(await requeuePayout(cluster, { ...request, verb: "requeue" })).toMatchObject({ result: "done" });
      expect(await cancelPayout(cluster, request)).toMatchObject({ result: "done" });
      expect(status(cluster, id)).toBe("failed");
      expect(cluster.ledger.contents.receipts.length).toBe(before);
    }));

  it("knows a payout that does not exist", () =>
    inCluster({}, async (cluster) => {
      await final(cluster);
      const id = "00000000-0000-4000-8000-000000000001" as PayoutId;
      expect(await requeue(cluster, id)).toMatchObject({ result: "refused", status: undefined });
      expect(await cancel(cluster, id)).toMatchObject({ result: "refused", status: undefined });
    }));
});

describe("holding a payout", () => {
  it("keeps it unpaid until it is released, and then it is paid once", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundOwed(cluster);
      const hold = () => holdPayout(cluster, { id, action: act("is this right?") });
      expect(await hold()).toMatchObject({ result: "done", status: "held" });
      expect(await hold()).toMatchObject({ result: "unchanged", status: "held" });
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
      expect(await requeue(cluster, id, "release")).toMatchObject({ result: "done", status: "ready" });
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
      expect(await hold()).toMatchObject({ result: "refused", status: "confirmed" });
      expect(receipts(cluster, "payout.held")).toHaveLength(1);
      expect(receipts(cluster, "payout.released")).toHaveLength(1);
    }));

  it("comes too late once bytes are signed", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundOwed(cluster);
      await cluster.pay(id);
      expect(await holdPayout(cluster, { id, action: act() })).toMatchObject({ result: "refused" });
    }));

  it("races with payers: either it is held and nothing is sent, or it is refused and paid", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundOwed(cluster);
      const payer = await cluster.newPayer();
      const [held] = await Promise.all([
        holdPayout(cluster, { id, action: act() }),
        payPayout(payer, id),
        payPayout(payer, id),
      ]);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual(held.result === "done" ? [] : [450]);
    }));
});

describe("cancelling a payout", () => {
  it("is final: no payer pays it, no operator requeues it", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundOwed(cluster);
      expect(await cancel(cluster, id)).toMatchObject({ result: "done", status: "cancelled" });
      expect(await cancel(cluster, id)).toMatchObject({ result: "unchanged", status: "cancelled" });
      expect(await requeue(cluster, id)).toMatchObject({ result: "refused", status: "cancelled" });
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
      expect(receipts(cluster, "payout.cancelled")).toHaveLength(1);
    }));

  it("is refused while a withdrawal is alive, and once it is paid", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundOwed(cluster);
      await cluster.pay(id);
      expect(await cancel(cluster, id)).toMatchObject({ result: "refused", status: "sent" });
      await cluster.settle();
      expect(await cancel(cluster, id)).toMatchObject({ result: "refused", status: "confirmed" });
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    }));

  it("is refused while the ledger is behind the chain", () =>
    inCluster({}, async (cluster) => {
      const { id } = await failedRefund(cluster);
      await cluster.devnet.produceUntilFinal(8);
      expect(await cancel(cluster, id)).toMatchObject({ result: "refused", status: "failed" });
    }));

  it("puts the row of a reward back to pending, which does not fall due again and which a stop ends", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.settle();
      await cluster.months(1);
      await final(cluster);
      await cluster.applyEvents();
      const reward = only(cluster, "reward");
      const row = () => cluster.ledger.contents.rows.get(reward.rows[0]?.id as never)?.status;
      expect(row()).toBe("processing");
      expect(await cancel(cluster, reward.id)).toMatchObject({ result: "done" });
      expect(row()).toBe("pending");
      await cluster.settle();
      expect(row()).toBe("pending");
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      await cluster.send("nominator-1", 1, "stop");
      await cluster.settle();
      expect(row()).toBe("aborted");
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 21_250]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("and a payment of it that turns up all the same stops payments, and confirms nothing", () =>
    inCluster({}, async (cluster) => {
      const { id, memo, key } = await refundOwed(cluster);
      expect(await cancel(cluster, id)).toMatchObject({ result: "done" });
      await paidByHand(cluster, 450n, memo);
      await final(cluster);
      expect(status(cluster, id)).toBe("cancelled");
      expect((await cluster.ledger.control.read()).payments).toMatchObject({
        on: false,
        reason: expect.stringContaining(`${key} was cancelled`) as string,
      });
      expect(receipts(cluster, "payout.confirmed")).toEqual([]);
    }));

  it("opens the agreement again when it was the payment of a stop", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.settle();
      await cluster.send("nominator-1", 1, "stop");
      await final(cluster);
      await cluster.applyEvents();
      expect(await cancel(cluster, only(cluster, "stop").id)).toMatchObject({ result: "done" });
      await cluster.months(3);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 25_000]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("races with payers: it is cancelled or paid, never both", () =>
    inCluster({}, async (cluster) => {
      const { id } = await refundOwed(cluster);
      const ledger = await caughtUp(cluster);
      const payer = await cluster.newPayer();
      await Promise.all([
        payPayout(payer, id),
        cancelPayout(cluster, { id, action: act(), ledger }),
        payPayout(payer, id),
      ]);
      await cluster.settle();
      const cancelled = status(cluster, id) === "cancelled";
      expect(await cluster.arrivedAt("nominator-1")).toEqual(cancelled ? [] : [450]);
      await cluster.expectLedgerMatchesChain();
    }));
});

describe("the switch for payments", () => {
  it("goes off with a reason, stays as it is when asked twice, and comes back", () =>
    inCluster({}, async (cluster) => {
      const flip = (on: boolean) => switchPayments(cluster, { on, action: act("drill") });
      expect(await flip(true)).toEqual({ changed: false, before: { on: true } });
      expect(await flip(false)).toEqual({ changed: true, before: { on: true } });
      expect(await flip(false)).toEqual({ changed: false, before: { on: false, reason: "drill" } });
      await refundOwed(cluster);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
      expect(await flip(true)).toMatchObject({ changed: true });
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
      expect(receipts(cluster, "payments.switched_off")).toHaveLength(1);
      expect(receipts(cluster, "payments.switched_on")).toHaveLength(1);
    }));
});
