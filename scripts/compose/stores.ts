import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import pg from "pg";
import { spawnGuarded } from "@stakebts/testkit/guard";
import { installedPostgres } from "@stakebts/testkit/installed-postgres";
import { type Pg, startPostgres } from "@stakebts/testkit/postgres";

/** What the image of the service `postgres` does with its environment: a server, a user, a database. */
export async function startPostgresService(
  environment: Readonly<Record<string, string>>,
  port: number,
): Promise<Pg> {
  const server = await startPostgres({
    port,
    ...(installedPostgres === undefined ? {} : { installation: installedPostgres }),
  });
  const { POSTGRES_USER: user, POSTGRES_DB: database, POSTGRES_PASSWORD_FILE: file } = environment;
  if (user === undefined || database === undefined || file === undefined)
    throw new Error("postgres: POSTGRES_USER, POSTGRES_DB and POSTGRES_PASSWORD_FILE are wanted");
  const password = readFileSync(file, "utf8").trim();
  const client = new pg.Client({ connectionString: server.url("postgres") });
  await client.connect();
  try {
    await client.query(
      `CREATE ROLE ${pg.escapeIdentifier(user)} SUPERUSER LOGIN PASSWORD ${pg.escapeLiteral(password)}`,
    );
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)} OWNER ${pg.escapeIdentifier(user)}`);
  } finally {
    await client.end();
  }
  return server;
}

export interface StoredServer {
  stop(): Promise<void>;
}

/** The service's own command, in the folder of its volume. */
export function startRedisService(argv: readonly string[], folder: string): StoredServer {
  mkdirSync(folder, { recursive: true });
  const [program, ...args] = argv as [string, ...string[]];
  const child = spawnGuarded(program, [...args, "--bind", "127.0.0.1"], { cwd: folder });
  const exited = once(child, "exit");
  return {
    stop: async () => {
      child.stdin?.end();
      await exited;
    },
  };
}

/** Is there such a program on the path? */
export const isInstalled = (program: string): boolean =>
  (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, program)));
