import { describe, expect, it, vi } from "vitest";
import { inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";
import { type BroadcastOutcome, ChainError } from "@stakebts/bitshares/chain";
import { bts, shares, toShares } from "@stakebts/kernel/amount";
import { NO_LIMITS } from "../rules/limits.ts";
import { HotWallet } from "./hot-wallet.ts";
import { payPayouts } from "./pay-payouts.ts";

// A step of the payer with many payouts. What a step with one does is shown where its reasons are: limits, freezes, restores, lies.

const NOMINATORS = ["nominator-1", "nominator-2", "nominator-3"] as const;
/** So many refunds of 450 BTS each, to three people in turn. */
async function refundsDue(cluster: InProcessCluster, count: number) {
  for (let n = 0; n < count; n++)
    await cluster.send(NOMINATORS[n % 3] as string, 500, `what is this, number ${n}`);
  await cluster.produceUntilFinal();
  await cluster.ingest();
  await cluster.applyEvents();
  const payouts = [...cluster.ledger.contents.payouts.values()];
  expect(payouts).toHaveLength(count);
  return payouts;
}
const statuses = (cluster: InProcessCluster) =>
  [...cluster.ledger.contents.payouts.values()].map(({ status }) => status);

describe("a step with many payouts", () => {
  it("saves all before it sends the first, and sends all before a node has answered", () =>
    inCluster({}, async (cluster) => {
      const payouts = await refundsDue(cluster, 9);
      const deps = await cluster.newPayer();
      const events: string[] = [];
      const chain = {
        ...deps.chain,
        broadcast: async (bytes: Uint8Array): Promise<BroadcastOutcome> => {
          expect(cluster.ledger.contents.withdrawals.size).toBe(9);
          events.push("sent");
          const outcome = await deps.chain.broadcast(bytes);
          events.push("answered");
          return outcome;
        },
      };
      const ids = payouts.map(({ id }) => id);
      const results = await payPayouts({ ...deps, chain }, ids);
      expect([...results.keys()].toSorted()).toEqual(ids.toSorted());
      expect(events.indexOf("answered")).toBe(9);
      await cluster.settle();
      for (const nominator of NOMINATORS) expect(await cluster.arrivedAt(nominator)).toEqual([450, 450, 450]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("says how many it has saved before it sends, and sends nothing until the step before it has heard", () =>
    inCluster({}, async (cluster) => {
      const ids = (await refundsDue(cluster, 3)).map(({ id }) => id);
      const deps = await cluster.newPayer();
      const events: string[] = [];
      const chain = {
        ...deps.chain,
        broadcast: (bytes: Uint8Array) => {
          events.push("sent");
          return deps.chain.broadcast(bytes);
        },
      };
      let heard = (): void => undefined;
      const before = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const saved = new Promise<number>((resolve) => {
        void payPayouts({ ...deps, chain }, ids, { saved: resolve, before }).then(() => events.push("done"));
      });
      expect(await saved).toBe(3);
      expect(cluster.ledger.contents.withdrawals.size).toBe(3);
      // A payment that does not wait for its turn would have been sent long before a question to a node is answered.
      await deps.chain.head();
      expect(events).toEqual([]);
      heard();
      await vi.waitFor(() => expect(events).toEqual(["sent", "sent", "sent", "done"]));
    }));

  it("pays the others when one cannot go", () =>
    inCluster({}, async (cluster) => {
      const [first, second, third] = await refundsDue(cluster, 3);
      if (first === undefined || second === undefined || third === undefined) throw new Error("no payouts");
      const deps = await cluster.newPayer();
      const payees = {
        find: async (names: readonly string[]) => {
          const found = new Map(await deps.payees.find(names));
          found.delete(first.payee);
          return found;
        },
      };
      const results = await payPayouts({ ...deps, payees }, [first.id, second.id, third.id]);
      expect([first, second, third].map(({ id }) => results.get(id)?.type)).toEqual([
        "failed",
        "in_flight",
        "in_flight",
      ]);
    }));

  it("pays the others when the nodes contradict each other about one account", () =>
    inCluster({}, async (cluster) => {
      const [first, ...others] = await refundsDue(cluster, 3);
      if (first === undefined) throw new Error("no payouts");
      const deps = await cluster.newPayer();
      const payees = {
        find: (names: readonly string[]) =>
          names.includes(first.payee)
            ? Promise.reject(new ChainError("inconsistent_chain", "the nodes disagree"))
            : deps.payees.find(names),
      };
      const results = await payPayouts({ ...deps, payees }, [first.id, ...others.map(({ id }) => id)]);
      expect(results.get(first.id)).toMatchObject({ type: "trouble" });
      expect(others.map(({ id }) => results.get(id)?.type)).toEqual(["in_flight", "in_flight"]);
    }));

  it("tells of trouble with one when the others are paid", () =>
    inCluster({}, async (cluster) => {
      const [first, ...others] = await refundsDue(cluster, 3);
      if (first === undefined) throw new Error("no payouts");
      const deps = await cluster.newPayer();
      const debts = {
        ...deps.debts,
        whyNotOwed: (...asked: Parameters<typeof deps.debts.whyNotOwed>) =>
          asked[0].key === first.key
            ? Promise.reject(new Error("its block is unread"))
            : deps.debts.whyNotOwed(...asked),
      };
      const results = await payPayouts({ ...deps, debts }, [first.id, ...others.map(({ id }) => id)]);
      expect(results.get(first.id)).toMatchObject({ type: "trouble" });
      expect(others.map(({ id }) => results.get(id)?.type)).toEqual(["in_flight", "in_flight"]);
      await cluster.settle();
      await cluster.expectLedgerMatchesChain();
    }));

  it("signs as many, in order, as the hot wallet holds, and no more", () =>
    inCluster({}, async (cluster) => {
      const payouts = await refundsDue(cluster, 5);
      const deps = await cluster.newPayer();
      const balance = await deps.chain.balance(cluster.custodian.id);
      // All but what two of them take, and half of a third.
      const minimumBalance = shares(balance - toShares(bts(450n + 450n + 225n)));
      const wallet = new HotWallet({
        chain: deps.chain,
        account: cluster.custodian.id,
        clock: cluster.clock,
        minimumBalance,
        maxAgeMs: 5_000,
      });
      await payPayouts(
        { ...deps, wallet },
        payouts.map(({ id }) => id),
      );
      expect(statuses(cluster)).toEqual(["sent", "sent", "waiting_funds", "waiting_funds", "waiting_funds"]);
      await cluster.settle();
      await cluster.expectLedgerMatchesChain();
    }));

  it("counts those before in the same step into the caps", () =>
    inCluster({}, async (cluster) => {
      const payouts = await refundsDue(cluster, 4);
      await cluster.ledger.transaction((tx) =>
        tx.control.setLimits({ ...NO_LIMITS, hourCap: bts(1_000n) }, { actor: "operator", reason: "a test" }),
      );
      const ids = payouts.map(({ id }) => id);
      const results = await payPayouts(await cluster.newPayer(), ids);
      expect(ids.map((id) => results.get(id)?.type)).toEqual(["in_flight", "in_flight", "again", "again"]);
    }));

  it("done twice at the same time pays once", () =>
    inCluster({}, async (cluster) => {
      await refundsDue(cluster, 6);
      await Promise.all([cluster.payTogether(), cluster.payTogether()]);
      await cluster.settle();
      for (const nominator of NOMINATORS) expect(await cluster.arrivedAt(nominator)).toEqual([450, 450]);
      await cluster.expectLedgerMatchesChain();
    }));
});
