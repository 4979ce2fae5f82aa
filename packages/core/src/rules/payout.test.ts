import { PAYOUT_MOVES } from "@stakebts/testkit/twins/moves";
import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { bts } from "@stakebts/kernel/amount";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import {
  afterAttempt,
  IN_FLIGHT_STATUSES,
  PAYABLE_STATUSES,
  PAYOUT_KINDS,
  PAYOUT_STATUSES,
  type PayoutKey,
  payoutKey,
  payoutKeyInMemo,
  payoutMemo,
} from "./payout.ts";
import { type StakeRow, stakeRowId } from "./stake-row.ts";
import { millis } from "@stakebts/kernel/time";

const AT: OperationPosition = { blockNum: 61_000_000, trxInBlock: 3, opInTrx: 1 };

const rowOf = (type: "reward" | "base_amount", number: number, agreement = AT): StakeRow => ({
  id: stakeRowId({ type, number, agreement }),
  agreement,
  nominator: "nominator-a",
  digitalAsset: "BTS",
  amount: bts(8_000n),
  type,
  number,
  startMs: millis(0),
  dueMs: millis(0),
  status: "pending",
});

describe("the key of a payout", () => {
  it.each([
    [payoutKey.row(rowOf("reward", 11)), "reward:61000000:3:1:11"],
    [payoutKey.row(rowOf("base_amount", 0)), "base:61000000:3:1"],
    [payoutKey.stop(AT), "stop:61000000:3:1"],
    [payoutKey.refund(AT), "refund:61000000:3:1"],
    [payoutKey.confirm(AT), "confirm:61000000:3:1"],
    [payoutKey.notice(payoutKey.stop(AT)), "notice:stop:61000000:3:1"],
  ])("is %s: the effect and its cause, nothing else", (key, text) => expect(key).toBe(text));
});

const position = fc.record({
  blockNum: fc.integer({ min: 1, max: 0xffff_ffff }),
  trxInBlock: fc.nat({ max: 0xffff }),
  opInTrx: fc.nat({ max: 0xffff }),
});
const simpleKey: fc.Arbitrary<PayoutKey> = fc.oneof(
  fc
    .tuple(position, fc.integer({ min: 1, max: 12 }))
    .map(([agreement, number]) => payoutKey.row(rowOf("reward", number, agreement))),
  position.map((agreement) => payoutKey.row(rowOf("base_amount", 0, agreement))),
  fc
    .tuple(position, fc.constantFrom("stop", "refund", "confirm"))
    .map(([at, kind]) => payoutKey[kind as "stop"](at)),
);
const key = fc.oneof(simpleKey, simpleKey.map(payoutKey.notice));

describe("the memo of a payout", () => {
  test.prop([
    fc.constantFrom(...PAYOUT_KINDS),
    key,
    fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: "binary" }), fc.integer())),
  ])("gives its key back, with any other fields in it", (kind, given, fields) => {
    expect(payoutKeyInMemo(payoutMemo(kind, given, fields))).toBe(given);
  });

  it("is compact JSON that says what it is, and fits in one line", () => {
    expect(payoutMemo("stop", payoutKey.stop(AT), { amount: "85000" })).toBe(
      '{"type":"stop","amount":"85000","payout":"stop:61000000:3:1"}',
    );
  });

  it.each([
    [""],
    ["stop"],
    ["null"],
    ["[]"],
    ['"stop:1:2:3"'],
    ["{}"],
    ['{"payout":null}'],
    ['{"payout":["stop:1:2:3"]}'],
    ['{"__proto__":{"payout":"stop:1:2:3"}}'],
    ['{"payout":"stop:1:2"}'],
    ['{"payout":"stop:1:2:3:4"}'],
    ['{"payout":"reward:1:2:3"}'],
    ['{"payout":"stop:-1:2:3"}'],
    ['{"payout":"stop:1:2:3 "}'],
    [String.raw`{"payout":"stop:1:2:3\n"}`],
    [String.raw`{"payout":"\nstop:1:2:3"}`],
    ['{"payout":"top-up:1:2:3"}'],
    ['{"payout":"notice:1:2:3"}'],
    ['{"payout":"notice:notice:stop:1:2:3"}'],
    ['{"payout":"stop:\u0661:2:3"}'],
    ['{"payout":"stop:12345678901:2:3"}'],
    ['{"payout":"stop:1:2:3"'],
  ])("is not what %s is: no key", (text) => expect(payoutKeyInMemo(text)).toBeUndefined());

  test.prop([fc.oneof(fc.string({ unit: "binary" }), fc.json(), key.map(String))])(
    "is looked for in any text, and none throws",
    (text) => {
      expect(payoutKeyInMemo(text)).toBeUndefined();
    },
  );

  it("is looked for in 1 MB of nesting, and that does not throw either", () => {
    expect(payoutKeyInMemo("[".repeat(2 ** 20))).toBeUndefined();
    expect(payoutKeyInMemo('{"payout":'.repeat(2 ** 17))).toBeUndefined();
  });
});

describe("a payout", () => {
  const pairs = PAYOUT_STATUSES.flatMap((from) => PAYOUT_STATUSES.map((to) => `${from} ${to}`));
  const allowed = new Set(PAYOUT_STATUSES.flatMap((from) => PAYOUT_MOVES[from].map((to) => `${from} ${to}`)));

  it("is final when confirmed or cancelled", () =>
    expect(PAYOUT_STATUSES.filter((status) => PAYOUT_MOVES[status].length === 0)).toEqual([
      "confirmed",
      "cancelled",
    ]));

  it("is confirmed from every state that is not final: the chain has the last word", () => {
    for (const status of PAYOUT_STATUSES)
      if (PAYOUT_MOVES[status].length > 0) expect(PAYOUT_MOVES[status]).toContain("confirmed");
  });

  it("is signed only while it may be paid, and sent only when it is signed", () => {
    expect(pairs.filter((pair) => pair.endsWith(" signed") && allowed.has(pair))).toEqual(
      PAYABLE_STATUSES.map((status) => `${status} signed`),
    );
    expect(pairs.filter((pair) => pair.endsWith(" sent") && allowed.has(pair))).toEqual(["signed sent"]);
  });

  it("is never cancelled while its bytes may be out", () => {
    for (const status of IN_FLIGHT_STATUSES) expect(PAYOUT_MOVES[status]).not.toContain("cancelled");
  });

  it("never becomes due again, and a failed one is paid only after a person has asked for it", () => {
    expect(pairs.filter((pair) => pair.endsWith(" due") && allowed.has(pair))).toEqual([]);
    expect(PAYOUT_MOVES.failed).toEqual(["ready", "confirmed", "cancelled"]);
    expect(PAYABLE_STATUSES).not.toContain("failed");
    expect(PAYABLE_STATUSES).not.toContain("held");
  });

  it("can be settled from wherever it stands", () => {
    const reaches = (from: (typeof PAYOUT_STATUSES)[number], seen = new Set<string>()): Set<string> => {
      for (const to of PAYOUT_MOVES[from])
        if (!seen.has(to)) {
          seen.add(to);
          reaches(to, seen);
        }
      return seen;
    };
    for (const status of PAYOUT_STATUSES)
      if (status !== "cancelled" && status !== "confirmed") expect(reaches(status)).toContain("signed");
  });
});

describe("the end of an attempt", () => {
  it.each([
    [1, "ready"],
    [4, "ready"],
    [5, "failed"],
    [6, "failed"],
  ])("number %i of 5 that expired leaves the payout %s", (attempts, status) =>
    expect(afterAttempt({ type: "withdrawal_expired", attempts, maxAttempts: 5 })).toBe(status),
  );
  it("that was refused for ever leaves it failed", () =>
    expect(afterAttempt({ type: "refused_for_ever" })).toBe("failed"));
});
