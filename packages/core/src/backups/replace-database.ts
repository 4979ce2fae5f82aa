import type pg from "pg";
import { isoText } from "@stakebts/kernel/text";
import { type Freeze, inForce, whyPaysNothing } from "../rules/freeze.ts";
import {
  createEmptyDatabase,
  dropDatabase,
  quoted,
  type ServerSession,
  sessionsOf,
  withMaintenance,
  withSession,
} from "./server.ts";
import { databaseOf, urlWithDatabase } from "../runtime/database-address.ts";

/** What stands where a ledger is to be put. */
export interface Occupant {
  readonly exists: boolean;
  /** It has a ledger in it, of any age. */
  readonly hasLedger: boolean;
  readonly paymentsOn: boolean;
  readonly sessions: readonly ServerSession[];
}

const NO_DATABASE: Occupant = { exists: false, hasLedger: false, paymentsOn: false, sessions: [] };

export async function occupantOf(databaseUrl: string): Promise<Occupant> {
  const database = databaseOf(databaseUrl);
  return withMaintenance(databaseUrl, async (session) => {
    const { rows } = await session.query("SELECT FROM pg_database WHERE datname = $1", [database]);
    if (rows.length === 0) return NO_DATABASE;
    const sessions = await sessionsOf(session, database);
    return { exists: true, sessions, ...(await withSession(databaseUrl, ledgerIn)) };
  });
}

async function ledgerIn(session: pg.Client): Promise<Pick<Occupant, "hasLedger" | "paymentsOn">> {
  const { rows: tables } = await session.query("SELECT WHERE to_regclass('public.control') IS NOT NULL");
  if (tables.length === 0) return { hasLedger: false, paymentsOn: false };
  const { rows } = await session.query<Freeze>(
    "SELECT source, level, reason FROM public.ledger_freeze WHERE ended_at IS NULL",
  );
  return { hasLedger: true, paymentsOn: whyPaysNothing(inForce(rows)) === undefined };
}

const stamp = (nowMs: number): string => isoText(nowMs).slice(0, 19).replaceAll(/[-:T]/gu, "");

/** Names in PostgreSQL have 63 bytes; what is cut is the old name, not what makes the new one different. */
const besides = (database: string, word: string, nowMs: number): string =>
  `${database.slice(0, 63 - word.length - 16)}_${word}_${stamp(nowMs)}`;

/**
 * Fills a new database and, when that has worked, gives it the name of the old one, which is kept under another name.
 * Nothing is deleted but a new database that could not be filled. The old one must have no sessions.
 * @returns the name under which the old database is kept; `undefined` when there was none
 */
export async function replaceDatabase(
  databaseUrl: string,
  { nowMs, fill }: { nowMs: number; fill: (url: string, oldName: string | undefined) => Promise<void> },
): Promise<string | undefined> {
  const database = databaseOf(databaseUrl);
  const fresh = besides(database, "new", nowMs);
  return withMaintenance(databaseUrl, async (session) => {
    const { rows } = await session.query("SELECT FROM pg_database WHERE datname = $1", [database]);
    const oldName = rows.length === 0 ? undefined : besides(database, "before", nowMs);
    await createEmptyDatabase(session, fresh);
    try {
      await fill(urlWithDatabase(databaseUrl, fresh), oldName);
      if (oldName !== undefined)
        await session.query(`ALTER DATABASE ${quoted(database)} RENAME TO ${quoted(oldName)}`);
    } catch (error) {
      await dropDatabase(session, fresh);
      throw error;
    }
    await session.query(`ALTER DATABASE ${quoted(fresh)} RENAME TO ${quoted(database)}`);
    return oldName;
  });
}
