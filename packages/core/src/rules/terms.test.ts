import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { bts, MAX_SUPPLY_SHARES, SHARES_PER_BTS } from "@stakebts/kernel/amount";
import { AssertionError } from "@stakebts/kernel/assert";
import { type AgreementTerms, DEFAULT_POLICY, type TermMonths, TERMS } from "./policy.ts";
import { type Agreement, buildStakeRows, penaltyFor, rewardPerMonth } from "./terms.ts";
import { DAY_MS, millis } from "@stakebts/kernel/time";

const START = millis(Date.UTC(2021, 8, 1, 12, 30, 15));
const MONTH = 2_592_000_000;

const agreementOf = (amount: bigint, months: TermMonths, terms = DEFAULT_POLICY.terms): Agreement => ({
  operation: { blockNum: 61_000_000, trxInBlock: 3, opInTrx: 1 },
  nominator: "nominator-a",
  amount: bts(amount),
  months,
  startMs: START,
  terms,
});

describe("the terms of the programme", () => {
  it("are months of thirty days, 8 % a month and 15 % penalty", () => {
    expect(DEFAULT_POLICY.terms).toEqual({ monthMs: MONTH, rewardBps: 800n, penaltyBps: 1_500n });
    expect(30 * DAY_MS).toBe(MONTH);
    expect(TERMS).toEqual({ three_months: 3, six_months: 6, twelve_months: 12 });
    expect(DEFAULT_POLICY.acceptedAmounts).toEqual([
      25_000n,
      50_000n,
      100_000n,
      200_000n,
      250_000n,
      500_000n,
      1_000_000n,
      2_500_000n,
      5_000_000n,
      10_000_000n,
    ]);
  });

  it.each([
    [25_000n, 2_000n, -3_750n],
    [50_000n, 4_000n, -7_500n],
    [100_000n, 8_000n, -15_000n],
    [200_000n, 16_000n, -30_000n],
    [250_000n, 20_000n, -37_500n],
    [500_000n, 40_000n, -75_000n],
    [1_000_000n, 80_000n, -150_000n],
    [2_500_000n, 200_000n, -375_000n],
    [5_000_000n, 400_000n, -750_000n],
    [10_000_000n, 800_000n, -1_500_000n],
  ])("give %i BTS a reward of %i a month and a penalty of %i", (amount, reward, penalty) => {
    expect(rewardPerMonth(bts(amount), DEFAULT_POLICY.terms)).toBe(reward);
    expect(penaltyFor(bts(amount), DEFAULT_POLICY.terms)).toBe(penalty);
  });

  it.each([
    [99n, 7n, -14n],
    [12n, 0n, -1n],
    [6n, 0n, 0n],
    [1n, 0n, 0n],
  ])("round both towards zero: %i BTS give %i and %i", (amount, reward, penalty) => {
    expect(rewardPerMonth(bts(amount), DEFAULT_POLICY.terms)).toBe(reward);
    expect(penaltyFor(bts(amount), DEFAULT_POLICY.terms)).toBe(penalty);
  });
});

describe("the rows of an agreement", () => {
  it("of 100000 for three months are the six of the programme's own example", () => {
    const rows = buildStakeRows(agreementOf(100_000n, 3));
    const due = (months: number) => START + months * MONTH;
    expect(
      rows.map((row) => [row.type, row.amount, row.dueMs, row.status, row.number, row.id] as const),
    ).toEqual([
      ["agreement_3", 1n, START, "paid", 0, "agreement_3:0:61000000:3:1"],
      ["base_amount", 100_000n, due(3), "pending", 0, "base_amount:0:61000000:3:1"],
      ["penalty", -15_000n, due(3), "pending", 0, "penalty:0:61000000:3:1"],
      ["reward", 8_000n, due(1), "pending", 1, "reward:1:61000000:3:1"],
      ["reward", 8_000n, due(2), "pending", 2, "reward:2:61000000:3:1"],
      ["reward", 8_000n, due(3), "pending", 3, "reward:3:61000000:3:1"],
    ]);
    for (const row of rows)
      expect(row).toMatchObject({
        nominator: "nominator-a",
        digitalAsset: "BTS",
        startMs: START,
        agreement: { blockNum: 61_000_000, trxInBlock: 3, opInTrx: 1 },
      });
  });

  it("go by the length of a month in its terms and not by the calendar", () => {
    const rows = buildStakeRows(agreementOf(25_000n, 12));
    expect(new Date(rows.at(-1)?.dueMs ?? 0).toISOString()).toBe("2022-08-27T12:30:15.000Z");
    const quick = buildStakeRows(agreementOf(25_000n, 3, { ...DEFAULT_POLICY.terms, monthMs: 20_000 }));
    expect(quick.map((row) => row.dueMs - START)).toEqual([0, 60_000, 60_000, 20_000, 40_000, 60_000]);
  });

  const terms: fc.Arbitrary<AgreementTerms> = fc.record({
    monthMs: fc.integer({ min: 1_000, max: 366 * DAY_MS }),
    rewardBps: fc.bigInt({ min: 0n, max: 20_000n }),
    penaltyBps: fc.bigInt({ min: 0n, max: 20_000n }),
  });
  const agreement: fc.Arbitrary<Agreement> = fc.record({
    operation: fc.record({
      blockNum: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      trxInBlock: fc.nat({ max: 500 }),
      opInTrx: fc.nat({ max: 500 }),
    }),
    nominator: fc.stringMatching(/^[a-z][a-z0-9-]{2,20}$/u),
    amount: fc.bigInt({ min: 1n, max: MAX_SUPPLY_SHARES / SHARES_PER_BTS }).map(bts),
    months: fc.constantFrom(...Object.values(TERMS)),
    startMs: fc.integer({ min: 0, max: Date.UTC(2100, 0) }).map(millis),
    terms,
  });

  test.prop([agreement])("are 3 + months, each due when the rules say, to the millisecond", (given) => {
    const { months, startMs, amount } = given;
    const rows = buildStakeRows(given);
    expect(rows).toHaveLength(3 + months);
    const endMs = startMs + months * given.terms.monthMs;
    const [opening, base, penalty, ...rewards] = rows;
    expect(opening).toMatchObject({
      type: `agreement_${months}`,
      amount: 1n,
      dueMs: startMs,
      status: "paid",
    });
    expect(base).toMatchObject({ type: "base_amount", amount, dueMs: endMs, status: "pending" });
    expect(penalty).toMatchObject({ type: "penalty", dueMs: endMs, status: "pending" });
    expect(penalty?.amount).toBe(0n - (amount * given.terms.penaltyBps) / 10_000n);
    expect(rewards).toHaveLength(months);
    for (const [index, reward] of rewards.entries())
      expect(reward).toMatchObject({
        type: "reward",
        number: index + 1,
        amount: (amount * given.terms.rewardBps) / 10_000n,
        dueMs: startMs + (index + 1) * given.terms.monthMs,
        status: "pending",
      });
    expect(rewards.at(-1)?.dueMs).toBe(endMs);
  });

  test.prop([agreement, agreement])("never share an id with those of another agreement", (a, b) => {
    const ids = (one: Agreement) => buildStakeRows(one).map((row) => row.id);
    expect(new Set(ids(a)).size).toBe(3 + a.months);
    const isSameTransfer = JSON.stringify(a.operation) === JSON.stringify(b.operation);
    if (!isSameTransfer) expect(new Set([...ids(a), ...ids(b)]).size).toBe(6 + a.months + b.months);
  });

  it("of nothing are a broken assumption", () => {
    expect(() => buildStakeRows(agreementOf(0n, 3))).toThrow(AssertionError);
    expect(() => buildStakeRows(agreementOf(-1n, 3))).toThrow(AssertionError);
  });
});
