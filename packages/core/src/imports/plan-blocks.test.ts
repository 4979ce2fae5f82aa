import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { shares } from "@stakebts/kernel/amount";
import { DEFAULT_POLICY, TERMS } from "../rules/policy.ts";
import type { MemoRequest } from "../rules/request.ts";
import { DAY_MS, millis } from "@stakebts/kernel/time";
import type { NewTransfer } from "../ledger/ledger.ts";
import { agreementWithRows, cursorAt, incoming, operation } from "@stakebts/testkit/given";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { MemoryLedger } from "@stakebts/testkit/memory-ledger";
import { applyEvents } from "../ledger/apply-events.ts";
import { importMarks } from "./import-blocks.ts";
import { planTransfers } from "./plan-blocks.ts";

const roles = {
  managers: [],
  treasuryAccounts: ["bittrex-deposit"],
  exchangeDeposit: { account: "bittrex-deposit", memos: {} },
};
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const request = fc.oneof(
  fc
    .constantFrom(...(["three_months", "six_months"] as const))
    .map((term): MemoRequest => ({ type: "open", term })),
  fc.constant<MemoRequest>({ type: "stop" }),
  fc.constant<MemoRequest>({ type: "invalid", reason: "not_json" }),
);
const transfers = fc
  .array(
    fc.record({
      request,
      day: fc.integer({ min: 0, max: 150 }),
      sender: fc.constantFrom("nominator-1", "nominator-2", "bittrex-deposit"),
      amountBts: fc.constantFrom(1n, 55n, 500n, 25_000n, 50_000n),
    }),
    { maxLength: 12 },
  )
  .map((all) =>
    all
      .toSorted((a, b) => a.day - b.day)
      .map(({ request: asked, day, sender, amountBts }, index) =>
        incoming({
          operation: operation(100 + index),
          blockTimeMs: millis((1_000 + day) * DAY_MS),
          sender,
          amount: shares(amountBts * 100_000n),
          request: asked,
        }),
      ),
  );

describe("what a plan says", () => {
  test.prop([
    transfers,
    fc.boolean(),
    fc.boolean(),
    fc.integer({ min: 0, max: 115 }),
    fc.array(
      fc.integer({ min: 1_000, max: 1_200 }).map((day) => millis(day * DAY_MS)),
      { maxLength: 4 },
    ),
  ])("will be owed is what is owed", async (found, isImport, hasDuplicate, processedElsewhereUpTo, days) => {
    const ledger = new MemoryLedger(new ManualClock());
    await ledger.transaction(async (tx) => {
      await tx.cursor.move(undefined, cursorAt(500, { blockTimeMs: millis(1_150 * DAY_MS) }));
      await tx.control.setProcessedElsewhereUpToBlockNum(processedElsewhereUpTo);
      const [first] = found;
      if (hasDuplicate && first?.request?.type === "open")
        await tx.agreements.insert([
          // A list had one of them. It owes nothing any more, so that what follows counts what was found.
          (({ agreement, rows }) => ({
            agreement,
            rows: rows.map((row) => ({ ...row, status: "aborted" as const })),
          }))(
            agreementWithRows(operation(0, 1, 1), {
              nominator: first.sender,
              startMs: first.blockTimeMs,
              months: TERMS[first.request.term],
            }),
          ),
        ]);
    });
    const marks = importMarks({ days, upToBlockNum: 110 });
    const mark = (transfer: NewTransfer) => (isImport ? marks(transfer) : undefined);
    const deps = { policy: DEFAULT_POLICY, roles };
    const plan = await ledger.transaction((tx) => planTransfers(tx, deps, found, mark));

    await ledger.transaction((tx) =>
      tx.transfers.insert(
        found.map((transfer) => {
          const importMark = mark(transfer);
          return importMark === undefined ? transfer : { ...transfer, importMark };
        }),
      ),
    );
    await applyEvents({ ...deps, ledger, log });
    const { payouts, transfers: decided } = ledger.contents;
    const owed = [...payouts.values()].reduce((sum, payout) => sum + payout.amount, 0n);
    expect(plan.reduce((sum, one) => sum + one.owedAtOnce, 0n)).toBe(owed);
    expect(plan.map(({ outcome }) => outcome)).toEqual([...decided.values()].map(({ outcome }) => outcome));
  });
});

describe("a stop that is found late", () => {
  it("ends what had begun by then, also what has no place in the chain, and nothing else", async () => {
    const ledger = new MemoryLedger(new ManualClock());
    const listed = (day: number) =>
      agreementWithRows(operation(0, day, 1), { startMs: millis(day * DAY_MS), months: 12 });
    const stop = incoming({
      operation: operation(100),
      blockTimeMs: millis(1_010 * DAY_MS),
      amount: shares(100_000n),
      request: { type: "stop" },
    });
    await ledger.transaction(async (tx) => {
      await tx.cursor.move(undefined, cursorAt(500, { blockTimeMs: millis(1_012 * DAY_MS) }));
      await tx.agreements.insert([listed(1_000), listed(1_011)]);
      await tx.transfers.insert([stop]);
    });
    await applyEvents({ ledger, log, policy: DEFAULT_POLICY, roles });
    const { rows } = ledger.contents;
    expect([...rows.values()].filter(({ type }) => type === "base_amount")).toMatchObject([
      { startMs: 1_000 * DAY_MS, status: "processing" },
      { startMs: 1_011 * DAY_MS, status: "pending" },
    ]);
  });
});
