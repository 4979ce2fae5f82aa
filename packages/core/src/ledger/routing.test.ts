import { describe, expect, it } from "vitest";
import { EXCHANGE, inWorld, MANAGER, type World } from "@stakebts/testkit/service-bench";

const outcomes = (world: World) =>
  [...world.ledger.contents.transfers.values()].filter((t) => t.direction === "in").map((t) => t.outcome);

describe("a transfer to the custodian", () => {
  it("opens an agreement, is confirmed with 1 BTS, and every reward and the amount are paid in their months", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-1", 100_000, "three_months");
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([1]);
      for (const arrived of [
        [1, 8_000],
        [1, 8_000, 8_000],
        [1, 8_000, 8_000, 8_000, 100_000],
      ]) {
        await world.months(1);
        await world.settle();
        expect(await world.arrivedAt("nominator-1")).toEqual(arrived);
      }
      await world.expectLedgerMatchesChain();
      const statuses = [...world.ledger.contents.rows.values()].map(
        (row) => `${row.type} ${row.number} ${row.status}`,
      );
      expect(statuses).toEqual([
        "agreement_3 0 confirmed",
        "base_amount 0 confirmed",
        "penalty 0 aborted",
        "reward 1 confirmed",
        "reward 2 confirmed",
        "reward 3 confirmed",
      ]);
    }));

  it("is sent back less the fee when it is no request, unless nothing much would be left", () =>
    inWorld({}, async (world) => {
      for (const amount of [5, 50, 51, 60, 60.99999, 61, 61.99999, 100])
        await world.send("nominator-1", amount, "hello");
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([11, 11, 50]);
      expect(outcomes(world)).toEqual([...Array<string>(5).fill("kept"), "refunded", "refunded", "refunded"]);
      await world.expectLedgerMatchesChain();
    }));

  it("with a hostile memo is answered by the rules, whatever the memo", () =>
    inWorld({}, async (world) => {
      const memos = [
        "",
        " ",
        "\0\0\0",
        "\u{1F4B8}".repeat(200),
        '{"__proto__":{"type":"six_months"}}',
        '{"type":["six_months"]}',
        "[".repeat(20_000),
        '{"type":"six_months"',
        "x".repeat(60_000),
        "SIX_MONTHS",
        "six-months",
        "{'type':'six_months'}",
        "stop",
        "bmg_to_bittrex",
        "loan_to_bmg",
      ];
      for (const memo of memos) await world.send("nominator-1", 25_000, memo);
      await world.send("nominator-1", 25_000);
      await world.send("nominator-1", 25_000, "six_months", { unencrypted: true });
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual(Array(memos.length + 2).fill(24_950));
      await world.expectLedgerMatchesChain();
    }));

  it("from an exchange account is recorded and never sent back, whatever it says", () =>
    inWorld({}, async (world) => {
      await world.send(EXCHANGE, 10_000, "loan_to_bmg");
      await world.send(EXCHANGE, 25_000, "three_months");
      await world.send(EXCHANGE, 500);
      await world.settle();
      expect(outcomes(world)).toEqual(["treasury_deposit", "treasury_deposit", "treasury_deposit"]);
      expect(await world.paidOnChain()).toEqual([]);
    }));

  it("of a manager's loan is kept, and an admin request moves nothing yet but is on record", () =>
    inWorld({}, async (world) => {
      await world.send(MANAGER, 5_000, '{"type":"loan_to_bmg"}');
      await world.send(MANAGER, 1, '{"type":"bittrex_to_bmg","amount":1000,"api":1}');
      await world.settle();
      expect(outcomes(world)).toEqual(["loan", "admin_request"]);
      expect(await world.paidOnChain()).toEqual([]);
    }));

  it("of another asset is recorded and otherwise left alone", () =>
    // Of a block with such an operation in it two nodes have to say the same.
    inWorld({ devnet: { nodes: 2 } }, async (world) => {
      world.devnet.injectOperation([
        0,
        {
          fee: { amount: 0, asset_id: "1.3.0" },
          from: await idOf(world, "nominator-1"),
          to: world.custodian.id,
          amount: { amount: 5, asset_id: "1.3.1" },
          extensions: [],
        },
      ]);
      world.devnet.injectOperation([35, { note: "an operation that nobody here knows" }]);
      await world.settle();
      expect(outcomes(world)).toEqual(["foreign_asset"]);
      expect(await world.paidOnChain()).toEqual([]);
    }));
});

const idOf = async (world: World, name: string): Promise<string> =>
  (await world.chain.accounts([name]))[0]?.id ?? "";

describe("an early exit", () => {
  it("returns the amounts of all open agreements less the penalties as one payment, and what travelled with it", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-1", 25_000, "three_months");
      await world.send("nominator-1", 100_000, "twelve_months");
      await world.send("nominator-2", 25_000, "three_months");
      await world.months(1);
      await world.send("nominator-1", 7.5, "stop");
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 1, 7, 2_000, 8_000, 106_250]);
      await world.months(12);
      await world.settle(20);
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 1, 7, 2_000, 8_000, 106_250]);
      expect(await world.arrivedAt("nominator-2")).toEqual([1, 2_000, 2_000, 2_000, 25_000]);
      await world.expectLedgerMatchesChain();
    }));

  it("finds nothing open the second time, and is an invalid request then", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-1", 25_000, "three_months");
      await world.send("nominator-1", 1, "stop");
      await world.send("nominator-1", 100, "stop");
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 50, 21_250]);
      await world.expectLedgerMatchesChain();
    }));

  it("comes after rewards that were due before it, however long the system was down", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-1", 25_000, "six_months");
      await world.months(2.5);
      await world.send("nominator-1", 1, "stop");
      await world.months(4);
      await world.settle(); // The first time that anything runs.
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 2_000, 2_000, 21_250]);
      await world.expectLedgerMatchesChain();
    }));
});
