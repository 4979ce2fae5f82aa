import { WITHDRAWAL_MOVES } from "@stakebts/testkit/twins/moves";
import { readFileSync } from "node:fs";
import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { AssertionError } from "@stakebts/kernel/assert";
import { millis } from "@stakebts/kernel/time";
import {
  decideWithdrawal,
  isLive,
  WITHDRAWAL_STATUSES,
  type WithdrawalEvent,
  type WithdrawalId,
  type WithdrawalState,
  type WithdrawalStatus,
} from "./withdrawal.ts";

const vectors = JSON.parse(
  readFileSync(new URL("./fixtures/expiration-vectors.json", import.meta.url), "utf8"),
) as {
  dead_rule_cases: {
    name: string;
    ref_block: number;
    expiration: string;
    last_irreversible_block_num: number;
    txid: string;
    blocks: string[];
    verdict: string;
  }[];
  expiration_cases: {
    name: string;
    parent_block_time: string;
    including_block_time: string;
    expiration: string;
    may_be_included: boolean;
  }[];
};

const at = (time: string) => millis(Date.parse(`${time}Z`));
const LIVE: readonly WithdrawalStatus[] = ["signed", "broadcast"];

const withdrawal = (given: Partial<WithdrawalState> = {}): WithdrawalState => ({
  id: "w" as WithdrawalId,
  status: "broadcast",
  expirationMs: at("2026-01-01T00:00:30"),
  refBlockNum: 1_000,
  ...given,
});

const parseBlock = (text: string) => {
  const [, num, time, txids] = /^(\d+)@([^[]+)(?:\[(.*)\])?$/u.exec(text) ?? [];
  return { num: Number(num), timeMs: at(time ?? ""), txids: (txids ?? "").split(",") };
};

describe.each(vectors.dead_rule_cases)("a scan of the irreversible blocks: $name", (v) => {
  const irreversible = v.blocks.map(parseBlock).filter((block) => block.num <= v.last_irreversible_block_num);
  // As the ingester does it: block after block, first what it holds, then what its time proves.
  const statusesAfterEachBlock = (before: WithdrawalStatus) => {
    let status = before;
    return irreversible.map((block) => {
      const state = withdrawal({ status, expirationMs: at(v.expiration), refBlockNum: v.ref_block });
      status = block.txids.includes(v.txid)
        ? decideWithdrawal(state, { type: "found_irreversible" })
        : decideWithdrawal(state, {
            type: "scanned",
            fromBlockNum: v.ref_block + 1,
            blockTimeMs: block.timeMs,
          });
      return status;
    });
  };

  it.each(LIVE)(`${v.verdict} when it was %s`, (before) => {
    const expected = v.verdict.startsWith("FINAL") ? "confirmed" : v.verdict === "DEAD" ? "expired" : before;
    expect(statusesAfterEachBlock(before).at(-1)).toBe(expected);
  });

  it("is decided by the last irreversible block and no sooner", () => {
    const statuses = statusesAfterEachBlock("signed");
    const first = statuses.findIndex((status) => !isLive(status));
    const foundIn = /^FINAL in (\d+)$/u.exec(v.verdict)?.[1];
    if (foundIn !== undefined) expect(irreversible[first]?.num).toBe(Number(foundIn));
    else expect(first).toBe(v.verdict === "DEAD" ? statuses.length - 1 : -1);
  });
});

describe.each(vectors.expiration_cases)("what the node's own rule says of expiration: $name", (v) => {
  it("is never contradicted: a withdrawal that may still be included is not dead", () => {
    const scanned = decideWithdrawal(withdrawal({ expirationMs: at(v.expiration) }), {
      type: "scanned",
      fromBlockNum: 1,
      blockTimeMs: at(v.parent_block_time),
    });
    // A node also refuses an expiration that is too far away. That is no proof of death: it may be near enough later.
    const isPast = Date.parse(v.parent_block_time) > Date.parse(v.expiration);
    expect(scanned).toBe(isPast ? "expired" : "broadcast");
    if (v.may_be_included) expect(scanned).toBe("broadcast");
  });
});

describe("a withdrawal", () => {
  const scan = (fromBlockNum: number, blockTimeMs: number): WithdrawalEvent => ({
    type: "scanned",
    fromBlockNum,
    blockTimeMs: millis(blockTimeMs),
  });
  const { expirationMs, refBlockNum } = withdrawal();

  it.each([
    [-1, "broadcast"],
    [0, "broadcast"],
    [1, "expired"],
    [3_000, "expired"],
  ])("%i ms after its expiration in chain time is %s", (lateMs, status) =>
    expect(decideWithdrawal(withdrawal(), scan(refBlockNum + 1, expirationMs + lateMs))).toBe(status),
  );

  it.each([
    [1, "expired"],
    [refBlockNum, "expired"],
    [refBlockNum + 1, "expired"],
    [refBlockNum + 2, "broadcast"],
    [refBlockNum + 1_000, "broadcast"],
  ])(
    "is dead only if every block since its reference was read: from %i on it is %s",
    (fromBlockNum, status) =>
      expect(decideWithdrawal(withdrawal(), scan(fromBlockNum, expirationMs + 1))).toBe(status),
  );

  it.each([
    ["signed", "broadcast"],
    ["broadcast", "broadcast"],
    ["confirmed", "confirmed"],
    ["expired", "expired"],
  ] as const)("that is %s and sent is %s", (status, after) =>
    expect(decideWithdrawal(withdrawal({ status }), { type: "sent" })).toBe(after),
  );

  it("that was declared dead and is on the chain is a broken assumption: it might be paid twice", () => {
    expect(() => decideWithdrawal(withdrawal({ status: "expired" }), { type: "found_irreversible" })).toThrow(
      AssertionError,
    );
  });

  const status = fc.constantFrom(...WITHDRAWAL_STATUSES);
  const event: fc.Arbitrary<WithdrawalEvent> = fc.oneof(
    fc.constantFrom<WithdrawalEvent>({ type: "sent" }, { type: "found_irreversible" }),
    fc
      .tuple(fc.integer({ min: -2, max: 3 }), fc.integer({ min: -2, max: 2 }))
      .map(([block, ms]) => scan(refBlockNum + block, expirationMs + ms)),
  );
  const isContradiction = (before: WithdrawalStatus, e: WithdrawalEvent) =>
    before === "expired" && e.type === "found_irreversible";

  test.prop([status, event])(
    "moves as the table of moves says, and the same event twice is harmless",
    (before, e) => {
      fc.pre(!isContradiction(before, e));
      const after = decideWithdrawal(withdrawal({ status: before }), e);
      if (after !== before) expect(WITHDRAWAL_MOVES[before]).toContain(after);
      expect(decideWithdrawal(withdrawal({ status: after }), e)).toBe(after);
    },
  );

  test.prop([fc.array(event, { maxLength: 30 })])("stays what it is once it is final", (events) => {
    let current: WithdrawalStatus = "signed";
    for (const e of events) {
      if (isContradiction(current, e)) return;
      const next: WithdrawalStatus = decideWithdrawal(withdrawal({ status: current }), e);
      if (!isLive(current)) expect(next).toBe(current);
      current = next;
    }
  });

  it("has a table in which every move is made by some event, and final states have none", () => {
    const made = WITHDRAWAL_STATUSES.map((before) => [
      before,
      [
        ...new Set(
          ([{ type: "sent" }, { type: "found_irreversible" }, scan(1, expirationMs + 1)] as WithdrawalEvent[])
            .filter((e) => !isContradiction(before, e))
            .map((e) => decideWithdrawal(withdrawal({ status: before }), e))
            .filter((after) => after !== before),
        ),
      ],
    ]);
    expect(Object.fromEntries(made)).toEqual(WITHDRAWAL_MOVES);
    expect(WITHDRAWAL_STATUSES.filter((s) => !isLive(s))).toEqual(["confirmed", "expired"]);
  });
});
