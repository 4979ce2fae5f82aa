import { existsSync, readFileSync, statSync } from "node:fs";
import type { V24Row } from "@stakebts/core/imports/v24-stakes";
import { UsageError } from "./exit.ts";

export interface V24Database {
  readonly stakes: readonly V24Row[];
  readonly receipts: readonly V24Row[];
  /** Of `block_num` or `block`, whichever there is; `undefined` when neither says. */
  readonly blockNum: number | undefined;
}

/** Bytes 18 and 19 of a SQLite file: 1 for a rollback journal, 2 for a write-ahead log. */
const FILE_FORMAT_AT = [18, 19];
const HEADER = "SQLite format 3\0";

/**
 * The tables of a database of v2.4, from a copy in memory: the file is read and never opened for writing.
 * Errors: UsageError for whatever is wrong with the file, with what to do.
 */
export async function readV24Database(path: string): Promise<V24Database> {
  const bytes = bytesOf(path);
  if (bytes.subarray(0, HEADER.length).toString("latin1") !== HEADER)
    throw new UsageError(`${path} is not a SQLite database`);
  for (const tail of ["-wal", "-journal"])
    if (existsSync(path + tail) && statSync(path + tail).size > 0)
      throw new UsageError(
        `${path}${tail} lies beside it: v2.4 is running, or its last writes have not reached the database. End v2.4, then \`sqlite3 ${path} .tables\`, which takes them in`,
      );
  // A database with a write-ahead log that is empty is a plain one but for this mark, and memory has no such log.
  for (const at of FILE_FORMAT_AT) bytes[at] = 1;
  // SQLite as WebAssembly: nothing to compile, and loaded only here.
  const { default: initSqlJs } = await import("sql.js");
  const sqlite = await initSqlJs();
  const database = new sqlite.Database(bytes);
  try {
    const read = (sql: string): readonly V24Row[] => {
      const statement = database.prepare(sql);
      const rows: V24Row[] = [];
      while (statement.step()) rows.push(statement.getAsObject());
      statement.free();
      return rows;
    };
    const tables = new Set(
      read("SELECT name FROM sqlite_master WHERE type = 'table'").map((row) => row["name"]),
    );
    if (!tables.has("stakes"))
      throw new UsageError(`${path} has no table "stakes": it is no database of stakeBTS v2.4`);
    const blockNums = [
      ...(tables.has("block_num") ? read("SELECT block_num AS block FROM block_num") : []),
      ...(tables.has("block") ? read("SELECT block FROM block") : []),
    ].flatMap(({ block }) =>
      typeof block === "number" && Number.isInteger(block) && block > 0 ? [block] : [],
    );
    return {
      stakes: read("SELECT * FROM stakes ORDER BY rowid"),
      receipts: tables.has("receipts") ? read("SELECT * FROM receipts ORDER BY rowid") : [],
      blockNum: blockNums.length === 0 ? undefined : Math.max(...blockNums),
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `${path} cannot be read as a database of v2.4: ${(error as Error).message}; \`sqlite3 ${path} 'PRAGMA integrity_check'\` says more`,
    );
  } finally {
    database.close();
  }
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`cannot read ${path} (${(error as NodeJS.ErrnoException).code ?? "error"})`);
  }
}
