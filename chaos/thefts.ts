import { setTimeout as delay } from "node:timers/promises";
import type { ProcessRole } from "@stakebts/core/database/rights";
import { NEEDS_ATTENTION } from "@stakebts/core/ledger/log-receipt";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { identified } from "@stakebts/core/ledger/ids";
import { type PayoutKey, payoutMemo } from "@stakebts/core/rules/payout";
import type { StakeRowId } from "@stakebts/core/rules/stake-row";
import { operationId } from "@stakebts/kernel/operation-id";
import { DEFAULT_POLICY } from "@stakebts/core/rules/policy";
import { buildStakeRows } from "@stakebts/core/rules/terms";
import { bts } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import { agreementAt, operation, refundOf } from "@stakebts/testkit/given";
import pg from "pg";
import { CUSTODIAN, NOMINATORS } from "./nominators.ts";
import type { ReplicatedCluster } from "./replicated-cluster.ts";

// A thief has the database login of one process, and writes what pays best. docs/threats.md says what each can still do.

const THIEF = NOMINATORS.at(-1) as string;
const LOOT_BTS = 8_500_000n;
/** So soon people have to know. */
const ALARM_MS_MAX = 60_000;
/** Where the theft may stay unnoticed, the alarm is not waited for longer. */
const PASSED_MS = 8_000;
/** Until something is owed, of which a thief wants to make something. */
const OWED_MS_MAX = 10_000;
/** In which a thief goes on writing. */
const WRITING_MS = 3_000;
/** Until a watcher has begun, also on a machine that is busy. */
const WATCHER_MS_MAX = 30_000;
/** A place in a block where no transaction is. */
const NOWHERE = 900;

export interface Theft {
  readonly login: ProcessRole;
  readonly what: string;
  /** The events by one of which people hear of it; `refused`: the database takes no such write; `harmless`: all is paid as if it had not been. */
  readonly ends: readonly [string, ...string[]] | "refused" | "harmless";
  /** Only a watcher notices it. */
  readonly needsWatcher?: true;
  /** Payments are paused by an operator meanwhile, so that there is a debt of which a thief can make something. */
  readonly needsDebt?: true;
  /** The event comes only if something else happens in time: no alarm is no fault. */
  readonly mayPass?: true;
  readonly write: (scene: Scene) => Promise<unknown>;
}

interface Scene {
  /** With the stolen login. */
  readonly thief: pg.Client;
  readonly url: string;
  readonly blockNum: number;
  readonly blockTimeMs: bigint;
  /** Something that is due, and not paid while this goes on. */
  readonly debt: Debt;
}

interface Principal {
  readonly id: StakeRowId;
  readonly nominator: string;
  readonly amount: string;
  readonly block_start: number;
  readonly trx_idx: number;
  readonly ops_idx: number;
}

interface Debt {
  readonly id: string;
  readonly key: string;
  readonly payee: string;
  readonly amount: string;
}

const IN = `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, sender, receiver,
                                  sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, memo_text,
                                  request, replayed, status, outcome)`;

async function inventNomination({ thief, blockNum, blockTimeMs }: Scene, status: string): Promise<void> {
  await thief.query(
    `${IN} VALUES ($1, ${NOWHERE}, 0, $2, 'in', '${THIEF}', '${CUSTODIAN}', false, $3, '1.3.0', 1, 'text', 'three_months',
                   '{"type": "open", "term": "three_months"}', false, $4, $5)`,
    [blockNum, blockTimeMs, 10_000_000n * 100_000n, status, status === "decided" ? "agreement_opened" : null],
  );
}

const PEOPLE = `{"actor": "anna", "operator": "anna", "approver": "ben", "reason": "nothing was owed"}`;

/** The one of this kind. */
export function theftOf(what: Pick<Theft, "login" | "what">): Theft {
  const found = THEFTS.find((theft) => theft.login === what.login && theft.what === what.what);
  if (found === undefined) throw new Error(`there is no theft of ${what.what}`);
  return found;
}

export const THEFTS: readonly Theft[] = [
  {
    login: "ingester",
    what: "an invented nomination",
    ends: ["ledger.contradicted"],
    write: (scene) => inventNomination(scene, "undecided"),
  },
  {
    login: "ingester",
    what: "a nomination that is answered already",
    ends: "refused",
    write: (scene) => inventNomination(scene, "decided"),
  },
  {
    login: "ingester",
    what: "an invented payment",
    ends: ["settlement.unexplained"],
    needsWatcher: true,
    needsDebt: true,
    write: async ({ thief, blockNum, blockTimeMs, debt: { id, key, payee, amount } }) => {
      await thief.query(
        `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, sender, receiver,
                               sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, payout_key,
                               replayed, status)
         VALUES ($1, ${NOWHERE}, 0, $2, 'out', '${CUSTODIAN}', $3, false, $4, '1.3.0', 1, 'text', $5, false, 'decided')`,
        [blockNum, blockTimeMs, payee, BigInt(amount) * 100_000n, key],
      );
      const sql = `SELECT confirm_payouts(ARRAY[$1]::uuid[], ARRAY[$2::int], ARRAY[${NOWHERE}], ARRAY[0], '{}')`;
      await thief.query(sql, [id, blockNum]);
    },
  },
  {
    login: "ingester",
    what: "that no transaction on its way will ever be in a block",
    ends: ["ledger.contradicted"],
    mayPass: true, // It is noticed when such a transaction is in a final block.
    write: async ({ thief }) => {
      for (const sinceMs = Date.now(); Date.now() - sinceMs < WRITING_MS; await delay(100))
        await thief.query("UPDATE withdrawal SET status = 'expired' WHERE status IN ('signed', 'broadcast')");
    },
  },
  {
    login: "scheduler",
    what: "a debt out of nothing",
    ends: ["ledger.contradicted"],
    write: ({ url, blockNum, blockTimeMs }) =>
      inLedger(url, (tx) =>
        tx.payouts.insert([
          refundOf(operation(blockNum, NOWHERE), {
            payee: THIEF,
            amount: bts(LOOT_BTS),
            dueMs: millis(Number(blockTimeMs)),
          }),
        ]),
      ),
  },
  {
    login: "scheduler",
    what: "that a principal is due",
    ends: ["ledger.contradicted"],
    mayPass: true, // The payer waits until its day, and by then a stop may have come.
    write: async ({ thief, url, blockTimeMs }) => {
      const { rows } = await thief.query<Principal>(
        `SELECT id, nominator, amount::text, block_start, trx_idx, ops_idx FROM stake_row
          WHERE type = 'base_amount' AND status = 'pending' ORDER BY due DESC LIMIT 1`,
      );
      const [base] = rows;
      if (base === undefined) return;
      const { id, nominator, amount, block_start: blockNum, trx_idx: trxInBlock, ops_idx: opInTrx } = base;
      const agreement = operationId({ blockNum, trxInBlock, opInTrx });
      const key = `base:${agreement}` as PayoutKey;
      await inLedger(url, (tx) =>
        tx.payouts.insert([
          identified({
            key,
            kind: "base",
            payee: nominator,
            amount: bts(BigInt(amount)),
            memo: payoutMemo("base", key, { agreement }),
            dueMs: millis(Number(blockTimeMs)),
            rows: [{ id, settlesAs: "confirmed" }],
          }),
        ]),
      );
    },
  },
  {
    login: "scheduler",
    what: "one more reward of an agreement",
    ends: ["ledger.contradicted"],
    mayPass: true, // There is an agreement, or there is none.
    write: async ({ thief, blockTimeMs }) => {
      await thief.query(
        `INSERT INTO stake_row (id, nominator, digital_asset, amount, type, nonce, start, due, status, block_start, trx_idx, ops_idx, number)
         SELECT 'more', nominator, 'BTS', 1000000, 'reward', 1, start, $1, 'pending', block_start, trx_idx, ops_idx, 99
           FROM agreement ORDER BY block_start DESC LIMIT 1`,
        [blockTimeMs],
      );
    },
  },
  {
    login: "ingester",
    what: "that a year has passed",
    ends: ["ledger.contradicted"],
    mayPass: true, // The payer asks its own nodes for the time.
    write: ({ thief }) =>
      thief.query("UPDATE chain_cursor SET block_time_ms = block_time_ms + 365 * 86400000::bigint"),
  },
  {
    login: "scheduler",
    what: "another answer to a nomination",
    ends: "refused",
    needsDebt: true,
    write: ({ thief }) =>
      thief.query(
        "UPDATE transfer SET outcome = 'kept' WHERE outcome IS DISTINCT FROM 'kept' AND direction = 'in'",
      ),
  },
  {
    login: "payer",
    what: "who is paid",
    ends: "refused",
    needsDebt: true,
    write: ({ thief }) => thief.query("UPDATE payout SET payee = $1 WHERE status <> 'confirmed'", [THIEF]),
  },
  {
    login: "payer",
    what: "that it leads",
    ends: "harmless",
    write: ({ thief }) => thief.query("UPDATE control SET writer_epoch = writer_epoch + 1000"),
  },
  {
    login: "console",
    what: "that a debt is held",
    ends: ["payout.held"],
    needsDebt: true,
    write: ({ thief, debt: { id } }) =>
      thief.query("SELECT hold_payout(id, status, $2) FROM payout WHERE id = $1", [id, PEOPLE]),
  },
  {
    login: "console",
    what: "that a debt is cancelled",
    ends: ["payout.cancel_asked"],
    needsDebt: true,
    write: async ({ thief, debt: { id } }) => {
      await thief.query("SELECT ask_to_cancel(id, status, $2) FROM payout WHERE id = $1", [id, PEOPLE]);
      const two = PEOPLE.replaceAll("anna", "clara");
      const { rows } = await thief.query<{ done: boolean }>(
        "SELECT cancel_payout($1, 'held', $2, NULL) AS done",
        [id, two],
      );
      if (rows[0]?.done !== false) throw new Error("one login has cancelled a debt at once");
    },
  },
  {
    login: "console",
    what: "that another debt's payment was this one's",
    ends: "refused",
    needsDebt: true,
    write: ({ thief, debt: { id } }) =>
      thief.query(
        `SELECT confirm_payouts(ARRAY[$1]::uuid[], ARRAY[block_num], ARRAY[trx_in_block], ARRAY[op_in_trx], $2)
           FROM (SELECT * FROM transfer WHERE direction = 'out' ORDER BY block_num DESC LIMIT 1) paid
          RIGHT JOIN (SELECT 1) one ON true`,
        [id, PEOPLE],
      ),
  },
  {
    login: "backup",
    what: "receipts of what did not happen",
    ends: "harmless",
    write: ({ thief }) =>
      thief.query(
        `INSERT INTO receipt (event, subject, details)
         SELECT event, key, '{"actor": "anna", "approver": "ben"}'
           FROM payout, unnest(ARRAY['payout.confirmed', 'payout.cancelled', 'payee.differs', 'ledger.restored']) event
          WHERE status <> 'confirmed'`,
      ),
  },
  {
    login: "watcher",
    what: "that nothing may be paid",
    ends: ["freeze"],
    write: ({ thief }) =>
      thief.query("SELECT add_freeze('pay-nothing', 'process', 'watcher', 'everything is stolen')"),
  },
  {
    login: "operator",
    what: "an agreement that was made elsewhere",
    ends: ["agreements.imported"],
    needsWatcher: true,
    write: ({ url, blockTimeMs }) =>
      inLedger(url, (tx) => {
        // Its first reward is due when people have had time to look.
        const startMs = millis(Number(blockTimeMs) + 24 * 3_600_000);
        const agreement = agreementAt(operation(0, NOWHERE), {
          nominator: THIEF,
          amount: bts(10_000_000n),
          startMs,
          terms: DEFAULT_POLICY.terms,
        });
        return tx.agreements.insert([{ agreement, rows: buildStakeRows(agreement) }], { imported: true });
      }),
  },
];

type LedgerWork = Parameters<ReturnType<typeof createPostgresLedger>["transaction"]>[0];

async function inLedger(url: string, work: LedgerWork): Promise<void> {
  const ledger = createPostgresLedger({ url });
  try {
    await ledger.transaction(work);
  } finally {
    await ledger.close();
  }
}

/**
 * The theft, and what must come of it, or a line in `unnoticed`; afterwards people put the backup back that they made before, as the
 * runbook says. Resolves when that is done.
 */
export async function steal(
  target: ReplicatedCluster,
  theft: Theft,
  { alarmMs = theft.mayPass === true ? PASSED_MS : ALARM_MS_MAX } = {},
): Promise<void> {
  const { cluster } = target;
  const name = `with the ${theft.login}'s login: ${theft.what}`;
  const leavesDamage = theft.ends !== "harmless";
  if (leavesDamage) await cluster.database.snapshot();
  const watcher = theft.needsWatcher === true ? cluster.start("watcher") : undefined;
  try {
    if (watcher !== undefined)
      await within(
        WATCHER_MS_MAX,
        watcher.waitFor(({ event }) => event === "process.started"),
      );
    if (theft.needsDebt === true)
      await cluster.query("SELECT add_freeze('pay-nothing', 'operator', NULL, 'so that something is owed')");
    const scene = await lookAround(target, theft);
    if (scene === undefined) return; // Nothing is owed that could be stolen.
    const { last } = await one<{ last: string }>(
      target,
      "SELECT coalesce(max(id), 0)::text AS last FROM receipt",
    );
    try {
      await theft.write(scene);
      if (theft.ends === "refused") target.unnoticed.push(`${name} was not refused`);
    } catch (error) {
      const isRefusal = error instanceof Error && REFUSED.test(error.message);
      if (!isRefusal || theft.ends !== "refused") target.unnoticed.push(`${name}: ${String(error)}`);
      return;
    } finally {
      await scene.thief.end();
    }
    if (
      typeof theft.ends !== "string" &&
      !(await isNoticed(target, theft.ends, { last, alarmMs })) &&
      theft.mayPass !== true
    )
      target.unnoticed.push(`${name} was not noticed within ${alarmMs / 1_000} s`);
  } finally {
    watcher?.kill("SIGKILL");
    await watcher?.exited;
    if (leavesDamage) {
      // No process goes on with what the thief wrote: one that has it in its memory would stop payments in the ledger that is put back.
      for (const { process: worker } of target.replicas) worker.kill("SIGKILL");
      await cluster.database.restore();
    }
  }
}

const REFUSED =
  /permission denied|begins as undecided|decided once|is not confirmed: the ledger knows no payment|is no user of the console/u;

async function lookAround(
  target: ReplicatedCluster,
  { login, needsDebt }: Theft,
): Promise<Scene | undefined> {
  const url = target.cluster.database.urls?.[login];
  if (url === undefined) throw new Error(`there is no login of the ${login}`);
  const debt = await findDebt(target, needsDebt === true ? OWED_MS_MAX : 0);
  if (debt === undefined && needsDebt === true) return undefined;
  const at = await one<{ block: number; time: string }>(
    target,
    "SELECT block_num AS block, block_time_ms::text AS time FROM chain_cursor",
  );
  const thief = new pg.Client({ connectionString: url });
  await thief.connect();
  return {
    thief,
    url,
    blockNum: at.block,
    blockTimeMs: BigInt(at.time),
    debt: debt as Debt,
  };
}

async function findDebt({ cluster }: ReplicatedCluster, waitMs: number): Promise<Debt | undefined> {
  const sinceMs = Date.now();
  for (;;) {
    const [debt] = await cluster.query<Debt & pg.QueryResultRow>(
      `SELECT id, key, payee, amount::text FROM payout p
        WHERE status IN ('due', 'ready') AND NOT EXISTS (SELECT FROM withdrawal WHERE payout_id = p.id) LIMIT 1`,
    );
    if (debt !== undefined || Date.now() - sinceMs >= waitMs) return debt;
    await delay(100);
  }
}

async function isNoticed(
  target: ReplicatedCluster,
  events: readonly string[],
  { last, alarmMs }: { readonly last: string; readonly alarmMs: number },
): Promise<boolean> {
  for (const event of events)
    if (event !== "freeze" && !NEEDS_ATTENTION.has(event)) throw new Error(`people are not told of ${event}`);
  const list = events.map((event) => `'${event}'`).join(", ");
  const sql = events.includes("freeze")
    ? "SELECT count(*)::text AS found FROM ledger_freeze WHERE ended_at IS NULL"
    : `SELECT count(*)::text AS found FROM receipt WHERE id > ${last} AND event IN (${list})`;
  for (const sinceMs = Date.now(); Date.now() - sinceMs < alarmMs; await delay(100)) {
    const { found } = await one<{ found: string }>(target, sql).catch(() => ({ found: "0" }));
    if (found !== "0") return true;
  }
  return false;
}

async function one<Row extends pg.QueryResultRow>(target: ReplicatedCluster, sql: string): Promise<Row> {
  const [row] = await target.cluster.query<Row>(sql);
  if (row === undefined) throw new Error(`no row: ${sql}`);
  return row;
}

async function within<Result>(ms: number, promise: Promise<Result>): Promise<Result> {
  const late = delay(ms, undefined, { ref: false }).then(() => {
    throw new Error(`it took more than ${ms} ms`);
  });
  return Promise.race([promise, late]);
}
