import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { deployMigrations } from "@stakebts/core/database/migrations";
import { prepareDatabase } from "@stakebts/core/database/prepare-database";
import type { ProcessRole } from "@stakebts/core/database/rights";
import { migrateQueueStore } from "@stakebts/core/queue/migrate";
import pg from "pg";
import { type Pg, startPostgres } from "./postgres.ts";
import { processLogins } from "./process-logins.ts";
import { REPOSITORY } from "./repository.ts";

const NAME = "stakebts";

/** The ledger's PostgreSQL, with a login for each process. It can be restarted, copied, put back and lost. */
export class ClusterDatabase {
  server: Pg;
  /** With which each process signs in. Undefined while the ledger is of an older version, which has one login for all. */
  urls: Readonly<Record<ProcessRole, string>> | undefined;
  readonly #folder: string;
  readonly #installation: string | undefined;

  private constructor(server: Pg, folder: string, installation: string | undefined) {
    this.server = server;
    this.#folder = folder;
    this.#installation = installation;
  }

  /**
   * @param folder others can enter it: the server runs as another user when this is root
   * @param installation folder of another PostgreSQL than the embedded one, which has no `pg_dump`
   * @param version folder of the repository whose ledger this is to be
   */
  static async start(
    folder: string,
    { installation, version }: { installation?: string | undefined; version: string },
  ): Promise<ClusterDatabase> {
    const server = await start(folder, installation);
    const database = new ClusterDatabase(server, folder, installation);
    try {
      await server.createDatabase(NAME);
      if (version === REPOSITORY) await database.prepare();
      else {
        await deployMigrations(database.url, join(version, "prisma"));
        await migrateQueueStore(database.url);
      }
      return database;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** The owner's. */
  get url(): string {
    return this.server.url(NAME);
  }

  get port(): number {
    return this.server.port;
  }

  /** Makes the ledger that of this version, while processes go on working with it. */
  async prepare(): Promise<void> {
    await prepareDatabase(this.url, join(REPOSITORY, "prisma"));
    this.urls ??= await processLogins(this.url);
  }

  /** As the owner, in a session of its own. */
  async query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 5_000 });
    client.on("error", () => undefined); // The server may be stopped in the middle of it; the query tells.
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Stops the server and starts it again on the same data and port; every session is cut. */
  async restart(how: "fast" | "immediate" = "fast"): Promise<void> {
    await this.server.stop(how);
    await this.startAgain();
  }

  /** Copies the data as they are now, which costs a restart. */
  async snapshot(): Promise<void> {
    await this.server.stop("fast");
    copyFolder(this.#data, this.#copy);
    await this.startAgain();
  }

  /** Puts the snapshot back: what was written since is forgotten. */
  async restore(): Promise<void> {
    await this.server.stop("immediate");
    copyFolder(this.#copy, this.#data);
    await this.startAgain();
  }

  /** Drops the database and puts an empty one in its place. */
  async lose(): Promise<void> {
    await this.server.dropDatabase(NAME);
    await this.server.createDatabase(NAME);
    await this.prepare();
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  /** After {@link stop}: the same data on the same port. */
  async startAgain(): Promise<void> {
    this.server = await start(this.#folder, this.#installation, this.port);
  }

  get #data(): string {
    return join(this.#folder, "postgres", "data");
  }
  get #copy(): string {
    return join(this.#folder, "snapshot");
  }
}

const start = (folder: string, installation: string | undefined, port?: number): Promise<Pg> =>
  startPostgres({
    dataDir: join(folder, "postgres"),
    // A server that is killed loses nothing without it, only a machine that is.
    flushesToDisk: false,
    ...(port === undefined ? {} : { port }),
    ...(installation === undefined ? {} : { installation }),
  });

/** With the owners, which Node does not copy: the server runs as another user when this is root. */
function copyFolder(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  const { status, stderr } = spawnSync("cp", ["-a", from, to], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cp -a ${from} ${to}: ${stderr}`);
}
