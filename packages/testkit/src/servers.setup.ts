import { findRedis } from "./redis.ts";
import { startPostgres } from "./postgres.ts";
import type { TestProject } from "vitest/node";
import { prepare } from "../../../prisma/migrate.ts";

declare module "vitest" {
  export interface ProvidedContext {
    pgAdminUrl: string;
    /** Empty when there is no Redis: those tests are skipped, and the set-up has said so loudly. */
    redisUrl: string;
  }
}

/** One PostgreSQL with a migrated template database and one Redis for all tests that need them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres();
  const template = await postgres.createDatabase("template_app");
  await prepare(template);
  const redis = await findRedis();
  project.provide("pgAdminUrl", postgres.url("postgres"));
  project.provide("redisUrl", redis?.url ?? "");
  return async () => {
    await Promise.all([postgres.stop(), redis?.stop()]);
  };
}
