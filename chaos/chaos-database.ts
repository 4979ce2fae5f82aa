import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { migrateQueueStore } from "@stakebts/core/queue/migrate";
import { type Pg, startPostgres } from "@stakebts/testkit/postgres";
import pg from "pg";
import { deploy } from "../prisma/migrate.ts";
import type { Break } from "./breaks.ts";
import { replacedOnce } from "./mutated-workers.ts";

/** The ledger's PostgreSQL, which writes to its disk as in production, and can be killed, copied and put back. */
export class ChaosDatabase {
  readonly #folder: string;
  #postgres: Pg;

  private constructor(folder: string, postgres: Pg) {
    this.#folder = folder;
    this.#postgres = postgres;
  }

  /** @param folder anybody can enter it: the server runs as another user when this is root */
  static async start(folder: string, without: Break | undefined): Promise<ChaosDatabase> {
    const postgres = await startPostgres({ dataDir: join(folder, "postgres") });
    const url = await postgres.createDatabase("stakebts");
    await deploy(url);
    await migrateQueueStore(url);
    if (without !== undefined) await takeAway(url, without);
    return new ChaosDatabase(folder, postgres);
  }

  get url(): string {
    return this.#postgres.url("stakebts");
  }

  get port(): number {
    return this.#postgres.port;
  }

  /** Past all lines. */
  async query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 5_000 });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** The same data on the same port; every session is cut. */
  async restart(how: "fast" | "immediate"): Promise<void> {
    await this.#postgres.stop(how);
    await this.#startAgain();
  }

  /** A copy of the data as it is now, which costs a restart. */
  async snapshot(): Promise<void> {
    await this.#postgres.stop("fast");
    copyFolder(this.#data, this.#copy);
    await this.#startAgain();
  }

  /** Whatever was written since the snapshot is forgotten. */
  async restore(): Promise<void> {
    await this.#postgres.stop("immediate");
    copyFolder(this.#copy, this.#data);
    await this.#startAgain();
  }

  stop(): Promise<void> {
    return this.#postgres.stop();
  }

  get #data(): string {
    return join(this.#folder, "postgres", "data");
  }
  get #copy(): string {
    return join(this.#folder, "snapshot");
  }

  async #startAgain(): Promise<void> {
    this.#postgres = await startPostgres({ dataDir: join(this.#folder, "postgres"), port: this.port });
  }
}

/** Throws when something to be changed is not there exactly once. */
export async function takeAway(url: string, { functions = [], sql = [] }: Break): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const { function: name, find, replace } of functions) {
      const { rows } = await client.query<{ source: string }>(
        "SELECT pg_get_functiondef($1::regproc) AS source",
        [name],
      );
      await client.query(replacedOnce(rows[0]?.source ?? "", { of: name, find, replace }));
    }
    for (const statement of sql) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** With the owners, which Node does not copy: the server runs as another user when this is root. */
function copyFolder(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  const { status, stderr } = spawnSync("cp", ["-a", from, to], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cp -a ${from} ${to}: ${stderr}`);
}
