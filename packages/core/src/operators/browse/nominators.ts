import { type Bts, bts, type Shares, shares } from "@stakebts/kernel/amount";
import { millis, type Millis } from "@stakebts/kernel/time";
import { type Database, Prisma } from "../../database/client.ts";
import { debtIsNotCancelled } from "../../ledger/postgres/undecided.ts";
import { allOf, keysetPage, type KeysetPage, type KeysetWindow } from "./keyset.ts";

export interface NominatorLine {
  readonly name: string;
  readonly agreements: number;
  /** Of them, those whose base amount is with the custodian. */
  readonly open: number;
  /** Base amounts of those. */
  readonly staked: Bts;
  /** Everything to come if he stays: rows that are pending, and payouts that are not paid. */
  readonly owed: Bts;
  readonly nextDueMs: Millis | undefined;
}

export interface NominatorStory extends NominatorLine {
  /** Transfers with the custodian, both ways. */
  readonly received: { readonly count: number; readonly amount: Shares };
  readonly paid: { readonly count: number; readonly amount: Shares };
  /** Payouts to him that wait for a person. */
  readonly stopped: { readonly count: number; readonly amount: Bts };
}

interface Row {
  readonly name: string;
  readonly agreements: bigint;
  readonly open: bigint;
  readonly staked: bigint;
  readonly owed: bigint;
  readonly next_due: bigint | null;
}

/** Of each name in `wanted`. */
const SUMS = Prisma.sql`
  (SELECT count(*) FROM agreement a WHERE a.nominator = wanted.name) AS agreements,
  (SELECT count(*) FROM stake_row s WHERE s.nominator = wanted.name AND s.status = 'pending' AND s.type = 'base_amount') AS open,
  (SELECT coalesce(sum(amount), 0)::bigint FROM stake_row s
    WHERE s.nominator = wanted.name AND s.status = 'pending' AND s.type = 'base_amount') AS staked,
  ((SELECT coalesce(sum(amount), 0) FROM stake_row
     WHERE nominator = wanted.name AND status = 'pending' AND type IN ('reward', 'base_amount') AND ${debtIsNotCancelled})
   + (SELECT coalesce(sum(amount), 0) FROM payout
       WHERE payee = wanted.name AND status NOT IN ('confirmed', 'cancelled')))::bigint AS owed,
  least((SELECT min(due) FROM stake_row
          WHERE nominator = wanted.name AND status = 'pending' AND type IN ('reward', 'base_amount') AND ${debtIsNotCancelled}),
        (SELECT min(due) FROM payout WHERE payee = wanted.name AND status NOT IN ('confirmed', 'cancelled'))) AS next_due`;

const toLine = (row: Row): NominatorLine => ({
  name: row.name,
  agreements: Number(row.agreements),
  open: Number(row.open),
  staked: bts(row.staked),
  owed: bts(row.owed),
  nextDueMs: row.next_due === null ? undefined : millis(Number(row.next_due)),
});

/**
 * Everybody who has opened an agreement, by name.
 * @param prefix of the name
 */
export async function findNominators(
  db: Database,
  { prefix }: { readonly prefix?: string | undefined },
  window: KeysetWindow,
): Promise<KeysetPage<NominatorLine>> {
  // The order of bytes, in which the index is and in which a name that begins with others stands behind them.
  const name = Prisma.sql`nominator COLLATE "C"`;
  const page = await keysetPage<{ name: string }, string>(
    db,
    {
      select: Prisma.sql`SELECT DISTINCT ${name} AS name FROM agreement WHERE ${allOf([
        prefix !== undefined && Prisma.sql`${name} >= ${prefix} AND ${name} < ${`${prefix}~`}`,
      ])}`,
      key: {
        columns: name,
        descending: false,
        of: (row) => [row.name],
        parse: ([text]) => (text === undefined ? undefined : Prisma.sql`${text}`),
      },
      toLine: (row) => row.name,
    },
    window,
  );
  const sums = await db.$queryRaw<Row[]>`
    SELECT wanted.name, ${SUMS} FROM unnest(${[...page.items]}::text[]) AS wanted (name)`;
  const byName = new Map(sums.map((row) => [row.name, toLine(row)]));
  return { ...page, items: page.items.flatMap((one) => byName.get(one) ?? []) };
}

/** One account, whether or not it has opened an agreement; `undefined` when the ledger has never heard of it. */
export async function nominatorStory(db: Database, name: string): Promise<NominatorStory | undefined> {
  const [row] = await db.$queryRaw<
    (Row &
      Record<"received_count" | "received" | "paid_count" | "paid" | "stopped_count" | "stopped", bigint>)[]
  >`
    SELECT wanted.name, ${SUMS}, received.*, paid.*, stopped.*
      FROM (SELECT ${name}::text AS name) AS wanted,
      LATERAL (SELECT count(*) AS received_count, coalesce(sum(amount_shares), 0)::bigint AS received FROM transfer
                WHERE direction = 'in' AND sender = wanted.name AND asset_id = '1.3.0') AS received,
      LATERAL (SELECT count(*) AS paid_count, coalesce(sum(amount_shares), 0)::bigint AS paid FROM transfer
                WHERE direction = 'out' AND receiver = wanted.name AND asset_id = '1.3.0') AS paid,
      LATERAL (SELECT count(*) AS stopped_count, coalesce(sum(amount), 0)::bigint AS stopped FROM payout
                WHERE payee = wanted.name AND status IN ('held', 'failed')) AS stopped
     WHERE EXISTS (SELECT FROM agreement WHERE nominator = wanted.name)
        OR EXISTS (SELECT FROM payout WHERE payee = wanted.name)
        OR EXISTS (SELECT FROM transfer WHERE sender = wanted.name)
        OR EXISTS (SELECT FROM transfer WHERE direction = 'out' AND receiver = wanted.name)`;
  if (row === undefined) return undefined;
  return {
    ...toLine(row),
    received: { count: Number(row.received_count), amount: shares(row.received) },
    paid: { count: Number(row.paid_count), amount: shares(row.paid) },
    stopped: { count: Number(row.stopped_count), amount: bts(row.stopped) },
  };
}
