import { PrismaPg } from "@prisma/adapter-pg";
import { Prisma, PrismaClient } from "../generated/prisma/client.ts";
import { openPool } from "../runtime/database-session.ts";
import { sqlStateOf } from "../runtime/error-facts.ts";

export { Prisma };
export type Database = PrismaClient;
export type DatabaseTx = Prisma.TransactionClient;

/**
 * A process that is frozen in a transaction, or whose machine is gone, holds its locks until the server ends the session:
 * by its own default never, or after two hours, and meanwhile no process can ingest or apply events. No transaction of ours is idle for so long
 * but when the queue is away, and then the transaction is tried again.
 */
const IDLE_IN_TRANSACTION_MS_MAX = 15_000;

/**
 * Of every transaction, and here alone: Prisma's own (two and five seconds) are too short for a machine that starts twenty things at
 * once. A transaction waits so long for a connection of the pool: pools are small, and what waits is not lost. To apply events
 * waits for another process that does, and a batch of blocks writes a few thousand rows: neither takes a minute.
 */
const TRANSACTION = { maxWait: 20_000, timeout: 60_000 };

/** @param max connections of the pool */
export function openDatabase(connectionString: string, max: number): Database {
  const pool = openPool(connectionString, {
    max,
    session: { idleInTransactionMsMax: IDLE_IN_TRANSACTION_MS_MAX },
  });
  return new PrismaClient({
    adapter: new PrismaPg(pool, { disposeExternalPool: true }),
    transactionOptions: TRANSACTION,
  });
}

/** Where something of the ledger is: at an address, with connections of its own, or through a pool that others use too. */
export interface DatabaseSource {
  readonly url: string;
  /** Connections of its own. */
  readonly max?: number;
  /** The pool of the process; the code that opened it closes it. */
  readonly db?: Database;
}

export function openSource(
  { url, max, db }: DatabaseSource,
  maxByDefault: number,
): {
  readonly db: Database;
  readonly close: () => Promise<void>;
} {
  if (db !== undefined) return { db, close: async () => undefined };
  const own = openDatabase(url, max ?? maxByDefault);
  return { db: own, close: () => own.$disconnect() };
}

/** The transaction may be tried again as it is: a deadlock, or two of them wrote the same rows. */
export function isWriteConflict(error: unknown): boolean {
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (error.code === "P2034" || ["40001", "40P01"].includes(sqlStateOf(error) ?? ""))
  );
}

/** A unique index refused the row: another transaction wrote the same thing first. */
export function isUniqueViolation(error: unknown): boolean {
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (error.code === "P2002" || sqlStateOf(error) === "23505")
  );
}

/** The tables or functions are not there. */
export function isNotMigrated(error: unknown): boolean {
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (error.code === "P2021" || ["42P01", "42883"].includes(sqlStateOf(error) ?? ""))
  );
}
