import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { checkNotify, notifySettings } from "@stakebts/core/config/notify-settings";
import {
  checkQuorum,
  ConfigError,
  type Environment,
  readEnvironment,
  settings,
} from "@stakebts/core/config/environment";
import {
  depositMemoSettings,
  exchangeKeyChecks,
  exchangeKeySettings,
} from "@stakebts/core/config/exchange-settings";
import { z } from "zod";

// Each command asks for what it needs and for nothing else: `stakebts stakes` works where no node is configured.

export const SETTINGS = {
  database: z.object({ DATABASE_URL: settings.DATABASE_URL }),
  queue: z.object({ DATABASE_URL: settings.DATABASE_URL, REDIS_URL: settings.REDIS_URL }),
  chain: z
    .object({
      STAKEBTS_NODES: settings.STAKEBTS_NODES,
      STAKEBTS_NODE_QUORUM: settings.STAKEBTS_NODE_QUORUM,
      STAKEBTS_CUSTODIAN: settings.STAKEBTS_CUSTODIAN,
    })
    .check(checkQuorum),
  ingest: z.object({
    STAKEBTS_MEMO_KEY: settings.STAKEBTS_MEMO_KEY,
    STAKEBTS_SKIP_BLOCKS: settings.STAKEBTS_SKIP_BLOCKS,
    STAKEBTS_POLICY: settings.STAKEBTS_POLICY,
    STAKEBTS_ADMIN_REPLAY: settings.STAKEBTS_ADMIN_REPLAY,
    STAKEBTS_EXCHANGE_ACCOUNTS: settings.STAKEBTS_EXCHANGE_ACCOUNTS,
    STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT: settings.STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT,
    ...depositMemoSettings,
    STAKEBTS_RESERVE_ACCOUNT: settings.STAKEBTS_RESERVE_ACCOUNT,
  }),
  exchange: z
    .object({
      STAKEBTS_EXCHANGE: settings.STAKEBTS_EXCHANGE,
      STAKEBTS_EXCHANGE_URL: settings.STAKEBTS_EXCHANGE_URL,
      STAKEBTS_EXCHANGE_CHAIN: settings.STAKEBTS_EXCHANGE_CHAIN,
      ...exchangeKeySettings,
    })
    .check(...exchangeKeyChecks),
  notify: z.object(notifySettings).check(checkNotify),
  policy: z.object({ STAKEBTS_POLICY: settings.STAKEBTS_POLICY }),
  reserve: z.object({
    STAKEBTS_RESERVE_ACCOUNT: settings.STAKEBTS_RESERVE_ACCOUNT,
    STAKEBTS_RESERVE_PERMISSION: settings.STAKEBTS_RESERVE_PERMISSION,
  }),
  keys: z.object({
    STAKEBTS_ACTIVE_KEY: settings.STAKEBTS_ACTIVE_KEY.optional(),
    STAKEBTS_MEMO_KEY: settings.STAKEBTS_MEMO_KEY.optional(),
  }),
} as const;
export type SettingsName = keyof typeof SETTINGS;

/** The environment of this command; with a file, what stands in it comes first. */
export function environmentOf(file: string | undefined, base: Environment = process.env): Environment {
  if (file === undefined) return base;
  try {
    return { ...base, ...parseEnv(readFileSync(file, "utf8")) };
  } catch (error) {
    throw new ConfigError(
      `--settings: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? "error"})`,
    );
  }
}

export const readSettings = <N extends SettingsName>(
  name: N,
  environment: Environment,
): z.infer<(typeof SETTINGS)[N]> =>
  readEnvironment(SETTINGS[name], environment) as z.infer<(typeof SETTINGS)[N]>;

/** Who gave this command, as far as the system knows. */
export const actorOf = (environment: Environment): string | undefined =>
  environment["STAKEBTS_ACTOR"] ?? environment["USER"] ?? environment["LOGNAME"] ?? environment["USERNAME"];

/** `NO_COLOR` (https://no-color.org) and terminals that cannot. */
export const wantsColour = (environment: Environment): boolean =>
  (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
