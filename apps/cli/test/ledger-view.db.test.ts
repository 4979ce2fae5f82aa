import { saveWithdrawal } from "@stakebts/testkit/one-payout";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { bts } from "@stakebts/kernel/amount";
import { DAY_MS, millis } from "@stakebts/kernel/time";
import { payoutKey } from "@stakebts/core/rules/payout";
import type { JournalLine, LedgerView } from "@stakebts/core/ledger/view";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import { cancelPayout } from "@stakebts/core/operators/cancel-payout";
import { applyEvents } from "@stakebts/core/ledger/apply-events";
import {
  agreementWithRows,
  cursorAt,
  incoming,
  operation,
  outgoing,
  refundOf,
  withdrawalFor,
} from "@stakebts/testkit/given";
import { passRecoveryHold } from "@stakebts/testkit/pass-recovery-hold";
import { DEFAULT_POLICY } from "@stakebts/core/rules/policy";
import { describe, expect } from "vitest";
import { test as base } from "@stakebts/testkit/database";
import { manyStakes } from "./many-stakes.ts";

const test = base.extend<{ ledger: Ledger; view: LedgerView }>({
  ledger: async ({ databaseUrl }, use) => {
    const ledger = createPostgresLedger({ url: databaseUrl });
    await use(ledger);
    await ledger.close();
  },
  view: async ({ databaseUrl }, use) => {
    const view = createPostgresLedgerView({ url: databaseUrl });
    await use(view);
    await view.close();
  },
});

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const applyAll = (ledger: Ledger) =>
  applyEvents({
    ledger,
    log: silent,
    policy: DEFAULT_POLICY,
    roles: { managers: [], treasuryAccounts: [], exchangeDeposit: { account: "bittrex-deposit", memos: {} } },
  });

/** One agreement of 25 000 BTS for three months, opened in block 10, and a clock that stands `days` later. */
async function agreementAfter(ledger: Ledger, days: number): Promise<{ startMs: number }> {
  const { agreement, rows } = agreementWithRows(operation(10));
  const nowMs = millis(agreement.startMs + days * DAY_MS);
  await ledger.transaction(async (tx) => {
    await tx.agreements.insert([{ agreement, rows }]);
    await tx.cursor.move(undefined, cursorAt(1_000, { blockTimeMs: nowMs }));
  });
  return { startMs: agreement.startMs };
}

async function all(lines: AsyncIterable<readonly JournalLine[]>): Promise<JournalLine[]> {
  const found: JournalLine[] = [];
  for await (const page of lines) found.push(...page);
  return found;
}

const sum = (count: number, amount: bigint) => ({ count, amount });

describe("what the custodian owes", () => {
  test("is every reward and base amount once, whether a payout exists for it or not", async ({
    ledger,
    view,
  }) => {
    const { startMs } = await agreementAfter(ledger, 30);
    const before = await view.liabilities(millis(startMs + 30 * DAY_MS));
    await applyAll(ledger);
    const after = await view.liabilities(millis(startMs + 30 * DAY_MS));
    expect(after).toEqual(before);
    expect(before).toMatchObject({
      gross: sum(4, 31_000n),
      within30d: sum(2, 4_000n),
      within7d: sum(1, 2_000n),
      within24h: sum(1, 2_000n),
      pastDue: sum(1, 2_000n),
      nominators: 1,
    });
  });

  test("counts to the millisecond what is due", async ({ ledger, view }) => {
    const { startMs } = await agreementAfter(ledger, 0);
    const dueMs = startMs + 30 * DAY_MS;
    expect((await view.liabilities(millis(dueMs - 1))).pastDue).toEqual(sum(0, 0n));
    expect((await view.liabilities(millis(dueMs))).pastDue).toEqual(sum(1, 2_000n));
    expect((await view.liabilities(millis(dueMs - DAY_MS - 1))).within24h).toEqual(sum(0, 0n));
    expect((await view.liabilities(millis(dueMs - DAY_MS))).within24h).toEqual(sum(1, 2_000n));
  });

  test("shows a cancelled payout apart", async ({ ledger, view }) => {
    const { startMs } = await agreementAfter(ledger, 30);
    await applyAll(ledger);
    await passRecoveryHold(ledger);
    const { items } = await view.payouts({ kinds: ["reward"] });
    const id = items[0]?.id as never;
    const cancelled = await cancelPayout(
      { ledger },
      {
        id,
        action: { id: "a", actor: "o", reason: "r" },
        ledger: { caughtUp: true, blockNum: 1 },
      },
    );
    expect(cancelled).toMatchObject({ result: "done" });
    await applyAll(ledger);
    expect(await view.liabilities(millis(startMs + 30 * DAY_MS))).toMatchObject({
      gross: sum(3, 29_000n),
      pastDue: sum(0, 0n),
      cancelled: sum(1, 2_000n),
    });
  });

  test("falls due on the days that the forecast names, without loss", async ({ ledger, view }) => {
    const { startMs } = await agreementAfter(ledger, 30);
    await applyAll(ledger);
    const days = await view.dueByDay(millis(startMs + 400 * DAY_MS));
    expect(days.map((day) => [day.payments, day.amount])).toEqual([
      [1, 2_000n],
      [1, 2_000n],
      [2, 27_000n],
    ]);
    expect(days.every((day) => day.dayMs % DAY_MS === 0)).toBe(true);
  });
});

describe("a programme of 20 000 rows", () => {
  test("is answered for to the last row", async ({ databaseUrl, view }) => {
    const nowMs = Date.UTC(2026, 10, 23);
    await manyStakes(databaseUrl, { agreements: 1_334, nowMs });
    expect((await view.stakes({ limit: 1 })).total).toBe(20_010);
    const lines = await all(view.journal({}));
    expect(lines.length).toBe((await view.payouts({ limit: 1 })).total);
    expect(new Set(lines.map((line) => line.id)).size).toBe(lines.length);
    const open = await view.liabilities(millis(nowMs));
    const days = await view.dueByDay(millis(nowMs + 400 * DAY_MS));
    expect(days.reduce((total, day) => total + day.amount, 0n)).toBe(open.gross.amount);
  });
});

describe("lists", () => {
  test("cut into pages have every line once, at the edges too", async ({ databaseUrl, view }) => {
    await manyStakes(databaseUrl, { agreements: 20, nowMs: Date.UTC(2026, 10, 23) });
    for (const list of [
      (window: object) => view.stakes(window),
      (window: object) => view.agreements(window),
      (window: object) => view.payouts(window),
    ]) {
      const whole = await list({});
      expect(whole.items.length).toBe(whole.total);
      const pages = [];
      for (let offset = 0; offset < whole.total; offset += 7)
        pages.push(...(await list({ limit: 7, offset })).items);
      expect(pages).toEqual(whole.items);
      expect((await list({ limit: 7, offset: whole.total })).items).toEqual([]);
    }
  });

  test("of agreements say what became of each", async ({ ledger, view }) => {
    await agreementAfter(ledger, 30);
    await applyAll(ledger);
    const [line] = (await view.agreements({ status: "open" })).items;
    expect(line).toMatchObject({
      agreement: "10:0:0",
      status: "open",
      paid: 0n,
      owed: 31_000n,
      rewardsPaid: 0,
    });
    expect((await view.agreements({ status: "ended" })).items).toEqual([]);
    expect((await view.agreements({ nominator: "another-account" })).total).toBe(0);
  });

  test("of receipts are found by the beginning of their name", async ({ ledger, view }) => {
    await ledger.transaction((tx) =>
      tx.receipts.add([
        { event: "payout.failed", subject: "a", details: {} },
        { event: "payout.held", subject: "b", details: { why: "x" } },
        { event: "payments.switched_off", subject: "c", details: {} },
      ]),
    );
    const found = await view.receipts({ event: "payout.*" });
    expect(found.items.map((receipt) => receipt.subject)).toEqual(["b", "a"]);
    expect((await view.receipts({ subject: "c" })).total).toBe(1);
    expect((await view.receipts({ sinceMs: Date.now() + 60_000 })).total).toBe(0);
  });
});

describe("the journal", () => {
  test("names the transfer that settled each payout, not another of the same amount", async ({
    ledger,
    view,
  }) => {
    const [paid, paidByKey, open] = [
      refundOf(operation(10)),
      refundOf(operation(11)),
      refundOf(operation(12)),
    ];
    await passRecoveryHold(ledger);
    const writerEpoch = await ledger.control.startWriterEpoch();
    await ledger.transaction((tx) => tx.payouts.insert([paid, paidByKey, open]));
    const withdrawal = withdrawalFor(paid, "a", { writerEpoch });
    await saveWithdrawal(ledger, withdrawal);
    const timeMs = millis(Date.UTC(2026, 0, 1));
    await ledger.transaction(async (tx) => {
      await tx.transfers.insert([
        incoming({ operation: operation(20, 0, 0) }),
        outgoing({
          operation: operation(20, 1, 0),
          blockTimeMs: timeMs,
          txid: withdrawal.txid,
          amount: 45_000_000n as never,
        }),
        outgoing({
          operation: operation(21),
          blockTimeMs: millis(timeMs - 1),
          txid: "ab".repeat(20),
          amount: 45_000_000n as never,
          payoutKey: paidByKey.key,
        }),
        // Pays the debt, and does not name it.
        outgoing({ operation: operation(21, 1), amount: 45_000_000n as never }),
      ]);
      await tx.withdrawals.confirm([{ id: withdrawal.id, at: operation(20, 1, 0) }]);
      await tx.payouts.confirm([
        { payoutId: paid.id, by: operation(20, 1, 0) },
        { payoutId: paidByKey.id, by: operation(21) },
      ]);
    });
    const lines = await all(view.journal({}));
    expect(lines.map((line) => [line.key, line.operation, line.txid, line.matchesChain])).toEqual([
      [paidByKey.key, "21:0:0", "ab".repeat(20), true],
      [paid.key, "20:1:0", withdrawal.txid, true],
      [open.key, undefined, undefined, undefined],
    ]);
    expect((await all(view.journal({ year: 2026 }))).map((line) => line.key)).toEqual([paid.key]);
    expect((await all(view.journal({ year: 2025 }))).map((line) => line.key)).toEqual([paidByKey.key]);
    expect(await view.yearTotals({})).toEqual([
      { nominator: "nominator-1", year: 2025, kind: "refund", count: 1, amount: bts(450n) },
      { nominator: "nominator-1", year: 2026, kind: "refund", count: 1, amount: bts(450n) },
    ]);
    const story = await view.payout(paid.id);
    expect(story).toMatchObject({
      key: payoutKey.refund(operation(10)),
      withdrawals: [{ txid: withdrawal.txid, status: "confirmed", operation: "20:1:0" }],
      payments: [{ operation: "20:1:0" }],
    });
  });
});

describe("the migrations of a database", () => {
  test("are named, and a database without them says so", async ({ view }) => {
    expect(await view.migrations()).toEqual(expect.arrayContaining([expect.stringMatching(/_baseline$/u)]));
  });
});
