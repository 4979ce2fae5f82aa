import { assert } from "@stakebts/kernel/assert";
import { type Millis, millis } from "@stakebts/kernel/time";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { PaymentLane, PayoutId, PayoutKey, PayoutStatus } from "../../rules/payout.ts";
import { type DatabaseTx, Prisma } from "../../database/client.ts";
import type {
  CancelAsked,
  IdentifiedPayout,
  NewReceipt,
  OpenPage,
  OpenPayout,
  PaymentView,
  PayoutConfirmation,
  PayoutQuery,
  PayoutRecord,
  PayoutRequeue,
  PayoutDecision,
  Payouts,
  PayoutsTx,
} from "../ledger.ts";
import type { Debt } from "../../rules/owed.ts";
import { jsonRows } from "./json-rows.ts";
import { debtsOf } from "./debts.ts";
import { paymentViews } from "./payment-view.ts";
import { toPayout } from "./payout-row.ts";

/** So many times the wait for the next job of a payout doubles: with ten seconds to begin with, up to nearly three minutes. */
const DOUBLED_MAX = 4;

/** `laneOf`, as the index says it. */
const isOfLane = (lane: PaymentLane): Prisma.Sql =>
  lane === "returns" ? Prisma.sql`(kind = 'refund')` : Prisma.sql`NOT (kind = 'refund')`;

/** The requests to cancel a payout that hold. */
export async function readCancelAsked(
  db: Pick<DatabaseTx, "$queryRaw">,
  id: PayoutId,
): Promise<readonly CancelAsked[]> {
  const rows = await db.$queryRaw<
    { actor: string; reason: string; askedAt: Date; openFrom: Date; isOpen: boolean }[]
  >`SELECT person AS actor, why AS reason, asked_at AS "askedAt", open_from AS "openFrom", is_open AS "isOpen"
      FROM asked_to_cancel(${id}::uuid)`;
  return rows.map(({ askedAt, openFrom, ...rest }) => ({
    ...rest,
    askedAtMs: askedAt.getTime(),
    openFromMs: openFrom.getTime(),
  }));
}

/** Table payout, and payout_stake_row: the rows that each settles. */
export class PostgresPayouts implements PayoutsTx, Payouts {
  readonly #db: DatabaseTx;

  constructor(db: DatabaseTx) {
    this.#db = db;
  }

  async find({ ids, keys, kinds, statuses, limit }: PayoutQuery): Promise<readonly PayoutRecord[]> {
    // Not through Prisma's `in`: it has a bind parameter for each value, of which PostgreSQL takes 65,535.
    const among = (column: Prisma.Sql, values: readonly string[] | undefined, type: Prisma.Sql) =>
      values === undefined ? Prisma.empty : Prisma.sql`AND ${column} = ANY(${[...values]}::${type}[])`;
    const rows = await this.#db.$queryRaw<Parameters<typeof toPayout>[0][]>`
      SELECT id, key, kind, payee, amount, memo, due, status, reason, attempts,
             uncounted_attempts AS "uncountedAttempts", waiting_since AS "waitingSince",
             limited_by AS "limitedBy"
        FROM payout
       WHERE true ${among(Prisma.sql`id`, ids, Prisma.sql`uuid`)} ${among(Prisma.sql`key`, keys, Prisma.sql`text`)}
             ${among(Prisma.sql`kind`, kinds, Prisma.sql`text`)} ${among(Prisma.sql`status`, statuses, Prisma.sql`text`)}
       ORDER BY due, id ${limit === undefined ? Prisma.empty : Prisma.sql`LIMIT ${limit}`}`;
    return rows.map(toPayout);
  }

  async open({ lane, after, limit, untouched = false }: OpenPage): Promise<readonly OpenPayout[]> {
    const rows = await this.#db.$queryRaw<{ id: string; due: bigint; status: PayoutStatus }[]>`
      SELECT id, due, status FROM payout
       WHERE status IN ('due', 'ready', 'signed', 'sent', 'waiting_funds') AND ${isOfLane(lane)}
         ${untouched ? Prisma.sql`AND status IN ('due', 'ready')` : Prisma.empty}
         ${after === undefined ? Prisma.empty : Prisma.sql`AND (due, id) > (${BigInt(after.dueMs)}::bigint, ${after.id}::uuid)`}
       ORDER BY due, id LIMIT ${limit}`;
    return rows.map(({ id, due, status }) => ({ id: id as PayoutId, dueMs: millis(Number(due)), status }));
  }

  views(ids: readonly PayoutId[]): Promise<readonly PaymentView[]> {
    return paymentViews(this.#db, ids);
  }

  async debts(ids: readonly PayoutId[]): Promise<ReadonlyMap<PayoutId, Debt>> {
    return (await debtsOf(this.#db, ids)) as ReadonlyMap<PayoutId, Debt>;
  }

  async insert(payouts: readonly IdentifiedPayout[]): Promise<void> {
    if (payouts.length === 0) return;
    const [notices, debts] = [true, false].map((wanted) =>
      payouts.filter(({ kind }) => (kind === "notice") === wanted),
    ) as [IdentifiedPayout[], IdentifiedPayout[]];
    if (debts.length > 0) await this.#insertDebts(debts);
    if (notices.length > 0) await this.#createNotices(notices);
    const stored = new Map((await this.find({ keys: payouts.map((p) => p.key) })).map((p) => [p.key, p]));
    for (const payout of payouts) {
      const old = stored.get(payout.key);
      assert(
        old !== undefined &&
          old.id === payout.id &&
          old.payee === payout.payee &&
          old.amount === payout.amount &&
          old.memo === payout.memo,
        `payout ${payout.key} exists with another payee, amount or memo`,
      );
    }
    const links = payouts.flatMap((payout) =>
      payout.rows.map((row) => ({ payoutId: payout.id, stakeRowId: row.id, settlesAs: row.settlesAs })),
    );
    if (links.length === 0) return;
    await this.#db.$executeRaw`
      INSERT INTO payout_stake_row (payout_id, stake_row_id, settles_as)
      SELECT "payoutId", "stakeRowId", "settlesAs"
        FROM jsonb_to_recordset(${jsonRows(links)}::jsonb) AS new ("payoutId" uuid, "stakeRowId" text, "settlesAs" text)
          ON CONFLICT DO NOTHING`;
  }

  /** Debts of agreements and requests. Those that are there already stay as they are. */
  async #insertDebts(debts: readonly IdentifiedPayout[]): Promise<void> {
    await this.#db.$executeRaw`
      INSERT INTO payout (id, key, kind, payee, amount, memo, due, status)
      SELECT id, key, kind, payee, amount, memo, "dueMs", 'due'
        FROM jsonb_to_recordset(${jsonRows(debts)}::jsonb)
          AS new (id uuid, key text, kind text, payee text, amount bigint, memo text, "dueMs" bigint)
          ON CONFLICT DO NOTHING`;
  }

  /** The one debt that ingester and payer may write down, so that it goes through a function of the database. */
  async #createNotices(notices: readonly IdentifiedPayout[]): Promise<void> {
    await this.#db.$queryRaw`
      SELECT create_notice(id, key, payee, amount, memo, due)
        FROM unnest(${notices.map(({ id }) => id as string)}::uuid[], ${notices.map(({ key }) => key as string)}::text[],
                    ${notices.map(({ payee }) => payee)}::text[], ${notices.map(({ amount }) => amount as bigint)}::bigint[],
                    ${notices.map(({ memo }) => memo)}::text[], ${notices.map(({ dueMs }) => BigInt(dueMs))}::bigint[])
          AS new (id, key, payee, amount, memo, due)`;
  }

  async move(
    id: PayoutId,
    from: readonly PayoutStatus[],
    to: PayoutStatus,
    change: { reason?: string; waitingSinceMs?: Millis } = {},
  ): Promise<boolean> {
    const { count } = await this.#db.payout.updateMany({
      where: { id, status: { in: [...from] } },
      data: {
        status: to,
        reason: change.reason ?? null,
        ...(to === "waiting_funds" ? {} : { waitingSince: null }),
        ...(change.waitingSinceMs === undefined ? {} : { waitingSince: BigInt(change.waitingSinceMs) }),
      },
    });
    return count === 1;
  }

  async endAttempts(ends: Parameters<PayoutsTx["endAttempts"]>[0]): Promise<ReadonlySet<PayoutId>> {
    if (ends.length === 0) return new Set();
    const moved = await this.#db.$queryRaw<{ id: PayoutId }[]>`
      UPDATE payout SET status = e.status, reason = e.reason, waiting_since = NULL, updated_at = now(),
                        uncounted_attempts = uncounted_attempts + CASE WHEN e.counts THEN 0 ELSE 1 END
        FROM unnest(${ends.map(({ id }) => id as string)}::uuid[], ${ends.map(({ to }) => to)}::text[],
                    ${ends.map(({ reason }) => reason)}::text[], ${ends.map(({ counts }) => counts)}::boolean[]) AS e (id, status, reason, counts)
       WHERE payout.id = e.id AND payout.status IN ('signed', 'sent')
      RETURNING payout.id`;
    return new Set(moved.map(({ id }) => id));
  }

  /** As one call: the console may make it, and may not write to payouts otherwise. */
  async requeue({ payout, job, receipt, despite }: PayoutRequeue): Promise<boolean> {
    const [row] = await this.#db.$queryRaw<{ requeued: boolean }[]>`
      SELECT requeue_payout(${payout.id}::uuid, ${payout.status}, ${job.id}, ${receipt.event},
                            ${JSON.stringify(receipt.details)}::jsonb, ${despite ?? null}) AS requeued`;
    return row?.requeued ?? false;
  }

  async hold({ payout, receipt }: PayoutDecision): Promise<boolean> {
    const [row] = await this.#db.$queryRaw<{ done: boolean }[]>`
      SELECT hold_payout(${payout.id}::uuid, ${payout.status}, ${JSON.stringify(receipt.details)}::jsonb) AS done`;
    return row?.done ?? false;
  }

  async askToCancel({ payout, receipt }: PayoutDecision): Promise<boolean> {
    const [row] = await this.#db.$queryRaw<{ done: boolean }[]>`
      SELECT ask_to_cancel(${payout.id}::uuid, ${payout.status}, ${JSON.stringify(receipt.details)}::jsonb) AS done`;
    return row?.done ?? false;
  }

  cancelAsked(id: PayoutId): Promise<readonly CancelAsked[]> {
    return readCancelAsked(this.#db, id);
  }

  async cancel({
    payout,
    receipt,
    despite,
  }: PayoutDecision & { readonly despite: string | undefined }): Promise<boolean> {
    const [row] = await this.#db.$queryRaw<{ done: boolean }[]>`
      SELECT cancel_payout(${payout.id}::uuid, ${payout.status}, ${JSON.stringify(receipt.details)}::jsonb,
                           ${despite ?? null}) AS done`;
    return row?.done ?? false;
  }

  async settledBy({ blockNum, trxInBlock, opInTrx }: OperationPosition): Promise<PayoutKey | undefined> {
    const row = await this.#db.settlement.findUnique({
      where: { blockNum_trxInBlock_opInTrx: { blockNum, trxInBlock, opInTrx } },
      select: { payout: { select: { key: true } } },
    });
    return row?.payout.key as PayoutKey | undefined;
  }

  /** In one call: a block may confirm hundreds. The function refuses what the ledger knows no payment of. */
  async confirm(confirmed: readonly PayoutConfirmation[], said: NewReceipt["details"] = {}): Promise<number> {
    if (confirmed.length === 0) return 0;
    const ids = confirmed.map((c) => c.payoutId as string);
    const blocks = confirmed.map((c) => c.by.blockNum);
    const trxs = confirmed.map((c) => c.by.trxInBlock);
    const ops = confirmed.map((c) => c.by.opInTrx);
    const [row] = await this.#db.$queryRaw<{ confirmed: bigint }[]>`
      SELECT confirm_payouts(${ids}::uuid[], ${blocks}::int[], ${trxs}::int[], ${ops}::int[],
                             ${JSON.stringify(said)}::jsonb) AS confirmed`;
    return Number(row?.confirmed ?? 0n);
  }

  /** Under the locks of `save_withdrawals`, and with the same answer. */
  async applyLimits(id: PayoutId): Promise<"go" | "held" | "later"> {
    const [row] = await this.#db.$queryRaw<{ answer: "go" | "held" | "later" }[]>`
      SELECT limit_payment(${id}::uuid) AS answer`;
    return row?.answer ?? "later";
  }

  async fundsCame(): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE payout SET enqueued_again = 0, enqueued_at = 'epoch' WHERE status = 'waiting_funds' AND enqueued_again > 0`;
  }

  /**
   * What a lost queue, a crashed payer or a forgotten job left behind. `enqueued_at` is written with the job, so that a second
   * scheduler takes others. A new debt has it from the clock of the host that wrote it: an instant in the future counts as
   * forgotten too, or a clock that is hours ahead would keep a payout waiting for hours. A payout whose job changes nothing waits
   * twice as long for the next one: a thousand that wait for funds would make millions of jobs a day.
   */
  enqueueStale({
    lane,
    notEnqueuedForMs,
    limit,
  }: {
    lane: PaymentLane;
    notEnqueuedForMs: number;
    limit: number;
  }): Promise<number> {
    return this.#db.$executeRaw`
      WITH stale AS (
        SELECT id FROM payout
         WHERE status IN ('due', 'ready', 'signed', 'sent', 'waiting_funds') AND ${isOfLane(lane)}
           AND (enqueued_at > now() OR enqueued_at < now()
                - ${notEnqueuedForMs}::double precision * power(2, least(enqueued_again, ${DOUBLED_MAX}::int)) * interval '1 millisecond')
         ORDER BY due, id LIMIT ${limit}
           FOR UPDATE SKIP LOCKED
      ), enqueued AS (
        UPDATE payout SET enqueued_at = now(), enqueued_again = enqueued_again + 1 FROM stale WHERE payout.id = stale.id RETURNING payout.id, payout.due
      )
      INSERT INTO outbox (job_id, kind, data, delay_ms)
      SELECT 'payout-' || id || '-' || (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
             'payout.pay', jsonb_build_object('payoutId', id) || ${lane === "returns" ? '{"later": true}' : "{}"}::jsonb, 0
        FROM enqueued ORDER BY due, id`;
  }
}
