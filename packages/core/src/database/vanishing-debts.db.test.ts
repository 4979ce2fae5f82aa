import { bts } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import { agreementAt, cursorAt, incoming, operation, refundOf } from "@stakebts/testkit/given";
import { test as base } from "@stakebts/testkit/login-test";
import type pg from "pg";
import { describe, expect } from "vitest";
import type { Ledger } from "../ledger/ledger.ts";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import { buildStakeRows } from "../rules/terms.ts";
import type { ProcessRole } from "./rights.ts";

// With the login of a process a debt could be made to vanish without a transfer: the nominator would never hear of it.

const agreement = agreementAt(operation(10));
const rows = buildStakeRows(agreement);
const reward = rows.find(({ type, number }) => type === "reward" && number === 2)!;
const payout = refundOf(operation(11));

const test = base.extend<{ ledger: Ledger; refused: (role: ProcessRole, sql: string) => Promise<void> }>({
  ledger: async ({ databaseUrl }, use) => {
    const ledger = createPostgresLedger({ url: databaseUrl });
    await ledger.transaction(async (tx) => {
      await tx.cursor.move(undefined, cursorAt(20, { blockTimeMs: agreement.startMs }));
      await tx.transfers.insert([incoming({ operation: operation(10) })]);
      await tx.agreements.insert([{ agreement, rows }]);
      await tx.transfers.decide(operation(10), "agreement_opened", "for a test");
      await tx.payouts.insert([payout]);
    });
    await use(ledger);
    await ledger.close();
  },
  refused: async ({ as, ledger }, use) => {
    expect(await ledger.cursor.read()).toBeDefined();
    await use(async (role, sql) => {
      const db: pg.Client = await as(role);
      await expect(db.query(sql), `${role}: ${sql}`).rejects.toThrow(
        /permission denied|by another login|does not begin as|begins as undecided|made no stop|decided once|goes back when/u,
      );
    });
  },
});

const IN = `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, sender, receiver, sender_is_lifetime_member,
  amount_shares, asset_id, fee_shares, memo_status, request, replayed, status, outcome, import_mark)
  VALUES (30, 0, 0, 1, 'in', 'nominator-1', 'custodian', false, 2500000000, '1.3.0', 1, 'text',
          '{"type": "open", "term": "three_months"}', false,`;
const ROW = (status: string, type = "reward", number = 9) =>
  `INSERT INTO stake_row (id, nominator, digital_asset, amount, type, nonce, start, due, status, block_start, trx_idx, ops_idx, number, block_processed, processed)
   VALUES ('new', 'nominator-1', 'BTS', 5, '${type}', 1, 1, 1, '${status}', 10, 0, 0, ${number}, 1, 1)`;
const abort = (id: string) => `UPDATE stake_row SET status = 'aborted' WHERE id = '${id}'`;

describe("no login but an operator's", () => {
  test("writes a nomination that is answered already, or that an import has dealt with", async ({
    refused,
  }) => {
    await refused("ingester", `${IN} 'decided', 'kept', NULL)`);
    await refused("ingester", `${IN} 'undecided', NULL, '{"monthsPaid": [{"number": 1, "paidMs": 1}]}')`);
  });

  test("answers a transfer twice, or takes an answer back", async ({ refused }) => {
    await refused("scheduler", "UPDATE transfer SET status = 'undecided', outcome = NULL");
    await refused("scheduler", "UPDATE transfer SET outcome = 'kept'");
  });

  test("writes a row that is settled or aborted from the beginning", async ({ refused }) => {
    for (const status of ["aborted", "confirmed", "premature", "processing", "paid"])
      await refused("scheduler", ROW(status));
    await refused("scheduler", ROW("aborted", "base_amount", 0));
  });

  test("aborts a reward whose nominator has made no stop, or an earlier or a later one, or a principal", async ({
    ledger,
    refused,
  }) => {
    const stop = { request: { type: "stop" }, memoText: "stop" } as const;
    await refused("scheduler", abort(reward.id));
    await ledger.transaction((tx) =>
      tx.transfers.insert([
        incoming({ ...stop, operation: operation(9) }),
        incoming({ ...stop, operation: operation(12), sender: "nominator-2" }),
        incoming({ ...stop, operation: operation(13), blockTimeMs: millis(reward.dueMs + 1) }),
      ]),
    );
    await refused("scheduler", abort(reward.id));
    await refused("scheduler", abort(rows.find(({ type }) => type === "base_amount")!.id));
  });

  test("waives a penalty before its day", async ({ refused }) => {
    await refused("scheduler", abort(rows.find(({ type }) => type === "penalty")!.id));
  });

  test("gives a row back", async ({ ledger, refused }) => {
    await ledger.transaction((tx) => tx.rows.move([{ row: reward, from: "pending", to: "processing" }]));
    await refused("scheduler", "UPDATE stake_row SET status = 'pending' WHERE status = 'processing'");
  });

  test.for(["ingester", "scheduler", "payer"] as const)("cancels a payout: %s", async (role, { refused }) => {
    await refused(role, "UPDATE payout SET status = 'cancelled', reason = 'x'");
  });

  test.for(["ingester", "scheduler", "payer"] as const)(
    "lets a payout go that a person has held: %s",
    async (role, { ledger, refused }) => {
      await ledger.transaction((tx) => tx.payouts.move(payout.id, ["due"], "held", { reason: "a person" }));
      await refused(role, "UPDATE payout SET status = 'ready', reason = NULL");
    },
  );

  test("fails a payout that was never signed, or has it wait for funds for ever: ingester", async ({
    ledger,
    refused,
  }) => {
    await ledger.transaction((tx) => tx.payouts.move(payout.id, ["due"], "ready"));
    await refused("ingester", "UPDATE payout SET status = 'failed', reason = 'x'");
    await refused("ingester", "UPDATE payout SET status = 'held', reason = 'x'");
    await refused("scheduler", "UPDATE payout SET status = 'waiting_funds', waiting_since = 1");
  });
});

describe("what each login has to do", () => {
  test("it does: a scheduler answers a stop, and waives a penalty on its day", async ({ ledger, as }) => {
    const db = await as("scheduler");
    const stop = { request: { type: "stop" }, memoText: "stop" } as const;
    await ledger.transaction((tx) => tx.transfers.insert([incoming({ ...stop, operation: operation(12) })]));
    expect((await db.query(abort(reward.id))).rowCount).toBe(1);
    const penalty = rows.find(({ type }) => type === "penalty")!;
    await ledger.transaction(async (tx) => {
      await tx.transfers.decide(operation(12), "stopped", "for a test");
      await tx.cursor.move(20, cursorAt(21, { blockTimeMs: penalty.dueMs }));
    });
    expect((await db.query(abort(penalty.id))).rowCount).toBe(1);
    expect(
      (await db.query("UPDATE transfer SET status = 'decided', outcome = 'kept' WHERE status = 'undecided'"))
        .rowCount,
    ).toBe(0);
  });

  test("it does: a payer holds and fails, an operator cancels", async ({ ledger, as }) => {
    await ledger.transaction((tx) => tx.payouts.move(payout.id, ["due"], "ready"));
    await (await as("payer")).query("UPDATE payout SET status = 'failed', reason = 'x'");
    await (await as("operator")).query("UPDATE payout SET status = 'cancelled'");
    expect(agreement.amount).toBe(bts(25_000n));
  });
});
