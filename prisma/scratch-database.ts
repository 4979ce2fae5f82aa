import { randomUUID } from "node:crypto";
import { startPostgres } from "@stakebts/devnet";
import pg from "pg";

/** An empty database for as long as `work` takes: on that server, or without one on an embedded server of its own. */
export async function withScratchDatabase<T>(
  serverUrl: string | undefined,
  work: (url: string) => Promise<T>,
): Promise<T> {
  if (serverUrl === undefined) {
    const server = await startPostgres();
    try {
      return await work(await server.createDatabase("scratch"));
    } finally {
      await server.stop();
    }
  }
  const name = `stakebts_scratch_${randomUUID().replaceAll("-", "")}`;
  const session = new pg.Client({ connectionString: serverUrl });
  await session.connect();
  try {
    await session.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    return await work(url.href);
  } finally {
    await session.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await session.end();
  }
}
