import { describe, expect, it } from "vitest";
import { EXCHANGE, inCluster, MANAGER, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";

const outcomes = (cluster: InProcessCluster) =>
  [...cluster.ledger.contents.transfers.values()].filter((t) => t.direction === "in").map((t) => t.outcome);

describe("a transfer to the custodian", () => {
  it("opens an agreement, is confirmed with 1 BTS, and every reward and the amount are paid in their months", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 100_000, "three_months");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      for (const arrived of [
        [1, 8_000],
        [1, 8_000, 8_000],
        [1, 8_000, 8_000, 8_000, 100_000],
      ]) {
        await cluster.months(1);
        await cluster.settle();
        expect(await cluster.arrivedAt("nominator-1")).toEqual(arrived);
      }
      await cluster.expectLedgerMatchesChain();
      const statuses = [...cluster.ledger.contents.rows.values()].map(
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
    inCluster({}, async (cluster) => {
      for (const amount of [5, 50, 51, 60, 60.99999, 61, 61.99999, 100])
        await cluster.send("nominator-1", amount, "hello");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([11, 11, 50]);
      expect(outcomes(cluster)).toEqual([
        ...Array<string>(5).fill("kept"),
        "refunded",
        "refunded",
        "refunded",
      ]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("with a hostile memo is answered by the rules", () =>
    inCluster({}, async (cluster) => {
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
      for (const memo of memos) await cluster.send("nominator-1", 25_000, memo);
      await cluster.send("nominator-1", 25_000);
      await cluster.send("nominator-1", 25_000, "six_months", { unencrypted: true });
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual(Array(memos.length + 2).fill(24_950));
      await cluster.expectLedgerMatchesChain();
    }));

  it("from an exchange account is recorded and never sent back, with any memo", () =>
    inCluster({}, async (cluster) => {
      await cluster.send(EXCHANGE, 10_000, "loan_to_bmg");
      await cluster.send(EXCHANGE, 25_000, "three_months");
      await cluster.send(EXCHANGE, 500);
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["treasury_deposit", "treasury_deposit", "treasury_deposit"]);
      expect(await cluster.paidOnChain()).toEqual([]);
    }));

  it("of a manager's loan is kept, and an admin request moves nothing yet but is on record", () =>
    inCluster({}, async (cluster) => {
      await cluster.send(MANAGER, 5_000, '{"type":"loan_to_bmg"}');
      await cluster.send(MANAGER, 1, '{"type":"bittrex_to_bmg","amount":1000,"api":1}');
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["loan", "admin_request"]);
      expect(await cluster.paidOnChain()).toEqual([]);
    }));

  it("of another asset is recorded and otherwise left alone", () =>
    // Of a block with such an operation in it two nodes have to say the same.
    inCluster({ devnet: { nodes: 2 } }, async (cluster) => {
      cluster.devnet.injectOperation([
        0,
        {
          fee: { amount: 0, asset_id: "1.3.0" },
          from: await idOf(cluster, "nominator-1"),
          to: cluster.custodian.id,
          amount: { amount: 5, asset_id: "1.3.1" },
          extensions: [],
        },
      ]);
      cluster.devnet.injectOperation([35, { note: "an operation that this program does not know" }]);
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["foreign_asset"]);
      expect(await cluster.paidOnChain()).toEqual([]);
    }));
});

const idOf = async (cluster: InProcessCluster, name: string): Promise<string> =>
  (await cluster.chain.accounts([name]))[0]?.id ?? "";

describe("an early exit", () => {
  it("returns the amounts of all open agreements less the penalties as one payment, and what travelled with it", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.send("nominator-1", 100_000, "twelve_months");
      await cluster.send("nominator-2", 25_000, "three_months");
      await cluster.months(1);
      await cluster.send("nominator-1", 7.5, "stop");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 1, 7, 2_000, 8_000, 106_250]);
      await cluster.months(12);
      await cluster.settle(20);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 1, 7, 2_000, 8_000, 106_250]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1, 2_000, 2_000, 2_000, 25_000]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("finds nothing open the second time, and is an invalid request then", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.send("nominator-1", 1, "stop");
      await cluster.send("nominator-1", 100, "stop");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 50, 21_250]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("comes after rewards that were due before it, however long the system was down", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "six_months");
      await cluster.months(2.5);
      await cluster.send("nominator-1", 1, "stop");
      await cluster.months(4);
      await cluster.settle(); // The first time that anything runs.
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 2_000, 2_000, 21_250]);
      await cluster.expectLedgerMatchesChain();
    }));
});
