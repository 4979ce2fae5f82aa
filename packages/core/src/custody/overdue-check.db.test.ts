import { test as base } from "@stakebts/testkit/watched-cluster";
import { describe, expect } from "vitest";
import { switchPayments } from "../limits/switch-payments.ts";
import { OverdueCheck } from "./overdue-check.ts";

const ALICE = "nominator-1";
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

const test = base.extend<{ look: () => Promise<readonly string[]>; later: (hours: number) => Promise<void> }>(
  {
    look: async ({ watched: { deps, alerts } }, use) => {
      const check = new OverdueCheck(deps);
      await use(async () => {
        await check.look();
        return alerts.map(({ event, subject }) => `${event} ${subject.split(" ")[0]}`);
      });
    },
    later: async ({ watched: { cluster } }, use) => {
      await use(async (hours) => {
        cluster.devnet.skipTime(hours * HOUR_SECONDS);
        await cluster.produceUntilFinal(2);
        await cluster.ingest();
      });
    },
  },
);

describe("what is owed and does not get on", () => {
  test("is told of: a transfer without an answer, a row without a debt, each once a day", async ({
    watched: { cluster, frozen },
    look,
    later,
  }) => {
    // Four hours of one day of the chain, no matter what time it is here.
    const { headTimeMs } = await cluster.chain.head();
    cluster.devnet.skipTime(DAY_SECONDS - (Math.floor(headTimeMs / 1_000) % DAY_SECONDS));
    await cluster.send(ALICE, 25_000, "three_months");
    await cluster.settle();
    await cluster.send(ALICE, 100, "what is this");
    await later(1);
    expect(await look()).toEqual([]);
    await later(2);
    expect(await look()).toEqual(["debt.overdue transfer"]);
    await later(1);
    expect(await look()).toHaveLength(1);
    await later(30 * 24);
    expect((await look()).toSorted()).toEqual([
      "debt.overdue row",
      "debt.overdue transfer",
      "debt.overdue transfer",
    ]);
    expect(await frozen()).toBeUndefined();
  });

  test("is told of: a row that counts as being paid, and a payout that no payer pays", async ({
    watched: { cluster },
    owner,
    look,
    later,
  }) => {
    await cluster.send(ALICE, 25_000, "three_months");
    await cluster.settle();
    await owner.query("SET session_replication_role = replica");
    await owner.query("UPDATE stake_row SET status = 'processing' WHERE number = 2");
    await owner.query("SET session_replication_role = DEFAULT");
    await later(1);
    expect(await look()).toEqual(["debt.overdue lost"]);
    await later(30 * 24);
    await cluster.applyEvents();
    await owner.query("UPDATE payout SET created_at = created_at - interval '3 hours'");
    await later(3);
    expect(await look()).toContain("debt.overdue payout");
  });

  test("is not told of while a person has payments off, or has set it aside", async ({
    watched: { cluster },
    owner,
    look,
    later,
  }) => {
    await cluster.send(ALICE, 25_000, "three_months");
    await cluster.settle();
    const action = { id: "a", actor: "anna", reason: "a test" };
    await switchPayments({ ledger: cluster.ledger }, { on: false, action });
    await later(30 * 24);
    await cluster.applyEvents();
    await owner.query("UPDATE payout SET created_at = created_at - interval '3 hours'");
    await cluster.send(ALICE, 100, "what is this");
    await later(1);
    await owner.query(
      "SELECT set_event_aside(block_num || ':' || trx_in_block || ':' || op_in_trx, 'anna', 'x') FROM transfer WHERE status = 'undecided'",
    );
    await later(3);
    expect(await look()).toEqual([]);
  });
});
