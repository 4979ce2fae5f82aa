import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { differingFunctionsOf } from "@stakebts/core/database/migrations";
import { ConfigError } from "@stakebts/core/config/environment";
import { openDatabase } from "@stakebts/core/database/client";
import { databaseProblem } from "@stakebts/core/database/database-problem";
import { queueStoreOf } from "@stakebts/core/queue/connection";
import { queuePrefix } from "@stakebts/core/database/queue-prefix";
import { queueStoreProblem } from "@stakebts/core/queue/queue-store-problem";
import { durationText } from "@stakebts/kernel/text";
import { SCHEMA_FOLDER } from "../installation.ts";
import { readSettings } from "../config.ts";
import type { Context } from "../context.ts";
import { type Finding, ok, problem, skipped } from "./finding.ts";

const MIGRATIONS = join(SCHEMA_FOLDER, "migrations");

export async function* examineDatabase(context: Context): AsyncGenerator<Finding> {
  try {
    readSettings("queue", context.environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield problem("settings", error.message, "set it; `stakebts config check` looks at all settings");
    yield skipped("database", "not asked");
    yield skipped("queues", "not asked");
    return;
  }
  yield await database(context);
  const settings = readSettings("queue", context.environment);
  const store = queueStoreOf(settings, await prefixIn(settings.DATABASE_URL));
  const where = "redisUrl" in store ? "Redis" : "PostgreSQL";
  const trouble = await queueStoreProblem(store);
  yield trouble === undefined
    ? ok("queues", `in ${where}`)
    : problem(
        "queues",
        `${where}: ${trouble}`,
        "redisUrl" in store
          ? "start Redis, or remove REDIS_URL to keep queues in the database; payments are late, never lost"
          : "run `npm run db:migrate`",
      );
}

/** `undefined` while the database says nothing, which is a finding of its own. */
async function prefixIn(url: string): Promise<string | undefined> {
  const db = openDatabase(url, 1);
  try {
    return await queuePrefix(db);
  } catch {
    return undefined;
  } finally {
    await db.$disconnect();
  }
}

async function database({ view, environment }: Context): Promise<Finding> {
  try {
    const applied = await view.migrations();
    if (applied === undefined) return problem("database", "it has no ledger yet", "run `npm run db:migrate`");
    const wanted = existsSync(MIGRATIONS)
      ? readdirSync(MIGRATIONS, { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map((entry) => entry.name)
      : applied;
    const missing = wanted.filter((name) => !applied.includes(name));
    const unknown = applied.filter((name) => !wanted.includes(name));
    if (missing.length > 0)
      return problem(
        "database",
        `${missing.length} migration(s) missing: ${missing.join(", ")}`,
        "run `npm run db:migrate`",
      );
    if (unknown.length > 0)
      return problem(
        "database",
        `it is newer than this program: ${unknown.join(", ")}`,
        "use the version of the product that made it",
      );
    const { DATABASE_URL: url } = readSettings("database", environment);
    const functions = existsSync(SCHEMA_FOLDER) ? await differingFunctionsOf(url, SCHEMA_FOLDER) : [];
    if (functions.length > 0)
      return problem(
        "database",
        `functions or triggers are not those of this program: ${functions.join(", ")}`,
        "run `npm run db:migrate`",
      );
    return ok("database", `answers, ${applied.length} migrations`);
  } catch (error) {
    const found = databaseProblem(error);
    if (found === undefined) throw error;
    return problem(
      "database",
      found.message,
      found.kind === "unavailable" ? "start it, or correct DATABASE_URL" : "correct DATABASE_URL",
    );
  }
}

/** Exchanges refuse calls whose time is further off than some seconds; nothing else minds. */
const DIFFERENCE_MS_MAX = 5_000;

/** This host's clock against the database's. No rule depends on either; delays, alerts and exchanges do. */
export async function* examineClock(
  { view, clock }: Context,
  before: readonly Finding[],
): AsyncGenerator<Finding> {
  if (!before.some(({ name, state }) => name === "database" && state === "ok")) {
    yield skipped("clock", "not compared: see database");
    return;
  }
  const askedAtMs = clock.nowMs();
  const databaseMs = await view.hostTimeMs();
  const halfway = (askedAtMs + clock.nowMs()) / 2;
  const differenceMs = Math.round(Math.abs(databaseMs - halfway));
  yield differenceMs > DIFFERENCE_MS_MAX
    ? problem(
        "clock",
        `this host and the database's are ${durationText(differenceMs)} apart`,
        "set both with NTP: exchanges refuse calls of another time, and receipts are hard to compare",
      )
    : ok("clock", `${differenceMs} ms from the database's`);
}
