import { Redis } from "ioredis";
import pg from "pg";
import type { QueueStore } from "./connection.ts";

const DEADLINE_MS = 4_000;

/** Why queues cannot be used, `undefined` when they can: is the store there, and is it set up? Answers within seconds. */
export async function queueStoreProblem(store: QueueStore): Promise<string | undefined> {
  try {
    return "redisUrl" in store
      ? await redisProblem(store.redisUrl)
      : await postgresProblem(store.databaseUrl);
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    return message === "" ? (code ?? "no answer") : message;
  }
}

async function redisProblem(url: string): Promise<string | undefined> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: DEADLINE_MS,
    commandTimeout: DEADLINE_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let connection: Error | undefined;
  redis.on("error", (error) => (connection = error));
  try {
    await redis.connect();
    const policy = (await redis.config("GET", "maxmemory-policy")) as string[];
    // BullMQ's own advice: a store that throws keys away throws jobs away.
    return policy[1] !== undefined && policy[1] !== "noeviction"
      ? `Redis evicts keys (maxmemory-policy ${policy[1]}): set it to noeviction`
      : undefined;
  } catch (error) {
    throw connection ?? error;
  } finally {
    redis.disconnect();
  }
}

async function postgresProblem(connectionString: string): Promise<string | undefined> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: DEADLINE_MS,
    query_timeout: DEADLINE_MS,
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ there: boolean }>(
      "SELECT to_regnamespace('bullmq') IS NOT NULL AS there",
    );
    return rows[0]?.there === true ? undefined : "the queues have no tables yet: run `npm run db:migrate`";
  } finally {
    await client.end();
  }
}
