import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { bts } from "@stakebts/kernel/amount";
import { operationId } from "@stakebts/kernel/operation-id";
import { DEFAULT_POLICY } from "../rules/policy.ts";
import { buildStakeRows } from "../rules/terms.ts";
import { millis } from "@stakebts/kernel/time";
import { readV24Stakes, type V24Row } from "./v24-stakes.ts";

const START_MS = 1_623_177_720_000;
const { terms } = DEFAULT_POLICY;

/** The rows of v2.4 for 25000 BTS and three months; `change` by row name. */
const rowsOf = (change: Readonly<Record<string, V24Row>> = {}, block = 59_107_000): V24Row[] =>
  buildStakeRows({
    operation: { blockNum: block, trxInBlock: 1, opInTrx: 0 },
    nominator: "user1233",
    amount: bts(25_000n),
    months: 3,
    startMs: millis(START_MS),
    terms,
  }).map((row) => ({
    nominator: row.nominator,
    digital_asset: "BTS",
    amount: Number(row.amount),
    type: row.type,
    start: row.startMs,
    due: row.dueMs,
    processed: 0,
    status: row.status,
    block_start: block,
    trx_idx: 1,
    ops_idx: 0,
    block_processed: 0,
    number: row.number,
    ...change[row.number === 0 ? row.type : `${row.type} ${row.number}`],
  }));
const read = (rows: readonly V24Row[], paid: readonly string[] = []) =>
  readV24Stakes(rows, terms, new Set(paid));

describe("the rows of v2.4", () => {
  it("become the agreement that they were, every status kept", () => {
    const done = { status: "confirmed", processed: START_MS + 5, block_processed: 60_000_000 };
    const { agreements, differences, leftOut } = read(
      rowsOf({
        "reward 1": done,
        "reward 2": { status: "paid", processed: 7 },
        penalty: { status: "aborted" },
      }),
    );
    expect({ differences, leftOut }).toEqual({ differences: [], leftOut: [] });
    const [found] = agreements;
    expect(found?.agreement).toMatchObject({
      nominator: "user1233",
      amount: 25_000n,
      months: 3,
      startMs: START_MS,
    });
    expect(operationId(found?.agreement.operation ?? expect.unreachable())).toBe("59107000:1:0");
    expect(found?.rows.map((row) => row.status)).toEqual([
      "paid",
      "pending",
      "aborted",
      "confirmed",
      "paid",
      "pending", // prettier keeps the order of buildStakeRows
    ]);
    expect(found?.rows[3]?.settlement).toEqual({ processedMs: START_MS + 5, blockProcessed: 60_000_000 });
  });

  it("that are paid without a block are listed: v2.4 wrote the word first", () => {
    const { toCheck } = read(
      rowsOf({ "reward 1": { status: "paid" }, "reward 2": { status: "paid", block_processed: 9 } }),
    );
    expect(toCheck.map(({ id }) => id)).toEqual(["reward:1:59107000:1:0"]);
  });

  it("in processing are debts that wait for a person, unless one has looked", () => {
    const rows = rowsOf({ "reward 1": { status: "processing" } });
    expect(read(rows).agreements[0]?.undecided).toMatchObject([
      { key: "reward:59107000:1:0:1", amount: 2_000n, rows: [{ settlesAs: "confirmed" }] },
    ]);
    const looked = read(rows, ["reward:1:59107000:1:0"]);
    expect(looked.agreements[0]?.undecided).toEqual([]);
    expect(looked.agreements[0]?.rows[3]?.status).toBe("paid");
    expect(read(rows, ["reward:3:1:1:1"]).differences).toEqual([
      { at: "reward:3:1:1:1", what: expect.stringContaining("no such row") },
    ]);
  });

  it("of an early exit that was under way are one debt, the penalty taken off", () => {
    const processing = { status: "processing" };
    const { agreements } = read(rowsOf({ base_amount: processing, penalty: processing }));
    expect(agreements[0]?.undecided).toMatchObject([
      {
        key: "stop:59107000:1:0",
        amount: 21_250n,
        rows: [{ settlesAs: "premature" }, { settlesAs: "premature" }],
      },
    ]);
  });

  it.each([
    ["an amount", { "reward 2": { amount: 1_999 } }, /reward 2 is 1,999 BTS, expected 2,000/u],
    ["a due date", { "reward 3": { due: 0 } }, /reward 3 is due 1970-01-01/u],
    ["a lonely penalty", { penalty: { status: "processing" } }, /its penalty is in processing/u],
  ])("that differ in %s are named and not left out", (_, change, what) => {
    const { agreements, differences, leftOut } = read(rowsOf(change as unknown as Record<string, V24Row>));
    expect(agreements).toHaveLength(1);
    expect(leftOut).toEqual([]);
    expect(differences).toEqual([
      { at: "59107000:1:0 (user1233, 25,000 BTS)", what: expect.stringMatching(what) },
    ]);
  });

  it("that miss one are named", () => {
    expect(read(rowsOf().slice(0, -1)).differences).toMatchObject([{ what: "no row for reward 3" }]);
  });

  it.each([
    ["another asset", { digital_asset: "HONEST" }, /asset/u],
    ["an unknown status", { status: "lost" }, /status/u],
    ["an unknown type", { type: "bonus" }, /type/u],
    ["no place", { trx_idx: null }, /name a place/u],
    ["an amount that is no whole number", { amount: 1.5 }, /whole BTS/u],
    ["a wrong sign", { amount: -5 }, /negative for a penalty only/u],
    ["confirmed without a time", { status: "confirmed", processed: null }, /no block and time/u],
  ])("with %s have no place in the ledger", (_, change, why) => {
    const { leftOut } = read(rowsOf({ "reward 1": change as V24Row }));
    expect(leftOut).toMatchObject([{ why: expect.stringMatching(why) }]);
  });

  it("of two nominators at one place are left out together", () => {
    const { agreements, leftOut } = read(rowsOf({ "reward 1": { nominator: "other" } }));
    expect(agreements).toEqual([]);
    expect(leftOut).toHaveLength(6);
  });

  const value = fc.oneof(
    fc.constantFrom<unknown>(
      "user1233",
      "BTS",
      "reward",
      "base_amount",
      "agreement_3",
      "pending",
      "processing",
      0,
      1,
      3,
      null,
    ),
    fc.integer(),
    fc.double(),
    fc.bigInt(),
    fc.string(),
    fc.uint8Array({ maxLength: 3 }),
  );
  test.prop([
    fc.array(fc.tuple(fc.constantFrom(...Object.keys(rowsOf()[0] as object)), fc.nat(11), value), {
      maxLength: 8,
    }),
  ])("however broken, are never an exception and never lost", (breaks) => {
    const rows = [...rowsOf(), ...rowsOf({}, 59_107_001)].map(
      (row) => ({ ...row }) as Record<string, unknown>,
    );
    for (const [column, index, broken] of breaks) (rows[index] as Record<string, unknown>)[column] = broken;
    const { agreements, leftOut } = read(rows);
    expect(agreements.flatMap((one) => one.rows).length + leftOut.length).toBe(rows.length);
  });
});
