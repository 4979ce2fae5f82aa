import { saveWithdrawal } from "../one-payout.ts";
import { letPaymentsGo, stopPayments } from "../stop-payments.ts";
import assert from "node:assert/strict";
import { millis } from "@stakebts/kernel/time";
import type { AccountId } from "@stakebts/bitshares/chain";
import {
  type IdentifiedPayout,
  type Ledger,
  type LedgerTx,
  type NewAgreement,
  whyNotPay,
} from "@stakebts/core/ledger/ledger";
import { bts, shares, toShares } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { topUpKey, type TopUpSourceNumber } from "@stakebts/core/rules/top-up";
import {
  PAYABLE_STATUSES,
  payoutKey,
  TOPPED_UP_KINDS,
  UNSETTLED_STATUSES,
} from "@stakebts/core/rules/payout";
import type { NewJob } from "@stakebts/core/queue/queue";
import { topUpId, memoNonces } from "@stakebts/core/ledger/ids";
import { jobForPayout } from "@stakebts/core/ledger/jobs";
import { passRecoveryHold } from "../pass-recovery-hold.ts";
import type { LedgerCheck } from "./ledger-check.ts";
import { limitChecks } from "./ledger-limits.ts";
import {
  ACCOUNT,
  agreementWithRows,
  cursorAt,
  incoming,
  operation,
  outgoing,
  refundOf,
  withdrawalFor,
} from "../given.ts";

async function createPayouts(ledger: Ledger, ...payouts: IdentifiedPayout[]): Promise<void> {
  await ledger.transaction((tx) => tx.payouts.insert(payouts));
}

/** The transfer that settles it. */
const paymentOf = (payout: IdentifiedPayout, at: OperationPosition) =>
  outgoing({ operation: at, receiver: payout.payee, amount: toShares(payout.amount), payoutKey: payout.key });

async function statusOf(ledger: Ledger, payout: IdentifiedPayout): Promise<string | undefined> {
  return (await ledger.payouts.views([payout.id]))[0]?.payout.status;
}

async function jobs(ledger: Ledger): Promise<readonly NewJob[]> {
  const all: NewJob[] = [];
  await ledger.jobs.dispatch(1_000, async (batch) => {
    all.push(...batch);
  });
  return all;
}

const shortageTopUp = (source: TopUpSourceNumber, number: number) => {
  const key = topUpKey.shortage(source, number);
  const id = topUpId(key);
  const memo = `top-up:${id}`;
  return {
    key,
    id,
    kind: "shortage",
    source,
    amount: bts(1_000n),
    memo,
    requestedMs: millis(7_000),
  } as const;
};

export const ledgerChecks: readonly LedgerCheck[] = [
  ...limitChecks,
  {
    name: "a source has one open request at a time, no matter which process asks, and as many in turn as it takes",
    async run(ledger) {
      const insert = (source: TopUpSourceNumber, number: number) =>
        ledger.transaction((tx) => tx.topUps.insert(shortageTopUp(source, number)));
      assert.equal(await insert(1, 1), true);
      assert.equal(await insert(1, 1), false);
      assert.equal(await insert(1, 2), false);
      assert.equal(await insert(2, 1), true);
      await ledger.transaction((tx) =>
        tx.topUps.move(shortageTopUp(1, 1).id, ["requested"], "refused", { reason: "too small" }),
      );
      assert.equal(await insert(1, 2), true);
      assert.equal(
        await ledger.transaction((tx) => tx.topUps.count({ kinds: ["shortage"], sources: [1] })),
        2,
      );
      const open = await ledger.topUps.find({ statuses: ["requested"] });
      assert.deepEqual(
        open.map(({ key, status }) => [key, status]),
        [
          ["top-up:2:1", "requested"],
          ["top-up:1:2", "requested"],
        ],
      );
      assert.deepEqual(
        (await ledger.topUps.find({ sources: [1], limit: 1 })).map(({ key }) => key),
        ["top-up:1:2"],
      );
    },
  },
  {
    name: "the same request for funds with another amount is a broken assumption",
    async run(ledger) {
      await ledger.transaction((tx) => tx.topUps.insert(shortageTopUp(1, 1)));
      const other = { ...shortageTopUp(1, 1), amount: bts(2_000n) };
      await assert.rejects(
        ledger.transaction((tx) => tx.topUps.insert(other)),
        /another source, amount or memo/,
      );
    },
  },
  {
    name: "a request for funds moves from where it is believed to stand, and keeps what was learnt of it",
    async run(ledger) {
      const { id } = shortageTopUp(3, 1);
      await ledger.transaction((tx) => tx.topUps.insert(shortageTopUp(3, 1)));
      const move = (...args: Parameters<LedgerTx["topUps"]["move"]>) =>
        ledger.transaction((tx) => tx.topUps.move(...args));
      assert.equal(await move(id, ["accepted"], "arrived", { arrivedBy: operation(9) }), false);
      assert.equal(await move(id, ["requested"], "asked", { isAsking: true }), true);
      assert.equal(await move(id, ["requested"], "asked"), false);
      assert.equal(await move(id, ["asked"], "asked", { reason: "no answer yet" }), true);
      assert.equal(
        await move(id, ["asked"], "accepted", { venueId: "v-1", venueStatus: "PENDING", txid: "ab" }),
        true,
      );
      await assert.rejects(move(id, ["accepted"], "requested"));
      assert.equal(await move(id, ["accepted"], "arrived", { arrivedBy: operation(9, 2, 1) }), true);
      const [topUp] = await ledger.topUps.find({});
      assert.ok(topUp !== undefined);
      assert.ok(topUp.askedAtMs !== undefined);
      const { askedAtMs: _at, changedAtMs: _changed, ...rest } = topUp;
      assert.deepEqual(rest, {
        ...shortageTopUp(3, 1),
        status: "arrived",
        reason: undefined,
        venueId: "v-1",
        venueStatus: "PENDING",
        txid: "ab",
        asks: 1,
        signed: undefined,
        arrivedBy: operation(9, 2, 1),
      });
    },
  },
  {
    name: "what the reserve has signed is kept to the byte and never signed anew",
    async run(ledger) {
      const { id } = shortageTopUp(0, 1);
      const signed = { bytes: Uint8Array.of(1, 2, 255), refBlockNum: 5, expirationMs: millis(90_000) };
      await ledger.transaction((tx) => tx.topUps.insert(shortageTopUp(0, 1)));
      await ledger.transaction((tx) => tx.topUps.move(id, ["requested"], "asked", { txid: "cd", signed }));
      const [topUp] = await ledger.topUps.find({ sources: [0] });
      assert.equal(topUp?.txid, "cd");
      assert.deepEqual(
        { ...topUp?.signed, bytes: [...(topUp?.signed?.bytes ?? [])] },
        {
          ...signed,
          bytes: [1, 2, 255],
        },
      );
      const again = { ...signed, refBlockNum: 6 };
      await assert.rejects(
        ledger.transaction((tx) => tx.topUps.move(id, ["asked"], "asked", { signed: again })),
      );
    },
  },
  {
    name: "nothing is started by a payer whose epoch is over, behind a recovery hold, or while payments are off",
    async run(ledger) {
      const epoch = await ledger.control.startWriterEpoch();
      const why = (of: bigint) =>
        ledger.transaction((tx) => tx.control.lock().then((control) => whyNotPay(control, of)));
      assert.equal(await why(epoch), "payments_off"); // No operator has looked at this database yet.
      await passRecoveryHold(ledger);
      assert.equal(await why(epoch), undefined);
      await stopPayments(ledger);
      assert.equal(await why(epoch), "payments_off");
      const next = await ledger.control.startWriterEpoch();
      assert.equal(await why(epoch), "epoch_over");
      await letPaymentsGo(ledger);
      assert.equal(await why(next), undefined);
    },
  },
  {
    name: "what open payouts need is listed by age, and deposits at an exchange are not among it",
    async run(ledger) {
      const [late, early] = [refundOf(operation(8)), refundOf(operation(7))];
      const key = payoutKey.deposit(operation(6));
      const deposit = refundOf(operation(6), { key, kind: "deposit", memo: "a memo of the exchange" });
      await createPayouts(ledger, late, early, deposit);
      await ledger.transaction((tx) => tx.payouts.move(late.id, ["due"], "held", { reason: "test" }));
      const needs = await ledger.payouts.find({ statuses: PAYABLE_STATUSES, kinds: TOPPED_UP_KINDS });
      assert.deepEqual(
        needs.map(({ amount, memo, status }) => ({ amount, memo, status })),
        [{ amount: early.amount, memo: early.memo, status: "due" }],
      );
      const deposits = await ledger.transaction((tx) =>
        tx.payouts.find({ kinds: ["deposit"], statuses: UNSETTLED_STATUSES }),
      );
      assert.deepEqual(
        deposits.map((payout) => payout.key),
        [key],
      );
    },
  },
  {
    name: "transfers are found by the nonce of their memo, by transaction id and by text",
    async run(ledger) {
      const [nonce] = memoNonces(payoutKey.deposit(operation(6)));
      const sent = outgoing({ operation: operation(20), memoNonce: nonce });
      const received = incoming({ operation: operation(21), txid: "ef", memoText: "top-up:x" });
      const old = incoming({ operation: operation(22), isReplayed: true });
      await ledger.transaction((tx) => tx.transfers.insert([sent, received, old]));
      await ledger.transaction(async (tx) => {
        const found = await tx.transfers.find({ direction: "out", nonces: [nonce ?? "", "7"] });
        assert.deepEqual(
          found.map(({ operation: at, memoNonce }) => ({ at, memoNonce })),
          [{ at: sent.operation, memoNonce: nonce }],
        );
        assert.equal((await tx.transfers.find({ direction: "in", txids: ["ef"] })).length, 1);
        assert.equal((await tx.transfers.find({ direction: "in", memos: ["top-up:x"] })).length, 1);
        assert.equal(
          (await tx.transfers.find({ direction: "in", txids: ["aa"], memos: ["top-up:y"] })).length,
          0,
        );
        const first = await tx.transfers.oldestUndecided();
        assert.equal(first?.isReplayed, false);
      });
    },
  },
  {
    name: "a transaction that throws has not happened",
    async run(ledger) {
      const failing = ledger.transaction(async (tx) => {
        await tx.cursor.move(undefined, cursorAt(1));
        await tx.transfers.insert([incoming()]);
        await tx.jobs.add([jobForPayout(refundOf(operation(1)).id, "x")]);
        throw new Error("crash");
      });
      await assert.rejects(failing, /crash/);
      assert.equal(await ledger.cursor.read(), undefined);
      assert.equal(await ledger.hasWork(), false);
      assert.deepEqual(await jobs(ledger), []);
    },
  },
  {
    name: "the cursor moves only from where the caller believes it to be",
    async run(ledger) {
      const move = (from: number | undefined, to: number) =>
        ledger.transaction((tx) => tx.cursor.move(from, cursorAt(to)));
      assert.equal(await move(3, 4), false);
      assert.equal(await move(undefined, 4), true);
      assert.equal(await move(undefined, 5), false);
      assert.equal(await move(3, 5), false);
      assert.equal(await move(4, 9), true);
      assert.deepEqual(await ledger.cursor.read(), cursorAt(9));
    },
  },
  {
    name: "the cursor never goes back",
    async run(ledger) {
      await ledger.transaction((tx) => tx.cursor.move(undefined, cursorAt(9)));
      await assert.rejects(ledger.transaction((tx) => tx.cursor.move(9, cursorAt(8))));
      assert.equal((await ledger.cursor.read())?.blockNum, 9);
    },
  },
  {
    name: "blocks that were jumped over can be looked into later, if nothing is left out",
    async run(ledger) {
      await ledger.transaction((tx) => tx.cursor.move(undefined, cursorAt(100, { scannedFromBlockNum: 50 })));
      const extend = async (from: number, to: number) => {
        await ledger.transaction((tx) => tx.cursor.extendScan({ from, to }));
        return (await ledger.cursor.read())?.scannedFromBlockNum;
      };
      assert.equal(await extend(20, 48), 50); // Block 49 is missing.
      assert.equal(await extend(60, 90), 50);
      assert.equal(await extend(30, 49), 30);
      assert.equal(await extend(10, 100), 10);
      assert.equal((await ledger.cursor.read())?.blockNum, 100);
    },
  },
  {
    name: "the history is read up to a place of its own, which moves only from where the caller believes it to be",
    async run(ledger) {
      await ledger.transaction((tx) => tx.cursor.move(undefined, cursorAt(100)));
      const move = (from: number | undefined, to: number) =>
        ledger.transaction((tx) => tx.cursor.moveHistory(from, to));
      assert.equal(await move(3, 4), false);
      assert.equal(await move(undefined, 40), true);
      assert.equal(await move(undefined, 50), false);
      await ledger.transaction((tx) => tx.cursor.move(100, cursorAt(101)));
      assert.deepEqual(await ledger.cursor.read(), cursorAt(101, { historyBlockNum: 40 }));
      assert.equal(await move(40, 101), true);
    },
  },
  {
    name: "an operation of a proposal is recorded once, and at one place",
    async run(ledger) {
      const recorded = { operation: operation(9, 0, 65_536), proposal: operation(5, 1, 0), proposedOp: 0 };
      const add = (change: object) =>
        ledger.transaction((tx) =>
          tx.recordedTransfers.add({ ...recorded, ...change, actor: "ann", reason: "pruned" }),
        );
      assert.equal(await add({}), true);
      assert.equal(await add({}), false);
      assert.equal(await add({ operation: operation(10) }), false);
      assert.equal(await add({ proposedOp: 1 }), false);
      assert.equal(await add({ operation: operation(10), proposedOp: 1 }), true);
      assert.deepEqual(await ledger.recordedTransfers.at(operation(9, 0, 65_536)), recorded);
      assert.equal(await ledger.recordedTransfers.at(operation(9)), undefined);
      assert.equal((await ledger.recordedTransfers.within({ from: 9, to: 10 })).length, 2);
      assert.deepEqual(await ledger.recordedTransfers.within({ from: 1, to: 9 }), [recorded]);
    },
  },
  {
    name: "a transfer that is written twice is there once, and comes back as it was",
    async run(ledger) {
      const transfer = incoming({ memoText: "caf\u00E9 \u{1F4B8}", txid: "ab".repeat(20) });
      const first = await ledger.transaction((tx) =>
        tx.transfers.insert([transfer, incoming({ operation: operation(11) })]),
      );
      assert.equal(first.length, 2);
      const again = await ledger.transaction((tx) =>
        tx.transfers.insert([transfer, incoming({ operation: operation(12) })]),
      );
      assert.deepEqual(
        again.map((t) => t.operation.blockNum),
        [12],
      );
      assert.deepEqual(
        await ledger.transaction((tx) => tx.transfers.oldestUndecided()).then(plain),
        plain(transfer),
      );
    },
  },
  {
    name: "text that no database keeps is kept as something else, and the rest as it is",
    async run(ledger) {
      const hostile = "a\0b\uD800c";
      await ledger.transaction(async (tx) => {
        await tx.transfers.insert([incoming({ memoText: hostile })]);
        await tx.receipts.add([{ event: "test", subject: hostile, details: { hostile } }]);
      });
      const stored = await ledger.transaction((tx) => tx.transfers.oldestUndecided());
      assert.match(stored?.memoText ?? "", /^a.b.c$/su);
    },
  },
  {
    name: "transfers are decided in the order of the chain, each once, and outgoing ones never",
    async run(ledger) {
      const at = [operation(7, 1, 0), operation(7, 0, 2), operation(7, 0, 1), operation(6, 9, 9)];
      await ledger.transaction((tx) =>
        tx.transfers.insert([
          ...at.map((o) => incoming({ operation: o })),
          outgoing({ operation: operation(1) }),
        ]),
      );
      const order = [];
      for (;;) {
        const next = await ledger.transaction((tx) => tx.transfers.oldestUndecided());
        if (next === undefined) break;
        order.push(next.operation);
        const decide = () => ledger.transaction((tx) => tx.transfers.decide(next.operation, "kept", "test"));
        assert.equal(await decide(), true);
        assert.equal(await decide(), false);
      }
      assert.deepEqual(order, [...at].reverse());
    },
  },
  {
    name: "an admin request keeps its amount to the last BTS",
    async run(ledger) {
      const request = { type: "bmg_to_bittrex", amount: 9_007_199_254n, account: 2 } as never;
      await ledger.transaction((tx) => tx.transfers.insert([incoming({ request })]));
      const stored = await ledger.transaction((tx) => tx.transfers.oldestUndecided());
      assert.deepEqual(stored?.request, request);
    },
  },
  {
    name: "an agreement is opened once, with all its rows",
    async run(ledger) {
      const { agreement, rows } = agreementWithRows(operation(10));
      const open = () => ledger.transaction((tx) => tx.agreements.insert([{ agreement, rows }]));
      assert.equal((await open()).length, 1);
      assert.equal((await open()).length, 0);
      const pending = await ledger.transaction((tx) => tx.rows.find({ pendingOf: "nominator-1" }));
      assert.deepEqual(
        pending.map((row) => row.id).sort(),
        rows
          .slice(1)
          .map((row) => row.id)
          .sort(),
      );
    },
  },
  {
    name: "rows fall due at their instant, oldest first, and not before",
    async run(ledger) {
      const { agreement, rows } = agreementWithRows(operation(10));
      await ledger.transaction((tx) => tx.agreements.insert([{ agreement, rows }]));
      const first = rows.find((row) => row.number === 1);
      assert(first !== undefined);
      const due = (ms: number) =>
        ledger.transaction((tx) => tx.rows.find({ dueUpToMs: millis(ms), limit: 100 }));
      assert.deepEqual(await due(first.dueMs - 1), []);
      assert.deepEqual(
        (await due(first.dueMs)).map((row) => row.id),
        [first.id],
      );
      const all = await due(Number.MAX_SAFE_INTEGER);
      assert.equal(all.length, 5);
      assert.deepEqual(
        [...all].sort((a, b) => a.dueMs - b.dueMs).map((r) => r.dueMs),
        all.map((r) => r.dueMs),
      );
      assert.deepEqual(await ledger.rows.nextDueInstants(1), [first.dueMs]);
      assert.equal((await ledger.rows.nextDueInstants(10)).length, 3);
    },
  },
  {
    name: "a row moves once, however many ask",
    async run(ledger) {
      const { agreement, rows } = agreementWithRows(operation(10));
      await ledger.transaction((tx) => tx.agreements.insert([{ agreement, rows }]));
      const pending = rows.filter((row) => row.status === "pending");
      const move = () =>
        ledger.transaction((tx) =>
          tx.rows.move(pending.map((row) => ({ row, from: "pending", to: "aborted" }))),
        );
      assert.equal(await move(), pending.length);
      assert.equal(await move(), 0);
      await assert.rejects(
        ledger.transaction((tx) =>
          tx.rows.move(rows.slice(1, 2).map((row) => ({ row, from: "aborted", to: "pending" }))),
        ),
      );
    },
  },
  {
    name: "a debt that is written twice is one debt, and one that differs is refused",
    async run(ledger) {
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      await createPayouts(ledger, payout);
      assert.equal(await statusOf(ledger, payout), "due");
      await assert.rejects(
        createPayouts(ledger, { ...payout, amount: (payout.amount + 1n) as typeof payout.amount }),
      );
      await assert.rejects(createPayouts(ledger, { ...payout, payee: "nominator-2" }));
      await assert.rejects(createPayouts(ledger, { ...payout, memo: "other" }));
    },
  },
  {
    name: "a withdrawal is saved only under the newest epoch, with payments on, for a payout that may be paid",
    async run(ledger) {
      await passRecoveryHold(ledger);
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      const old = await ledger.control.startWriterEpoch();
      const writerEpoch = await ledger.control.startWriterEpoch();
      assert.equal(writerEpoch, old + 1n);
      assert.equal(
        await saveWithdrawal(ledger, withdrawalFor(payout, "a", { writerEpoch: old })),
        "epoch_over",
      );
      await stopPayments(ledger);
      assert.deepEqual((await ledger.control.read()).payments, { on: false, reason: "test" });
      assert.equal(await saveWithdrawal(ledger, withdrawalFor(payout, "a", { writerEpoch })), "payments_off");
      assert.equal(await statusOf(ledger, payout), "due");
      await letPaymentsGo(ledger);
      assert.equal(await saveWithdrawal(ledger, withdrawalFor(payout, "a", { writerEpoch })), "saved");
      const [view] = await ledger.payouts.views([payout.id]);
      assert.equal(view?.payout.status, "signed");
      assert.equal(view.payout.attempts, 1);
      assert.equal(view.live?.status, "signed");
      assert.deepEqual(Buffer.from(view.live.bytes).toString(), "a");
      await ledger.transaction((tx) => tx.payouts.move(payout.id, ["due"], "ready"));
      assert.equal(await statusOf(ledger, payout), "signed");
    },
  },
  {
    name: "a ledger is of one account on one chain for good, and takes no withdrawal from another",
    async run(ledger) {
      await passRecoveryHold(ledger);
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      assert.equal((await ledger.control.read()).account, undefined);
      assert.deepEqual(await ledger.control.bind(ACCOUNT), ACCOUNT);
      const other = { ...ACCOUNT, custodianId: "1.2.101", custodianName: "other" } as const;
      const elsewhere = { ...ACCOUNT, chainId: "22".repeat(32) };
      const writerEpoch = await ledger.control.startWriterEpoch();
      for (const account of [other, elsewhere]) {
        assert.deepEqual(await ledger.control.bind(account), ACCOUNT);
        const withdrawal = withdrawalFor(payout, "a", { writerEpoch, account });
        assert.equal(await saveWithdrawal(ledger, withdrawal), "another_account");
      }
      assert.deepEqual((await ledger.control.read()).account, ACCOUNT);
      assert.equal(await statusOf(ledger, payout), "due");
      assert.equal(await saveWithdrawal(ledger, withdrawalFor(payout, "a", { writerEpoch })), "saved");
    },
  },
  {
    name: "a ledger that no operator has looked at, and one under a recovery hold, take no withdrawal",
    async run(ledger) {
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      const writerEpoch = await ledger.control.startWriterEpoch();
      const save = () => saveWithdrawal(ledger, withdrawalFor(payout, "a", { writerEpoch }));
      assert.deepEqual((await ledger.control.read()).recoveryHold, {
        raised: undefined,
        databaseChanged: true,
      });
      assert.equal(await save(), "payments_off");
      const recoveryHold = { untilMs: millis(30_000), fromBlockNum: 5, reason: "test" };
      await ledger.transaction((tx) => tx.control.placeRecoveryHold(recoveryHold));
      assert.deepEqual((await ledger.control.read()).recoveryHold, {
        raised: recoveryHold,
        databaseChanged: false,
      });
      assert.deepEqual(
        (await ledger.payouts.views([payout.id]))[0]?.recoveryHold,
        (await ledger.control.read()).recoveryHold,
      );
      assert.equal(await save(), "payments_off");
      await ledger.transaction(async (tx) => {
        await tx.cursor.move(undefined, cursorAt(11, { scannedFromBlockNum: 5 }));
        assert.equal(await tx.control.liftRecoveryHold(recoveryHold), true);
      });
      assert.equal(await save(), "saved");
    },
  },
  {
    name: "a recovery hold goes forward only, and falls when every block has been looked into to one later than its end",
    async run(ledger) {
      const raise = (untilMs: number, fromBlockNum: number, reason: string) =>
        ledger.transaction((tx) =>
          tx.control.placeRecoveryHold({ untilMs: millis(untilMs), fromBlockNum, reason }),
        );
      await raise(30_000, 7, "first");
      await raise(24_000, 5, "second");
      await raise(27_000, 6, "third");
      const recoveryHold = { untilMs: millis(30_000), fromBlockNum: 5, reason: "third" };
      assert.deepEqual((await ledger.control.read()).recoveryHold.raised, recoveryHold);
      const lift = (which = recoveryHold) => ledger.transaction((tx) => tx.control.liftRecoveryHold(which));
      assert.equal(await lift(), false);
      await ledger.transaction((tx) => tx.cursor.move(undefined, cursorAt(10, { scannedFromBlockNum: 6 })));
      assert.equal(await lift(), false);
      await ledger.transaction((tx) => tx.cursor.move(10, cursorAt(11, { scannedFromBlockNum: 6 })));
      assert.equal(await lift(), false);
      await ledger.transaction((tx) => tx.cursor.extendScan({ from: 5, to: 5 }));
      assert.equal(await lift({ ...recoveryHold, untilMs: millis(29_000) }), false);
      assert.equal(await lift(), true);
      assert.equal(await lift(), false);
      assert.equal((await ledger.control.read()).recoveryHold.raised, undefined);
    },
  },
  {
    name: "two payers race for a payout and one of them saves a withdrawal",
    async run(ledger) {
      await passRecoveryHold(ledger);
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      const writerEpoch = await ledger.control.startWriterEpoch();
      const answers = await Promise.all(
        ["a", "b", "c", "d"].map((name) =>
          saveWithdrawal(ledger, withdrawalFor(payout, name, { writerEpoch })),
        ),
      );
      assert.deepEqual([...answers].sort(), ["payout_moved", "payout_moved", "payout_moved", "saved"]);
    },
  },
  {
    name: "withdrawals that are saved together have an answer each, and one that is refused keeps no other back",
    async run(ledger) {
      await passRecoveryHold(ledger);
      const payouts = [10, 11, 12, 13].map((block) => refundOf(operation(block)));
      await createPayouts(ledger, ...payouts);
      const [first, second, third, fourth] = payouts as [
        IdentifiedPayout,
        IdentifiedPayout,
        IdentifiedPayout,
        IdentifiedPayout,
      ];
      const writerEpoch = await ledger.control.startWriterEpoch();
      const of = (payout: IdentifiedPayout, name: string) => withdrawalFor(payout, name, { writerEpoch });
      assert.equal(await saveWithdrawal(ledger, of(second, "b")), "saved");
      const together = [of(first, "a"), of(second, "c"), of(third, "d"), of(third, "e")];
      assert.deepEqual(await ledger.withdrawals.save(together), [
        "saved",
        "payout_moved",
        "saved",
        "payout_moved",
      ]);
      // One id for two: the database refuses the statement, and each is tried alone.
      assert.deepEqual(
        await ledger.withdrawals.save([of(fourth, "f"), { ...of(first, "f"), id: of(first, "g").id }]),
        ["saved", "payout_moved"],
      );
      assert.deepEqual(await ledger.withdrawals.save([]), []);
      const ids = payouts.map(({ id }) => id);
      const lives = new Map(
        (await ledger.payouts.views(ids)).map(({ payout, live }) => [payout.id, live?.txid]),
      );
      assert.deepEqual(
        ids.map((id) => lives.get(id)),
        [of(first, "a"), of(second, "b"), of(third, "d"), of(fourth, "f")].map(({ txid }) => txid),
      );
      await ledger.withdrawals.markSent([of(first, "a"), of(third, "d")]);
      await ledger.withdrawals.markSent([]);
      const statuses = new Map(
        (await ledger.payouts.views(ids)).map(({ payout }) => [payout.id, payout.status]),
      );
      assert.deepEqual(
        ids.map((id) => statuses.get(id)),
        ["sent", "signed", "sent", "signed"],
      );
    },
  },
  {
    name: "an attempt that ended for a cause common to all counts for nothing",
    async run(ledger) {
      await passRecoveryHold(ledger);
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      const writerEpoch = await ledger.control.startWriterEpoch();
      for (const [txid, counts] of [
        ["a", false],
        ["b", true],
      ] as const) {
        const withdrawal = withdrawalFor(payout, txid, { writerEpoch });
        assert.equal(await saveWithdrawal(ledger, withdrawal), "saved");
        await ledger.transaction(async (tx) => {
          assert.equal(await tx.withdrawals.expire([withdrawal.id]), 1);
          const end = { id: payout.id, to: "ready", counts, reason: "refused" } as const;
          assert.deepEqual([...(await tx.payouts.endAttempts([end]))], [payout.id]);
          assert.deepEqual([...(await tx.payouts.endAttempts([end]))], []);
        });
        await ledger.withdrawals.noteRefusal(withdrawal, { reason: "late", commonCause: "late" });
      }
      const [found] = await ledger.payouts.find({ ids: [payout.id] });
      assert.equal(found?.attempts, 2);
      assert.equal(found.uncountedAttempts, 1);
      assert.equal(found.reason, "refused");
      const attempts = await ledger.transaction((tx) => tx.withdrawals.find({ payoutId: payout.id }));
      assert.deepEqual(
        attempts.map(({ refusedFor }) => refusedFor),
        [undefined, undefined],
      );
    },
  },
  {
    name: "what came in is told page by page, in the order of the chain",
    async run(ledger) {
      const places = [12, 10, 11, 14].map((blockNum) => operation(blockNum));
      const out = paymentOf(refundOf(operation(9)), operation(13));
      await ledger.transaction((tx) =>
        tx.transfers.insert([...places.map((at) => incoming({ operation: at })), out]),
      );
      const page = async (after: OperationPosition, limit: number) =>
        (await ledger.transfers.incoming({ after, upToBlockNum: 13, limit })).map(({ operation: at }) => at);
      assert.deepEqual(await page(operation(1), 2), [operation(10), operation(11)]);
      assert.deepEqual(await page(operation(11), 2), [operation(12)]);
      assert.deepEqual(await page(operation(12), 2), []);
    },
  },
  {
    name: "a transfer whose memo cannot be read is not answered until it is read, and is read once",
    async run(ledger) {
      const unread = incoming({
        operation: operation(10),
        memoStatus: "unreadable",
        memoText: undefined,
        request: { type: "unread", publicKey: "a key" },
        isUnread: true,
      });
      const out = {
        ...paymentOf(refundOf(operation(9)), operation(11)),
        payoutKey: undefined,
        isUnread: true,
      };
      await ledger.transaction((tx) => tx.transfers.insert([unread, out]));
      assert.equal(await ledger.hasWork(), false);
      assert.deepEqual(
        (await ledger.transfers.unread({ after: undefined, limit: 5 })).map(({ operation: at }) => at),
        [operation(10), operation(11)],
      );
      const [last] = await ledger.transfers.unread({ after: operation(10), limit: 1 });
      assert.deepEqual(last?.operation, operation(11));
      await ledger.transaction(async (tx) => {
        assert.equal(await tx.transfers.oldestUndecided(), undefined);
        assert.equal(await tx.transfers.decide(operation(10), "kept", "x"), false);
        const { isUnread: _in, ...read } = { ...unread, memoStatus: "text" as const, memoText: "stop" };
        const { isUnread: _out, ...readOut } = { ...out, payoutKey: payoutKey.refund(operation(9)) };
        const found = [{ ...read, request: { type: "stop" } as const }, readOut];
        assert.equal((await tx.transfers.read(found)).length, 2);
        assert.equal((await tx.transfers.read(found)).length, 0);
      });
      assert.equal(await ledger.hasWork(), true);
      await ledger.transaction(async (tx) => {
        const next = await tx.transfers.oldestUndecided();
        assert.deepEqual(next?.request, { type: "stop" });
        assert.equal(next?.isUnread, undefined);
        assert.equal((await tx.transfers.find({ keys: [payoutKey.refund(operation(9))] })).length, 1);
      });
      assert.deepEqual(await ledger.transfers.unread({ after: undefined, limit: 5 }), []);
    },
  },
  {
    name: "a memo key is remembered as it was seen first",
    async run(ledger) {
      await ledger.transaction((tx) => tx.memoKeys.add([{ publicKey: "one", sinceBlockNum: 7 }]));
      await ledger.transaction((tx) =>
        tx.memoKeys.add([
          { publicKey: "one", sinceBlockNum: undefined },
          { publicKey: "two", sinceBlockNum: undefined },
        ]),
      );
      assert.deepEqual(await ledger.memoKeys.all(), [
        { publicKey: "one", sinceBlockNum: 7 },
        { publicKey: "two", sinceBlockNum: undefined },
      ]);
    },
  },
  {
    name: "a memo key is lost once",
    async run(ledger) {
      await ledger.transaction((tx) => tx.memoKeys.add([{ publicKey: "one", sinceBlockNum: 7 }]));
      const lost = { publicKey: "one", actor: "ann", agreedBy: "bob", reason: "a test" };
      assert.equal(await ledger.transaction((tx) => tx.memoKeys.lose(lost)), true);
      assert.equal(await ledger.transaction((tx) => tx.memoKeys.lose(lost)), false);
      assert.deepEqual(await ledger.memoKeys.all(), [{ publicKey: "one", sinceBlockNum: 7, isLost: true }]);
    },
  },
  {
    name: "sent once or many times, early or late, a withdrawal goes forward only",
    async run(ledger) {
      await passRecoveryHold(ledger);
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      const withdrawal = withdrawalFor(payout, "a", { writerEpoch: await ledger.control.startWriterEpoch() });
      await saveWithdrawal(ledger, withdrawal);
      await ledger.withdrawals.markSent([withdrawal]);
      await ledger.withdrawals.markSent([withdrawal]);
      await ledger.withdrawals.noteRefusal(withdrawal, {
        reason: "expired: says a node",
        commonCause: undefined,
      });
      await ledger.withdrawals.noteRefusal(withdrawal, { reason: undefined, commonCause: "unanswered" });
      await ledger.withdrawals.noteRefusal(withdrawal, { reason: undefined, commonCause: "other" });
      const [view] = await ledger.payouts.views([payout.id]);
      assert.equal(view?.live?.status, "broadcast");
      assert.equal(view.payout.status, "sent");
      assert.equal(view.payout.reason, "expired: says a node");
      assert.equal(view.live.refusedFor, "unanswered");
      await ledger.transaction(async (tx) => {
        assert.equal(await tx.withdrawals.confirm([{ id: withdrawal.id, at: operation(20) }]), 1);
        assert.equal(await tx.withdrawals.confirm([{ id: withdrawal.id, at: operation(20) }]), 0);
        const confirmation = { payoutId: payout.id, by: operation(20) };
        await tx.transfers.insert([
          { ...paymentOf(payout, operation(20)), payoutKey: undefined, txid: withdrawal.txid },
        ]);
        assert.equal(await tx.payouts.confirm([confirmation]), 1);
        assert.equal(await tx.payouts.confirm([confirmation]), 0);
        assert.equal(await tx.withdrawals.expire([withdrawal.id]), 0);
      });
      await ledger.withdrawals.markSent([withdrawal]);
      assert.equal(await statusOf(ledger, payout), "confirmed");
      assert.equal(
        await saveWithdrawal(ledger, withdrawalFor(payout, "b", { writerEpoch: 1n })),
        "payout_moved",
      );
    },
  },
  {
    name: "a payout with a live withdrawal cannot be taken back, and can once that is dead",
    async run(ledger) {
      await passRecoveryHold(ledger);
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      const writerEpoch = await ledger.control.startWriterEpoch();
      const withdrawal = withdrawalFor(payout, "a", { writerEpoch });
      await saveWithdrawal(ledger, withdrawal);
      const free = () => ledger.transaction((tx) => tx.payouts.move(payout.id, ["signed", "sent"], "ready"));
      await assert.rejects(free());
      const expiring = (ms: number) =>
        ledger.transaction((tx) => tx.withdrawals.find({ liveExpiringBeforeMs: millis(ms) }));
      assert.deepEqual(await expiring(100_000), []);
      assert.deepEqual(
        (await expiring(100_001)).map((w) => w.id),
        [withdrawal.id],
      );
      await ledger.transaction(async (tx) => {
        assert.equal(await tx.withdrawals.expire([withdrawal.id]), 1);
        assert.equal(await tx.payouts.move(payout.id, ["signed", "sent"], "ready"), true);
      });
      assert.equal(await saveWithdrawal(ledger, withdrawalFor(payout, "b", { writerEpoch })), "saved");
      assert.equal((await ledger.payouts.views([payout.id]))[0]?.payout.attempts, 2);
    },
  },
  {
    name: "a payout is confirmed by a payment that the ledger has from the chain, and by nothing else",
    async run(ledger) {
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      const paid = paymentOf(payout, operation(20));
      const [less, later] = [operation(20, 1), operation(21)];
      await ledger.transaction((tx) =>
        tx.transfers.insert([
          { ...paid, operation: less, amount: shares(1n) },
          { ...paid, operation: later },
        ]),
      );
      const confirmation = { payoutId: payout.id, by: operation(20) };
      const confirm = () => ledger.transaction((tx) => tx.payouts.confirm([confirmation]));
      await assert.rejects(confirm(), /knows no payment/);
      assert.equal(await statusOf(ledger, payout), "due");
      await ledger.transaction((tx) => tx.transfers.insert([paid]));
      assert.equal(await confirm(), 1);
      assert.equal(await statusOf(ledger, payout), "confirmed");
    },
  },
  {
    name: "a transfer settles one payout, the one that it names, and an operator says so of one that names none",
    async run(ledger) {
      const [first, second] = [operation(10), operation(11)].map((at) => refundOf(at));
      assert.ok(first !== undefined && second !== undefined);
      await createPayouts(ledger, first, second);
      const [named, nameless] = [paymentOf(second, operation(20)), paymentOf(second, operation(21))];
      await ledger.transaction((tx) => tx.transfers.insert([named, { ...nameless, payoutKey: undefined }]));
      const said = { actor: "anna", reason: "paid by hand" };
      const confirm = (payoutId: typeof first.id, at: number, by = {}) =>
        ledger.transaction((tx) => tx.payouts.confirm([{ payoutId, by: operation(at) }], by));
      // To the same payee and of the same amount, but the debt of the other.
      await assert.rejects(confirm(first.id, 20), /knows no payment/);
      await assert.rejects(confirm(first.id, 20, said), /knows no payment/);
      await assert.rejects(confirm(first.id, 21), /knows no payment/);
      assert.equal(await statusOf(ledger, first), "due");
      assert.equal(await confirm(first.id, 21, said), 1);
      const settledBy = (at: number) => ledger.transaction((tx) => tx.payouts.settledBy(operation(at)));
      assert.equal(await settledBy(21), first.key);
      assert.equal(await settledBy(20), undefined);
      await assert.rejects(confirm(second.id, 21, said));
      assert.equal(await statusOf(ledger, second), "due");
      assert.equal(await confirm(second.id, 20), 1);
      assert.equal(await settledBy(20), second.key);
    },
  },
  {
    name: "a payout that waits for a person is given back once, with its job and its receipt",
    async run(ledger) {
      await passRecoveryHold(ledger);
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      const record = () =>
        ledger.transaction(async (tx) => {
          const [found] = await tx.payouts.find({ ids: [payout.id] });
          assert.ok(found !== undefined);
          return found;
        });
      const requeue = async (cause: string) => {
        const found = await record();
        const details = { actor: "anna", reason: "the node is well again", action: cause };
        const receipt = { event: "payout.requeued", subject: payout.key, details };
        const job = jobForPayout(payout.id, cause);
        return ledger.transaction((tx) =>
          tx.payouts.requeue({ payout: found, job, receipt, despite: undefined }),
        );
      };
      await ledger.transaction((tx) => tx.payouts.move(payout.id, ["due"], "held", { reason: "strange" }));
      assert.equal(await requeue("first"), true);
      const { status, reason } = await record();
      assert.deepEqual({ status, reason }, { status: "ready", reason: undefined });
      assert.deepEqual(
        (await jobs(ledger)).map(({ id }) => id),
        [`payout-${payout.id}-first`],
      );
    },
  },
  {
    name: "a confirmed payout settles its rows, each as it says",
    async run(ledger) {
      const { agreement, rows } = agreementWithRows(operation(10));
      const [agreementRow, base, penalty] = rows;
      assert(agreementRow !== undefined && base !== undefined && penalty !== undefined);
      const exit = refundOf(operation(11), {
        rows: [base, penalty].map((row) => ({ id: row.id, settlesAs: "premature" as const })),
      });
      const confirm = refundOf(operation(12), { rows: [{ id: agreementRow.id, settlesAs: "confirmed" }] });
      await ledger.transaction(async (tx) => {
        await tx.agreements.insert([{ agreement, rows }]);
        await tx.rows.move([base, penalty].map((row) => ({ row, from: "pending", to: "processing" })));
        await tx.payouts.insert([exit, confirm]);
        await tx.transfers.insert([paymentOf(exit, operation(30, 0)), paymentOf(confirm, operation(30, 1))]);
        assert.equal(
          await tx.payouts.confirm(
            [exit, confirm].map(({ id }, i) => ({ payoutId: id, by: operation(30, i) })),
          ),
          2,
        );
        const moved = (row: typeof base, from: "premature" | "confirmed" | "processing") =>
          tx.rows.move([{ row, from: from as never, to: "confirmed" }]).catch(() => -1);
        assert.equal(await moved(base, "processing"), 0);
      });
      const left = await ledger.transaction((tx) => tx.rows.find({ pendingOf: "nominator-1" }));
      assert.deepEqual(
        left.map((row) => row.type),
        ["reward", "reward", "reward"],
      );
    },
  },
  {
    name: "a transfer that paid a debt is found by the debt's key",
    async run(ledger) {
      const { key } = refundOf(operation(10));
      await ledger.transaction((tx) =>
        tx.transfers.insert([
          outgoing({ operation: operation(20), payoutKey: key }),
          outgoing({ operation: operation(21) }),
        ]),
      );
      const paid = await ledger.transaction((tx) => tx.transfers.find({ direction: "out", keys: [key] }));
      assert.deepEqual(
        paid.map((t) => [t.operation.blockNum, t.receiver, t.payoutKey]),
        [[20, "nominator-1", key]],
      );
    },
  },
  {
    name: "a transfer that left under a transaction id is found by it, no matter what its memo says",
    async run(ledger) {
      const txid = "cd".repeat(20);
      await ledger.transaction((tx) =>
        tx.transfers.insert([
          outgoing({ operation: operation(20), txid }),
          outgoing({ operation: operation(21), txid: "ef".repeat(20) }),
          incoming({ operation: operation(22), txid }),
        ]),
      );
      const sent = await ledger.transaction((tx) => tx.transfers.find({ direction: "out", txids: [txid] }));
      assert.deepEqual(
        sent.map((t) => [t.operation.blockNum, t.txid]),
        [[20, txid]],
      );
      assert.deepEqual(
        await ledger.transaction((tx) => tx.transfers.find({ direction: "out", txids: [] })),
        [],
      );
    },
  },
  {
    name: "every attempt to pay a payout is found, dead or alive",
    async run(ledger) {
      await passRecoveryHold(ledger);
      const [payout, other] = [refundOf(operation(10)), refundOf(operation(11))];
      await createPayouts(ledger, payout, other);
      const writerEpoch = await ledger.control.startWriterEpoch();
      const first = withdrawalFor(payout, "a", { writerEpoch });
      await saveWithdrawal(ledger, first);
      await saveWithdrawal(ledger, withdrawalFor(other, "c", { writerEpoch }));
      await ledger.transaction(async (tx) => {
        await tx.withdrawals.expire([first.id]);
        await tx.payouts.move(payout.id, ["signed"], "ready");
      });
      await saveWithdrawal(ledger, withdrawalFor(payout, "b", { writerEpoch }));
      const attempts = await ledger.transaction((tx) => tx.withdrawals.find({ payoutId: payout.id }));
      assert.deepEqual(
        attempts.map((w) => [Buffer.from(w.bytes).toString(), w.status]),
        [
          ["a", "expired"],
          ["b", "signed"],
        ],
      );
    },
  },
  {
    name: "a row whose payout was cancelled does not fall due again, and one whose stop was cancelled does",
    async run(ledger) {
      const { agreement, rows } = agreementWithRows(operation(10));
      const [, base, penalty, reward] = rows;
      assert(base !== undefined && penalty !== undefined && reward !== undefined);
      const link = (row: typeof base) => ({ id: row.id, settlesAs: "confirmed" as const });
      const stop = refundOf(operation(11), { kind: "stop", rows: [link(base), link(penalty)] });
      const month = refundOf(operation(12), { kind: "reward", rows: [link(reward)] });
      await ledger.transaction(async (tx) => {
        await tx.cursor.move(undefined, cursorAt(10, { blockTimeMs: reward.dueMs }));
        await tx.agreements.insert([{ agreement, rows }]);
        await tx.rows.move(
          [base, penalty, reward].map((row) => ({ row, from: "pending", to: "processing" })),
        );
        await tx.payouts.insert([stop, month]);
      });
      const ids = (found: readonly { id: string }[]) => found.map(({ id }) => id).sort();
      await ledger.transaction(async (tx) => {
        assert.deepEqual(ids(await tx.rows.find({ payoutId: stop.id })), ids([base, penalty]));
        for (const { id } of [stop, month])
          assert.equal(await tx.payouts.move(id, ["due"], "cancelled", { reason: "test" }), true);
        await tx.rows.move(
          [base, penalty, reward].map((row) => ({ row, from: "processing", to: "pending" })),
        );
      });
      assert.equal(await ledger.hasWork(), false);
      assert.equal((await ledger.rows.nextDueInstants(10)).includes(reward.dueMs), false);
      const due = await ledger.transaction((tx) =>
        tx.rows.find({ dueUpToMs: millis(Number.MAX_SAFE_INTEGER), limit: 10 }),
      );
      assert.deepEqual(ids(due), ids([base, penalty, ...rows.slice(4)]));
      const open = await ledger.transaction((tx) => tx.rows.find({ pendingOf: "nominator-1" }));
      assert.deepEqual(ids(open), ids(rows.slice(1)));
    },
  },
  {
    name: "the switch is read in a transaction as it was thrown",
    async run(ledger) {
      const read = () => ledger.transaction((tx) => tx.control.lock().then(({ payments }) => payments));
      assert.deepEqual(await read(), { on: true });
      await stopPayments(ledger);
      assert.deepEqual(await read(), { on: false, reason: "test" });
    },
  },
  {
    name: "jobs are made in order, again if making them failed, and never after they were made",
    async run(ledger) {
      const { id } = refundOf(operation(10));
      await ledger.transaction((tx) =>
        tx.jobs.add([jobForPayout(id, "1"), jobForPayout(id, "2"), jobForPayout(id, "1")]),
      );
      await assert.rejects(ledger.jobs.dispatch(10, () => Promise.reject(new Error("no queue"))));
      const first: string[] = [];
      assert.equal(
        await ledger.jobs.dispatch(1, async (batch) => void first.push(...batch.map((job) => job.id))),
        1,
      );
      assert.deepEqual(first, [`payout-${id}-1`]);
      assert.deepEqual(
        (await jobs(ledger)).map((job) => job.id),
        [`payout-${id}-2`],
      );
      assert.deepEqual(await jobs(ledger), []);
    },
  },
  {
    name: "open payouts are listed page by page, oldest debts first; settled ones are not",
    async run(ledger) {
      const [late, early, done] = [refundOf(operation(30)), refundOf(operation(10)), refundOf(operation(20))];
      await createPayouts(ledger, late, early, done);
      await ledger.transaction(async (tx) => {
        await tx.transfers.insert([paymentOf(done, operation(1))]);
        await tx.payouts.confirm([{ payoutId: done.id, by: operation(1) }]);
      });
      const [first] = await ledger.payouts.open({ lane: "returns", after: undefined, limit: 1 });
      assert.equal(first?.id, early.id);
      assert.equal(first.status, "due");
      assert.deepEqual(
        (await ledger.payouts.open({ lane: "returns", after: first, limit: 10 })).map(({ id }) => id),
        [late.id],
      );
      assert.deepEqual(await ledger.payouts.open({ lane: "programme", after: undefined, limit: 10 }), []);
    },
  },
  {
    name: "open payouts without a job get one, oldest debts first; settled ones do not",
    async run(ledger) {
      const [late, early, done] = [refundOf(operation(30)), refundOf(operation(10)), refundOf(operation(20))];
      await createPayouts(ledger, late, early, done);
      await ledger.transaction(async (tx) => {
        await tx.transfers.insert([paymentOf(done, operation(1))]);
        await tx.payouts.confirm([{ payoutId: done.id, by: operation(1) }]);
      });
      assert.equal(
        await ledger.payouts.enqueueStale({ lane: "returns", notEnqueuedForMs: 3_600_000, limit: 10 }),
        0,
      );
      assert.equal(
        await ledger.payouts.enqueueStale({ lane: "returns", notEnqueuedForMs: -1_000, limit: 10 }),
        2,
      );
      assert.deepEqual(
        (await jobs(ledger)).map((job) => "payoutId" in job.data && job.data.payoutId),
        [early.id, late.id],
      );
    },
  },
  {
    name: "the accounts behind a name are those of the transfers that came under it, and none where they were not kept",
    async run(ledger) {
      const from = (at: number, sender: string, senderId?: AccountId) =>
        incoming({ operation: operation(at), sender, ...(senderId === undefined ? {} : { senderId }) });
      await ledger.transaction((tx) =>
        tx.transfers.insert([
          from(10, "alice", "1.2.7"),
          from(11, "alice", "1.2.7"),
          from(12, "bob"),
          from(13, "carol", "1.2.9"),
        ]),
      );
      assert.deepEqual((await ledger.transfers.accountsNamed(["alice"])).get("alice"), ["1.2.7"]);
      assert.deepEqual((await ledger.transfers.accountsNamed(["bob"])).get("bob"), []);
      await ledger.transaction((tx) => tx.transfers.insert([from(14, "alice", "1.2.8")]));
      assert.deepEqual(
        [...((await ledger.transfers.accountsNamed(["alice"])).get("alice") ?? [])].toSorted(),
        ["1.2.7", "1.2.8"],
      );
    },
  },
  {
    name: "there is work when a transfer is undecided or a row is due by the cursor",
    async run(ledger) {
      assert.equal(await ledger.hasWork(), false);
      const { agreement, rows } = agreementWithRows(operation(10));
      await ledger.transaction(async (tx) => {
        await tx.cursor.move(undefined, cursorAt(10));
        await tx.agreements.insert([{ agreement, rows }]);
      });
      assert.equal(await ledger.hasWork(), false);
      await ledger.transaction((tx) =>
        tx.cursor.move(10, cursorAt(11, { blockTimeMs: rows.at(-1)?.dueMs ?? millis(0) })),
      );
      assert.equal(await ledger.hasWork(), true);
    },
  },
  {
    name: "a payout that waits for funds remembers since when, until it is ready again",
    async run(ledger) {
      const payout = refundOf(operation(10));
      await createPayouts(ledger, payout);
      await ledger.transaction(async (tx) => {
        assert.equal(await tx.payouts.move(payout.id, ["due"], "ready"), true);
        const waits = { reason: "short", waitingSinceMs: millis(5_000) };
        assert.equal(await tx.payouts.move(payout.id, ["ready"], "waiting_funds", waits), true);
      });
      assert.equal((await ledger.payouts.views([payout.id]))[0]?.payout.waitingSinceMs, 5_000);
      await ledger.transaction((tx) => tx.payouts.move(payout.id, ["waiting_funds"], "ready"));
      assert.equal((await ledger.payouts.views([payout.id]))[0]?.payout.waitingSinceMs, undefined);
    },
  },
  {
    name: "imported agreements are written where there is room, with when and where each row was settled",
    async run(ledger) {
      const [first, second] = [agreementWithRows(operation(10)), agreementWithRows(operation(11))];
      const settlement = { processedMs: millis(5_000), blockProcessed: undefined };
      const paid = {
        ...first,
        rows: first.rows.map((row) =>
          row.number === 1 ? { ...row, status: "paid" as const, settlement } : row,
        ),
      };
      const insert = (...all: NewAgreement[]) => ledger.transaction((tx) => tx.agreements.insert(all));
      assert.deepEqual(await insert(paid), [paid]);
      assert.deepEqual(await insert(paid, second), [second]);
      assert.deepEqual(await insert(paid, second), []);
      const found = await ledger.transaction((tx) =>
        tx.agreements.find({ nominators: ["nominator-1", "stranger"] }),
      );
      assert.deepEqual(found, [first.agreement, second.agreement]);
      const pending = await ledger.transaction((tx) => tx.rows.find({ pendingOf: "nominator-1" }));
      assert.equal(pending.length, first.rows.length + second.rows.length - 3);
    },
  },
  {
    name: "an imported agreement is found by its transfer once, at its own place first",
    async run(ledger) {
      const listed = agreementWithRows(operation(0, 7, 7), { startMs: millis(30_000) });
      const placed = agreementWithRows(operation(10));
      const other = agreementWithRows(operation(12), { nominator: "nominator-2" });
      await ledger.transaction((tx) => tx.agreements.insert([listed, placed, other]));
      const duplicate = (blockNum: number) =>
        ledger.transaction((tx) =>
          tx.agreements.importedDuplicate(agreementWithRows(operation(blockNum)).agreement),
        );
      const answer = (blockNum: number, outcome: "already_processed" | "agreement_opened", reason: string) =>
        ledger.transaction(async (tx) => {
          await tx.transfers.insert([incoming({ operation: operation(blockNum) })]);
          assert.equal(await tx.transfers.decide(operation(blockNum), outcome, reason), true);
        });
      assert.equal(await duplicate(10), "10:0:0");
      await answer(10, "already_processed", "this is the imported agreement 10:0:0");
      assert.equal(await duplicate(11), "0:7:7");
      await answer(11, "already_processed", "this is the imported agreement 0:7:7");
      assert.equal(await duplicate(13), undefined);
      await answer(12, "agreement_opened", "not an import");
      assert.equal(await duplicate(12), undefined);
    },
  },
  {
    name: "what another installation has answered, and what an import knows of a transfer, is kept",
    async run(ledger) {
      const importMark = { monthsPaid: [{ number: 1, paidMs: millis(5) }] };
      await ledger.transaction(async (tx) => {
        assert.equal((await tx.control.read()).processedElsewhereUpToBlockNum, 0);
        await tx.control.setProcessedElsewhereUpToBlockNum(9);
        await tx.control.setProcessedElsewhereUpToBlockNum(8);
        assert.equal((await tx.control.read()).processedElsewhereUpToBlockNum, 9);
        await tx.transfers.insert([incoming({ importMark }), incoming({ operation: operation(11) })]);
        const at = [operation(11), operation(10), operation(12)];
        assert.deepEqual(
          (await tx.transfers.find({ operations: at })).map(({ operation: o }) => operationId(o)).sort(),
          ["10:0:0", "11:0:0"],
        );
        assert.deepEqual(
          (await tx.transfers.find({ operations: [operation(10)] })).at(0)?.importMark,
          importMark,
        );
        assert.equal((await tx.transfers.find({ operations: [operation(12)] })).at(0), undefined);
        assert.deepEqual((await tx.transfers.oldestUndecided())?.importMark, importMark);
        await tx.transfers.decide(operation(10), "kept", "");
        assert.equal((await tx.transfers.oldestUndecided())?.importMark, undefined);
      });
    },
  },
  {
    name: "a receipt that is to be there once is added once",
    async run(ledger) {
      const receipt = (subject: string) => ({ event: "v24.receipt", subject, details: {} });
      const add = (...subjects: string[]) =>
        ledger.transaction((tx) => tx.receipts.add(subjects.map(receipt), { once: true }));
      assert.equal(await add("a", "b"), 2);
      assert.equal(await add("b", "c"), 1);
    },
  },
];

/** Without the properties that are there but undefined. */
const plain = (value: unknown): unknown =>
  value === undefined
    ? undefined
    : Object.fromEntries(Object.entries(value as object).filter(([, v]) => v !== undefined));
