import { bts } from "@stakebts/kernel/amount";
import { DAY_MS, HOUR_MS } from "@stakebts/kernel/time";
import type { PaymentLimits } from "../rules/limits.ts";
import type { PayoutId } from "../rules/payout.ts";
import { approvePayout } from "./approve-payout.ts";
import { requeuePayout } from "../operators/requeue-payout.ts";
import { setLimits } from "./set-limits.ts";
import { describe, expect, it } from "vitest";
import { inWorld, type World } from "@stakebts/testkit/service-bench";

const action = { id: "1", actor: "operator-1", reason: "a drill" };
const limit = ({ ledger }: World, change: Partial<PaymentLimits>) =>
  setLimits({ ledger }, { change, action });
const payoutsOf = ({ ledger }: World, kind: string) =>
  [...ledger.contents.payouts.values()].filter((payout) => payout.kind === kind);
const later = async (world: World, ms: number): Promise<void> => {
  world.devnet.skipTime(ms / 1_000);
  await world.settle();
};

describe("payments under a cap per hour", () => {
  it("are paid in the order in which they fell due, as fast as the cap lets them, and each once", () =>
    inWorld({}, async (world) => {
      await limit(world, { hourCap: bts(120n) });
      // Refunds of 60, 100, 20 and 50 BTS.
      for (const amount of [110, 150, 70, 100]) await world.send("nominator-1", amount, "hello");
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([60]);
      const [, second, third] = payoutsOf(world, "refund");
      expect([second, third].map((payout) => [payout?.status, payout?.limitedBy])).toEqual([
        ["due", "hour_cap"],
        ["due", "hour_cap"],
      ]);
      expect(second?.reason).toBe("the cap of 120 BTS per hour leaves no room for it yet");
      await later(world, HOUR_MS);
      expect(await world.arrivedAt("nominator-1")).toEqual([20, 60, 100]);
      await later(world, HOUR_MS);
      expect(await world.arrivedAt("nominator-1")).toEqual([20, 50, 60, 100]);
      await world.expectLedgerMatchesChain();
      const { receipts } = world.ledger.contents;
      expect(receipts.filter(({ event }) => event === "limit.reached").length).toBeLessThanOrEqual(3);
    }));

  it("go on at once when an operator makes room", () =>
    inWorld({}, async (world) => {
      await limit(world, { dayCap: bts(60n) });
      for (const amount of [110, 100]) await world.send("nominator-1", amount, "hello");
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([60]);
      await limit(world, { dayCap: undefined });
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([50, 60]);
    }));

  it("and one that alone is larger waits for a person, then for an empty window", () =>
    inWorld({}, async (world) => {
      await limit(world, { dayCap: bts(60n) });
      for (const amount of [70, 150]) await world.send("nominator-1", amount, "hello");
      await world.settle();
      const [, large] = payoutsOf(world, "refund");
      expect([large?.status, large?.limitedBy]).toEqual(["held", "day_cap"]);
      await approvePayout({ ledger: world.ledger }, { id: large?.id as PayoutId, action });
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([20]);
      await later(world, DAY_MS);
      expect(await world.arrivedAt("nominator-1")).toEqual([20, 100]);
      await world.expectLedgerMatchesChain();
    }));
});

describe("a payment that needs an approval", () => {
  it("is held before funds are fetched for it, while others are paid, and is paid once when another approves", () =>
    inWorld({ reserveBts: 1_000_000n }, async (world) => {
      const { ledger } = world;
      await limit(world, { approvalFrom: bts(25_000n) });
      await world.send("nominator-1", 25_000, "three_months");
      await world.settle();
      await world.send("nominator-1", 1, "stop");
      await world.send("nominator-1", 100_000, "three_months");
      await world.settle();
      await world.send("nominator-1", 1, "stop");
      await world.send("nominator-2", 100, "hello");
      await world.settle();
      const [small, large] = payoutsOf(world, "stop");
      expect([small?.status, large?.status, large?.limitedBy]).toEqual(["confirmed", "held", "approval"]);
      expect(await world.arrivedAt("nominator-2")).toEqual([50]);
      expect(await ledger.topUps.find({})).toEqual([]);

      const id = large?.id as PayoutId;
      const caughtUp = { caughtUp: true, blockNum: 0 } as const;
      await requeuePayout({ ledger }, { id, verb: "release", action, ledger: caughtUp });
      await world.settle();
      expect(payoutsOf(world, "stop")[1]?.status).toBe("held");
      const approve = (actor: string) => approvePayout({ ledger }, { id, action: { ...action, actor } });
      expect(await approve("OPERATOR-1")).toMatchObject({ result: "refused" });
      const both = await Promise.all([approve("operator-2"), approve("operator-2")]);
      expect(both.map(({ result }) => result)).toEqual(["done", "unchanged"]);
      await world.settle();
      expect(await approve("operator-3")).toMatchObject({ result: "refused", message: "is confirmed" });
      expect(await world.arrivedAt("nominator-1")).toEqual([1, 1, 21_250, 85_000]);
      await world.expectLedgerMatchesChain();
    }));
});
