import { bts } from "@stakebts/kernel/amount";
import { DAY_MS, HOUR_MS } from "@stakebts/kernel/time";
import type { PaymentLimits } from "../rules/limits.ts";
import type { PayoutId } from "../rules/payout.ts";
import { approvePayout } from "./approve-payout.ts";
import { requeuePayout } from "../operators/requeue-payout.ts";
import { setLimits } from "./set-limits.ts";
import { describe, expect, it } from "vitest";
import { inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";

const action = { id: "1", actor: "operator-1", reason: "a drill" };
const limit = ({ ledger }: InProcessCluster, change: Partial<PaymentLimits>) =>
  setLimits({ ledger }, { change, action });
const payoutsOf = ({ ledger }: InProcessCluster, kind: string) =>
  [...ledger.contents.payouts.values()].filter((payout) => payout.kind === kind);
const later = async (cluster: InProcessCluster, ms: number): Promise<void> => {
  cluster.devnet.skipTime(ms / 1_000);
  await cluster.settle();
};

describe("payments under a cap per hour", () => {
  it("are paid in the order in which they fell due, as fast as the cap lets them, and each once", () =>
    inCluster({}, async (cluster) => {
      await limit(cluster, { hourCap: bts(120n) });
      // Refunds of 60, 100, 20 and 50 BTS.
      for (const amount of [110, 150, 70, 100]) await cluster.send("nominator-1", amount, "hello");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([60]);
      const [, second, third] = payoutsOf(cluster, "refund");
      expect([second, third].map((payout) => [payout?.status, payout?.limitedBy])).toEqual([
        ["due", "hour_cap"],
        ["due", "hour_cap"],
      ]);
      expect(second?.reason).toBe("the cap of 120 BTS per hour leaves no room for it yet");
      await later(cluster, HOUR_MS);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([20, 60, 100]);
      await later(cluster, HOUR_MS);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([20, 50, 60, 100]);
      await cluster.expectLedgerMatchesChain();
      const { receipts } = cluster.ledger.contents;
      expect(receipts.filter(({ event }) => event === "limit.reached").length).toBeLessThanOrEqual(3);
    }));

  it("go on at once when an operator makes room", () =>
    inCluster({}, async (cluster) => {
      await limit(cluster, { dayCap: bts(60n) });
      for (const amount of [110, 100]) await cluster.send("nominator-1", amount, "hello");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([60]);
      await limit(cluster, { dayCap: undefined });
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([50, 60]);
    }));

  it("and one that alone is larger waits for a person, then for an empty window", () =>
    inCluster({}, async (cluster) => {
      await limit(cluster, { dayCap: bts(60n) });
      for (const amount of [70, 150]) await cluster.send("nominator-1", amount, "hello");
      await cluster.settle();
      const [, large] = payoutsOf(cluster, "refund");
      expect([large?.status, large?.limitedBy]).toEqual(["held", "day_cap"]);
      await approvePayout({ ledger: cluster.ledger }, { id: large?.id as PayoutId, action });
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([20]);
      await later(cluster, DAY_MS);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([20, 100]);
      await cluster.expectLedgerMatchesChain();
    }));
});

describe("a payment that needs an approval", () => {
  it("is held before funds are fetched for it, while others are paid, and is paid once when another approves", () =>
    inCluster({ reserveBts: 1_000_000n }, async (cluster) => {
      const { ledger } = cluster;
      await limit(cluster, { approvalFrom: bts(25_000n) });
      await cluster.send("nominator-1", 25_000, "three_months");
      await cluster.settle();
      await cluster.send("nominator-1", 1, "stop");
      await cluster.send("nominator-1", 100_000, "three_months");
      await cluster.settle();
      await cluster.send("nominator-1", 1, "stop");
      await cluster.send("nominator-2", 100, "hello");
      await cluster.settle();
      const [small, large] = payoutsOf(cluster, "stop");
      expect([small?.status, large?.status, large?.limitedBy]).toEqual(["confirmed", "held", "approval"]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([50]);
      expect(await ledger.topUps.find({})).toEqual([]);

      const id = large?.id as PayoutId;
      const caughtUp = { caughtUp: true, blockNum: 0 } as const;
      await requeuePayout({ ledger }, { id, verb: "release", action, ledger: caughtUp });
      await cluster.settle();
      expect(payoutsOf(cluster, "stop")[1]?.status).toBe("held");
      const approve = (actor: string) => approvePayout({ ledger }, { id, action: { ...action, actor } });
      expect(await approve("OPERATOR-1")).toMatchObject({ result: "refused" });
      const both = await Promise.all([approve("operator-2"), approve("operator-2")]);
      expect(both.map(({ result }) => result)).toEqual(["done", "unchanged"]);
      await cluster.settle();
      expect(await approve("operator-3")).toMatchObject({ result: "refused", message: "is confirmed" });
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 1, 21_250, 85_000]);
      await cluster.expectLedgerMatchesChain();
    }));
});

describe("a stranger's money", () => {
  it("fills no room of the programme, with any memo and however it goes back", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-2", 25_000, "three_months");
      await cluster.settle();
      await limit(cluster, { hourCap: bts(2_500n), dayCap: bts(2_500n) });
      // A month later, before the reward of 2,000 BTS falls due, his junk has gone back and filled the hour.
      cluster.devnet.skipTime((30 * DAY_MS - HOUR_MS / 2) / 1_000);
      for (const amount of [2_450, 2_451, 2_452]) await cluster.send("nominator-1", amount, "junk");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([2_400]);
      await later(cluster, HOUR_MS);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1, 2_000]);
      expect(payoutsOf(cluster, "refund").map(({ limitedBy }) => limitedBy)).toContain("day_cap");
    }));

  it("goes back under caps of its own, refunds after early exits", () =>
    inCluster({}, async (cluster) => {
      for (const name of ["nominator-1", "nominator-2"]) await cluster.send(name, 25_000, "three_months");
      await cluster.settle();
      await limit(cluster, { returnHourCap: bts(21_300n) });
      await cluster.send("nominator-1", 1, "stop"); // 21,250 BTS go back.
      await cluster.settle();
      await cluster.send("nominator-1", 210, "junk");
      await cluster.settle();
      await cluster.send("nominator-2", 1, "stop");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 21_250]);
      await later(cluster, HOUR_MS);
      // The refund is older, and waits all the same.
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1, 21_250]);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 21_250]);
      await later(cluster, HOUR_MS);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 160, 21_250]);
    }));
});
