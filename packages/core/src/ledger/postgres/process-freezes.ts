import { type Freeze, type FreezeLevel, type FreezeSource, isFreezeLevel } from "../../rules/freeze.ts";
import type { ProcessFreeze } from "../view.ts";
import type { Database } from "../../database/client.ts";

interface Row {
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly created_at: Date;
}

/** What each process has said last of its environment and its file, since it was started. */
export async function processFreezes(db: Pick<Database, "$queryRaw">): Promise<readonly ProcessFreeze[]> {
  const rows = await db.$queryRaw<Row[]>`
    SELECT subject, details, created_at FROM (
      SELECT DISTINCT ON (subject) subject, event, details, created_at FROM receipt
       WHERE event IN ('process.started', 'process.frozen', 'process.thawed') ORDER BY subject, id DESC) newest
     WHERE event = 'process.frozen' ORDER BY subject`;
  return rows.flatMap(({ subject, details, created_at }) =>
    (["environment", "file"] as const).flatMap((source): ProcessFreeze[] => {
      const level = details[source];
      return typeof level === "string" && isFreezeLevel(level)
        ? [{ ...freezeOf(source, level, details), process: subject, sinceMs: created_at.getTime() }]
        : [];
    }),
  );
}

const freezeOf = (source: FreezeSource, level: FreezeLevel, details: Row["details"]): Freeze => ({
  source,
  level,
  reason: typeof details["reason"] === "string" ? details["reason"] : "",
});
