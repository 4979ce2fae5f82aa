import type { DatabaseTx } from "../../database/client.ts";
import type { LedgerTx } from "../ledger.ts";
import type { EventSetAside } from "../view.ts";

type Queryable = Pick<DatabaseTx, "$queryRaw">;
type Answer = Awaited<ReturnType<LedgerTx["setAside"]["add"]>>;

/** Table event_set_aside, through the functions that write it. */
export const setAsideIn = (db: Queryable): LedgerTx["setAside"] => ({
  async add({ event, actor, reason, action }) {
    const [row] = await db.$queryRaw<{ answer: Answer }[]>`
      SELECT set_event_aside(${event}, ${actor}, ${reason}, ${action ?? null}) AS answer`;
    return row?.answer ?? "unknown";
  },
  async end({ event, actor, reason, action }) {
    const [row] = await db.$queryRaw<{ ended: boolean }[]>`
      SELECT resume_event(${event}, ${actor}, ${reason}, ${action ?? null}) AS ended`;
    return row?.ended ?? false;
  },
  async open() {
    const rows = await db.$queryRaw<
      { event: string }[]
    >`SELECT event FROM event_set_aside WHERE ended_at IS NULL`;
    return new Set(rows.map(({ event }) => event));
  },
});

/** What is set aside now, oldest first. */
export async function eventsSetAside(
  db: Pick<DatabaseTx, "eventSetAside">,
): Promise<readonly EventSetAside[]> {
  const rows = await db.eventSetAside.findMany({ where: { endedAt: null }, orderBy: { id: "asc" } });
  return rows.map(({ event, actor, reason, createdAt }) => ({
    event,
    actor,
    reason,
    sinceMs: createdAt.getTime(),
  }));
}
