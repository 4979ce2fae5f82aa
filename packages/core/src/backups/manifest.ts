import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import type pg from "pg";
import * as z from "zod";
import { isoText } from "@stakebts/kernel/text";
import { quoted } from "./server.ts";

const digits = z.string().regex(/^-?\d+$/u);
const tableSchema = z.object({ rows: z.number().int(), checksum: digits, sum: digits.optional() });

/** What is in a backup, beside it in a file of its own: for people, and to compare with after it was restored. */
const manifestSchema = z.object({
  format: z.literal(1),
  file: z.string(),
  madeAt: z.iso.datetime(),
  database: z.string(),
  serverVersion: z.string(),
  pgDumpVersion: z.string(),
  /** Names of the migrations, in order. */
  migrations: z.array(z.string()),
  cursor: z.object({ blockNum: z.number().int(), blockTime: z.iso.datetime() }).nullable(),
  /** `sum` is in whole BTS for payouts and stake rows, in shares for transfers and withdrawals. */
  tables: z.record(z.string(), tableSchema),
  bytes: z.number().int(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/u),
  /** It was restored into a database of its own, and every table was as it had been. */
  verified: z.boolean(),
});
export type Manifest = z.infer<typeof manifestSchema>;
export type Contents = Pick<Manifest, "migrations" | "cursor" | "tables">;

export const manifestPath = (dumpPath: string): string => dumpPath.replace(/\.dump$/u, "") + ".json";

/** `undefined` when there is none; throws when it is not one. */
export function readManifest(dumpPath: string): Manifest | undefined {
  let text: string;
  try {
    text = readFileSync(manifestPath(dumpPath), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return manifestSchema.parse(JSON.parse(text));
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** The amounts that an auditor would add up. */
const SUMS: Readonly<Record<string, string>> = {
  payout: "amount",
  stake_row: "amount",
  transfer: "amount_shares",
  withdrawal: "fee_shares",
};

/**
 * Every table of the ledger with the count of its rows and a checksum that does not depend on their order, as the current
 * transaction of the session sees them.
 */
export async function contentsOf(session: pg.Client): Promise<Contents> {
  await session.query("SET timezone = 'UTC'; SET bytea_output = 'hex'; SET extra_float_digits = 1");
  const { rows: names } = await session.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
  );
  const tables: Record<string, Manifest["tables"][string]> = {};
  for (const { name } of names) {
    const column = SUMS[name];
    const { rows } = await session.query<{ rows: string; checksum: string; sum: string }>(
      `SELECT count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)), 0) AS checksum,
              ${column === undefined ? "0" : `coalesce(sum(t.${column}), 0)`} AS sum
         FROM public.${quoted(name)} t`,
    );
    const [row] = rows;
    if (row === undefined) continue;
    tables[name] = {
      rows: Number(row.rows),
      checksum: row.checksum,
      ...(column === undefined ? {} : { sum: row.sum }),
    };
  }
  const { rows: migrations } = await session.query<{ name: string }>(
    `SELECT migration_name AS name FROM _prisma_migrations
      WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY 1`,
  );
  const { rows: cursors } = await session.query<{ block_num: number; block_time_ms: string }>(
    "SELECT block_num, block_time_ms FROM chain_cursor",
  );
  const [cursor] = cursors;
  return {
    tables,
    migrations: migrations.map(({ name }) => name),
    cursor:
      cursor === undefined
        ? null
        : { blockNum: cursor.block_num, blockTime: isoText(Number(cursor.block_time_ms)) },
  };
}

/** The tables that are not the same in both. */
export function differences(expected: Contents, found: Contents): readonly string[] {
  const names = new Set([...Object.keys(expected.tables), ...Object.keys(found.tables)]);
  return [...names].sort().flatMap((name) => {
    const [a, b] = [expected.tables[name], found.tables[name]];
    if (a?.rows === b?.rows && a?.checksum === b?.checksum && a?.sum === b?.sum) return [];
    return [`${name}: ${a?.rows ?? "no table"} row(s) became ${b?.rows ?? "no table"}, or other ones`];
  });
}
