import { saveWithdrawal } from "../one-payout.ts";
import assert from "node:assert/strict";
import { bts } from "@stakebts/kernel/amount";
import { NO_LIMITS, type PaymentLimits } from "@stakebts/core/rules/limits";
import { HOUR_MS, millis } from "@stakebts/kernel/time";
import { type IdentifiedPayout, type Ledger, type NewFreeze, whyNotPay } from "@stakebts/core/ledger/ledger";
import type { Freeze } from "@stakebts/core/rules/freeze";
import { agreementWithRows, cursorAt, incoming, operation, refundOf, withdrawalFor } from "../given.ts";
import { passRecoveryHold } from "../pass-recovery-hold.ts";
import { jobForPayout } from "@stakebts/core/ledger/jobs";
import type { LedgerCheck } from "./ledger-check.ts";

// Limits on payments, approvals and freezes. ADR 0019.

const BY = { actor: "operator-1", reason: "test" };

async function given(
  ledger: Ledger,
  limits: Partial<PaymentLimits>,
  ...amounts: readonly bigint[]
): Promise<readonly IdentifiedPayout[]> {
  await passRecoveryHold(ledger);
  const payouts = amounts.map((amount, index) => refundOf(operation(10 + index), { amount: bts(amount) }));
  await ledger.transaction(async (tx) => {
    await tx.cursor.move(undefined, { ...cursorAt(100), scannedFromBlockNum: 1 });
    await tx.payouts.insert(payouts);
    await tx.control.setLimits({ ...NO_LIMITS, ...limits }, BY);
  });
  return payouts;
}

/** The time of the ledger goes on, in blocks of an hour. */
const jobOf = ({ id }: IdentifiedPayout) => jobForPayout(id, "approved");

const hoursLater = (ledger: Ledger, hours: number): Promise<boolean> =>
  ledger.transaction(async (tx) => {
    const cursor = await tx.cursor.read();
    assert.ok(cursor !== undefined);
    const [blockNum, blockTimeMs] = [cursor.blockNum + hours, millis(cursor.blockTimeMs + hours * HOUR_MS)];
    return tx.cursor.move(cursor.blockNum, { ...cursorAt(blockNum), blockTimeMs });
  });

async function payer(ledger: Ledger) {
  const writerEpoch = await ledger.control.startWriterEpoch();
  return (payout: IdentifiedPayout, name: string) =>
    saveWithdrawal(ledger, withdrawalFor(payout, name, { writerEpoch }));
}

const payoutOf = async (ledger: Ledger, { id }: IdentifiedPayout) => {
  const [view] = await ledger.payouts.views([id]);
  assert.ok(view !== undefined);
  return view.payout;
};

export const limitChecks: readonly LedgerCheck[] = [
  {
    name: "the newest limits hold, and without any nothing is limited",
    async run(ledger) {
      assert.deepEqual((await ledger.control.read()).limits, NO_LIMITS);
      const [payout] = await given(ledger, { hourCap: bts(5n), dayCap: bts(7n) }, 450n);
      const limits = { ...NO_LIMITS, paymentCap: bts(1_000n) };
      await ledger.transaction((tx) => tx.control.setLimits(limits, BY));
      assert.deepEqual((await ledger.control.read()).limits, limits);
      assert.deepEqual((await ledger.payouts.views([payout?.id as never]))[0]?.limits, limits);
      assert.equal(await (await payer(ledger))(payout as IdentifiedPayout, "a"), "saved");
    },
  },
  {
    name: "withdrawals that are saved together count one after the other",
    async run(ledger) {
      const payouts = await given(ledger, { hourCap: bts(1_000n) }, 450n, 450n, 450n);
      const writerEpoch = await ledger.control.startWriterEpoch();
      const together = payouts.map((payout, i) => withdrawalFor(payout, `w${i}`, { writerEpoch }));
      assert.deepEqual(await ledger.withdrawals.save(together), ["saved", "saved", "payments_off"]);
    },
  },
  {
    name: "a payment above the cap is held, of which there is one receipt, and an approval lets it go, for every attempt",
    async run(ledger) {
      const [large] = await given(ledger, { paymentCap: bts(449n) }, 450n);
      assert.ok(large !== undefined);
      const save = await payer(ledger);
      assert.equal(await save(large, "a"), "payout_moved");
      assert.equal(await save(large, "b"), "payout_moved");
      const { status, limitedBy, reason } = await payoutOf(ledger, large);
      assert.deepEqual([status, limitedBy], ["held", "payment_cap"]);
      assert.match(reason ?? "", /more than the cap of 449 BTS for one payment/);
      const approval = { payee: large.payee, amount: large.amount, approver: "b", reason: "known" };
      await ledger.transaction(async (tx) => {
        assert.equal(await tx.approvals.add(large.id, approval), true);
        assert.equal(await tx.approvals.add(large.id, approval), false);
        assert.deepEqual((await tx.approvals.of(large)).given, [approval]);
        assert.equal(await tx.approvals.release(large.id, jobOf(large)), true);
        assert.equal(await tx.approvals.release(large.id, jobOf(large)), false);
      });
      assert.equal((await payoutOf(ledger, large)).limitedBy, undefined);
      assert.equal(await save(large, "c"), "saved");
      await ledger.transaction(async (tx) => {
        const [attempt] = await tx.withdrawals.find({ payoutId: large.id });
        assert.ok(attempt !== undefined && (await tx.withdrawals.expire([attempt.id])) === 1);
        await tx.payouts.move(large.id, ["signed"], "ready");
      });
      assert.equal(await save(large, "d"), "saved");
    },
  },
  {
    name: "an approval of another amount or payee lets nothing go",
    async run(ledger) {
      const [large] = await given(ledger, { approvalFrom: bts(450n) }, 450n);
      assert.ok(large !== undefined);
      await ledger.transaction(async (tx) => {
        const approval = { payee: large.payee, amount: bts(449n), approver: "b", reason: "known" };
        await tx.approvals.add(large.id, approval);
        await tx.approvals.add(large.id, { ...approval, approver: "c", payee: "else", amount: large.amount });
      });
      assert.equal(await ledger.payouts.applyLimits(large.id), "held");
      assert.equal((await payoutOf(ledger, large)).limitedBy, "approval");
    },
  },
  {
    name: "who gave it to the payer does not approve it",
    async run(ledger) {
      const [large] = await given(ledger, { approvalFrom: bts(450n) }, 450n);
      assert.ok(large !== undefined);
      const details = { actor: "Operator-1", reason: "again" };
      await ledger.transaction(async (tx) => {
        await tx.payouts.move(large.id, ["due"], "held", { reason: "strange" });
        const [payout] = await tx.payouts.find({ ids: [large.id] });
        assert.ok(payout !== undefined);
        const receipt = { event: "payout.requeued", subject: large.key, details };
        assert.equal(
          await tx.payouts.requeue({ payout, job: jobOf(large), receipt, despite: undefined }),
          true,
        );
        // Every process may write a receipt, and it says nothing of who asked.
        await tx.receipts.add([{ ...receipt, details: { actor: "operator-2", reason: "x" } }]);
      });
      const approval = { payee: large.payee, amount: large.amount, reason: "known" };
      await ledger.transaction(async (tx) => {
        assert.deepEqual((await tx.approvals.of(large)).requesters, ["Operator-1"]);
        await tx.approvals.add(large.id, { ...approval, approver: "operator-1" });
      });
      assert.equal(await ledger.payouts.applyLimits(large.id), "held");
      assert.equal(await ledger.transaction((tx) => tx.approvals.release(large.id, jobOf(large))), false);
      await ledger.transaction(async (tx) => {
        await tx.approvals.add(large.id, { ...approval, approver: "operator-2" });
        assert.equal(await tx.approvals.release(large.id, jobOf(large)), true);
      });
      assert.equal(await ledger.payouts.applyLimits(large.id), "go");
    },
  },
  {
    name: "an hour that is full makes payments wait in their order, and has room again an hour later",
    async run(ledger) {
      const [first, second, small] = await given(ledger, { hourCap: bts(700n) }, 400n, 400n, 1n);
      assert.ok(first !== undefined && second !== undefined && small !== undefined);
      const save = await payer(ledger);
      assert.equal(await save(first, "a"), "saved");
      assert.equal(await save(second, "b"), "payments_off");
      const waiting = await payoutOf(ledger, second);
      assert.deepEqual([waiting.status, waiting.limitedBy], ["due", "hour_cap"]);
      assert.match(waiting.reason ?? "", /the cap of 700 BTS per hour leaves no room for it yet/);
      assert.equal(await save(small, "c"), "payments_off", "it fits, and fell due later");
      await hoursLater(ledger, 1);
      assert.equal(await save(small, "d"), "payments_off", "the older one goes first");
      assert.equal(await save(second, "e"), "saved");
      assert.equal((await payoutOf(ledger, second)).limitedBy, undefined);
      assert.equal(await save(small, "f"), "saved");
    },
  },
  {
    name: "an attempt that died leaves its room in the window, and what is alive keeps it however often it is sent",
    async run(ledger) {
      const [first, second] = await given(ledger, { dayCap: bts(700n) }, 400n, 400n);
      assert.ok(first !== undefined && second !== undefined);
      const save = await payer(ledger);
      assert.equal(await save(first, "a"), "saved");
      const live = (await ledger.payouts.views([first.id]))[0]?.live;
      assert.ok(live !== undefined);
      await ledger.withdrawals.markSent([live]);
      await ledger.withdrawals.markSent([live]);
      await hoursLater(ledger, 23);
      assert.equal(await save(second, "b"), "payments_off");
      await ledger.transaction(async (tx) => {
        await tx.withdrawals.expire([live.id]);
        await tx.payouts.move(first.id, ["sent"], "ready");
      });
      assert.equal(await save(first, "c"), "saved");
      await hoursLater(ledger, 2);
      assert.equal(await save(second, "d"), "payments_off", "the second attempt was signed two hours ago");
      await hoursLater(ledger, 22);
      assert.equal(await save(second, "e"), "saved");
    },
  },
  {
    name: "a payment that waits for funds takes no room from others",
    async run(ledger) {
      const [first, second, small] = await given(ledger, { hourCap: bts(700n) }, 400n, 400n, 1n);
      assert.ok(first !== undefined && second !== undefined && small !== undefined);
      const save = await payer(ledger);
      await save(first, "a");
      assert.equal(await ledger.payouts.applyLimits(second.id), "later");
      await ledger.transaction(async (tx) => {
        await tx.payouts.move(second.id, ["due"], "ready");
        await tx.payouts.move(second.id, ["ready"], "waiting_funds", {
          reason: "short",
          waitingSinceMs: millis(1),
        });
      });
      assert.equal(await save(small, "b"), "saved");
      assert.equal(await ledger.payouts.applyLimits(second.id), "later");
      assert.equal((await payoutOf(ledger, second)).status, "ready");
    },
  },
  {
    name: "of several freezes each stops what it says, no matter who has added it, until it is ended",
    async run(ledger) {
      const [payout] = await given(ledger, {}, 450n);
      assert.ok(payout !== undefined);
      const writerEpoch = await ledger.control.startWriterEpoch();
      const why = () =>
        ledger.transaction((tx) => tx.control.lock().then((control) => whyNotPay(control, writerEpoch)));
      const save = (name: string) => saveWithdrawal(ledger, withdrawalFor(payout, name, { writerEpoch }));
      const add = (freeze: NewFreeze) => ledger.transaction((tx) => tx.control.addFreeze(freeze));
      const end = { actor: "b", reason: "looked" };
      const found = async () =>
        (await ledger.control.read()).freezes.map(({ source, level, process, reason }) => [
          source,
          level,
          process,
          reason,
        ]);
      const noMore = { source: "operator", level: "accept-nothing", reason: "no more" } as const;
      assert.equal(await add(noMore), true);
      assert.equal(await add(noMore), false);
      assert.equal(await why(), undefined);
      assert.deepEqual((await ledger.control.read()).payments, { on: true });
      for (const level of ["pay-nothing", "all"] as const) {
        await add({ source: "manager", level, reason: "stop it" });
        assert.deepEqual((await ledger.control.read()).payments, { on: false, reason: "stop it" });
        assert.equal(await why(), "payments_off");
        assert.equal(await save("a"), "payments_off");
      }
      await add({ source: "process", process: "watcher", level: "pay-nothing", reason: "a spend" });
      assert.deepEqual(await found(), [
        ["operator", "accept-nothing", undefined, "no more"],
        ["manager", "pay-nothing", undefined, "stop it"],
        ["manager", "all", undefined, "stop it"],
        ["process", "pay-nothing", "watcher", "a spend"],
      ]);
      const [, weak, strong, spend] = (await ledger.control.read()).freezes;
      assert.ok(weak !== undefined && strong !== undefined && spend !== undefined);
      assert.equal(await ledger.transaction((tx) => tx.control.endFreeze(weak.id, end)), true);
      assert.equal(await ledger.transaction((tx) => tx.control.endFreeze(weak.id, end)), false);
      assert.equal(await save("a"), "payments_off");
      const still = "accept-nothing";
      assert.equal(
        await ledger.transaction((tx) => tx.control.endFreeze(strong.id, { ...end, still })),
        true,
      );
      assert.equal(await save("a"), "payments_off");
      assert.equal(await ledger.transaction((tx) => tx.control.endFreeze(spend.id, end)), true);
      assert.deepEqual(await found(), [
        ["operator", "accept-nothing", undefined, "no more"],
        ["manager", "accept-nothing", undefined, "stop it"],
      ]);
      for (const wrong of ["all", "pay-nothing"] as const)
        await assert.rejects(
          ledger.transaction(async (tx) => {
            const [first] = (await tx.control.read()).freezes;
            assert.ok(first !== undefined);
            await tx.control.endFreeze(first.id, { ...end, still: wrong });
          }),
        );
      assert.equal(await save("b"), "saved");
    },
  },
  {
    name: "what a process reports of its environment and file is told to others, and stops nothing here",
    async run(ledger) {
      const [payout] = await given(ledger, {}, 450n);
      assert.ok(payout !== undefined);
      const writerEpoch = await ledger.control.startWriterEpoch();
      const file = { source: "file", level: "all", reason: "it is there" } as const;
      const report = (process: string, ...found: Freeze[]) =>
        ledger.transaction((tx) => tx.control.reportFreezes(process, found));
      await report("payer", file, { source: "environment", level: "pay-nothing", reason: "off" });
      await report("payer", file);
      await report("scheduler", file);
      await report("scheduler");
      assert.deepEqual((await ledger.control.read()).freezes, []);
      assert.deepEqual((await ledger.control.read()).payments, { on: true });
      assert.equal(await saveWithdrawal(ledger, withdrawalFor(payout, "a", { writerEpoch })), "saved");
    },
  },
  {
    name: "while nominations wait, so does a later stop of the same account and what falls due for it after that, and nothing else",
    async run(ledger) {
      const old = agreementWithRows(operation(5), { nominator: "a", startMs: millis(15_000) });
      const other = agreementWithRows(operation(6), { nominator: "b", startMs: millis(18_000) });
      const stop = { request: { type: "stop" } } as const;
      await ledger.transaction(async (tx) => {
        await tx.agreements.insert([{ agreement: old.agreement, rows: old.rows }]);
        await tx.agreements.insert([{ agreement: other.agreement, rows: other.rows }]);
        await tx.transfers.insert([
          incoming({ operation: operation(10), sender: "a" }),
          incoming({ operation: operation(11), sender: "a", ...stop }),
          incoming({ operation: operation(12), sender: "b", ...stop }),
        ]);
        const first = await tx.transfers.oldestUndecided(false);
        assert.deepEqual(first?.operation, operation(12));
        assert.deepEqual((await tx.transfers.oldestUndecided())?.operation, operation(10));
        await tx.transfers.decide(operation(12), "stopped", "test");
        assert.equal(await tx.transfers.oldestUndecided(false), undefined);
        const due = await tx.rows.find({ dueUpToMs: millis(10 ** 13), limit: 100 });
        assert.deepEqual([...new Set(due.map(({ nominator }) => nominator))], ["b"]);
        await tx.cursor.move(undefined, { ...cursorAt(20), scannedFromBlockNum: 1 });
      });
      assert.equal(await ledger.hasWork(false), false);
      assert.equal(await ledger.hasWork(), true);
    },
  },
];
