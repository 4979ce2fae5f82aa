import { bts } from "@stakebts/kernel/amount";
import { OWED } from "@stakebts/testkit/in-process-cluster";
import { test as base, type Watched } from "@stakebts/testkit/watched-cluster";
import { describe, expect } from "vitest";
import type { NewReceipt } from "../ledger/ledger.ts";
import { type Policy, termsEver } from "../rules/policy.ts";
import { IncomingCheck } from "./incoming-check.ts";

const [ALICE, BOB, MANAGER] = ["nominator-1", "nominator-2", "dls.cipher"] as const;

interface World extends Pick<Watched, "cluster" | "frozen"> {
  /** What a watcher finds that goes on looking. */
  readonly look: () => Promise<readonly NewReceipt[]>;
  /** Another one begins. */
  readonly restart: () => void;
  /** The watcher's policy file says this from now on. */
  readonly setPolicy: (change: Partial<Policy>) => void;
  /** Final, and in the ledger, and not answered yet. */
  readonly read: () => Promise<void>;
  /** With rights that no login of a process has: what a thief could do before the database refused it, or in place of the process. */
  readonly forge: (sql: string) => Promise<void>;
}

const test = base.extend<{ world: World }>({
  world: async ({ watched: { cluster, deps, alerts, frozen }, owner }, use) => {
    const { policy } = cluster;
    const rules = { ...OWED, policy, terms: termsEver(policy) };
    const held = { rules };
    let check = new IncomingCheck({ ...deps, rules: () => held.rules });
    const look = async () => {
      while (await check.look());
      return alerts;
    };
    await look();
    await use({
      cluster,
      frozen,
      look,
      restart: () => (check = new IncomingCheck({ ...deps, rules: () => held.rules })),
      setPolicy: (change) => (held.rules = { ...rules, policy: { ...policy, ...change } }),
      read: async () => {
        await cluster.produceUntilFinal();
        await cluster.ingest();
      },
      forge: async (sql) => {
        await owner.query("SET session_replication_role = replica");
        expect((await owner.query(sql)).rowCount, sql).toBeGreaterThan(0);
        await owner.query("SET session_replication_role = DEFAULT");
      },
    });
  },
});

const asStranger = "UPDATE transfer SET status = 'decided', reason = 'x', outcome =";

describe("what was sent and what the ledger has of it", () => {
  test("are the same for every kind of transfer, when all processes are honest", async ({
    world: { cluster, look, restart, frozen },
  }) => {
    await cluster.send(ALICE, 25_000, "three_months");
    await cluster.send(BOB, 50_000.5, "six_months");
    await cluster.send(BOB, 100, "what is this");
    await cluster.send(BOB, 55);
    await cluster.send(ALICE, 3, "stop");
    await cluster.send(MANAGER, 1, JSON.stringify({ type: "bmg_to_bittrex", amount: 500, api: 1 }));
    await cluster.send(MANAGER, 700, "loan_to_bmg");
    await cluster.send(BOB, 1, JSON.stringify({ type: "freeze", level: "all" }));
    await cluster.settle();
    await look();
    await cluster.months(1);
    await cluster.send(BOB, 5, "stop");
    await cluster.settle();
    expect(await look()).toEqual([]);
    restart();
    expect(await look()).toEqual([]);
    expect(await frozen()).toBeUndefined();
  });

  test.for([
    ["hides a nomination", "DELETE FROM transfer WHERE direction = 'in'", "are not in the ledger"],
    [
      "changes its sender",
      "UPDATE transfer SET sender = 'nominator-3'",
      "it is by nominator-1, and in the ledger by nominator-3",
    ],
    ["changes its amount", "UPDATE transfer SET amount_shares = 1", "in the ledger of 1 of 1.3.0"],
    ["takes its memo away", "UPDATE transfer SET memo_status = 'none'", "its memo is another one"],
    ["moves it to another place", "UPDATE transfer SET op_in_trx = 5", "are not in the ledger (and 1 more)"],
  ] as const)("an ingester's login that %s stops payments", async ([, sql, why], { world }) => {
    const { cluster, look, read, forge, frozen } = world;
    await cluster.send(ALICE, 25_000, "three_months");
    await read();
    await forge(sql);
    expect(await look()).toMatchObject([{ event: "incoming.differs" }]);
    expect(await frozen()).toContain(why);
  });

  test("a block that was read in a watcher's absence is looked at by the next one", async ({
    world: { cluster, look, read, forge, restart },
  }) => {
    restart();
    await cluster.send(ALICE, 25_000, "three_months");
    await read();
    await forge("DELETE FROM transfer WHERE direction = 'in'");
    expect(await look()).toHaveLength(1);
    restart();
    expect(await look()).toHaveLength(1);
  });
});

describe("a policy that has changed", () => {
  const OTHER = { invalidRequestFee: bts(70n) };

  test("raises no alarm for what was answered before, also in a watcher's absence", async ({
    world: { cluster, look, restart, setPolicy },
  }) => {
    await cluster.send(BOB, 100, "what is this");
    await cluster.settle();
    setPolicy(OTHER);
    restart();
    expect(await look()).toEqual([]);
  });

  test("is known to a watcher that goes on running", async ({
    world: { cluster, look, restart, setPolicy },
  }) => {
    setPolicy(OTHER);
    restart();
    await look();
    await cluster.send(BOB, 100, "what is this");
    await cluster.settle();
    setPolicy({});
    expect(await look()).toEqual([]);
  });

  test("does not excuse an answer that follows from none", async ({
    world: { cluster, look, setPolicy, frozen },
  }) => {
    setPolicy(OTHER);
    await look();
    cluster.policy = { ...cluster.policy, invalidRequestFee: bts(60n) };
    await cluster.send(BOB, 100, "what is this");
    await cluster.settle();
    expect(await look()).toMatchObject([{ event: "incoming.differs" }]);
    expect(await frozen()).toContain("30 BTS are not returned");
  });
});

describe("what the ledger makes of a nomination", () => {
  test.for([
    "kept",
    "refunded",
    "stopped",
    "loan",
    "admin_request",
    "already_processed",
    "treasury_deposit",
    "foreign_asset",
    "agreement_opened",
  ] as const)("is not: %s", async (outcome, { world: { cluster, look, read, forge, frozen } }) => {
    await cluster.send(ALICE, 25_000, "three_months");
    await read();
    await forge(`${asStranger} '${outcome}'`);
    expect(await look()).toMatchObject([{ event: "incoming.differs" }]);
    expect(await frozen()).toContain(`the ledger says "${outcome}", but `);
  });

  test.for([
    [
      "without one of its rewards",
      "DELETE FROM stake_row WHERE number = 3",
      /row reward:3:.* of 2000 BTS is missing/u,
    ],
    [
      "with a reward that is due in a hundred years",
      "UPDATE stake_row SET due = due * 2 WHERE number = 3",
      /row reward:3/u,
    ],
    ["of another account", "UPDATE agreement SET nominator = 'nominator-2'", /is not what it asks for/u],
    ["for longer", "UPDATE agreement SET months = 12", /is not what it asks for/u],
  ] as const)(
    "is no agreement %s",
    async ([, sql, why], { world: { cluster, look, read, forge, frozen } }) => {
      await cluster.send(ALICE, 25_000, "three_months");
      await read();
      await cluster.applyEvents();
      await forge(sql);
      await look();
      expect(await frozen()).toMatch(why);
    },
  );

  test("may come late", async ({ world: { cluster, look, read, forge, frozen } }) => {
    await cluster.send(ALICE, 25_000, "three_months");
    await read();
    expect(await look()).toEqual([]);
    await cluster.send(BOB, 100, "what is this");
    await cluster.settle();
    expect(await look()).toEqual([]);
    await cluster.send(BOB, 25_000, "six_months");
    await read();
    await look();
    await forge(`${asStranger} 'kept' WHERE status = 'undecided'`);
    await look();
    expect(await frozen()).toContain("it asks for an agreement of 25000 BTS");
  });
});

describe("what the ledger makes of", () => {
  test("a stop is an end of what goes on", async ({ world: { cluster, look, read, forge, frozen } }) => {
    await cluster.send(ALICE, 25_000, "three_months");
    await cluster.settle();
    await cluster.send(ALICE, 1, "stop");
    await read();
    await forge(`${asStranger} 'kept' WHERE status = 'undecided'`);
    await look();
    expect(await frozen()).toContain(`it asks for an end of agreements of ${ALICE} that go on`);
  });

  test("a second stop may be nothing, though an operator cancels what the first has caused", async ({
    world: { cluster, look, read, forge, frozen },
  }) => {
    await cluster.send(ALICE, 25_000, "three_months");
    await cluster.settle();
    for (const amountBts of [1, 3]) {
      await cluster.send(ALICE, amountBts, "stop");
      await read();
      await cluster.applyEvents();
    }
    await forge("UPDATE payout SET status = 'cancelled', reason = 'x' WHERE kind = 'stop'");
    await forge("UPDATE stake_row SET status = 'pending' WHERE type = 'base_amount' AND status <> 'pending'");
    expect(await look()).toEqual([]);
    expect(await frozen()).toBeUndefined();
    // One more asks for an end of what goes on.
    await cluster.send(ALICE, 2, "stop");
    await read();
    await forge(`${asStranger} 'kept' WHERE status = 'undecided'`);
    await forge("UPDATE transfer SET outcome = 'kept' WHERE outcome = 'stopped'");
    await look();
    expect(await frozen()).toContain(`it asks for an end of agreements of ${ALICE} that go on`);
  });

  test("junk is a refund of all but the fee", async ({ world: { cluster, look, read, forge, frozen } }) => {
    await cluster.send(ALICE, 5_000, "what is this");
    await read();
    await forge(`${asStranger} 'kept' WHERE status = 'undecided'`);
    await look();
    expect(await frozen()).toContain("4950 BTS are to be returned");
  });
});
