import { describe, expect, it } from "vitest";
import { ServiceError } from "@stakebts/kernel/errors";
import { inCluster } from "@stakebts/testkit/in-process-cluster";
import type { Ledger } from "../ledger/ledger.ts";
import { PayOrHold } from "./pay-or-hold.ts";

// A row of one payout that the database refuses must not keep the others from being paid.

/** The ledger, but that it refuses to save a withdrawal, and to move a payout if that is said too. */
const refusing = (ledger: Ledger, error: Error, refusesMoves = false): Ledger =>
  new Proxy(ledger, {
    get(target, key) {
      if (key === "withdrawals") return { ...target.withdrawals, save: () => Promise.reject(error) };
      if (key === "transaction")
        return (work: Parameters<Ledger["transaction"]>[0]) =>
          target.transaction((tx) =>
            work(
              refusesMoves ? { ...tx, payouts: { ...tx.payouts, move: () => Promise.reject(error) } } : tx,
            ),
          );
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });

const REFUSED = Object.assign(new Error("violates check constraint"), { code: "23514" });

describe("a payout of which the database refuses a row", () => {
  it("is held, with the reason, before the payer ends", () =>
    inCluster({}, async (cluster) => {
      const { id, key } = await cluster.refundDue();
      const deps = await cluster.newPayer();
      const payer = new PayOrHold({ ...deps, ledger: refusing(cluster.ledger, REFUSED) });
      await expect(payer.pay([id])).rejects.toThrow("violates check constraint");
      const payout = cluster.ledger.contents.payouts.get(id);
      expect(payout).toMatchObject({
        status: "held",
        reason: expect.stringContaining("check constraint") as string,
      });
      expect(cluster.ledger.contents.receipts.at(-1)).toMatchObject({ event: "payout.held", subject: key });
    }));

  it("is left out, with an alarm, when it cannot be held either", () =>
    inCluster({}, async (cluster) => {
      const { id } = await cluster.refundDue();
      const deps = await cluster.newPayer();
      const payer = new PayOrHold({ ...deps, ledger: refusing(cluster.ledger, REFUSED, true) });
      expect(await payer.pay([id])).toEqual(new Map([[id, { type: "settled" }]]));
      expect(await payer.pay([id])).toEqual(new Map([[id, { type: "settled" }]]));
      const alarms = cluster.ledger.contents.receipts.filter(({ event }) => event === "payout.not_payable");
      expect(alarms).toHaveLength(1);
    }));

  it("is tried again when the trouble passes by itself", () =>
    inCluster({}, async (cluster) => {
      const { id } = await cluster.refundDue();
      const deps = await cluster.newPayer();
      const away = new ServiceError("away");
      await expect(new PayOrHold({ ...deps, ledger: refusing(cluster.ledger, away) }).pay([id])).rejects.toBe(
        away,
      );
      expect((await new PayOrHold(deps).pay([id])).get(id)).toMatchObject({ type: "in_flight" });
    }));
});
