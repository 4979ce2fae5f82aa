import { ChainError } from "@stakebts/bitshares/chain";
import { bts, toShares } from "@stakebts/kernel/amount";
import { CUSTODIAN, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";
import { operation } from "@stakebts/testkit/given";
import { test as base } from "@stakebts/testkit/watched-cluster";
import type pg from "pg";
import { describe, expect } from "vitest";
import type { NewReceipt } from "../ledger/ledger.ts";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import { settlePayout } from "../operators/settle-payout.ts";
import { SettlementCheck } from "./settlement-check.ts";

const [ALICE, BOB] = ["nominator-1", "nominator-2"] as const;
const ACTION = { id: "action", actor: "anna", reason: "paid by hand" };

interface Debt {
  readonly id: string;
  readonly key: string;
  readonly payee: string;
  readonly amount: bigint;
}

interface World {
  readonly cluster: InProcessCluster;
  /** Alerts so far, and a look of a watcher that has just begun. */
  readonly look: () => Promise<readonly NewReceipt[]>;
  /** A watcher that goes on looking. */
  readonly watcher: () => SettlementCheck;
  /** Blocks that no node delivers. */
  readonly unreadable: Set<number>;
  readonly history: { isAway: boolean };
  readonly frozen: () => Promise<string | undefined>;
  readonly unchecked: () => Promise<readonly string[]>;
  /** A debt that is not paid yet. */
  readonly debt: () => Promise<Debt>;
  /** Says, with the ingester's login, that this transfer is on the chain and pays the debt. */
  readonly invent: (
    debt: Debt,
    change?: Partial<{ block: number; txid: string; payee: string }>,
  ) => Promise<void>;
}

const test = base.extend<{ world: World }>({
  world: async ({ watched: { cluster, deps, alerts, frozen }, as, owner }, use) => {
    const { chain } = deps;
    const unreadable = new Set<number>();
    const history = { isAway: false };
    const watcher = () =>
      new SettlementCheck({
        ...deps,
        chain: {
          head: () => chain.head(),
          accounts: (names) => chain.accounts(names),
          accountHistory: async (request) => {
            if (history.isAway) throw new ChainError("node_refused", "no node has it");
            return chain.accountHistory(request);
          },
          blocks: async (range) => {
            if (unreadable.has(range.from)) throw new ChainError("malformed_answer", "no node delivers it");
            return chain.blocks(range);
          },
        },
      });
    const debts = async () => {
      const sql =
        "SELECT id, key, payee, amount::text FROM payout WHERE status IN ('due', 'ready') ORDER BY key";
      const { rows } = await owner.query<Debt & { amount: string }>(sql);
      return rows.map((row): Debt => ({ ...row, amount: BigInt(row.amount) }));
    };
    await use({
      cluster,
      watcher,
      unreadable,
      history,
      look: async () => {
        await watcher().look();
        return alerts;
      },
      frozen,
      unchecked: async () => {
        const sql =
          "SELECT key FROM settlement s JOIN payout ON id = payout_id WHERE checked_at IS NULL ORDER BY 1";
        return (await owner.query<{ key: string }>(sql)).rows.map(({ key }) => key);
      },
      debt: async () => {
        await cluster.send(ALICE, 500, "what is this");
        await cluster.produceUntilFinal();
        await cluster.ingest();
        await cluster.applyEvents();
        const debt = (await debts()).at(-1);
        if (debt === undefined) throw new Error("nothing is owed");
        return debt;
      },
      invent: async (debt, change = {}) => {
        const cursor = await cluster.ledger.cursor.read();
        await invent(await as("ingester"), debt, { block: cursor?.blockNum ?? 0, ...change });
      },
    });
  },
});

async function invent(
  thief: pg.Client,
  { id, key, payee, amount }: Debt,
  to: { readonly block: number; readonly txid?: string; readonly payee?: string },
): Promise<void> {
  await thief.query(
    `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, txid, sender, receiver, sender_is_lifetime_member,
                           amount_shares, asset_id, fee_shares, memo_status, payout_key, replayed, status)
     VALUES ($1, 77, 0, 1, 'out', $2, '${CUSTODIAN}', $3, false, $4, '1.3.0', 1, 'text', $5, false, 'decided')`,
    [to.block, to.txid ?? null, to.payee ?? payee, `${amount * 100_000n}`, key],
  );
  await thief.query("SELECT confirm_payouts(ARRAY[$1]::uuid[], ARRAY[$2::int], ARRAY[77], ARRAY[0], '{}')", [
    id,
    to.block,
  ]);
}

describe("a debt that the ledger calls paid, and that was not paid,", () => {
  test("stops payments, names the debt, and is said once", async ({ world }) => {
    const { look, frozen, debt, invent, unchecked } = world;
    const cheated = await debt();
    await invent(cheated);
    const [alert, second] = await look();
    expect(second).toBeUndefined();
    expect(alert).toMatchObject({ event: "settlement.unexplained", subject: cheated.key });
    expect(await frozen()).toMatch(
      new RegExp(`payout ${cheated.key} counts as paid.* is not on the chain`, "u"),
    );
    expect(await unchecked()).toEqual([]);
    expect(await look()).toHaveLength(1);
  });

  test("is found when it was written while no watcher was there, among many that were paid", async ({
    world: { cluster, look, debt, invent, unchecked },
  }) => {
    await cluster.send(BOB, 25_000, "three_months");
    const cheated = await debt();
    await invent(cheated);
    await cluster.settle();
    await cluster.months(1);
    await cluster.settle();
    expect((await unchecked()).length).toBeGreaterThan(2);
    expect((await look()).map(({ subject }) => subject)).toEqual([cheated.key]);
    expect(await unchecked()).toEqual([]);
  });

  test("is not waited for longer than a minute when its block is yet to come", async ({
    world: { cluster, watcher, debt, invent, frozen, unchecked },
  }) => {
    const cheated = await debt();
    await invent(cheated, { block: 900_000 });
    const check = watcher();
    await check.look();
    expect(await frozen()).toBeUndefined();
    expect(await unchecked()).toEqual([cheated.key]);
    await cluster.devnet.produce(21);
    await check.look();
    expect(await frozen()).toContain("transfer 900000:77:0 of the custodian is not on the chain");
  });

  test("is not believed by the payment of another debt to the same person", async ({
    world: { cluster, look, frozen },
    owner: db,
  }) => {
    await cluster.send(ALICE, 500, "what is this");
    await cluster.settle();
    await look();
    const paid = await db.query<{ block: number; trx: number; key: string }>(
      "SELECT block_num AS block, trx_in_block AS trx, key FROM settlement JOIN payout ON id = payout_id",
    );
    expect(paid.rowCount).toBe(1);
    await cluster.send(ALICE, 500, "what is this");
    await cluster.produceUntilFinal();
    await cluster.ingest();
    await cluster.applyEvents();
    // As if the thief had been faster than the ingester: the real payment stands under another debt's name.
    await db.query("SET session_replication_role = replica");
    await db.query(
      `UPDATE settlement SET checked_at = NULL, matched_by = 'key', payout_id = (SELECT id FROM payout WHERE status <> 'confirmed' AND kind = 'refund')`,
    );
    await db.query("SET session_replication_role = DEFAULT");
    await look();
    expect(await frozen()).toContain(`was signed for payout ${paid.rows[0]?.key}`);
  });

  test("is not proved by a payment to another account, or of another amount", async ({
    world: { cluster, look, frozen },
    owner,
  }) => {
    await cluster.send(ALICE, 500, "what is this");
    await cluster.settle();
    await owner.query("SET session_replication_role = replica");
    await owner.query("UPDATE payout SET payee = $1", [BOB]);
    await owner.query("SET session_replication_role = DEFAULT");
    await look();
    expect(await frozen()).toContain(`pays ${ALICE} on the chain, and not ${BOB}`);
  });
});

describe("a debt that was paid", () => {
  test("is checked once, for debts of every kind, settled by any login", async ({
    world: { cluster, look, unchecked, debt },
    urls,
    owner,
  }) => {
    await cluster.send(ALICE, 25_000, "three_months");
    await cluster.send(BOB, 50_000, "six_months");
    await cluster.send("dls.cipher", 1, JSON.stringify({ type: "bmg_to_bittrex", amount: 500, api: 1 }));
    await cluster.settle();
    await cluster.months(1);
    await cluster.settle();
    await cluster.send(BOB, 5, "stop");
    await cluster.settle();
    const { id, payee, amount } = await debt();
    await cluster
      .wallet(CUSTODIAN)
      .transfer({ to: payee, amountShares: toShares(bts(amount)), memo: "by hand" });
    await cluster.produceUntilFinal();
    await cluster.ingest();
    const { rows } = await owner.query<{ block: number; trx: number }>(
      "SELECT block_num AS block, trx_in_block AS trx FROM transfer WHERE direction = 'out' ORDER BY block_num DESC LIMIT 1",
    );
    const operator = createPostgresLedger({ url: urls.operator });
    const by = operation(rows[0]?.block ?? 0, rows[0]?.trx);
    expect(await settlePayout({ ledger: operator }, { id: id as never, by, action: ACTION })).toMatchObject({
      result: "done",
    });
    await operator.close();
    expect((await unchecked()).length).toBeGreaterThan(6);
    expect(await look()).toEqual([]);
    expect(await unchecked()).toEqual([]);
    const matches = await owner.query("SELECT DISTINCT matched_by FROM settlement ORDER BY 1");
    expect(matches.rows).toEqual([{ matched_by: "operator" }, { matched_by: "txid" }]);
  });

  test("is looked up in the account's history when a proposal has paid it, and waits while no node has that", async ({
    world: { cluster, debt, look, unchecked, history },
    urls,
    owner,
  }) => {
    const { id, payee, amount } = await debt();
    await cluster
      .wallet("nominator-3")
      .propose(cluster.wallet(CUSTODIAN), [
        { to: payee, amountShares: toShares(bts(amount)), memo: "by hand" },
      ]);
    await cluster.devnet.produce();
    await cluster.wallet(CUSTODIAN).approve("1.10.0");
    await cluster.produceUntilFinal();
    await cluster.ingest();
    const { rows } = await owner.query<{ block: number; trx: number; op: number }>(
      "SELECT block_num AS block, trx_in_block AS trx, op_in_trx AS op FROM transfer WHERE direction = 'out'",
    );
    expect(rows).toEqual([expect.objectContaining({ op: 65_536 })]);
    const operator = createPostgresLedger({ url: urls.operator });
    const by = operation(rows[0]?.block ?? 0, rows[0]?.trx, rows[0]?.op);
    const settled = await settlePayout({ ledger: operator }, { id: id as never, by, action: ACTION });
    await operator.close();
    expect(settled).toMatchObject({ result: "done" });
    history.isAway = true;
    await expect(look()).rejects.toThrow("no node has it");
    expect(await unchecked()).toHaveLength(1);
    history.isAway = false;
    expect(await look()).toEqual([]);
    expect(await unchecked()).toEqual([]);
  });

  test("is known by its memo's nonce when the ledger has lost what it has signed", async ({
    world: { cluster, look, unchecked },
    owner,
  }) => {
    await cluster.send(ALICE, 500, "what is this");
    await cluster.settle();
    await owner.query("SET session_replication_role = replica");
    await owner.query("DELETE FROM withdrawal; UPDATE settlement SET matched_by = 'key'");
    await owner.query("SET session_replication_role = DEFAULT");
    expect(await look()).toEqual([]);
    expect(await unchecked()).toEqual([]);
  });

  test("is left for later, and the others are not, when its block cannot be read", async ({
    world: { cluster, look, unchecked, unreadable },
    owner,
  }) => {
    for (const [name, amount] of [
      [ALICE, 500],
      [BOB, 600],
    ] as const) {
      await cluster.send(name, amount, "what is this");
      await cluster.settle();
    }
    const { rows } = await owner.query<{ block: number }>("SELECT max(block_num) AS block FROM settlement");
    unreadable.add(rows[0]?.block ?? 0);
    await expect(look()).rejects.toThrow("no node delivers it");
    expect(await unchecked()).toHaveLength(1);
    unreadable.clear();
    expect(await look()).toEqual([]);
    expect(await unchecked()).toEqual([]);
  });
});
