import { describe, expect, it } from "vitest";
import { AssertionError } from "@stakebts/kernel/assert";
import {
  assertStakeRowMove,
  STAKE_ROW_MOVES,
  STAKE_ROW_STATUSES,
  STAKE_ROW_TYPES,
  stakeRowId,
  type StakeRowStatus,
} from "./stake-row.ts";

const pairs = STAKE_ROW_STATUSES.flatMap((from) => STAKE_ROW_STATUSES.map((to) => [from, to] as const));
const ALLOWED: ReadonlySet<string> = new Set([
  "pending processing",
  "pending aborted",
  "processing confirmed",
  "processing premature",
  "processing pending",
  "paid confirmed",
]);

describe("a stake row", () => {
  it.each(pairs.filter((pair) => ALLOWED.has(pair.join(" "))))("goes from %s to %s", (from, to) => {
    expect(() => assertStakeRowMove(from, to)).not.toThrow();
  });

  it.each(pairs.filter((pair) => !ALLOWED.has(pair.join(" "))))("never goes from %s to %s", (from, to) => {
    expect(() => assertStakeRowMove(from, to)).toThrow(AssertionError);
  });

  it("is final when confirmed, premature or aborted, and from everywhere else it can become so", () => {
    const isFinal = (status: StakeRowStatus) => STAKE_ROW_MOVES[status].length === 0;
    expect(STAKE_ROW_STATUSES.filter(isFinal).toSorted()).toEqual(["aborted", "confirmed", "premature"]);
    for (const status of STAKE_ROW_STATUSES)
      expect(isFinal(status) || STAKE_ROW_MOVES[status].some(isFinal)).toBe(true);
  });

  it("goes back for one reason only: its payout was cancelled with proof that nothing was sent", () => {
    const ways = STAKE_ROW_STATUSES.filter((from) => STAKE_ROW_MOVES[from].includes("pending"));
    expect(ways).toEqual(["processing"]);
  });
});

describe("the id of a stake row", () => {
  it("is type, number and the transfer that opened the agreement", () => {
    const agreement = { blockNum: 61_000_000, trxInBlock: 12, opInTrx: 3 };
    expect(stakeRowId({ type: "reward", number: 11, agreement })).toBe("reward:11:61000000:12:3");
  });

  it("differs between types, numbers and operations", () => {
    const ids = STAKE_ROW_TYPES.flatMap((type) =>
      [1, 11].flatMap((number) =>
        [
          { blockNum: 1, trxInBlock: 1, opInTrx: 11 },
          { blockNum: 1, trxInBlock: 11, opInTrx: 1 },
          { blockNum: 11, trxInBlock: 1, opInTrx: 1 },
        ].map((agreement) => stakeRowId({ type, number, agreement })),
      ),
    );
    expect(new Set(ids).size).toBe(STAKE_ROW_TYPES.length * 2 * 3);
  });
});
