import { fc } from "@stakebts/testkit/property";
import pg from "pg";
import { describe, expect, vi } from "vitest";
import { bts, shares } from "@stakebts/kernel/amount";
import { compareOperations, operationId } from "@stakebts/kernel/operation-id";
import { millis } from "@stakebts/kernel/time";
import { agreementWithRows, cursorAt, incoming, operation, refundOf } from "@stakebts/testkit/given";
import { test as base } from "@stakebts/testkit/database";
import { isApproved } from "@stakebts/testkit/twins/approval";
import { weighEvidence } from "../../rules/payment-evidence.ts";
import type { PayoutKey } from "../../rules/payout.ts";
import { isOnRecoveryHold, isRecoveryHoldPassed } from "../../rules/recovery-hold.ts";
import type { MemoRequest } from "../../rules/request.ts";
import { STAKE_ROW_TYPES } from "../../rules/stake-row.ts";
import { decidable, DUE_TYPES, isStopped } from "@stakebts/testkit/twins/undecided";
import { WITHDRAWAL_STATUSES } from "../../rules/withdrawal.ts";
import { memoNonces } from "../ids.ts";
import type { Ledger } from "../ledger.ts";
import { createPostgresLedger } from "./ledger.ts";

// What must hold against every client is said in SQL, and once more in TypeScript for the ledger in memory. ADR 0021.

vi.setConfig({ testTimeout: 120_000 });

/** `db` is a session in a transaction that is undone, in which no trigger looks at what is written. */
const test = base.extend<{ ledger: Ledger; db: pg.Client }>({
  ledger: async ({ databaseUrl }, use) => {
    const ledger = createPostgresLedger({ url: databaseUrl });
    await use(ledger);
    await ledger.close();
  },
  db: async ({ databaseUrl }, use) => {
    const client = new pg.Client(databaseUrl);
    await client.connect();
    await client.query("SET session_replication_role = replica");
    await use(client);
    await client.end();
  },
});

async function undone<T>(db: pg.Client, work: () => Promise<T>): Promise<T> {
  await db.query("BEGIN");
  try {
    return await work();
  } finally {
    await db.query("ROLLBACK");
  }
}

const answerOf = async (db: pg.Client, sql: string, values: readonly unknown[] = []): Promise<unknown> =>
  (await db.query<{ answer: unknown }>(`SELECT ${sql} AS answer`, [...values])).rows[0]?.answer;

const TIME = "to_timestamp(1000000 + $1::int)";

describe("the approval of a payment", () => {
  const person = fc.constantFrom("ann", "Ann", "bob");
  const at = fc.integer({ min: 0, max: 4 });

  test("counts in the database when the rule says so", async ({ ledger, db }) => {
    const payout = refundOf(operation(10), { payee: "nominator-1", amount: bts(5n) });
    await ledger.transaction((tx) => tx.payouts.insert([payout]));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.record({
            at,
            approver: person,
            payee: fc.constantFrom("nominator-1", "nominator-1", "nominator-2"),
            amount: fc.constantFrom(5n, 5n, 6n).map(bts),
          }),
          {
            maxLength: 3,
            selector: ({ approver, payee, amount }) => [approver, payee, String(amount)].join(" "),
          },
        ),
        fc.array(fc.record({ at, actor: person }), { maxLength: 3 }),
        (approvals, requests) =>
          undone(db, async () => {
            for (const { at: when, approver, payee, amount } of approvals)
              await db.query(
                `INSERT INTO payout_approval (created_at, payout_id, payee, amount, approver, reason) VALUES (${TIME}, $2, $3, $4, $5, 'x')`,
                [when, payout.id, payee, amount, approver],
              );
            for (const { at: when, actor } of requests)
              await db.query(
                `INSERT INTO payout_request (created_at, payout_id, actor) VALUES (${TIME}, $2, $3)`,
                [when, payout.id, actor],
              );
            // The receipt must not count: every process may write any.
            await db.query(
              "INSERT INTO receipt (event, subject, details) VALUES ('payout.requeued', $1, '{\"actor\": \"anna\"}')",
              [payout.key],
            );
            const found = await answerOf(db, "(SELECT is_approved(payout) FROM payout WHERE id = $1)", [
              payout.id,
            ]);
            expect(found).toBe(isApproved(payout, approvals, requests));
          }),
      ),
      { numRuns: 300 },
    );
  });
});

describe("the evidence of a payment", () => {
  test("lets the database give a payout to the payer when the rule finds that nothing was sent", async ({
    ledger,
    db,
  }) => {
    const kinds = ["refund", "deposit"] as const;
    const payouts = kinds.map((kind, index) => ({
      ...refundOf(operation(10 + index), { payee: "nominator-1", amount: bts(5n) }),
      kind,
    }));
    await ledger.transaction((tx) => tx.payouts.insert(payouts));
    await db.query("UPDATE payout SET status = 'failed', reason = 'x'");
    await db.query("UPDATE control SET database_identity = database_identity()");
    // Indexes let at most one attempt be alive, and one be confirmed.
    const isOnly = (statuses: readonly string[], of: readonly string[]): boolean =>
      statuses.filter((status) => of.includes(status)).length <= 1;
    const attempts = fc
      .uniqueArray(
        fc.record({
          txid: fc.constantFrom("a", "b", "c"),
          status: fc.constantFrom(...WITHDRAWAL_STATUSES, "expired" as const),
        }),
        { maxLength: 2, selector: ({ txid }) => txid },
      )
      .filter((all) => {
        const statuses = all.map(({ status }) => status);
        return isOnly(statuses, ["confirmed"]) && isOnly(statuses, ["signed", "broadcast"]);
      });
    const transfers = fc.uniqueArray(
      fc.record({
        operation: fc.constantFrom(operation(20), operation(21), operation(22)),
        direction: fc.constantFrom("out", "out", "in"),
        by: fc.constantFrom("key", "txid a", "txid d", "nonce", "nothing"),
        receiver: fc.constantFrom("nominator-1", "nominator-2"),
        amount: fc.constantFrom(500_000n, 400_000n).map(shares),
      }),
      { maxLength: 2, selector: (transfer) => operationId(transfer.operation) },
    );
    const despite = fc.constantFrom(undefined, undefined, "20:0:0", operationId(operation(21)));
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...payouts),
        attempts,
        transfers,
        despite,
        (payout, withdrawals, all, without) =>
          undone(db, async () => {
            const nonce = memoNonces(payout.key)[41] as string;
            for (const { txid, status } of withdrawals)
              await db.query(
                `INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch,
                                         block_num, updated_at)
                 VALUES (gen_random_uuid(), $1, $2, '\\x00', 1, 1, 1, $3::text, 1, CASE WHEN $3::text = 'confirmed' THEN 9 END, now())`,
                [payout.id, txid, status],
              );
            for (const { operation: place, direction, by, receiver, amount } of all)
              await db.query(
                `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, sender, receiver,
                                       sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, status, outcome,
                                       request, txid, payout_key, memo_nonce)
                 VALUES ($1, $2, $3, 1, $4::text, 'x', $5, false, $6, '1.3.0', 1, 'none', 'decided',
                         CASE WHEN $4::text = 'in' THEN 'x' END, CASE WHEN $4::text = 'in' THEN '{}'::jsonb END, $7, $8, $9)`,
                [
                  place.blockNum,
                  place.trxInBlock,
                  place.opInTrx,
                  direction,
                  receiver,
                  amount,
                  by.startsWith("txid ") ? by.slice(5) : null,
                  by === "key" ? payout.key : null,
                  by === "nonce" ? nonce : null,
                ],
              );
            const naming = all.filter(
              ({ direction, by }) =>
                direction === "out" &&
                (by === "key" ||
                  withdrawals.some(({ txid }) => by === `txid ${txid}`) ||
                  (by === "nonce" && payout.kind === "deposit")),
            );
            const { type } = weighEvidence(payout, { withdrawals, transfers: naming }, without);
            if (type !== "nothing_sent") refused++;
            const details = { actor: "a", reason: "b" };
            const requeued = await answerOf(
              db,
              "requeue_payout($1, 'failed', 'job', 'payout.requeued', $2, $3)",
              [payout.id, details, without ?? null],
            );
            expect(requeued).toBe(type === "nothing_sent");
          }),
      ),
      { numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(50);
  });

  test("knows a deposit by the same nonces", async ({ db }) => {
    for (const key of ["deposit:1:2:3", "deposit:60000000:0:1"] as PayoutKey[])
      expect(await answerOf(db, "deposit_nonces($1)", [key])).toEqual(memoNonces(key));
  });
});

describe("a place in the chain", () => {
  test("has the same name in the database", async ({ db }) => {
    for (const at of [
      { blockNum: 60_693_001, trxInBlock: 3, opInTrx: 0 },
      { blockNum: 60_693_001, trxInBlock: 3, opInTrx: 65_535 },
      { blockNum: 60_693_001, trxInBlock: 3, opInTrx: 65_536 },
      { blockNum: 7, trxInBlock: 0, opInTrx: 3 * 65_536 + 2 },
      { blockNum: 7, trxInBlock: 0, opInTrx: 2 ** 31 - 1 },
      { blockNum: 0, trxInBlock: 1_612_000_000, opInTrx: 2 ** 31 - 1 },
    ])
      expect(await answerOf(db, "operation_name($1, $2, $3)", Object.values(at))).toBe(operationId(at));
  });
});

describe("a recovery hold", () => {
  const small = fc.integer({ min: 0, max: 4 });

  test("is passed, and holds payments back, in the database when the rule says so", async ({
    ledger,
    db,
  }) => {
    await ledger.transaction((tx) => tx.cursor.move(undefined, { ...cursorAt(9), scannedFromBlockNum: 1 }));
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.record({ untilMs: small.map(millis), fromBlockNum: small }), { nil: undefined }),
        fc.record({ blockTimeMs: small.map(millis), scannedFromBlockNum: small }),
        fc.boolean(),
        (hold, scanned, databaseChanged) =>
          undone(db, async () => {
            await db.query("UPDATE chain_cursor SET block_time_ms = $1, scanned_from_block_num = $2", [
              scanned.blockTimeMs,
              scanned.scannedFromBlockNum,
            ]);
            await db.query(
              `UPDATE control SET recovery_hold_until_ms = $1, recovery_hold_from_block_num = $2, recovery_hold_reason = $3,
                      database_identity = ${databaseChanged ? "'another'" : "database_identity()"}`,
              [hold?.untilMs ?? null, hold?.fromBlockNum ?? null, hold === undefined ? null : "x"],
            );
            const raised = hold === undefined ? undefined : { ...hold, reason: "x" };
            expect(await answerOf(db, "is_on_recovery_hold()")).toBe(
              isOnRecoveryHold({ raised, databaseChanged }),
            );
            if (raised !== undefined)
              expect(
                await answerOf(db, "recovery_hold_is_passed($1, $2)", [raised.untilMs, raised.fromBlockNum]),
              ).toBe(isRecoveryHoldPassed(raised, scanned));
          }),
      ),
      { numRuns: 300 },
    );
  });
});

describe("what can be answered while nominations are frozen", () => {
  const REQUESTS: readonly MemoRequest[] = [
    { type: "open", term: "three_months" },
    { type: "stop" },
    { type: "invalid", reason: "not_json" },
    { type: "unread", publicKey: "a key that is not configured" },
  ];

  test("and which rows fall due, is the same in the database and in the rule", async ({ ledger, db }) => {
    const { agreement, rows } = agreementWithRows(operation(1), { nominator: "a", startMs: millis(5_000) });
    await ledger.transaction(async (tx) => {
      await tx.agreements.insert([{ agreement, rows }]);
      await tx.cursor.move(undefined, { ...cursorAt(20), scannedFromBlockNum: 1 });
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            sender: fc.constantFrom("a", "b"),
            request: fc.constantFrom(...REQUESTS),
            isDecided: fc.boolean(),
            isAside: fc.constantFrom(false, false, false, true),
          }),
          { maxLength: 6 },
        ),
        fc.array(
          fc.record({
            type: fc.constantFrom(...STAKE_ROW_TYPES),
            due: fc.integer({ min: 0, max: 8 }),
            isAside: fc.constantFrom(false, false, true),
          }),
          {
            maxLength: 3,
          },
        ),
        fc.boolean(),
        async (transfers, due, accepting) => {
          await db.query("DELETE FROM transfer");
          await db.query("DELETE FROM event_set_aside");
          await db.query("UPDATE stake_row SET status = 'aborted'");
          const written = transfers.map(({ isDecided, isAside, ...transfer }, index) => ({
            isDecided,
            isAside,
            ...incoming({
              ...transfer,
              ...(transfer.request.type === "unread" ? { isUnread: true } : {}),
              operation: operation(30 + index),
              blockTimeMs: millis(index),
            }),
          }));
          await ledger.transaction(async (tx) => {
            await tx.transfers.insert(
              written.map(({ isDecided: _isDecided, isAside: _isAside, ...transfer }) => transfer),
            );
            for (const { isDecided, operation: at } of written)
              if (isDecided) await tx.transfers.decide(at, "kept", "x");
          });
          const used = due.flatMap(({ type, due: dueMs }, index) => {
            const row = rows[index];
            return row === undefined ? [] : [{ id: row.id, nominator: "a", type, dueMs: millis(dueMs) }];
          });
          for (const { id, type, dueMs } of used)
            await db.query(
              `UPDATE stake_row SET status = 'pending', type = $2::text, due = $3, number = CASE WHEN $2::text = 'reward' THEN $4::int ELSE 0 END,
                      amount = CASE WHEN $2::text = 'penalty' THEN -1 ELSE 1 END, trx_idx = $4 WHERE id = $1`,
              [id, type, dueMs, 100 + used.findIndex((row) => row.id === id)],
            );
          const setAside = new Set([
            ...written.filter(({ isAside }) => isAside).map(({ operation: at }) => operationId(at)),
            ...used.filter((_row, index) => due[index]?.isAside === true).map(({ id }) => id as string),
          ]);
          for (const event of setAside)
            await db.query("INSERT INTO event_set_aside (event, actor, reason) VALUES ($1, 'a', 'b')", [
              event,
            ]);
          await db.query(
            "INSERT INTO event_set_aside (event, actor, reason, ended_at, ended_by, end_reason) SELECT block_num || ':0:0', 'a', 'b', now(), 'c', 'd' FROM transfer",
          );
          const open = written
            .filter(({ isDecided, isUnread }) => !isDecided || isUnread === true)
            .sort((one, other) => compareOperations(one.operation, other.operation));
          const undecided = open.filter(({ isUnread }) => isUnread !== true);
          const unread = open.filter(({ isUnread }) => isUnread === true);
          const awaited = used.filter(
            (row) =>
              (DUE_TYPES as readonly string[]).includes(row.type) &&
              !setAside.has(row.id) &&
              !isStopped(row, open),
          );
          const [next, falling] = await ledger.transaction(async (tx) => [
            await tx.transfers.oldestUndecided(accepting),
            await tx.rows.find({ dueUpToMs: millis(6), limit: 100 }),
          ]);
          const rowsSetAside = used.filter(({ id }) => setAside.has(id));
          const [oldest] = decidable(undecided, { accepting, setAside, unread, rowsSetAside });
          expect(next?.operation).toEqual(oldest?.operation);
          const wanted = awaited.filter(({ dueMs }) => dueMs <= 6).map(({ id }) => id);
          expect(new Set(falling.map(({ id }) => id))).toEqual(new Set(wanted));
          expect(await ledger.hasWork(accepting)).toBe(oldest !== undefined || awaited.length > 0);
        },
      ),
      { numRuns: 150 },
    );
  });
});
