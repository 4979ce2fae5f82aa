import {
  type Freeze,
  type FreezeId,
  type FreezeLevel,
  type FreezeSource,
  inForce,
  isLocal,
  type OpenFreeze,
  whyPaysNothing,
} from "../../rules/freeze.ts";
import type { NewFreeze, FreezeEnd, PaymentsSwitch } from "../ledger.ts";
import { type Database, type DatabaseTx, Prisma } from "../../database/client.ts";

/** As {@link openFreezesJson} writes it. */
export interface FreezeRow {
  readonly id: number;
  readonly source: string;
  readonly level: string;
  readonly process: string | null;
  readonly reason: string;
  readonly since: number;
}

/** Every freeze that is open, oldest first, as one value of a larger question. */
export const openFreezesJson = Prisma.sql`(
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

/** Everything that is open, what processes say of themselves included. */
export async function openFreezes(
  db: Pick<Database | DatabaseTx, "$queryRaw">,
): Promise<readonly OpenFreeze[]> {
  const [row] = await db.$queryRaw<{ freezes: readonly FreezeRow[] }[]>`SELECT ${openFreezesJson} AS freezes`;
  return (row?.freezes ?? []).map(toFreeze);
}

/** Whether payments go, as far as these are asked. */
export const toSwitch = (open: readonly Freeze[]): PaymentsSwitch => {
  const reason = whyPaysNothing(inForce(open));
  return reason === undefined ? { on: true } : { on: false, reason };
};

export async function addFreeze(
  db: Pick<DatabaseTx, "$queryRaw">,
  { level, source, process, reason }: NewFreeze,
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ added: boolean }[]>`
    SELECT add_freeze(${level}, ${source}, ${process ?? null}, ${reason}) AS added`;
  return row?.added ?? false;
}

export async function endFreeze(
  db: Pick<DatabaseTx, "$queryRaw">,
  id: FreezeId,
  { still, actor, reason }: FreezeEnd,
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ ended: boolean }[]>`
    SELECT end_freeze(${id}::bigint, ${still ?? null}, ${actor}, ${reason}) AS ended`;
  return row?.ended ?? false;
}

/** Adds what is new, and ends what this process has said before and finds no more. */
export async function reportFreezes(
  db: Pick<DatabaseTx, "$queryRaw">,
  process: string,
  found: readonly Freeze[],
): Promise<void> {
  const isSame = (one: Freeze, other: Freeze): boolean =>
    one.source === other.source && one.level === other.level && one.reason === other.reason;
  for (const old of await openFreezes(db))
    if (old.process === process && isLocal(old.source) && !found.some((one) => isSame(one, old)))
      await endFreeze(db, old.id, { actor: process, reason: "no longer found there" });
  for (const { level, source, reason } of found) await addFreeze(db, { level, source, reason, process });
}
