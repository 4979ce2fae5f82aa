import { Redis } from "ioredis";
import { inject } from "vitest";

/** The numbered databases of a Redis server. Tests of one worker process take them in turn, and leave them empty. */
const DATABASES = 16;
let next = Number(process.env["VITEST_POOL_ID"] ?? "0");

/** A database of the Redis server for one test alone. */
export async function ownRedis(use: (url: string) => Promise<void>): Promise<void> {
  const url = new URL(inject("redisUrl"));
  url.pathname = `/${next++ % DATABASES}`;
  const client = new Redis(url.href);
  await client.flushdb();
  try {
    await use(url.href);
  } finally {
    await client.flushdb();
    client.disconnect();
  }
}
