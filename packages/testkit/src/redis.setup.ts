import { findRedis } from "./redis.ts";
import type { TestProject } from "vitest/node";

/** Tells tests whether there is a redis-server to start; each test that needs one starts its own. */
export default async function setup(project: TestProject): Promise<void> {
  const redis = await findRedis();
  project.provide("redisUrl", redis?.url ?? "");
  await redis?.stop();
}
