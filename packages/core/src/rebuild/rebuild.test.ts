import { letPaymentsGo } from "@stakebts/testkit/stop-payments";
import { bts } from "@stakebts/kernel/amount";
import type { PayoutId, PayoutKey } from "../rules/payout.ts";
import { createCheckpoint } from "../audit/checkpoint.ts";
import { cancelPayout } from "../operators/cancel-payout.ts";
import { holdPayout } from "../operators/hold-payout.ts";
import { ledgerCaughtUp } from "../operators/payment-evidence.ts";
import type { OperatorAction } from "../ledger/operator-action.ts";
import { MemoryExchange } from "@stakebts/testkit/memory-exchange";
import { describe, expect, it, vi } from "vitest";
import {
  OWED,
  EXCHANGE,
  inCluster,
  MANAGER,
  type InProcessCluster,
  type InProcessClusterOptions,
} from "@stakebts/testkit/in-process-cluster";

vi.setConfig({ testTimeout: 120_000 });

// The ledger is a function of the chain: what was lost comes back from it, and what was changed shows against it.

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const action: OperatorAction = { id: "action-1", actor: "operator", reason: "the office says so" };

const payoutOf = (cluster: InProcessCluster, key: string) => {
  const found = [...cluster.ledger.contents.payouts.values()].find((payout) => payout.key === key);
  if (found === undefined) throw new Error(`there is no payout ${key}`);
  return found;
};
const payoutsOf = (cluster: InProcessCluster, kind: string) =>
  [...cluster.ledger.contents.payouts.values()].filter((payout) => payout.kind === kind);

/** What follows from the chain: no attempts, receipts, jobs, requests for funds or clocks of the host. */
function factsOf(cluster: InProcessCluster) {
  const { cursor, transfers, agreements, rows, payouts } = cluster.ledger.contents;
  const lines = <T extends object>(items: Iterable<T>, ...names: readonly (keyof T)[]) =>
    [...items]
      .map((item) => jsonOf(Object.fromEntries(names.map((name) => [name, item[name]]))))
      .toSorted((a, b) => a.localeCompare(b));
  const paid = [...payouts.values()].map((payout) => ({
    ...payout,
    paid: payout.status === "confirmed" ? payout.blockProcessed : "open",
  }));
  return {
    cursor,
    transfers: [
      ...lines(transfers.values(), "operation", "blockTimeMs", "direction", "txid", "sender", "receiver"),
      ...lines(transfers.values(), "operation", "amount", "memoText", "payoutKey", "memoNonce", "outcome"),
    ],
    agreements: lines(agreements.values(), "operation", "nominator", "amount", "months", "startMs", "terms"),
    rows: lines(rows.values(), "id", "amount", "dueMs", "status", "blockProcessed"),
    payouts: lines(paid, "id", "key", "kind", "payee", "amount", "memo", "dueMs", "rows", "paid"),
  };
}

const jsonOf = (value: unknown): string =>
  JSON.stringify(value, (_name, each: unknown) => (typeof each === "bigint" ? `${each}` : each));

const order = (type: string, amount: number) => JSON.stringify({ type, amount, api: 1 });

const CLUSTER = (): InProcessClusterOptions => ({
  adminReplay: true,
  custodianBts: 20_000n,
  reserveBts: 40_000n,
  exchanges: {
    1: new MemoryExchange({
      balanceShares: 10_000_000n * 100_000n,
      repeatable: true,
      newId: () => "venue-1",
    }),
  },
});

/** A month and a half in which everything happens that can. */
async function liveInCluster(cluster: InProcessCluster): Promise<void> {
  await cluster.send("nominator-1", 25_000, "three_months");
  await cluster.send("nominator-2", 50_000, "'six_months'");
  await cluster.send("nominator-3", 25_000.5, '{"type":"twelve_months"}');
  await cluster.send("nominator-3", 70, "nonsense");
  await cluster.send("nominator-3", 55, "nonsense");
  await cluster.settle();
  await cluster.send(MANAGER, 1, order("bmg_to_bittrex", 90_000));
  await cluster.send(MANAGER, 700, "loan_to_bmg");
  await cluster.send("nominator-3", 1, order("bmg_to_bittrex", 5_000));
  await cluster.settle();
  await cluster.send("nominator-2", 3, "stop");
  await cluster.months(1);
  await cluster.settle(24);
}

describe("a ledger that is rebuilt from the chain", () => {
  it("equals the lost one in everything that follows from the chain, and goes on paying where it stopped", () =>
    inCluster(CLUSTER(), async (cluster) => {
      await liveInCluster(cluster);
      expect(payoutsOf(cluster, "deposit").map(({ status }) => status)).toEqual(["confirmed"]);
      const lost = factsOf(cluster);
      expect(lost.payouts.length).toBeGreaterThan(8);
      await cluster.rebuild();
      expect(factsOf(cluster)).toEqual(lost);
      expect((await cluster.ledger.control.read()).payments).toMatchObject({ on: false });
      await letPaymentsGo(cluster.ledger);
      await cluster.send(EXCHANGE, 500_000, "funds");
      await cluster.months(3);
      await cluster.settle(20);
      await cluster.months(9);
      await cluster.settle(20);
      await cluster.expectLedgerMatchesChain();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 2_000, 2_000, 2_000, 25_000]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1, 3, 42_500]);
    }));

  it.each(["signed and in no block", "in a block that can still be undone"])(
    "pays a debt once whose payment was %s when the ledger was lost",
    (where) =>
      inCluster({ devnet: { witnesses: 7 } }, async (cluster) => {
        const refund = await cluster.refundDue();
        expect(await cluster.pay(refund.id)).toMatchObject({ type: "in_flight" });
        if (where !== "signed and in no block") await cluster.devnet.produce(2);
        await cluster.rebuild();
        await letPaymentsGo(cluster.ledger);
        expect(await cluster.pay(refund.id)).toMatchObject({ type: "again" });
        await cluster.settle();
        cluster.devnet.skipTime(3_600);
        await cluster.settle(20);
        expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
        await cluster.expectLedgerMatchesChain();
      }),
  );

  it("does not take the notice of a failure for a payment without a debt", () =>
    inCluster({ policy: { maxAttempts: 1 } }, async (cluster) => {
      await failOnce(cluster);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      const { comparison, differences } = await cluster.compare();
      expect(comparison.serious).toBe(0);
      expect(new Set(differences.map(({ cause }) => cause))).toEqual(new Set(["failed", "notice"]));
      await cluster.rebuild();
      const after = await cluster.compare();
      expect(after.differences).toEqual([]);
    }));
});

describe("the checkpoint of the audit log", () => {
  const audit = (seq: number) => ({
    head: () => Promise.resolve({ seq, hash: "a".repeat(64), receiptId: 1n, chainedAtMs: 0 }),
  });
  const checkpoint = (cluster: InProcessCluster, seq: number) =>
    createCheckpoint({ ledger: cluster.ledger, audit: audit(seq), log: silent }, "nominator-3");

  it("is paid once a day like any debt, is no unmatched payment, and is not paid again by a ledger that was rebuilt", () =>
    inCluster({}, async (cluster) => {
      cluster.owed = { ...OWED, checkpointAccount: "nominator-3" };
      await checkpoint(cluster, 5);
      await cluster.settle();
      await checkpoint(cluster, 6);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-3")).toEqual([1]);
      const [payout] = payoutsOf(cluster, "checkpoint");
      expect(payout).toMatchObject({ status: "confirmed", memo: expect.stringContaining(`"audit":"5 aaaa`) });
      expect((await cluster.compare()).comparison).toMatchObject({ serious: 0, expected: { checkpoint: 1 } });
      await cluster.rebuild();
      expect((await cluster.compare()).differences).toEqual([]);
      await letPaymentsGo(cluster.ledger);
      await checkpoint(cluster, 2);
      cluster.devnet.skipTime(1_200);
      await cluster.settle(20);
      expect(await cluster.arrivedAt("nominator-3")).toEqual([1]);
      expect(payoutsOf(cluster, "checkpoint").map(({ status }) => status)).toEqual(["confirmed"]);
    }));
});

/** A refund fails, and its notice is paid. */
async function failOnce(cluster: InProcessCluster): Promise<void> {
  await cluster.send("nominator-1", 500, "what is this");
  await cluster.devnet.produceUntilFinal(8);
  await cluster.ingest();
  await cluster.applyEvents();
  const [refund] = payoutsOf(cluster, "refund");
  cluster.devnet.nodes[0]?.faults.swallowBroadcasts(1);
  await cluster.pay(refund?.id as PayoutId);
  cluster.devnet.skipTime(600);
  await cluster.devnet.produceUntilFinal(8);
  await cluster.settle();
  cluster.devnet.skipTime(600); // Past the recovery hold that the leap has raised.
  await cluster.settle();
  expect(payoutOf(cluster, refund?.key ?? "").status).toBe("failed");
}

describe("a comparison with the chain", () => {
  it("finds nothing in an untouched ledger, and only looks", () =>
    inCluster(CLUSTER(), async (cluster) => {
      await liveInCluster(cluster);
      const before = cluster.ledger.contents;
      const { comparison, differences } = await cluster.compare();
      expect(differences).toEqual([]);
      expect(comparison).toMatchObject({ fromBlockNum: 1, serious: 0, expected: {}, keptTerms: 0 });
      expect(comparison.compared.transfers).toBeGreaterThan(15);
      expect(cluster.ledger.contents).toEqual(before);
    }));

  it("stops at the block of the ledger: what has come since is no difference", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.settle();
      await cluster.send("nominator-2", 500, "what is this");
      await cluster.devnet.produce(12);
      const { comparison, differences } = await cluster.compare();
      expect(differences).toEqual([]);
      expect(comparison.toBlockNum).toBe((await cluster.ledger.cursor.read())?.blockNum);
    }));

  it("says of a ledger whose scheduler is late that this is why, and waits for it first", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.devnet.produceUntilFinal(8);
      await cluster.ingest();
      const { comparison } = await cluster.compare();
      expect(comparison).toMatchObject({ serious: 0, expected: { behind: expect.any(Number) } });
    }));

  it("finds all that is changed, taken away or put in", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.send("nominator-2", 500, "what is this");
      await cluster.months(1);
      await cluster.settle();
      const { transfers, agreements, rows, payouts } = cluster.ledger.contents as unknown as Record<
        string,
        Map<string, Record<string, unknown>>
      > as {
        transfers: Map<string, Record<string, unknown>>;
        agreements: Map<string, Record<string, unknown>>;
        rows: Map<string, Record<string, unknown>>;
        payouts: Map<string, Record<string, unknown>>;
      };
      const untouched = cluster.ledger.backup();
      const payout = (key: RegExp) => {
        const found = [...payouts.values()].find((each) => key.test(String(each["key"])));
        if (found === undefined) throw new Error(`no ${key}`);
        return found;
      };
      const put = (of: Record<string, unknown>, change: Record<string, unknown>) =>
        payouts.set(String(of["id"]), { ...of, ...change });
      const reward = payout(/^reward/u);
      const refund = payout(/^refund/u);
      const [at, agreement] = [...agreements.entries()][0] as [string, Record<string, unknown>];
      const incoming = [...transfers.entries()].find(([, t]) => t["direction"] === "in");
      const outgoing = [...transfers.entries()].find(([, t]) => t["payoutKey"] === reward["key"]);
      const forgeries: Record<string, [() => void, RegExp]> = {
        "an amount": [() => put(reward, { amount: bts(20_000n) }), /amount is 20000 in the ledger and 2000/u],
        "a payee": [() => put(refund, { payee: "mallory" }), /payee is mallory/u],
        "a due time": [() => put(refund, { dueMs: 1 }), /dueMs is 1 in/u],
        "a debt marked as paid": [() => put(refund, { blockProcessed: 3 }), /in block 3 in the ledger/u],
        "a payment that is forgotten": [
          () => put(reward, { status: "due", blockProcessed: undefined }),
          /switch payments off|the ledger has it as due/u,
        ],
        "a debt out of nothing": [
          () => put(refund, { id: "x", key: "refund:7:7:7", status: "due" }),
          /nothing on the chain gives this debt/u,
        ],
        "a debt that is gone": [() => payouts.delete(String(refund["id"])), /does not have it/u],
        "an agreement that is gone": [() => agreements.delete(at), /does not have it/u],
        "an agreement of more": [
          () => agreements.set(at, { ...agreement, amount: bts(50_000n) }),
          /amount is 50000/u,
        ],
        "a row": [
          () => rows.set(`reward:3:${at}`, { ...rows.get(`reward:3:${at}`), amount: bts(9_000n) }),
          /amount is 9000/u,
        ],
        "a row that is settled": [
          () =>
            rows.set(`reward:2:${at}`, {
              ...rows.get(`reward:2:${at}`),
              status: "confirmed",
              blockProcessed: 9,
            }),
          /confirmed in block 9 in the ledger and pending/u,
        ],
        "a row that is gone": [() => rows.delete(`reward:2:${at}`), /does not have it/u],
        "the sender of a transfer": [
          () => transfers.set(incoming?.[0] ?? "", { ...incoming?.[1], sender: "mallory" }),
          /sender is mallory/u,
        ],
        "the memo of a payment": [
          () => transfers.set(outgoing?.[0] ?? "", { ...outgoing?.[1], memoText: "x" }),
          /memo or transaction id/u,
        ],
        "a transfer that is gone": [
          () => transfers.delete(incoming?.[0] ?? ""),
          /the chain has it and the ledger does not/u,
        ],
        "a transfer out of nothing": [
          () =>
            transfers.set("9:9:9", {
              ...incoming?.[1],
              operation: { blockNum: 9, trxInBlock: 9, opInTrx: 9 },
            }),
          /the ledger has it and the chain does not/u,
        ],
        "an answer": [
          () => transfers.set(incoming?.[0] ?? "", { ...incoming?.[1], outcome: "kept" }),
          /answered as kept/u,
        ],
      };
      for (const [name, [forge, message]] of Object.entries(forgeries)) {
        cluster.ledger.rewind(untouched);
        Object.assign(cluster.ledger.contents, { transfers, agreements, rows, payouts });
        const originals = [transfers, agreements, rows, payouts].map((map) => new Map(map));
        forge();
        const { comparison, differences } = await cluster.compare();
        expect(comparison.serious, name).toBeGreaterThan(0);
        expect(differences.map((each) => `${each.message} ${each.todo}`).join("\n"), name).toMatch(message);
        for (const [index, map] of [transfers, agreements, rows, payouts].entries()) {
          map.clear();
          for (const [key, value] of originals[index] as Map<string, Record<string, unknown>>)
            map.set(key, value);
        }
      }
      expect((await cluster.compare()).differences).toEqual([]);
    }));

  it("says of a ledger under another policy than today's which agreements keep their terms, and no more", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.months(1);
      await cluster.settle();
      const today = {
        ...cluster.policy,
        terms: { ...cluster.policy.terms, rewardBps: 500n },
        acceptedAmounts: [bts(50_000n)],
      };
      const { comparison, differences } = await cluster.compare(today);
      expect(comparison).toMatchObject({ serious: 0, keptTerms: 1, expected: { terms: 1 } });
      expect(differences[0]?.message).toMatch(/reward 800/u);
    }));

  it("tells what a person has decided from what no person has, and that a rebuilt ledger owes it again", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 500, "what is this");
      await cluster.send("nominator-2", 500, "what is this");
      await cluster.devnet.produceUntilFinal(8);
      await cluster.ingest();
      await cluster.applyEvents();
      const [first, second] = payoutsOf(cluster, "refund");
      await holdPayout(cluster, { id: first?.id as PayoutId, action });
      await cancelPayout(cluster, {
        id: second?.id as PayoutId,
        action,
        ledger: await ledgerCaughtUp(cluster, 0),
      });
      const { comparison, differences } = await cluster.compare();
      expect(comparison).toMatchObject({ serious: 0, expected: { person: 2 } });
      expect(differences.map(({ message }) => message)).toEqual([
        "is held: the office says so",
        "was cancelled: the office says so",
      ]);
    }));

  it("shows the debt that comes back: a stop was cancelled, and another one has paid the principal", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.settle();
      await cluster.send("nominator-1", 1, "stop");
      await cluster.devnet.produceUntilFinal(8);
      await cluster.ingest();
      await cluster.applyEvents();
      const [stop] = payoutsOf(cluster, "stop");
      expect(
        await cancelPayout(cluster, {
          id: stop?.id as PayoutId,
          action,
          ledger: await ledgerCaughtUp(cluster, 0),
        }),
      ).toMatchObject({ result: "done" });
      await cluster.send("nominator-1", 1, "stop");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 21_250]);
      const { comparison, differences } = await cluster.compare();
      expect(comparison.serious).toBe(0);
      const unmatched = differences.find(({ about }) => about === "payment");
      expect(unmatched).toMatchObject({ cause: "person", todo: expect.stringContaining("unmatched") });
      expect(differences.map(({ subject }) => subject)).toContain(stop?.key as PayoutKey);
    }));
});
