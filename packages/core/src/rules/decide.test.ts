import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import {
  type Bts,
  bts,
  MAX_SUPPLY_SHARES,
  type Shares,
  shares,
  toBtsRoundedDown,
} from "@stakebts/kernel/amount";
import { AssertionError } from "@stakebts/kernel/assert";
import {
  decideDueRow,
  decideTransfer,
  type Decision,
  noticeOfFailure,
  type Roles,
  TRANSFER_OUTCOMES,
} from "./decide.ts";
import { topUpKey } from "./top-up.ts";
import { type NewPayout, payoutKeyInMemo, PAYOUT_KINDS, type PayoutKey } from "./payout.ts";
import { DEFAULT_POLICY, type Policy, type TermMonths, TERMS } from "./policy.ts";
import {
  ADMIN_REQUESTS,
  EXCHANGE_ACCOUNTS,
  MEMO_REJECTIONS,
  type MemoRejection,
  type MemoRequest,
} from "./request.ts";
import { assertStakeRowMove, type StakeRow, STAKE_ROW_STATUSES } from "./stake-row.ts";
import { type Agreement, buildStakeRows } from "./terms.ts";
import { DAY_MS, millis } from "@stakebts/kernel/time";
import { CORE_ASSET_ID, type IncomingTransfer } from "./transfer.ts";

const NOW = millis(Date.UTC(2021, 9, 1));
const ROLES: Roles = {
  managers: ["dls.cipher", "escrow.zavod.premik"],
  treasuryAccounts: ["bittrex-deposit"],
  exchangeDeposit: { account: "bittrex-deposit", memos: { 1: "memo-one", 2: "memo-two" } },
};

const invalid = (reason: MemoRejection): MemoRequest => ({ type: "invalid", reason });
const openFor = (term: keyof typeof TERMS): MemoRequest => ({ type: "open", term });
const STOP: MemoRequest = { type: "stop" };

/** `"61.99999"` BTS in shares. */
function amountOf(text: string): Shares {
  const [whole = "", fraction = ""] = text.split(".");
  return shares(BigInt(whole + fraction.padEnd(5, "0")));
}

const transferOf = (given: Partial<IncomingTransfer>): IncomingTransfer => ({
  operation: { blockNum: 61_000_000, trxInBlock: 3, opInTrx: 1 },
  blockTimeMs: NOW,
  sender: "nominator-a",
  senderIsLifetimeMember: false,
  amount: amountOf("1"),
  assetId: CORE_ASSET_ID,
  request: STOP,
  isReplayed: false,
  ...given,
});

let nextBlockNum = 1;
const agreementOf = (amount: bigint, months: TermMonths, given: Partial<Agreement> = {}): Agreement => ({
  operation: { blockNum: nextBlockNum++, trxInBlock: 0, opInTrx: 0 },
  nominator: "nominator-a",
  amount: bts(amount),
  months,
  startMs: millis(NOW - 10 * DAY_MS),
  terms: DEFAULT_POLICY.terms,
  ...given,
});
const pendingRowsOf = (...agreements: Agreement[]): readonly StakeRow[] =>
  agreements.flatMap(buildStakeRows).filter((row) => row.status === "pending");

const decide = (
  given: Partial<IncomingTransfer>,
  pendingRows: readonly StakeRow[] = [],
  policy: Policy = DEFAULT_POLICY,
): Decision => decideTransfer(transferOf(given), pendingRows, policy, ROLES);

/** Kind, payee and amount of every payment, and nothing else. */
const paymentsOf = ({ payouts }: Decision) => payouts.map((p) => `${p.kind} ${p.payee} ${p.amount}`);

const anAgreement = () => pendingRowsOf(agreementOf(100_000n, 3));

describe("routing, first row that matches", () => {
  const BIG = amountOf("25000");
  const manager = { sender: "dls.cipher", senderIsLifetimeMember: true };
  const loan: MemoRequest = { type: "loan_to_bmg" };

  it.each<[string, Partial<IncomingTransfer>, readonly StakeRow[], Decision["outcome"], string[]]>([
    [
      "an open request for an accepted amount opens an agreement",
      { request: openFor("six_months"), amount: BIG },
      [],
      "agreement_opened",
      ["confirm nominator-a 1"],
    ],
    [
      "a second agreement by the same nominator is an agreement of its own",
      { request: openFor("six_months"), amount: BIG },
      anAgreement(),
      "agreement_opened",
      ["confirm nominator-a 1"],
    ],
    [
      "a manager may nominate as any other account",
      { ...manager, request: openFor("three_months"), amount: BIG },
      [],
      "agreement_opened",
      ["confirm dls.cipher 1"],
    ],
    [
      "an amount that is not accepted is refunded less the fee",
      { request: openFor("six_months"), amount: amountOf("25001") },
      [],
      "refunded",
      ["refund nominator-a 24951"],
    ],
    ["a stop ends the agreements", { request: STOP }, anAgreement(), "stopped", ["stop nominator-a 85000"]],
    [
      "a manager may stop as any other account",
      { ...manager, request: STOP },
      pendingRowsOf(agreementOf(100_000n, 3, { nominator: "dls.cipher" })),
      "stopped",
      ["stop dls.cipher 85000"],
    ],
    ["a stop of 1 BTS without an agreement is kept", { request: STOP }, [], "kept", []],
    [
      "a stop of an accepted amount without an agreement is refunded less the fee, and opens none",
      { request: STOP, amount: BIG },
      [],
      "refunded",
      ["refund nominator-a 24950"],
    ],
    [
      "a stop when nothing but rewards is left has no agreement to stop",
      { request: STOP },
      anAgreement().filter((row) => row.type === "reward"),
      "kept",
      [],
    ],
    [
      "an exchange's deposit is never refunded, with any memo",
      { sender: "bittrex-deposit", request: invalid("no_memo"), amount: BIG },
      [],
      "treasury_deposit",
      [],
    ],
    [
      "an exchange's deposit opens no agreement",
      { sender: "bittrex-deposit", request: openFor("six_months"), amount: BIG },
      [],
      "treasury_deposit",
      [],
    ],
    [
      "an exchange's deposit is no admin request and no loan",
      { sender: "bittrex-deposit", senderIsLifetimeMember: true, request: loan, amount: BIG },
      [],
      "treasury_deposit",
      [],
    ],
    [
      "an exchange's deposit stops nothing",
      { sender: "bittrex-deposit", request: STOP },
      anAgreement(),
      "treasury_deposit",
      [],
    ],
    ["a manager's loan is recorded", { ...manager, request: loan, amount: BIG }, [], "loan", []],
    ["a loan may have any amount", { ...manager, request: loan, amount: amountOf("5") }, [], "loan", []],
    [
      "a manager who is no lifetime member lends nothing: refunded less the fee",
      { sender: "dls.cipher", request: loan, amount: amountOf("1000") },
      [],
      "refunded",
      ["refund dls.cipher 950"],
    ],
    [
      "a lifetime member who is no manager lends nothing: refunded less the fee",
      { sender: "nominator-a", senderIsLifetimeMember: true, request: loan, amount: amountOf("1000") },
      [],
      "refunded",
      ["refund nominator-a 950"],
    ],
    ...ADMIN_REQUESTS.filter((type) => type !== "loan_to_bmg").flatMap(
      (type): [string, Partial<IncomingTransfer>, readonly StakeRow[], Decision["outcome"], string[]][] => {
        const request: MemoRequest = { type, amount: bts(1_000n), account: 1 };
        return [
          [
            `${type} by a manager with LTM is an admin request`,
            { ...manager, request },
            [],
            "admin_request",
            type === "bmg_to_bittrex" ? ["deposit bittrex-deposit 1000"] : [],
          ],
          [
            `${type} by a manager without LTM is not executed and pays the fee`,
            { sender: "dls.cipher", request, amount: amountOf("100") },
            [],
            "refunded",
            ["refund dls.cipher 50"],
          ],
          [
            `${type} by another account with LTM is not executed and pays the fee`,
            { senderIsLifetimeMember: true, request, amount: amountOf("100") },
            [],
            "refunded",
            ["refund nominator-a 50"],
          ],
          [`${type} of 1 BTS by another account is kept`, { request }, [], "kept", []],
        ];
      },
    ),
    ...MEMO_REJECTIONS.map(
      (reason): [string, Partial<IncomingTransfer>, readonly StakeRow[], Decision["outcome"], string[]] => [
        `a memo that is ${reason} is refunded less the fee, open agreements or not`,
        { request: invalid(reason), amount: BIG },
        anAgreement(),
        "refunded",
        ["refund nominator-a 24950"],
      ],
    ),
    [
      "another asset is recorded and left alone, though it may look like a nomination",
      { assetId: "1.3.113", request: openFor("six_months"), amount: BIG },
      [],
      "foreign_asset",
      [],
    ],
    [
      "another asset stops nothing",
      { assetId: "1.3.1", request: STOP, amount: BIG },
      anAgreement(),
      "foreign_asset",
      [],
    ],
    [
      "another asset is not refunded in the core asset",
      { assetId: "1.3.113", request: invalid("no_memo"), amount: BIG },
      [],
      "foreign_asset",
      [],
    ],
  ])("%s", (_, given, pendingRows, outcome, payments) => {
    const decision = decide(given, pendingRows);
    expect(decision.outcome).toBe(outcome);
    expect(paymentsOf(decision)).toEqual(payments);
    expect(decision.reason).not.toBe("");
    expect(decision.agreement !== undefined).toBe(outcome === "agreement_opened");
    if (outcome !== "stopped") expect(decision.rowMoves).toEqual([]);
  });

  it("needs the exact name: a manager's name in another case or with an ending is no manager", () => {
    for (const sender of ["dls.cipher2", "dls", "cipher", "bittrex-deposit1", "xbittrex-deposit"])
      expect(decide({ sender, senderIsLifetimeMember: true, request: loan, amount: BIG }).outcome).toBe(
        "refunded",
      );
  });
});

describe("an admin request by a manager", () => {
  const byManager = (given: Partial<IncomingTransfer>) =>
    decide({ sender: "dls.cipher", senderIsLifetimeMember: true, ...given });

  it("moves funds to the exchange, with the deposit memo of the account that it names", () => {
    const request: MemoRequest = { type: "bmg_to_bittrex", amount: bts(401n), account: 2 };
    expect(byManager({ request })).toEqual({
      outcome: "admin_request",
      reason: "bmg_to_bittrex asked for by the manager dls.cipher: 401 BTS, exchange account 2",
      rowMoves: [],
      payouts: [
        {
          key: "deposit:61000000:3:1",
          kind: "deposit",
          payee: "bittrex-deposit",
          amount: 401n,
          memo: "memo-two",
          dueMs: NOW,
          rows: [],
        },
      ],
    });
  });

  it("has the exchange send funds to the custodian, never to the manager", () => {
    const request: MemoRequest = { type: "bittrex_to_bmg", amount: bts(500n), account: 3 };
    expect(byManager({ request })).toEqual({
      outcome: "admin_request",
      reason: "bittrex_to_bmg asked for by the manager dls.cipher: 500 BTS, exchange account 3",
      rowMoves: [],
      payouts: [],
      topUp: {
        key: "admin:61000000:3:1",
        kind: "admin",
        source: 3,
        amount: 500n,
        memo: "loan_to_bmg",
      },
    });
  });

  it.each<[MemoRequest]>([
    [{ type: "bmg_to_bittrex", amount: bts(1_000n), account: 1 }],
    [{ type: "bittrex_to_bmg", amount: bts(1_000n), account: 1 }],
  ])("is not carried out again when its block is history: $type", (request) => {
    const decision = byManager({ request, isReplayed: true });
    expect(decision).toMatchObject({ outcome: "admin_request", payouts: [] });
    expect(decision.topUp).toBeUndefined();
    expect(decision.reason).toContain("admin replay is off");
  });

  it.each<[MemoRequest, string]>([
    [
      { type: "bmg_to_bittrex", amount: bts(400n), account: 1 },
      "not executed: 400 BTS is not more than 400 BTS",
    ],
    [{ type: "bmg_to_bittrex", amount: bts(1n), account: 1 }, "not executed: 1 BTS is not more than 400 BTS"],
    [{ type: "bittrex_to_bmg", account: 2 }, "not executed: its memo has no amount in whole BTS"],
    [{ type: "bittrex_to_bmg", amount: bts(500n) }, "not executed: its memo names no exchange account"],
    [{ type: "bmg_to_bittrex" }, "not executed: its memo has no amount in whole BTS"],
    [
      { type: "bmg_to_bittrex", amount: bts(500n), account: 3 },
      "not executed: exchange account 3 has no deposit memo in the settings",
    ],
  ])("moves nothing and is recorded with what is wrong: $type, $amount, $account", (request, reason) => {
    const decision = byManager({ request });
    expect(decision).toMatchObject({ outcome: "admin_request", rowMoves: [], payouts: [] });
    expect(decision.topUp).toBeUndefined();
    expect(decision.reason).toContain(reason);
  });
});

describe("an invalid request", () => {
  it.each([
    ["0", []],
    ["0.00001", []],
    ["5", []],
    ["50", []],
    ["51", []],
    ["60", []],
    ["60.99999", []],
    ["61", ["refund nominator-a 11"]],
    ["61.99999", ["refund nominator-a 11"]],
    ["100", ["refund nominator-a 50"]],
    ["24999.99999", ["refund nominator-a 24949"]],
    ["25000", ["refund nominator-a 24950"]],
    ["10000000000", ["refund nominator-a 9999999950"]],
  ])("of %s BTS", (amount, payments) => {
    const decision = decide({ request: invalid("unknown_type"), amount: amountOf(amount) });
    expect(paymentsOf(decision)).toEqual(payments);
    expect(decision.outcome).toBe(payments.length === 0 ? "kept" : "refunded");
  });

  it("is refunded with a memo that names the transfer, at once", () => {
    const [refund] = decide({ request: invalid("no_memo"), amount: amountOf("100") }).payouts;
    expect(refund).toMatchObject({ key: "refund:61000000:3:1", kind: "refund", dueMs: NOW, rows: [] });
    expect(payoutKeyInMemo(refund?.memo ?? "")).toBe("refund:61000000:3:1");
  });
});

describe("a request to open an agreement", () => {
  it.each<[string, Decision["outcome"], bigint | undefined]>([
    ["24999.99999", "refunded", undefined],
    ["25000", "agreement_opened", 25_000n],
    ["25000.00001", "agreement_opened", 25_000n],
    ["25000.5", "agreement_opened", 25_000n],
    ["25000.99999", "agreement_opened", 25_000n],
    ["25001", "refunded", undefined],
    ["5", "kept", undefined],
    ["0", "kept", undefined],
    ["10000000", "agreement_opened", 10_000_000n],
    ["10000000000", "refunded", undefined],
    ...DEFAULT_POLICY.acceptedAmounts.map((amount): [string, Decision["outcome"], bigint] => [
      `${amount}`,
      "agreement_opened",
      amount,
    ]),
  ])("with %s BTS", (amount, outcome, opened) => {
    const decision = decide({ request: openFor("three_months"), amount: amountOf(amount) });
    expect(decision.outcome).toBe(outcome);
    expect(decision.agreement?.agreement.amount).toBe(opened);
  });

  it.each(Object.entries(TERMS))("for %s writes 3 + %i rows under the terms in force", (term, months) => {
    const policy: Policy = {
      ...DEFAULT_POLICY,
      terms: { monthMs: 20_000, rewardBps: 100n, penaltyBps: 200n },
      acceptedAmounts: [bts(700n)],
    };
    const { agreement } = decide(
      { request: openFor(term as keyof typeof TERMS), amount: amountOf("700.7") },
      [],
      policy,
    );
    expect(agreement?.agreement).toEqual({
      operation: { blockNum: 61_000_000, trxInBlock: 3, opInTrx: 1 },
      nominator: "nominator-a",
      amount: 700n,
      months,
      startMs: NOW,
      terms: policy.terms,
    });
    expect(agreement?.rows).toEqual(agreement === undefined ? [] : buildStakeRows(agreement.agreement));
    expect(agreement?.rows).toHaveLength(3 + months);
  });

  it("is confirmed with 1 BTS, a JSON memo and the agreement row, once that is irreversible", () => {
    const { payouts } = decide({ request: openFor("three_months"), amount: amountOf("100000") });
    expect(payouts).toEqual([
      {
        key: "confirm:61000000:3:1",
        kind: "confirm",
        payee: "nominator-a",
        amount: 1n,
        memo: JSON.stringify({
          type: "confirm",
          agreement: "three_months",
          amount: "100000",
          start: NOW,
          payout: "confirm:61000000:3:1",
        }),
        dueMs: NOW,
        rows: [{ id: "agreement_3:0:61000000:3:1", settlesAs: "confirmed" }],
      },
    ]);
  });

  it("is not confirmed when confirmations are switched off, and is opened all the same", () => {
    const decision = decide({ request: openFor("three_months"), amount: amountOf("100000") }, [], {
      ...DEFAULT_POLICY,
      confirmAgreements: false,
    });
    expect(decision.payouts).toEqual([]);
    expect(decision.agreement?.rows).toHaveLength(6);
  });
});

describe("a stop", () => {
  const movesOf = (decision: Decision) =>
    decision.rowMoves.map(({ row, from, to }) => `${row.type} ${row.number}: ${from} ${to}`);

  it("returns the amount less the penalty and aborts the rewards", () => {
    const rows = pendingRowsOf(agreementOf(100_000n, 3));
    const decision = decide({ request: STOP }, rows);
    expect(decision.payouts).toMatchObject([
      {
        key: "stop:61000000:3:1",
        kind: "stop",
        payee: "nominator-a",
        amount: 85_000n,
        dueMs: NOW,
        rows: [
          { id: rows[0]?.id, settlesAs: "premature" },
          { id: rows[1]?.id, settlesAs: "premature" },
        ],
      },
    ]);
    expect(movesOf(decision)).toEqual([
      "base_amount 0: pending processing",
      "penalty 0: pending processing",
      "reward 1: pending aborted",
      "reward 2: pending aborted",
      "reward 3: pending aborted",
    ]);
  });

  it("covers every open agreement with one payment", () => {
    const decision = decide(
      { request: STOP },
      pendingRowsOf(agreementOf(25_000n, 3), agreementOf(25_000n, 3), agreementOf(1_000_000n, 12)),
    );
    expect(paymentsOf(decision)).toEqual(["stop nominator-a 892500"]);
    expect(decision.payouts[0]?.rows).toHaveLength(6);
  });

  it("leaves alone what is already on its way: only what is pending is returned or aborted", () => {
    const rows = pendingRowsOf(agreementOf(100_000n, 3)).filter((row) => row.number !== 1);
    expect(movesOf(decide({ request: STOP }, rows))).not.toContain("reward 1: pending aborted");
  });

  it.each([
    ["0.00001", []],
    ["1", []],
    ["1.99999", []],
    ["2", ["refund nominator-a 2"]],
    ["2.5", ["refund nominator-a 2"]],
    ["25000", ["refund nominator-a 25000"]],
  ])("that carries %s BTS gives that back without a fee if it is more than 1 BTS", (amount, refunds) => {
    const decision = decide({ request: STOP, amount: amountOf(amount) }, anAgreement());
    expect(paymentsOf(decision)).toEqual(["stop nominator-a 85000", ...refunds]);
  });

  it.each([
    ["nothing", 10_000n],
    ["less than nothing", 20_000n],
  ])("worth %s pays nothing for it, is recorded, and ends the agreement", (_, penaltyBps) => {
    const rows = pendingRowsOf(agreementOf(100_000n, 3, { terms: { ...DEFAULT_POLICY.terms, penaltyBps } }));
    const decision = decide({ request: STOP, amount: amountOf("7") }, rows);
    expect(decision.outcome).toBe("stopped");
    expect(paymentsOf(decision)).toEqual(["refund nominator-a 7"]);
    expect(new Set(decision.rowMoves.map((move) => move.to))).toEqual(new Set(["aborted"]));
    expect(decision.rowMoves).toHaveLength(rows.length);
  });
});

describe("a row that falls due", () => {
  const rows = buildStakeRows(
    agreementOf(100_000n, 3, { operation: { blockNum: 7, trxInBlock: 1, opInTrx: 0 } }),
  );
  const [opening, base, penalty, , secondReward] = rows as readonly [
    StakeRow,
    StakeRow,
    StakeRow,
    StakeRow,
    StakeRow,
  ];

  it("is paid by one payout of its own when it is a reward", () => {
    expect(decideDueRow(secondReward)).toEqual({
      move: { row: secondReward, from: "pending", to: "processing" },
      payout: {
        key: "reward:7:1:0:2",
        kind: "reward",
        payee: "nominator-a",
        amount: 8_000n,
        memo: '{"type":"reward","agreement":"7:1:0","number":2,"payout":"reward:7:1:0:2"}',
        dueMs: secondReward.dueMs,
        rows: [{ id: secondReward.id, settlesAs: "confirmed" }],
      },
    });
  });

  it("is paid in full when it is the amount", () => {
    expect(decideDueRow(base).payout).toMatchObject({ key: "base:7:1:0", kind: "base", amount: 100_000n });
  });

  it("is waived when it is the penalty: the nominator stayed", () => {
    expect(decideDueRow(penalty)).toEqual({
      move: { row: penalty, from: "pending", to: "aborted" },
      payout: undefined,
    });
  });

  it("is no debt when rounding left nothing of it: a transfer of 0 does not exist", () => {
    const nothing: StakeRow = { ...secondReward, amount: bts(0n) };
    expect(decideDueRow(nothing)).toEqual({
      move: { row: nothing, from: "pending", to: "aborted" },
      payout: undefined,
    });
  });

  it("is never the agreement row, and never one that is not pending", () => {
    expect(() => decideDueRow({ ...opening, status: "pending" })).toThrow(AssertionError);
    for (const status of STAKE_ROW_STATUSES.filter((s) => s !== "pending"))
      for (const row of [base, penalty, secondReward])
        expect(() => decideDueRow({ ...row, status })).toThrow(AssertionError);
  });
});

describe("the notice of a failed payout", () => {
  const failed = { key: "reward:7:1:0:2" as PayoutKey, kind: "reward", payee: "nominator-a" } as const;

  it("is 1 BTS to its payee with the support address", () => {
    expect(noticeOfFailure(failed, DEFAULT_POLICY, NOW)).toEqual({
      key: "notice:reward:7:1:0:2",
      kind: "notice",
      payee: "nominator-a",
      amount: 1n,
      memo: JSON.stringify({
        type: "notice",
        message: "payment delayed, contact complaints@stakebts.bitsharesmanagement.group",
        payout: "notice:reward:7:1:0:2",
      }),
      dueMs: NOW,
      rows: [],
    });
  });

  it.each(PAYOUT_KINDS)(
    "has the same key each time for a %s, and notices, deposits and checkpoints get none",
    (kind) => {
      const notice = noticeOfFailure({ ...failed, kind }, DEFAULT_POLICY, NOW);
      const again = noticeOfFailure({ ...failed, kind }, DEFAULT_POLICY, millis(NOW + 1));
      expect(notice?.key).toBe(
        ["notice", "deposit", "checkpoint"].includes(kind) ? undefined : "notice:reward:7:1:0:2",
      );
      expect(again?.key).toBe(notice?.key);
    },
  );
});

describe("for any transfer, any agreements and any policy", () => {
  const request: fc.Arbitrary<MemoRequest> = fc.oneof(
    fc.constantFrom(...(Object.keys(TERMS) as (keyof typeof TERMS)[])).map(openFor),
    fc.constant(STOP),
    fc.record(
      {
        type: fc.constantFrom(...ADMIN_REQUESTS),
        amount: fc.bigInt({ min: 1n, max: 10_000_000_000n }).map(bts),
        account: fc.constantFrom(...EXCHANGE_ACCOUNTS),
      },
      { requiredKeys: ["type"] },
    ),
    fc.constantFrom(...MEMO_REJECTIONS).map(invalid),
  );
  const smallBts = fc.bigInt({ min: 0n, max: 100n }).map(bts);
  const policy: fc.Arbitrary<Policy> = fc.record({
    ...(Object.fromEntries(
      Object.entries(DEFAULT_POLICY).map(([name, value]) => [name, fc.constant(value)]),
    ) as { [K in keyof Policy]: fc.Arbitrary<Policy[K]> }),
    terms: fc.record({
      monthMs: fc.integer({ min: 1_000, max: 30 * DAY_MS }),
      rewardBps: fc.bigInt({ min: 0n, max: 2_000n }),
      penaltyBps: fc.bigInt({ min: 0n, max: 12_000n }),
    }),
    acceptedAmounts: fc.array(fc.bigInt({ min: 1n, max: 100n }).map(bts), { minLength: 1, maxLength: 30 }),
    invalidRequestFee: smallBts,
    refundAbove: smallBts,
    confirmAgreements: fc.boolean(),
  });
  const amount = fc
    .oneof(
      fc.bigInt({ min: 0n, max: 20_000_000n }),
      fc.constantFrom(...DEFAULT_POLICY.acceptedAmounts.map((a) => a * 100_000n)),
      fc.bigInt({ min: 0n, max: MAX_SUPPLY_SHARES }),
    )
    .map(shares);
  const transfer: fc.Arbitrary<IncomingTransfer> = fc.record({
    operation: fc.record({
      blockNum: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      trxInBlock: fc.nat({ max: 999 }),
      opInTrx: fc.nat({ max: 999 }),
    }),
    blockTimeMs: fc.integer({ min: 0, max: Date.UTC(2100, 0) }).map(millis),
    sender: fc.constantFrom("nominator-a", "dls.cipher", "bittrex-deposit", "__proto__", ""),
    senderIsLifetimeMember: fc.boolean(),
    amount,
    assetId: fc.constantFrom(CORE_ASSET_ID, CORE_ASSET_ID, CORE_ASSET_ID, "1.3.113"),
    request,
    isReplayed: fc.boolean(),
  });
  /** Agreements of the sender in any stage of life: some rows are no longer pending. */
  const pendingRows = fc
    .array(
      fc.tuple(
        fc.bigInt({ min: 1n, max: 10_000_000n }),
        fc.constantFrom(...Object.values(TERMS)),
        fc.bigInt({ min: 0n, max: 12_000n }),
        fc.nat({ max: 15 }),
      ),
      { maxLength: 5 },
    )
    .map((agreements) =>
      agreements.flatMap(([given, months, penaltyBps, settled]) => {
        const rows = pendingRowsOf(
          agreementOf(given, months, { terms: { ...DEFAULT_POLICY.terms, penaltyBps } }),
        );
        // Rewards fall due first, in their order; base amount and penalty together, last.
        const [base, penalty, ...rewards] = rows as [StakeRow, StakeRow, ...StakeRow[]];
        return settled >= rewards.length + 3 ? [] : [base, penalty, ...rewards.slice(settled)];
      }),
    );
  const world = fc.tuple(transfer, pendingRows, policy);
  const ofSender = (rows: readonly StakeRow[], sender: string) =>
    rows.map((row) => ({ ...row, nominator: sender }));
  const decideIn = ([given, rows, rules]: [IncomingTransfer, readonly StakeRow[], Policy]) =>
    decideTransfer(given, ofSender(rows, given.sender), rules, ROLES);
  const sum = (amounts: readonly Bts[]) => amounts.reduce((total, one) => total + one, 0n);
  const paid = (payouts: readonly NewPayout[], kind: NewPayout["kind"]) =>
    sum(payouts.filter((payout) => payout.kind === kind).map((payout) => payout.amount));

  test.prop([world])("there is an answer, and the same one every time", (given) => {
    const decision = decideIn(given);
    expect(TRANSFER_OUTCOMES).toContain(decision.outcome);
    expect(decideIn(given)).toEqual(decision);
  });

  test.prop([world])(
    "only the sender and our own exchange account are paid, never nothing or less",
    (given) => {
      for (const payout of decideIn(given).payouts) {
        expect(payout.amount).toBeGreaterThan(0n);
        if (payout.kind === "deposit") {
          expect(payout.payee).toBe(ROLES.exchangeDeposit.account);
          expect(Object.values(ROLES.exchangeDeposit.memos)).toContain(payout.memo);
          continue;
        }
        expect(payout.payee).toBe(given[0].sender);
        expect(payoutKeyInMemo(payout.memo)).toBe(payout.key);
      }
    },
  );

  test.prop([world])("funds move only on the word of a manager who is a lifetime member", (given) => {
    const { payouts, topUp } = decideIn(given);
    if (topUp === undefined && payouts.every(({ kind }) => kind !== "deposit")) return;
    const [{ sender, senderIsLifetimeMember, isReplayed }] = given;
    expect(ROLES.managers).toContain(sender);
    expect({ senderIsLifetimeMember, isReplayed }).toEqual({
      senderIsLifetimeMember: true,
      isReplayed: false,
    });
  });

  test.prop([world])(
    "what completes a request for funds is kept, of any sender and with any memo",
    (given) => {
      const [transferGiven, rows, rules] = given;
      const decision = decideTransfer(
        { ...transferGiven, assetId: CORE_ASSET_ID },
        rows,
        rules,
        ROLES,
        topUpKey.shortage(1, 1),
      );
      expect(decision).toMatchObject({ outcome: "treasury_deposit", payouts: [], rowMoves: [] });
    },
  );

  test.prop([world])("no two payments of a decision have the same key", (given) => {
    const keys = decideIn(given).payouts.map((payout) => payout.key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test.prop([world], { numRuns: 1_000 })("what came in is accounted for to the last BTS", (given) => {
    const [{ amount: received, assetId }, , rules] = given;
    const incoming = toBtsRoundedDown(received);
    const { outcome, agreement, payouts } = decideIn(given);
    const refunds = paid(payouts, "refund");
    const isIn = (...amounts: bigint[]) => expect(amounts).toContain(incoming);
    switch (outcome) {
      case "agreement_opened":
        isIn(agreement?.agreement.amount ?? -1n);
        expect(refunds).toBe(0n);
        expect(paid(payouts, "confirm")).toBe(rules.confirmAgreements ? 1n : 0n);
        break;
      case "refunded":
        isIn(refunds + rules.invalidRequestFee);
        expect(refunds).toBeGreaterThan(rules.refundAbove);
        break;
      case "kept":
        expect(incoming - rules.invalidRequestFee).toBeLessThanOrEqual(rules.refundAbove);
        expect(payouts).toEqual([]);
        break;
      case "stopped":
        expect(refunds).toBe(incoming > 1n ? incoming : 0n);
        break;
      case "foreign_asset":
        expect(assetId).not.toBe(CORE_ASSET_ID);
        expect(payouts).toEqual([]);
        break;
      case "admin_request":
        expect(payouts.filter(({ kind }) => kind !== "deposit")).toEqual([]);
        break;
      case "treasury_deposit":
      case "loan":
        expect(payouts).toEqual([]);
        break;
      case "already_processed":
        expect.unreachable("only an import knows");
        break;
      default:
        expect.unreachable(`outcome ${String(outcome satisfies never)}`);
    }
  });

  test.prop([world])(
    "what an agreement owes is its amount, its rewards, or the amount less the penalty",
    (given) => {
      const opened = decideIn(given).agreement;
      if (opened === undefined) return;
      const pending = opened.rows.filter((row) => row.status === "pending");
      const { amount: base, months, terms } = opened.agreement;
      const reward = (base * terms.rewardBps) / 10_000n;
      const atFullTerm = pending
        .map(decideDueRow)
        .flatMap(({ payout }) => (payout === undefined ? [] : [payout]));
      expect(sum(atFullTerm.map((payout) => payout.amount))).toBe(base + reward * BigInt(months));
      for (const payout of atFullTerm) expect(payout.payee).toBe(given[0].sender);
      expect(new Set(atFullTerm.map((payout) => payout.key)).size).toBe(atFullTerm.length);
      const early = decideTransfer(transferOf({ sender: "nominator-a" }), pending, given[2], ROLES);
      const due = base - (base * terms.penaltyBps) / 10_000n;
      expect(paid(early.payouts, "stop")).toBe(due > 0n ? due : 0n);
    },
  );

  test.prop([transfer, pendingRows, policy])(
    "a stop ends every open agreement of the sender with at most one payment, and a second stop finds nothing",
    (given, rows, rules) => {
      fc.pre(rows.length > 0);
      const stop = { ...given, sender: "nominator-a", assetId: CORE_ASSET_ID, request: STOP };
      const decision = decideTransfer(stop, rows, rules, ROLES);
      expect(decision.outcome).toBe("stopped");
      const returned = rows.filter((row) => row.type !== "reward");
      const worth = sum(returned.map((row) => row.amount));
      const exits = decision.payouts.filter((payout) => payout.kind === "stop");
      expect(exits.map((payout) => payout.amount)).toEqual(worth > 0n ? [worth] : []);
      if (worth > 0n)
        expect(new Set(exits[0]?.rows.map((row) => row.id))).toEqual(new Set(returned.map((row) => row.id)));
      const moved = new Map(decision.rowMoves.map(({ row, to }) => [row.id, to]));
      expect(decision.rowMoves).toHaveLength(rows.length);
      for (const row of rows)
        expect(moved.get(row.id)).toBe(row.type !== "reward" && worth > 0n ? "processing" : "aborted");
      const left = rows.filter((row) => !moved.has(row.id));
      expect(["refunded", "kept"]).toContain(decideTransfer(stop, left, rules, ROLES).outcome);
    },
  );

  test.prop([world])("rows move only as rows may, and only rows of the sender", (given) => {
    for (const { row, from, to } of decideIn(given).rowMoves) {
      expect(row.nominator).toBe(given[0].sender);
      expect(row.status).toBe(from);
      assertStakeRowMove(from, to);
    }
  });
});

describe("money that the custodian drew from another account", () => {
  const drawn = (given: Partial<IncomingTransfer> = {}) =>
    decideTransfer(
      transferOf({ request: { type: "drawn" }, amount: amountOf("25000"), ...given }),
      pendingRowsOf(agreementOf(25_000n, 3)),
      DEFAULT_POLICY,
      ROLES,
    );

  it("is a deposit of any giver, and opens, stops and returns nothing", () => {
    for (const sender of ["bittrex-deposit", "dls.cipher", "nominator-a"]) {
      const { outcome, payouts, rowMoves, agreement } = drawn({ sender });
      expect({ outcome, payouts, rowMoves, agreement }).toEqual({
        outcome: "treasury_deposit",
        payouts: [],
        rowMoves: [],
        agreement: undefined,
      });
    }
  });

  it("in another asset is foreign like any other", () =>
    expect(drawn({ assetId: "1.3.1" }).outcome).toBe("foreign_asset"));
});
