import { Redis, ReplyError } from "ioredis";
import { openSession } from "../runtime/database-session.ts";
import type { QueueStore } from "./connection.ts";

const DEADLINE_MS = 4_000;

/** Why queues cannot be used, `undefined` when they can: is the store there, and is it set up? Answers within seconds. */
export async function queueStoreProblem(store: QueueStore): Promise<string | undefined> {
  try {
    return "redisUrl" in store
      ? await redisProblem(store.redisUrl, store.prefix)
      : await postgresProblem(store.databaseUrl);
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    return message === "" ? (code ?? "no answer") : message;
  }
}

async function redisProblem(url: string, prefix = "bull"): Promise<string | undefined> {
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
    await redis.set(`${prefix}:health`, "", "PX", 60_000);
    const policy = await evictionPolicy(redis);
    // BullMQ's own advice: a store that throws keys away throws jobs away.
    return policy !== undefined && policy !== "noeviction"
      ? `Redis evicts keys (maxmemory-policy ${policy}): set it to noeviction`
      : undefined;
  } catch (error) {
    throw connection ?? error;
  } finally {
    redis.disconnect();
  }
}

/** `undefined`: it does not say. Providers forbid CONFIG, and INFO has the same word. */
async function evictionPolicy(redis: Redis): Promise<string | undefined> {
  try {
    return /^maxmemory_policy:(\S+)/mu.exec(await redis.info("memory"))?.[1];
  } catch (error) {
    if (error instanceof ReplyError) return undefined;
    throw error;
  }
}

async function postgresProblem(url: string): Promise<string | undefined> {
  const client = openSession(url, { connectionTimeoutMillis: DEADLINE_MS, query_timeout: DEADLINE_MS });
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
