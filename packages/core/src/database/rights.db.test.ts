import { saveWithdrawal } from "@stakebts/testkit/one-payout";
import { applyRights } from "./apply-rights.ts";
import { jobForPayout } from "../ledger/jobs.ts";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import { ensureLogins } from "./logins.ts";
import { FUNCTION_RIGHTS, groupOf, PROCESS_ROLES, TABLE_RIGHTS } from "./rights.ts";
import { operation, outgoing, refundOf, withdrawalFor } from "@stakebts/testkit/given";
import { passRecoveryHold } from "@stakebts/testkit/pass-recovery-hold";
import { processLogins } from "@stakebts/testkit/process-logins";
import { toShares } from "@stakebts/kernel/amount";
import pg from "pg";
import { describe, expect } from "vitest";
import { test } from "@stakebts/testkit/login-test";

// What each process may do is tried with its own login: that rights suffice is shown by the tests in test/long, where every
// process has its own.

const DENIED = /permission denied/u;
const payout = refundOf(operation(10));

/** A payout that has failed, and one withdrawal of it that is dead. */
async function failedPayout(databaseUrl: string): Promise<void> {
  const ledger = createPostgresLedger({ url: databaseUrl });
  try {
    await passRecoveryHold(ledger);
    const writerEpoch = await ledger.control.startWriterEpoch();
    await ledger.transaction((tx) => tx.payouts.insert([payout]));
    const withdrawal = withdrawalFor(payout, "a", { writerEpoch });
    expect(await saveWithdrawal(ledger, withdrawal)).toBe("saved");
    await ledger.transaction(async (tx) => {
      await tx.withdrawals.expire([withdrawal.id]);
      await tx.payouts.move(payout.id, ["signed"], "failed", { reason: "attempts used up" });
    });
  } finally {
    await ledger.close();
  }
}

/** Two operators, an approver, a viewer, and an operator who has been disabled. */
const addConsoleUsers = (owner: pg.Client): Promise<unknown> =>
  owner.query(
    `INSERT INTO console_user (name, role, password_hash, disabled, updated_at) VALUES
       ('anna', 'operator', '$scrypt$', false, now()), ('ben', 'operator', '$scrypt$', false, now()),
       ('vera', 'viewer', '$scrypt$', false, now()), ('gone', 'operator', '$scrypt$', true, now())`,
  );

/** What was asked for was asked for an hour earlier. Rows of it are never changed: triggers are off meanwhile. */
async function anHourLater(owner: pg.Client): Promise<void> {
  await owner.query("SET session_replication_role = replica");
  await owner.query("UPDATE cancel_request SET created_at = created_at - interval '1 hour 1 second'");
  await owner.query("UPDATE payout_request SET created_at = created_at - interval '1 hour 1 second'");
  await owner.query("SET session_replication_role = DEFAULT");
}

async function aJobWaits(databaseUrl: string): Promise<void> {
  const ledger = createPostgresLedger({ url: databaseUrl });
  await ledger.transaction((tx) => tx.jobs.add([jobForPayout(payout.id, "owed")]));
  await ledger.close();
}

describe("rights", () => {
  test("are declared for every table and every function of the ledger, so that a new one is not forgotten", async ({
    owner,
  }) => {
    const { rows: tables } = await owner.query<{ name: string }>(
      "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
    );
    expect(tables.map(({ name }) => name)).toEqual(Object.keys(TABLE_RIGHTS).sort());
    const { rows: functions } = await owner.query<{ name: string }>(
      `SELECT DISTINCT proname AS name FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'::regtype ORDER BY 1`,
    );
    expect(functions.map(({ name }) => name)).toEqual(Object.keys(FUNCTION_RIGHTS).sort());
    // Views show what their owner may see.
    const { rows: views } = await owner.query("SELECT FROM pg_views WHERE schemaname = 'public'");
    expect(views).toEqual([]);
  });

  test("let no process delete, truncate or alter what is in the ledger, nor make anything beside it", async ({
    owner,
  }) => {
    const { rows } = await owner.query<{ role: string; what: string }>(
      `SELECT r.rolname AS role, format('%s %s', p.privilege, c.relname) AS what
         FROM pg_roles r, pg_class c, unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS p (privilege)
        WHERE r.rolname = ANY ($1) AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
          AND has_table_privilege(r.oid, c.oid, p.privilege) ORDER BY 1, 2`,
      [PROCESS_ROLES.map(groupOf)],
    );
    expect(rows).toEqual([
      { role: "stakebts_console", what: "DELETE console_session" },
      { role: "stakebts_ingester", what: "DELETE outbox" },
      { role: "stakebts_operator", what: "DELETE console_session" },
      { role: "stakebts_operator", what: "DELETE outbox" },
      { role: "stakebts_payer", what: "DELETE outbox" },
      { role: "stakebts_scheduler", what: "DELETE outbox" },
    ]);
    const { rows: creators } = await owner.query(
      `SELECT rolname FROM pg_roles
        WHERE rolname = ANY ($1) AND (has_schema_privilege(oid, 'public', 'CREATE') OR rolcanlogin OR rolsuper
              OR rolcreaterole OR rolcreatedb OR has_database_privilege(oid, current_database(), 'CREATE'))`,
      [PROCESS_ROLES.map(groupOf)],
    );
    expect(creators).toEqual([]);
    const { rows: everybody } = await owner.query<{ name: string }>(
      `SELECT p.proname AS name FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE p.pronamespace = 'public'::regnamespace AND a.grantee = 0`,
    );
    expect(everybody).toEqual([]);
  });

  test("stand behind functions that find everything under the names that the owner means", async ({
    owner,
  }) => {
    const { rows } = await owner.query<{ name: string; config: string[] | null }>(
      `SELECT proname AS name, proconfig AS config FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY 1`,
    );
    // Triggers and what they call as well: a temporary table would stand before the one that they mean.
    const { rows: loose } = await owner.query(
      `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proconfig IS NULL`,
    );
    expect(loose).toEqual([]);
    const asOwner = Object.entries(FUNCTION_RIGHTS).filter(([, { asOwner: yes }]) => yes);
    expect(rows).toEqual(
      asOwner
        .map(([name]) => ({ name, config: ["search_path=pg_catalog, public, pg_temp"] }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  });

  test("are what is declared after they were set again, in spite of grants in between", async ({
    databaseUrl,
    owner,
    as,
  }) => {
    await owner.query(
      "GRANT ALL ON payout, receipt TO stakebts_console; REVOKE SELECT ON payout FROM stakebts_payer",
    );
    await owner.query("GRANT EXECUTE ON FUNCTION save_withdrawal TO PUBLIC");
    await Promise.all([applyRights(databaseUrl), applyRights(databaseUrl)]);
    await expect((await as("console")).query("UPDATE payout SET status = 'ready'")).rejects.toThrow(DENIED);
    await (await as("payer")).query("SELECT FROM payout");
  });
});

describe("no role", () => {
  test.for(PROCESS_ROLES)("deletes or changes a receipt: %s", async (role, { as }) => {
    const db = await as(role);
    for (const sql of [
      "DELETE FROM receipt",
      "TRUNCATE receipt",
      "UPDATE receipt SET event = 'x'",
      "DROP TABLE receipt",
    ])
      await expect(db.query(sql), sql).rejects.toThrow(/permission denied|must be owner/u);
    await expect(db.query("ALTER TABLE receipt DISABLE TRIGGER ALL")).rejects.toThrow("must be owner");
    await expect(db.query("CREATE TABLE mine (id int)")).rejects.toThrow(DENIED);
    await expect(db.query("SET session_replication_role = replica")).rejects.toThrow(DENIED);
  });

  test.for(PROCESS_ROLES)("writes a withdrawal into the table: %s", async (role, { as }) => {
    const insert = `INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch)
                    VALUES (gen_random_uuid(), gen_random_uuid(), 'x', '\\x00', 1, 1, 1, 'signed', 1)`;
    const db = await as(role);
    await expect(db.query(insert)).rejects.toThrow(DENIED);
    await expect(db.query("UPDATE withdrawal SET bytes = '\\x00'")).rejects.toThrow(DENIED);
  });

  test.for(PROCESS_ROLES.filter((role) => role !== "payer"))(
    "but the payer's saves a withdrawal: %s",
    async (role, { as }) => {
      const call =
        "SELECT save_withdrawal(gen_random_uuid(), gen_random_uuid(), 'x', '\\x00', 1, 1, 1, 1, 'x', '1.2.1', 'x')";
      await expect((await as(role)).query(call)).rejects.toThrow(DENIED);
    },
  );

  test.for(PROCESS_ROLES)("changes what is owed, or that it was paid: %s", async (role, { as }) => {
    const db = await as(role);
    for (const change of ["amount = 1", "payee = 'x'", "memo = 'x'", "key = 'x'", "block_processed = 1"])
      await expect(db.query(`UPDATE payout SET ${change}`), change).rejects.toThrow(DENIED);
    await expect(db.query("UPDATE stake_row SET amount = 1")).rejects.toThrow(DENIED);
  });

  test.for(PROCESS_ROLES.filter((role) => !["backup", "console", "operator"].includes(role)))(
    "but those of console, operator and backup sees passwords of users: %s",
    async (role, { as }) => {
      await expect((await as(role)).query("SELECT FROM console_user")).rejects.toThrow(DENIED);
    },
  );
});

describe("the console's role", () => {
  test("cannot write a payout, a stake row, the recovery hold or a limit", async ({ as }) => {
    const db = await as("console");
    for (const sql of [
      "UPDATE payout SET status = 'ready'",
      "UPDATE payout SET reason = 'x'",
      "INSERT INTO payout (id, key, kind, payee, amount, memo, due, status) VALUES (gen_random_uuid(), 'x', 'refund', 'me', 1, 'x', 1, 'due')",
      "UPDATE stake_row SET status = 'pending'",
      "UPDATE control SET recovery_hold_until_ms = NULL",
      "UPDATE control SET writer_epoch = 1",
      "INSERT INTO outbox (job_id, kind, data, delay_ms) VALUES ('x', 'payout.pay', '{}', 0)",
      "UPDATE console_user SET role = 'operator'",
      "SELECT create_notice(gen_random_uuid(), 'notice:x', 'me', 1, 'x', 1)",
    ])
      await expect(db.query(sql), sql).rejects.toThrow(DENIED);
  });

  test("gives a payout that has failed back to the payer, with a receipt that says who and why", async ({
    databaseUrl,
    as,
  }) => {
    await failedPayout(databaseUrl);
    const db = await as("console");
    const requeue = (details: object, was = "failed") =>
      db.query<{ done: boolean }>(
        "SELECT requeue_payout($1, $2, 'job', 'payout.requeued', $3, NULL) AS done",
        [payout.id, was, JSON.stringify(details)],
      );
    await expect(requeue({ actor: "anna" })).rejects.toThrow("by a named person and for a reason");
    expect((await requeue({ actor: "anna", reason: "r" }, "held")).rows).toEqual([{ done: false }]);
    expect((await requeue({ actor: "anna", reason: "r" })).rows).toEqual([{ done: true }]);
    expect((await requeue({ actor: "anna", reason: "r" })).rows).toEqual([{ done: false }]);
    const { rows } = await db.query("SELECT subject, details FROM receipt WHERE event = 'payout.requeued'");
    expect(rows).toMatchObject([
      { subject: payout.key, details: { actor: "anna", reason: "r", was: "failed" } },
    ]);
  });

  test("does nothing for a name that is no operator of the console", async ({ databaseUrl, owner, as }) => {
    await failedPayout(databaseUrl);
    await addConsoleUsers(owner);
    const db = await as("console");
    for (const actor of ["unknown", "vera", "gone"]) {
      const details = JSON.stringify({ actor, reason: "r" });
      for (const sql of [
        `SELECT hold_payout('${payout.id}', 'failed', '${details}')`,
        `SELECT ask_to_cancel('${payout.id}', 'failed', '${details}')`,
        `SELECT order_replay(1, 1, '${details}')`,
        `SELECT end_replay(1, '${details}')`,
        `SELECT set_event_aside('7:0:0', '${actor}', 'r')`,
        `SELECT resume_event('7:0:0', '${actor}', 'r')`,
      ])
        await expect(db.query(sql), sql).rejects.toThrow(
          `${actor} is no user of the console who may do this`,
        );
    }
    await expect(db.query("SELECT set_event_aside('7:0:0', 'anna', '')")).rejects.toThrow("for a reason");
  });

  test("cancels what is owed with two people, the second an hour after people were told of the first", async ({
    databaseUrl,
    owner,
    as,
  }) => {
    await failedPayout(databaseUrl);
    await addConsoleUsers(owner);
    const db = await as("console");
    const did = async (sql: string, values: unknown[]): Promise<boolean | undefined> =>
      (await db.query<{ did: boolean }>(`SELECT ${sql} AS did`, values)).rows[0]?.did;
    const by = (actor: string) => JSON.stringify({ actor, reason: "owed by mistake" });
    const cancel = (actor: string, was = "failed") =>
      did("cancel_payout($1, $2, $3, NULL)", [payout.id, was, by(actor)]);
    const ask = (actor: string) => did("ask_to_cancel($1, 'failed', $2)", [payout.id, by(actor)]);
    expect(await cancel("ben")).toBe(false);
    expect(await ask("anna")).toBe(true);
    expect(await cancel("ben")).toBe(false); // The hour is not over,
    await anHourLater(owner);
    for (const same of ["anna"]) expect(await cancel(same)).toBe(false); // and one person is not two.
    // A person who gives it back to the payer has ended the request.
    const requeue = "requeue_payout($1, $2, 'job', 'payout.released', $3, NULL)";
    expect(await did(requeue, [payout.id, "failed", by("ben")])).toBe(true);
    await owner.query("UPDATE payout SET status = 'failed', reason = 'x'");
    expect(await cancel("ben")).toBe(false);
    expect(await ask("anna")).toBe(true);
    await anHourLater(owner);
    await owner.query("UPDATE control SET database_identity = 'another'");
    expect(await cancel("ben")).toBe(false);
    await owner.query("UPDATE control SET database_identity = database_identity()");
    expect(await cancel("ben")).toBe(true);
    expect(await cancel("ben", "cancelled")).toBe(false);
    const { rows } = await owner.query(
      "SELECT event, details ->> 'actor' AS actor FROM receipt WHERE event LIKE 'payout.cancel%' ORDER BY id",
    );
    expect(rows).toEqual([
      { event: "payout.cancel_asked", actor: "anna" },
      { event: "payout.cancel_asked", actor: "anna" },
      { event: "payout.cancelled", actor: "ben" },
    ]);
  });

  test("cancels nothing that may have been paid, no matter which user asks", async ({
    databaseUrl,
    owner,
    as,
  }) => {
    await failedPayout(databaseUrl);
    await addConsoleUsers(owner);
    const db = await as("console");
    await db.query("SELECT ask_to_cancel($1, 'failed', $2)", [payout.id, '{"actor": "anna", "reason": "r"}']);
    await anHourLater(owner);
    const ledger = createPostgresLedger({ url: databaseUrl });
    const paid = outgoing({ operation: operation(30), payoutKey: payout.key, receiver: payout.payee });
    await ledger.transaction((tx) => tx.transfers.insert([{ ...paid, amount: toShares(payout.amount) }]));
    await ledger.close();
    const cancel = async (despite: string | null) =>
      (
        await db.query("SELECT cancel_payout($1, 'failed', $2, $3) AS did", [
          payout.id,
          '{"actor": "ben", "reason": "r"}',
          despite,
        ])
      ).rows[0]?.did;
    expect([await cancel(null), await cancel("30:0:0")]).toEqual([false, false]);
  });

  test("does not give back one that is on its way, is paid, or may be and is forgotten", async ({
    databaseUrl,
    owner,
    as,
  }) => {
    await failedPayout(databaseUrl);
    const db = await as("console");
    const requeued = async (despite: string | null = null): Promise<boolean> => {
      const details = JSON.stringify({ actor: "anna", reason: "r" });
      await db.query("BEGIN");
      const { rows } = await db.query<{ done: boolean }>(
        "SELECT requeue_payout($1, 'failed', 'job', 'payout.requeued', $2, $3) AS done",
        [payout.id, details, despite],
      );
      await db.query("ROLLBACK");
      return rows[0]?.done ?? false;
    };
    expect(await requeued()).toBe(true);
    await owner.query("UPDATE control SET database_identity = 'another'");
    expect(await requeued()).toBe(false);
    await owner.query("UPDATE control SET database_identity = database_identity()");
    const paid = outgoing({ operation: operation(30), payoutKey: payout.key, receiver: payout.payee });
    const ledger = createPostgresLedger({ url: databaseUrl });
    // Another amount: a person may look at it and say so.
    await ledger.transaction((tx) => tx.transfers.insert([paid]));
    expect(await requeued()).toBe(false);
    expect(await requeued("30:0:0")).toBe(true);
    await ledger.transaction((tx) =>
      tx.transfers.insert([{ ...paid, operation: operation(31), amount: toShares(payout.amount) }]),
    );
    expect(await requeued("31:0:0")).toBe(false);
    await ledger.close();
  });

  test("confirms a payout by the payment that is its own, and by no other word", async ({
    databaseUrl,
    as,
  }) => {
    await failedPayout(databaseUrl);
    const other = refundOf(operation(11));
    const ledger = createPostgresLedger({ url: databaseUrl });
    const db = await as("console");
    const confirm = (id: string, block: number, said: object = {}) =>
      db.query("SELECT confirm_payouts(ARRAY[$1]::uuid[], ARRAY[$2::int], ARRAY[0], ARRAY[0], $3)", [
        id,
        block,
        JSON.stringify(said),
      ]);
    const refused = "knows no payment";
    await expect(confirm(payout.id, 30)).rejects.toThrow(refused);
    const paid = { receiver: payout.payee, amount: toShares(payout.amount) };
    await ledger.transaction(async (tx) => {
      await tx.payouts.insert([other]);
      await tx.transfers.insert([
        outgoing({ ...paid, operation: operation(29) }),
        outgoing({ ...paid, operation: operation(30), payoutKey: other.key }),
      ]);
    });
    await ledger.close();
    // Another debt to the same person and of the same amount; a transfer that names nothing, also on the word of a console.
    await expect(confirm(payout.id, 30)).rejects.toThrow(refused);
    await expect(confirm(payout.id, 29)).rejects.toThrow(refused);
    await expect(confirm(payout.id, 29, { actor: "anna", reason: "r" })).rejects.toThrow(refused);
    expect((await confirm(other.id, 30)).rows).toEqual([{ confirm_payouts: "1" }]);
    const { rows } = await db.query("SELECT subject, details FROM receipt WHERE event = 'payout.confirmed'");
    expect(rows).toMatchObject([{ subject: other.key, details: { operation: "30:0:0", matchedBy: "key" } }]);
    await expect(db.query("UPDATE settlement SET payout_id = $1", [payout.id])).rejects.toThrow(DENIED);
    await expect(
      db.query("INSERT INTO settlement VALUES ($1, 29, 0, 0, 'key')", [payout.id]),
    ).rejects.toThrow(DENIED);
  });
});

describe("no role", () => {
  test.for(PROCESS_ROLES)(
    "hides from a check what it looks at, by a table of its own: %s",
    async (role, { databaseUrl, as }) => {
      await failedPayout(databaseUrl);
      const db = await as(role);
      await db.query("CREATE TEMP TABLE settlement AS SELECT $1::uuid AS payout_id, 1 AS block_num", [
        payout.id,
      ]);
      await db.query("CREATE TEMP TABLE ledger_freeze (id int)");
      await db.query("SET search_path = pg_temp, public");
      await expect(db.query("UPDATE public.payout SET status = 'confirmed'")).rejects.toThrow();
      await expect(
        db.query(
          "INSERT INTO public.payout (id, key, kind, payee, amount, memo, due, status, block_processed) VALUES (gen_random_uuid(), 'refund:9:9:9', 'refund', 'me', 1, 'x', 1, 'confirmed', 1)",
        ),
      ).rejects.toThrow(/permission denied|begins as due/u);
    },
  );
});

describe("that a settlement was held against the chain", () => {
  const settled = async (owner: pg.Client) => {
    await owner.query("SET session_replication_role = replica");
    await owner.query(
      "INSERT INTO settlement (payout_id, block_num, trx_in_block, op_in_trx, matched_by) VALUES ($1, 1, 0, 0, 'key')",
      [payout.id],
    );
    await owner.query("SET session_replication_role = DEFAULT");
  };
  const CHECK = "UPDATE settlement SET checked_at = now()";

  test.for(PROCESS_ROLES.filter((role) => role !== "watcher"))(
    "is no word of %s",
    async (role, { owner, as }) => {
      await settled(owner);
      await expect((await as(role)).query(CHECK)).rejects.toThrow(DENIED);
    },
  );

  test("is a watcher's, once, and it changes nothing else of it", async ({ owner, as }) => {
    await settled(owner);
    const db = await as("watcher");
    await expect(db.query("UPDATE settlement SET matched_by = 'txid'")).rejects.toThrow(DENIED);
    expect((await db.query(CHECK)).rowCount).toBe(1);
    await expect(db.query(CHECK)).rejects.toThrow("is checked once");
    await expect(db.query("UPDATE settlement SET checked_at = NULL")).rejects.toThrow("is checked once");
    await expect(owner.query("UPDATE settlement SET block_num = 2")).rejects.toThrow("is checked once");
  });
});

describe("the payer's role", () => {
  test("cannot create a payout, except the notice of 1 BTS to the payee of one that has failed", async ({
    databaseUrl,
    as,
  }) => {
    await failedPayout(databaseUrl);
    const db = await as("payer");
    await expect(
      db.query(
        "INSERT INTO payout (id, key, kind, payee, amount, memo, due, status) VALUES (gen_random_uuid(), 'x', 'notice', 'me', 1, 'x', 1, 'due')",
      ),
    ).rejects.toThrow(DENIED);
    const notice = (key: string, payee: string, amount: number) =>
      db.query("SELECT create_notice(gen_random_uuid(), $1, $2, $3, 'memo', 1) AS new", [key, payee, amount]);
    await expect(notice(`notice:${payout.key}`, "me", 1)).rejects.toThrow("not a notice");
    await expect(notice(`notice:${payout.key}`, payout.payee, 2)).rejects.toThrow("not a notice");
    await expect(notice(payout.key, payout.payee, 1)).rejects.toThrow("not a notice");
    await expect(notice("notice:refund:1:0:0", payout.payee, 1)).rejects.toThrow("not a notice");
    expect((await notice(`notice:${payout.key}`, payout.payee, 1)).rows).toEqual([{ new: true }]);
    expect((await notice(`notice:${payout.key}`, payout.payee, 1)).rows).toEqual([{ new: false }]);
  });

  test("cannot switch payments on, move the cursor, or write a transfer", async ({ as }) => {
    const db = await as("payer");
    for (const sql of [
      "UPDATE ledger_freeze SET ended_at = now(), ended_by = 'x', end_reason = 'x'",
      "UPDATE control SET recovery_hold_until_ms = NULL",
      "UPDATE chain_cursor SET block_num = 1",
      "INSERT INTO agreement (block_start, trx_idx, ops_idx, nominator, amount, months, start, terms) VALUES (1, 0, 0, 'me', 1, 3, 1, '{}')",
      "UPDATE transfer SET status = 'decided'",
    ])
      await expect(db.query(sql), sql).rejects.toThrow(DENIED);
  });
});

describe("jobs", () => {
  test.for(["ingester", "scheduler", "payer", "operator"] as const)(
    "are taken off the outbox by the login of the %s, which locks them first",
    async (role, { databaseUrl, urls }) => {
      const ledger = createPostgresLedger({ url: urls[role] });
      try {
        await aJobWaits(databaseUrl);
        const made: string[] = [];
        expect(
          await ledger.jobs.dispatch(10, async (jobs) => void made.push(...jobs.map(({ id }) => id))),
        ).toBe(1);
        expect(made).toEqual([jobForPayout(payout.id, "owed").id]);
        expect(await ledger.jobs.dispatch(10, async () => undefined)).toBe(0);
      } finally {
        await ledger.close();
      }
    },
  );
});

describe("events", () => {
  test("are set aside by people, each with its receipt, and by no process: it could keep a debt from falling due", async ({
    owner,
    as,
  }) => {
    await owner.query(
      `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, sender, receiver, request,
                             sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, status)
       VALUES (7, 0, 0, 1, 'in', 'nominator-1', 'custodian', '{"type":"stop"}', false, 1, '1.3.0', 1, 'none', 'undecided')`,
    );
    const setAside = "SELECT set_event_aside('7:0:0', 'x', 'y') AS answer";
    const resume = "SELECT resume_event('7:0:0', 'x', 'y') AS answer";
    for (const role of PROCESS_ROLES.filter((name) => name !== "operator")) {
      const db = await as(role);
      for (const sql of [
        ...(role === "console" ? [] : [setAside, resume]),
        "INSERT INTO event_set_aside (event, actor, reason) VALUES ('7:0:0', 'x', 'y')",
        "UPDATE event_set_aside SET ended_at = now(), ended_by = 'x', end_reason = 'y'",
      ])
        await expect(db.query(sql), `${role}: ${sql}`).rejects.toThrow(DENIED);
    }
    const operator = await as("operator");
    const answer = async (sql: string) => (await operator.query<{ answer: unknown }>(sql)).rows[0]?.answer;
    expect(await answer(setAside)).toBe("set_aside");
    expect(await answer(setAside)).toBe("there");
    // One of a block that the ledger has yet to read may be named.
    expect(await answer("SELECT set_event_aside('8:0:0', 'x', 'y') AS answer")).toBe("set_aside");
    expect(await answer("SELECT set_event_aside('no row', 'x', 'y') AS answer")).toBe("unknown");
    await expect(owner.query("UPDATE event_set_aside SET reason = 'z'")).rejects.toThrow("is ended once");
    await expect(owner.query("DELETE FROM event_set_aside")).rejects.toThrow("nothing is ever deleted");
    expect(await answer(resume)).toBe(true);
    expect(await answer(resume)).toBe(false);
    await addConsoleUsers(owner);
    const inConsole = await as("console");
    for (const sql of [setAside, resume]) await inConsole.query(sql.replace("'x'", "'anna'"));
    const { rows: receipts } = await owner.query(
      "SELECT event, details ->> 'actor' AS actor FROM receipt WHERE subject = '7:0:0' ORDER BY id",
    );
    expect(receipts).toEqual([
      { event: "event.set_aside", actor: "x" },
      { event: "event.resumed", actor: "x" },
      { event: "event.set_aside", actor: "anna" },
      { event: "event.resumed", actor: "anna" },
    ]);
  });
});

describe("a memo", () => {
  test("is read at last by ingesters and operators, of what is unread alone", async ({ owner, as, urls }) => {
    await owner.query(
      `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, sender, receiver, request,
                             sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, status, outcome)
       SELECT n, 0, 0, 1, 'in', 'nominator-1', 'custodian', '{"type":"unread","publicKey":"BTS1"}', false, 1, '1.3.0', 1,
              'unreadable', s, CASE s WHEN 'decided' THEN 'kept' END
         FROM (VALUES (7, 'unread'), (8, 'undecided'), (9, 'decided')) AS given (n, s)`,
    );
    const read = (blockNum: number) =>
      `SELECT read_transfers('[{"blockNum": ${blockNum}, "trxInBlock": 0, "opInTrx": 0, "memoStatus": "text", "memoText": "stop",
                                "request": {"type": "stop"}, "replayed": false, "senderIsLifetimeMember": false}]'::jsonb) AS at`;
    const key = "INSERT INTO memo_key (public_key) VALUES ('BTS1')";
    for (const role of PROCESS_ROLES.filter((name) => name !== "operator" && name !== "ingester")) {
      const db = await as(role);
      for (const sql of [read(7), key])
        await expect(db.query(sql), `${role}: ${sql}`).rejects.toThrow(DENIED);
    }
    const ingester = await as("ingester");
    for (const sql of [
      'UPDATE transfer SET request = \'{"type": "stop"}\'',
      "UPDATE transfer SET status = 'undecided'",
      "UPDATE memo_key SET public_key = 'x'",
      "DELETE FROM memo_key",
    ])
      await expect(ingester.query(sql), sql).rejects.toThrow(DENIED);
    const ledger = createPostgresLedger({ url: urls.ingester });
    await ledger.transaction((tx) => tx.memoKeys.add([{ publicKey: "BTS1", sinceBlockNum: undefined }]));
    await ledger.close();
    await ingester.query(`${key} ON CONFLICT DO NOTHING`);
    await expect(owner.query("DELETE FROM memo_key")).rejects.toThrow("nothing is ever deleted");
    for (const blockNum of [8, 9]) expect((await ingester.query(read(blockNum))).rows).toEqual([]);
    expect((await ingester.query(read(7))).rows).toEqual([{ at: "7:0:0" }]);
    expect((await ingester.query(read(7))).rows).toEqual([]);
    const { rows } = await owner.query("SELECT status, memo_text, request FROM transfer WHERE block_num = 7");
    expect(rows).toEqual([{ status: "undecided", memo_text: "stop", request: { type: "stop" } }]);
  });
});

describe("a replay", () => {
  test("is ordered by people, one at a time, and an ingester says how far it is and nothing else", async ({
    owner,
    as,
  }) => {
    await addConsoleUsers(owner);
    await owner.query(
      "INSERT INTO chain_cursor (block_num, block_id, block_time_ms, scanned_from_block_num, updated_at) VALUES (900, repeat('0', 40), 1, 1, now())",
    );
    const order = `SELECT order_replay(5, 9, '{"actor": "anna", "reason": "r"}') AS id`;
    for (const role of PROCESS_ROLES.filter((name) => name !== "operator" && name !== "console"))
      await expect((await as(role)).query(order), role).rejects.toThrow(DENIED);
    const db = await as("console");
    for (const [from, to] of [
      [0, 5],
      [6, 5],
      [800, 901],
    ])
      await expect(
        db.query(`SELECT order_replay($1, $2, '{"actor": "anna", "reason": "r"}')`, [from, to]),
      ).rejects.toThrow("that the cursor has passed");
    expect((await db.query(order)).rows).toEqual([{ id: "1" }]);
    expect((await db.query(order)).rows).toEqual([{ id: null }]);
    await expect(db.query("UPDATE replay_order SET next_block = 9")).rejects.toThrow(DENIED);
    const ingester = await as("ingester");
    await expect(ingester.query("UPDATE replay_order SET to_block = 900")).rejects.toThrow(DENIED);
    await ingester.query("UPDATE replay_order SET next_block = 7, transfers_added = 1");
    await expect(ingester.query("UPDATE replay_order SET next_block = 6")).rejects.toThrow("goes forward");
    const end = `SELECT end_replay(1, '{"actor": "ben", "reason": "enough"}') AS ended`;
    expect((await db.query(end)).rows).toEqual([{ ended: true }]);
    expect((await db.query(end)).rows).toEqual([{ ended: false }]);
    await expect(ingester.query("UPDATE replay_order SET ended_at = NULL")).rejects.toThrow("ends once");
    const { rows } = await owner.query("SELECT event, subject FROM receipt ORDER BY id");
    expect(rows).toEqual([
      { event: "replay.ordered", subject: "5-9" },
      { event: "replay.ended", subject: "5-9" },
    ]);
  });
});

describe("freezes", () => {
  const add = (db: pg.Client, source: string, process: string | null = null) =>
    db.query("SELECT add_freeze('pay-nothing', $1, $2, 'test')", [source, process]);
  const end = (db: pg.Client, source: string) =>
    db.query(
      "SELECT end_freeze(id, NULL, 'x', 'looked') AS ended FROM ledger_freeze WHERE source = $1 AND ended_at IS NULL",
      [source],
    );

  test("are added by every process that acts, each in its own name", async ({ as, owner }) => {
    const acting = PROCESS_ROLES.filter((role) => role !== "backup");
    await expect(add(await as("backup"), "process", "backup")).rejects.toThrow(DENIED);
    for (const role of acting) {
      const db = await as(role);
      const may = async (source: string, process: string | null = null): Promise<boolean> => {
        const added = add(db, source, process).then(() => true);
        return added.catch((error: Error) => {
          expect(error.message, role).toContain("is not added by");
          return false;
        });
      };
      expect([role, await may("process", role), await may("file", role)]).toEqual([role, true, true]);
      expect([role, await may("operator")]).toEqual([role, role === "operator" || role === "console"]);
      expect([role, await may("manager")]).toEqual([role, role === "scheduler"]);
      const other = role === "payer" ? "ingester" : "payer";
      expect([role, await may("process", other)]).toEqual([role, role === "operator"]);
      for (const sql of [
        "INSERT INTO ledger_freeze (level, source, reason) VALUES ('all', 'operator', 'x')",
        "UPDATE ledger_freeze SET ended_at = now(), ended_by = 'x', end_reason = 'x'",
        "UPDATE ledger_freeze SET level = 'accept-nothing'",
      ])
        await expect(db.query(sql), sql).rejects.toThrow(DENIED);
    }
    await add(owner, "process", "watcher");
    await expect(add(owner, "process")).rejects.toThrow("ledger_freeze_of_process_names_it");
  });

  test("are ended by people, and by a process only where it has reported its own", async ({ owner, as }) => {
    for (const role of PROCESS_ROLES) {
      const db = await as(role);
      for (const source of ["operator", "manager"]) await add(owner, source);
      for (const source of ["process", "file"]) await add(owner, source, role);
      const person = role === "operator" || role === "console";
      for (const source of ["operator", "manager", "process", "file"]) {
        const isOwn = source === "file" && ["ingester", "payer", "scheduler"].includes(role);
        const ended = end(db, source);
        if (person || isOwn) expect((await ended).rows, `${role} ${source}`).toEqual([{ ended: true }]);
        else await expect(ended, `${role} ${source}`).rejects.toThrow(/ended by people|permission denied/u);
      }
      if (role === "payer") {
        await add(owner, "file", "scheduler");
        await expect(end(db, "file")).rejects.toThrow("ended by people");
      }
      for (const source of ["operator", "manager", "process", "file"]) await end(owner, source);
    }
  });
});

describe("the switches", () => {
  test("of limits are the command line's, and an approval lets go only what a limit holds", async ({
    databaseUrl,
    as,
  }) => {
    const ledger = createPostgresLedger({ url: databaseUrl });
    await ledger.transaction((tx) => tx.payouts.insert([payout]));
    await ledger.close();
    const limit = "INSERT INTO payment_limits (payment_cap, actor, reason) VALUES (1, 'operator-1', 'test')";
    for (const role of PROCESS_ROLES.filter((role) => role !== "operator"))
      await expect((await as(role)).query(limit), role).rejects.toThrow(DENIED);
    await (await as("operator")).query(limit);
    const [payer, console_] = [await as("payer"), await as("console")];
    const held = await payer.query("SELECT limit_payment($1) AS answer", [payout.id]);
    expect(held.rows).toEqual([{ answer: "held" }]);

    const release = async () =>
      (await console_.query("SELECT release_approved($1, 'job') AS done", [payout.id])).rows[0]?.done;
    expect(await release()).toBe(false);
    const approve = (db: pg.Client) =>
      db.query(
        "INSERT INTO payout_approval (payout_id, payee, amount, approver, reason) VALUES ($1, $2, $3, 'b', 'known')",
        [payout.id, payout.payee, payout.amount],
      );
    await expect(approve(payer)).rejects.toThrow(DENIED);
    await approve(console_);
    expect([await release(), await release()]).toEqual([true, false]);
  });
});

describe("logins", () => {
  test("get the password that the file has now, and keep no right of another process", async ({
    databaseUrl,
  }) => {
    const [first] = Object.entries(await processLogins(databaseUrl));
    const url = new URL(first?.[1] ?? "");
    const login = { role: "backup", user: url.username, password: "another password" } as const;
    await ensureLogins(databaseUrl, [login, login]);
    const client = new pg.Client({ connectionString: url.href });
    await expect(client.connect()).rejects.toThrow("password authentication failed");
    url.password = login.password;
    const again = new pg.Client({ connectionString: url.href });
    await again.connect();
    await again.end();
  });

  test("are never that of the owner", async ({ databaseUrl }) => {
    const user = new URL(databaseUrl).username;
    await expect(
      ensureLogins(databaseUrl, [{ role: "payer", user, password: "a long password" }]),
    ).rejects.toThrow("give it a user of its own");
  });
});
