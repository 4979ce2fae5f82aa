import {
  type Freeze,
  type FreezeId,
  type FreezeLevel,
  type FreezeSource,
  isLocal,
  type OpenFreeze,
} from "../../rules/freeze.ts";
import { type DatabaseTx, Prisma } from "../../database/client.ts";
import type { FreezeEnd, NewFreeze } from "../ledger.ts";

type Queryable = Pick<DatabaseTx, "$queryRaw">;

/** As {@link OPEN_FREEZES} writes it. */
export interface FreezeRow {
  readonly id: number;
  readonly source: string;
  readonly level: string;
  readonly process: string | null;
  readonly reason: string;
  readonly since: number;
}

/** Every freeze that is open, oldest first, as one value of a larger question. */
export const OPEN_FREEZES = Prisma.sql`(
  SELECT coalesce(json_agg(json_build_object('id', id, 'source', source, 'level', level, 'process', process,
           'reason', reason, 'since', floor(extract(epoch FROM created_at) * 1000)) ORDER BY id), '[]')
    FROM ledger_freeze WHERE ended_at IS NULL)`;

export const toFreeze = ({ id, source, level, process, reason, since }: FreezeRow): OpenFreeze => ({
  id: BigInt(id) as FreezeId,
  source: source as FreezeSource,
  level: level as FreezeLevel,
  process: process ?? undefined,
  reason,
  sinceMs: since,
});

export async function addFreeze(
  db: Queryable,
  { level, source, process, reason }: NewFreeze,
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ added: boolean }[]>`
    SELECT add_freeze(${level}, ${source}, ${process ?? null}, ${reason}) AS added`;
  return row?.added ?? false;
}

export async function endFreeze(
  db: Queryable,
  id: FreezeId,
  { still, actor, reason }: FreezeEnd,
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ ended: boolean }[]>`
    SELECT end_freeze(${id}::bigint, ${still ?? null}, ${actor}, ${reason}) AS ended`;
  return row?.ended ?? false;
}

/** Adds what is new, and ends what this process has reported before and finds no more. */
export async function reportFreezes(db: Queryable, process: string, found: readonly Freeze[]): Promise<void> {
  const isSame = (one: Freeze, other: Freeze): boolean =>
    one.source === other.source && one.level === other.level && one.reason === other.reason;
  const [row] = await db.$queryRaw<{ open: readonly FreezeRow[] }[]>`SELECT ${OPEN_FREEZES} AS open`;
  const reported = (row?.open ?? [])
    .map(toFreeze)
    .filter((freeze) => freeze.process === process && isLocal(freeze.source));
  for (const old of reported)
    if (!found.some((one) => isSame(one, old)))
      await endFreeze(db, old.id, { actor: process, reason: "no longer found there" });
  for (const { level, source, reason } of found) await addFreeze(db, { level, source, reason, process });
}
