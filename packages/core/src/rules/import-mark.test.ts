import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { bts, shares } from "@stakebts/kernel/amount";
import { decideTransfer } from "./decide.ts";
import { asImported, DAYS_PAID_BY_HAND, monthsPaidOn } from "./import-mark.ts";
import { compareWithLedger } from "../imports/write-agreements.ts";
import { DEFAULT_POLICY, type TermMonths } from "./policy.ts";
import type { Agreement } from "./terms.ts";
import { millis, MINUTE_MS } from "@stakebts/kernel/time";

const at = (text: string) => millis(Date.parse(text));
const paid = (start: string, months: TermMonths = 12) =>
  monthsPaidOn(DAYS_PAID_BY_HAND, { startMs: at(start), months }).map(
    ({ number, paidMs }) => `${number} ${new Date(paidMs).toISOString().slice(0, 10)}`,
  );

describe("months paid by hand", () => {
  it("are one for each day of payment that an agreement has seen, due or not", () => {
    expect(paid("2021-06-08T18:42:00Z")).toEqual(["1 2021-06-30", "2 2021-07-31", "3 2021-08-31"]);
    expect(paid("2021-07-20T00:00:00Z")).toEqual(["1 2021-07-31", "2 2021-08-31"]);
    expect(paid("2021-08-31T23:00:00Z")).toEqual(["1 2021-08-31"]);
    expect(paid("2021-09-01T00:00:00Z")).toEqual([]);
  });

  it("are never more than the agreement has", () => {
    const days = ["2021-05-31", "2021-06-30", "2021-07-31", "2021-08-31"].map(at);
    expect(monthsPaidOn(days, { startMs: at("2021-05-02T00:00:00Z"), months: 3 })).toHaveLength(3);
  });

  test.prop([
    fc.array(fc.integer({ min: 0, max: 5e9 }).map(millis)),
    fc.integer({ min: 0, max: 5e9 }).map(millis),
  ])("are numbered from 1, and no payment is before the start", (days, startMs) => {
    const found = monthsPaidOn(days, { startMs, months: 12 });
    expect(found.map(({ number }) => number)).toEqual(found.map((_, index) => index + 1));
    for (const { paidMs } of found) expect(paidMs).toBeGreaterThanOrEqual(startMs);
  });
});

const transfer = {
  operation: { blockNum: 10, trxInBlock: 0, opInTrx: 0 },
  blockTimeMs: at("2021-07-10T00:00:00Z"),
  sender: "nominator-1",
  senderIsLifetimeMember: false,
  assetId: "1.3.0",
  isReplayed: false,
  request: { type: "open", term: "three_months" },
} as const;
const roles = {
  managers: ["manager"],
  treasuryAccounts: [],
  exchangeDeposit: { account: "bittrex-deposit", memos: { 1: "memo" } },
};

describe("a transfer that an import finds", () => {
  const monthsPaid = [{ number: 1, paidMs: at("2021-07-31") }];

  it("opens its agreement with the months that were paid, and confirms nothing", () => {
    const live = decideTransfer({ ...transfer, amount: shares(2_500_000_000n) }, [], DEFAULT_POLICY, roles);
    const imported = asImported(live, { monthsPaid });
    expect(live.payouts).toHaveLength(1);
    expect(imported.payouts).toEqual([]);
    expect(imported.agreement?.rows.map((row) => `${row.type} ${row.number} ${row.status}`)).toEqual([
      "agreement_3 0 paid",
      "base_amount 0 pending",
      "penalty 0 pending",
      "reward 1 paid",
      "reward 2 pending",
      "reward 3 pending",
    ]);
    expect(imported.agreement?.rows[3]?.settlement?.processedMs).toBe(at("2021-07-31"));
  });

  it("is not refunded again", () => {
    const live = decideTransfer({ ...transfer, amount: shares(50_000_000n) }, [], DEFAULT_POLICY, roles);
    expect(live.outcome).toBe("refunded");
    expect(asImported(live, { monthsPaid: [] })).toMatchObject({ outcome: "already_processed", payouts: [] });
  });
});

describe("a manager's request that an import finds", () => {
  it.each(["bmg_to_bittrex", "bittrex_to_bmg"] as const)("moves no funds again: %s", (type) => {
    const asked = {
      ...transfer,
      sender: "manager",
      senderIsLifetimeMember: true,
      amount: shares(100_000n),
      request: { type, amount: bts(1_000n), account: 1 } as const,
    };
    const live = decideTransfer(asked, [], DEFAULT_POLICY, roles);
    expect(live.payouts.length + (live.topUp === undefined ? 0 : 1)).toBe(1);
    const imported = asImported(live, { monthsPaid: [] });
    expect(imported.payouts).toEqual([]);
    expect(imported).not.toHaveProperty("topUp");
  });
});

describe("an agreement that came on two ways", () => {
  const agreement = (blockNum: number, minute: number, change: Partial<Agreement> = {}): Agreement => ({
    operation: { blockNum, trxInBlock: 0, opInTrx: 0 },
    nominator: "nominator-1",
    amount: bts(25_000n),
    months: 3,
    startMs: millis(minute * MINUTE_MS),
    terms: DEFAULT_POLICY.terms,
    ...change,
  });
  const types = (offered: readonly Agreement[], existing: readonly Agreement[]) =>
    compareWithLedger(offered, existing).map((found) => (found.type === "duplicate" ? found.of : found.type));

  it("is one, if it is the same but for its place and some minutes", () => {
    expect(types([agreement(0, 59)], [agreement(100, 0)])).toEqual(["100:0:0"]);
    expect(types([agreement(0, 61)], [agreement(100, 0)])).toEqual(["new"]);
    expect(types([agreement(0, 0, { months: 6 })], [agreement(100, 0)])).toEqual(["new"]);
    expect(types([agreement(0, 0, { nominator: "other" })], [agreement(100, 0)])).toEqual(["new"]);
  });

  it("stays two where there are two", () => {
    expect(types([agreement(1, 0), agreement(2, 5)], [agreement(100, 1)])).toEqual(["100:0:0", "new"]);
    expect(types([agreement(1, 0), agreement(2, 5)], [agreement(1, 0)])).toEqual(["same_place", "new"]);
    expect(types([agreement(2, 5), agreement(1, 0)], [agreement(1, 0), agreement(2, 5)])).toEqual([
      "same_place",
      "same_place",
    ]);
  });

  it("whose place another one has is named", () => {
    expect(types([agreement(1, 0)], [agreement(1, 0, { months: 12 })])).toEqual(["taken"]);
  });
});
