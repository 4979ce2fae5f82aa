import { createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import type { PayoutId, PayoutStatus } from "../rules/payout.ts";
import { cancelPayout } from "./cancel-payout.ts";
import { holdPayout } from "./hold-payout.ts";
import { ledgerCaughtUp } from "./ledger-caught-up.ts";
import type { OperatorAction } from "../ledger/operator-action.ts";
import { payPayout } from "../payments/pay-payout.ts";
import { requeuePayout } from "./requeue-payout.ts";
import { switchPayments } from "../limits/switch-payments.ts";
import { DevnetWallet, wifFromSeed } from "@stakebts/devnet";
import { describe, expect, it, vi } from "vitest";
import { CUSTODIAN, inWorld, type World } from "@stakebts/testkit/service-bench";

vi.setConfig({ testTimeout: 60_000 });

let actions = 0;
const act = (reason = "the account exists now"): OperatorAction => ({
  id: `action-${++actions}`,
  actor: "operator-1",
  reason,
});

const caughtUp = (world: World) => ledgerCaughtUp(world, 0);

const requeue = async (world: World, id: PayoutId, verb: "requeue" | "release" = "requeue") =>
  requeuePayout(world, { id, verb, action: act(), ledger: await caughtUp(world) });

const cancel = async (world: World, id: PayoutId) =>
  cancelPayout(world, { id, action: act("paid by hand"), ledger: await caughtUp(world) });

const only = (world: World, kind: string) => {
  const found = [...world.ledger.contents.payouts.values()].filter((payout) => payout.kind === kind);
  if (found[0] === undefined || found.length !== 1) throw new Error(`${found.length} payouts of ${kind}`);
  return found[0];
};

const status = (world: World, id: PayoutId): PayoutStatus | undefined =>
  world.ledger.contents.payouts.get(id)?.status;

const receipts = (world: World, event: string) =>
  world.ledger.contents.receipts.filter((receipt) => receipt.event === event);

/** Blocks that nobody works on, and then the ingester: what was made is final and known. */
async function final(world: World): Promise<void> {
  await world.devnet.produce(8);
  await world.ingest();
}

async function refundOwed(world: World) {
  await world.send("nominator-1", 500, "what is this");
  await final(world);
  await world.fold();
  return only(world, "refund");
}

/** A refund of 450 BTS that is owed and has failed. */
async function failedRefund(world: World) {
  const payout = await refundOwed(world);
  await world.ledger.transaction(async (tx) => {
    await tx.payouts.move(payout.id, ["due"], "ready");
    await tx.payouts.move(payout.id, ["ready"], "failed", { reason: "no funds" });
  });
  return payout;
}

/** A transfer that the custodian makes outside the product. */
async function paidByHand(world: World, amountBts: bigint, memo: string): Promise<void> {
  const wallet = new DevnetWallet({
    url: world.devnet.urls[0] as string,
    name: CUSTODIAN,
    activeKey: wifFromSeed(`${CUSTODIAN}-active`),
    memoKey: wifFromSeed(`${CUSTODIAN}-memo`),
  });
  await wallet.transfer({ to: "nominator-1", amountShares: amountBts * 100_000n, memo });
  wallet.close();
  await world.devnet.produce();
}

describe("requeueing a failed payout", () => {
  it("pays it once, however often it is asked for, with receipts that say who and why", () =>
    inWorld({}, async (world) => {
      const { id, key } = await failedRefund(world);
      expect(await requeue(world, id)).toMatchObject({ result: "done", status: "ready", payout: key });
      expect(await requeue(world, id)).toMatchObject({ result: "unchanged", status: "ready" });
      await world.settle();
      expect(await requeue(world, id)).toMatchObject({ result: "unchanged", status: "confirmed" });
      expect(await world.arrivedAt("nominator-1")).toEqual([450]);
      expect(receipts(world, "payout.requeued")).toEqual([
        expect.objectContaining({
          subject: key,
          details: expect.objectContaining({
            actor: "operator-1",
            reason: "the account exists now",
          }) as unknown,
        }),
      ]);
      await world.expectLedgerMatchesChain();
    }));

  it("many times at once, while two payers pay and it fails again in between, pays it once", () =>
    inWorld({}, async (world) => {
      const { id } = await failedRefund(world);
      const payers = [await world.newPayer(), await world.newPayer()];
      for (let round = 0; round < 12; round++) {
        const ledger = await caughtUp(world);
        await Promise.all([
          ...Array.from({ length: 20 }, () =>
            requeuePayout(world, { id, verb: "requeue", action: act(), ledger }),
          ),
          ...payers.flatMap((payer) => [payPayout(payer, id), payPayout(payer, id)]),
          world.ingest(),
        ]);
        if (round < 3)
          await world.ledger.transaction(async (tx) => {
            if ((await tx.withdrawals.find({ payoutId: id })).length > 0) return;
            await tx.payouts.move(id, ["ready"], "failed", { reason: "again" });
          });
        await world.devnet.produce();
      }
      await world.settle();
      expect(status(world, id)).toBe("confirmed");
      expect(await world.arrivedAt("nominator-1")).toEqual([450]);
      await world.expectLedgerMatchesChain();
    }));

  it("is refused while its withdrawal is alive, and says until when", () =>
    inWorld({}, async (world) => {
      const { id } = await refundOwed(world);
      await world.pay(id);
      const refused = await requeue(world, id);
      expect(refused).toMatchObject({ result: "refused", status: "sent" });
      const [withdrawal] = world.ledger.contents.withdrawals.values();
      expect(refused.message).toContain(withdrawal?.txid);
      expect(refused.todo).toContain("wait");
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([450]);
    }));

  it("confirms it instead, when a transfer with its key is on the chain", () =>
    inWorld({}, async (world) => {
      const payout = await failedRefund(world);
      // The payment is in the ledger, and for some reason nobody put the two together.
      await paidByHand(world, 450n, payout.memo);
      await world.devnet.produce(8);
      const { ledger } = world;
      const transaction = ledger.transaction.bind(ledger);
      const forgetful = vi
        .spyOn(ledger, "transaction")
        .mockImplementation((work) =>
          transaction((tx) => work({ ...tx, payouts: { ...tx.payouts, confirm: () => Promise.resolve(0) } })),
        );
      await world.ingest();
      forgetful.mockRestore();
      expect(status(world, payout.id)).toBe("failed");
      const answer = await requeue(world, payout.id);
      expect(answer).toMatchObject({ result: "done", status: "confirmed" });
      expect(answer.message).toContain("not paid again");
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([450]);
      await world.expectLedgerMatchesChain();
    }));

  it("confirms it instead, when a withdrawal that was declared dead is on the chain", () =>
    inWorld({}, async (world) => {
      const { id } = await refundOwed(world);
      // Its memo is written with a key that the ingester does not have: nothing but the transaction id tells.
      const memos = createMemoWriter({ wif: wifFromSeed(`${CUSTODIAN}-active`) });
      await payPayout({ ...(await world.newPayer()), memos }, id);
      // A wrong verdict, as a lying node could bring about.
      await world.ledger.transaction(async (tx) => {
        for (const { id: withdrawal } of await tx.withdrawals.find({ payoutId: id }))
          await tx.withdrawals.expire(withdrawal);
        await tx.payouts.move(id, ["sent"], "failed", { reason: "wrongly declared dead" });
      });
      await final(world);
      expect((await world.ledger.control.read()).payments.on).toBe(false);
      expect(await requeue(world, id)).toMatchObject({ result: "done", status: "confirmed" });
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([450]);
    }));

  it("is refused while the ledger is behind the chain, and works when it has caught up", () =>
    inWorld({}, async (world) => {
      const { id } = await failedRefund(world);
      await world.devnet.produce(8);
      const refused = await requeue(world, id);
      expect(refused).toMatchObject({ result: "refused", status: "failed" });
      expect(refused.message).toMatch(/behind the chain/u);
      expect(receipts(world, "payout.requeued")).toEqual([]);
      await world.ingest();
      expect(await requeue(world, id)).toMatchObject({ result: "done" });
    }));

  it("is refused when a transfer names it and pays something else, until somebody has looked at that", () =>
    inWorld({}, async (world) => {
      const payout = await failedRefund(world);
      await paidByHand(world, 17n, payout.memo);
      await final(world);
      await world.ledger.transaction((tx) => tx.control.set({ payments: { on: true } }));
      const refused = await requeue(world, payout.id);
      expect(refused).toMatchObject({ result: "refused", status: "failed" });
      const despite = /transfer (\S+) names/u.exec(refused.message)?.[1] as string;
      const request = { id: payout.id, verb: "requeue", action: act() } as const;
      const ledger = await caughtUp(world);
      expect(await requeuePayout(world, { ...request, ledger, despite: "1:0:0" })).toMatchObject({
        result: "refused",
      });
      expect(await requeuePayout(world, { ...request, ledger, despite })).toMatchObject({ result: "done" });
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([17, 450]);
    }));

  it("says what would happen without doing it", () =>
    inWorld({}, async (world) => {
      const { id } = await failedRefund(world);
      const before = world.ledger.contents.receipts.length;
      const request = { id, action: act(), ledger: await caughtUp(world), dryRun: true } as const;
      expect(await requeuePayout(world, { ...request, verb: "requeue" })).toMatchObject({ result: "done" });
      expect(await cancelPayout(world, request)).toMatchObject({ result: "done" });
      expect(status(world, id)).toBe("failed");
      expect(world.ledger.contents.receipts.length).toBe(before);
    }));

  it("knows a payout that does not exist", () =>
    inWorld({}, async (world) => {
      await final(world);
      const id = "00000000-0000-4000-8000-000000000001" as PayoutId;
      expect(await requeue(world, id)).toMatchObject({ result: "refused", status: undefined });
      expect(await cancel(world, id)).toMatchObject({ result: "refused", status: undefined });
    }));
});

describe("holding a payout", () => {
  it("keeps it unpaid until it is released, and then it is paid once", () =>
    inWorld({}, async (world) => {
      const { id } = await refundOwed(world);
      const hold = () => holdPayout(world, { id, action: act("is this right?") });
      expect(await hold()).toMatchObject({ result: "done", status: "held" });
      expect(await hold()).toMatchObject({ result: "unchanged", status: "held" });
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([]);
      expect(await requeue(world, id, "release")).toMatchObject({ result: "done", status: "ready" });
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([450]);
      expect(await hold()).toMatchObject({ result: "refused", status: "confirmed" });
      expect(receipts(world, "payout.held")).toHaveLength(1);
      expect(receipts(world, "payout.released")).toHaveLength(1);
    }));

  it("comes too late once bytes are signed", () =>
    inWorld({}, async (world) => {
      const { id } = await refundOwed(world);
      await world.pay(id);
      expect(await holdPayout(world, { id, action: act() })).toMatchObject({ result: "refused" });
    }));

  it("races with payers: either it is held and nothing is sent, or it is refused and paid", () =>
    inWorld({}, async (world) => {
      const { id } = await refundOwed(world);
      const payer = await world.newPayer();
      const [held] = await Promise.all([
        holdPayout(world, { id, action: act() }),
        payPayout(payer, id),
        payPayout(payer, id),
      ]);
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual(held.result === "done" ? [] : [450]);
    }));
});

describe("cancelling a payout", () => {
  it("is final: nobody pays it, nobody requeues it", () =>
    inWorld({}, async (world) => {
      const { id } = await refundOwed(world);
      expect(await cancel(world, id)).toMatchObject({ result: "done", status: "cancelled" });
      expect(await cancel(world, id)).toMatchObject({ result: "unchanged", status: "cancelled" });
      expect(await requeue(world, id)).toMatchObject({ result: "refused", status: "cancelled" });
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([]);
      expect(receipts(world, "payout.cancelled")).toHaveLength(1);
    }));

  it("is refused while a withdrawal is alive, and once it is paid", () =>
    inWorld({}, async (world) => {
      const { id } = await refundOwed(world);
      await world.pay(id);
      expect(await cancel(world, id)).toMatchObject({ result: "refused", status: "sent" });
      await world.settle();
      expect(await cancel(world, id)).toMatchObject({ result: "refused", status: "confirmed" });
      expect(await world.arrivedAt("nominator-1")).toEqual([450]);
    }));

  it("is refused while the ledger is behind the chain", () =>
    inWorld({}, async (world) => {
      const { id } = await failedRefund(world);
      await world.devnet.produce(8);
      expect(await cancel(world, id)).toMatchObject({ result: "refused", status: "failed" });
    }));

  it("puts the row of a reward back to pending, which does not fall due again and which a stop ends", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-1", 25_000, "three_months");
      await world.settle();
      await world.months(1);
      await final(world);
      await world.fold();
      const reward = only(world, "reward");
      const row = () => world.ledger.contents.rows.get(reward.rows[0]?.id as never)?.status;
      expect(row()).toBe("processing");
      expect(await cancel(world, reward.id)).toMatchObject({ result: "done" });
      expect(row()).toBe("pending");
      await world.settle();
      expect(row()).toBe("pending");
      expect(await world.arrivedAt("nominator-1")).toEqual([1]);
      await world.send("nominator-1", 1, "stop");
      await world.settle();
      expect(row()).toBe("aborted");
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 21_250]);
      await world.expectLedgerMatchesChain();
    }));

  it("and a payment of it that turns up all the same stops payments, and confirms nothing", () =>
    inWorld({}, async (world) => {
      const { id, memo, key } = await refundOwed(world);
      expect(await cancel(world, id)).toMatchObject({ result: "done" });
      await paidByHand(world, 450n, memo);
      await final(world);
      expect(status(world, id)).toBe("cancelled");
      expect((await world.ledger.control.read()).payments).toMatchObject({
        on: false,
        reason: expect.stringContaining(`${key} was cancelled`) as string,
      });
      expect(receipts(world, "payout.confirmed")).toEqual([]);
    }));

  it("opens the agreement again when it was the payment of a stop", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-1", 25_000, "three_months");
      await world.settle();
      await world.send("nominator-1", 1, "stop");
      await final(world);
      await world.fold();
      expect(await cancel(world, only(world, "stop").id)).toMatchObject({ result: "done" });
      await world.months(3);
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 25_000]);
      await world.expectLedgerMatchesChain();
    }));

  it("races with payers: it is cancelled or paid, never both", () =>
    inWorld({}, async (world) => {
      const { id } = await refundOwed(world);
      const ledger = await caughtUp(world);
      const payer = await world.newPayer();
      await Promise.all([
        payPayout(payer, id),
        cancelPayout(world, { id, action: act(), ledger }),
        payPayout(payer, id),
      ]);
      await world.settle();
      const cancelled = status(world, id) === "cancelled";
      expect(await world.arrivedAt("nominator-1")).toEqual(cancelled ? [] : [450]);
      await world.expectLedgerMatchesChain();
    }));
});

describe("the switch for payments", () => {
  it("goes off with a reason, stays as it is when asked twice, and comes back", () =>
    inWorld({}, async (world) => {
      const flip = (on: boolean) => switchPayments(world, { on, action: act("drill") });
      expect(await flip(true)).toEqual({ changed: false, before: { on: true } });
      expect(await flip(false)).toEqual({ changed: true, before: { on: true } });
      expect(await flip(false)).toEqual({ changed: false, before: { on: false, reason: "drill" } });
      await refundOwed(world);
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([]);
      expect(await flip(true)).toMatchObject({ changed: true });
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([450]);
      expect(receipts(world, "payments.switched_off")).toHaveLength(1);
      expect(receipts(world, "payments.switched_on")).toHaveLength(1);
    }));
});
