import type { DatabaseTx } from "../../database/client.ts";
import type { ReplayOrder, ReplaysTx } from "../ledger.ts";

type Row = NonNullable<Awaited<ReturnType<DatabaseTx["replayOrder"]["findFirst"]>>>;

const toReplay = (row: Row): ReplayOrder => ({
  id: row.id,
  from: row.fromBlock,
  to: row.toBlock,
  actor: row.actor,
  reason: row.reason,
  nextBlock: row.nextBlock,
  transfersAdded: row.transfersAdded,
  orderedAtMs: row.createdAt.getTime(),
  startedAtMs: row.startedAt?.getTime(),
  endedAtMs: row.endedAt?.getTime(),
  endedBy: row.endedBy ?? undefined,
  remark: row.remark ?? undefined,
});

export async function openReplay(db: Pick<DatabaseTx, "replayOrder">): Promise<ReplayOrder | undefined> {
  const row = await db.replayOrder.findFirst({ where: { endedAt: null } });
  return row === null ? undefined : toReplay(row);
}

/** Newest first. */
export async function newestReplays(
  db: Pick<DatabaseTx, "replayOrder">,
  limit: number,
): Promise<readonly ReplayOrder[]> {
  return (await db.replayOrder.findMany({ orderBy: { id: "desc" }, take: limit })).map(toReplay);
}

/** Table replay_order. People order and end through functions; an ingester says how far it is. */
export const replaysIn = (db: Pick<DatabaseTx, "$queryRaw" | "$executeRaw">): ReplaysTx => ({
  async order({ from, to }, receipt) {
    const [row] = await db.$queryRaw<{ id: bigint | null }[]>`
      SELECT order_replay(${from}::int, ${to}::int, ${JSON.stringify(receipt.details)}::jsonb) AS id`;
    return row?.id ?? undefined;
  },
  async end(id, receipt) {
    const [row] = await db.$queryRaw<{ ended: boolean }[]>`
      SELECT end_replay(${id}::bigint, ${JSON.stringify(receipt.details)}::jsonb) AS ended`;
    return row?.ended ?? false;
  },
  async progress(id, { nextBlock, transfersAdded, remark, isOver }) {
    const moved = await db.$executeRaw`
      UPDATE replay_order
         SET next_block = ${nextBlock}, transfers_added = ${transfersAdded}, remark = ${remark ?? null},
             started_at = CASE WHEN ${remark ?? null}::text IS NULL THEN coalesce(started_at, now()) ELSE started_at END,
             ended_at = CASE WHEN ${isOver} THEN now() END
       WHERE id = ${id}::bigint AND ended_at IS NULL`;
    return moved === 1;
  },
});
