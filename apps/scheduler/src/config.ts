import { readEnvironment, settings } from "@stakebts/core/config";
import { z } from "zod";

const schema = z.object({
  DATABASE_URL: settings.DATABASE_URL,
  REDIS_URL: settings.REDIS_URL,
  STAKEBTS_POLICY: settings.STAKEBTS_POLICY,
  STAKEBTS_EXCHANGE_ACCOUNTS: settings.STAKEBTS_EXCHANGE_ACCOUNTS,
  STAKEBTS_CLOCK_RATE: settings.STAKEBTS_CLOCK_RATE,
  STAKEBTS_SWEEP_MS: settings.STAKEBTS_SWEEP_MS,
  STAKEBTS_RING_AGAIN_MS: settings.STAKEBTS_RING_AGAIN_MS,
  LOG_LEVEL: settings.LOG_LEVEL,
});

export const readConfig = () => readEnvironment(schema, process.env);
