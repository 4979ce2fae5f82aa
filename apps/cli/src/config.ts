import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { CHANNEL_GROUPS } from "@stakebts/core/alerts/channels";
import { ConfigError, type Environment, readEnvironment } from "@stakebts/core/config/environment";
import { schemaOf, type SettingReadBy } from "@stakebts/core/config/process-settings";
import { EXCHANGE_ACCOUNTS } from "@stakebts/core/rules/request";
import type { z } from "zod";

// Each command asks for what it needs and for nothing else: `stakebts stakes` works where no node is configured. A setting
// that stands here and whose readers, in the table of settings, do not include `stakebts` is an error of types.

const some = <const N extends SettingReadBy<"stakebts">>(...names: readonly N[]) =>
  schemaOf("stakebts", names);

export const SETTINGS = {
  database: some("DATABASE_URL"),
  queue: some("DATABASE_URL", "REDIS_URL"),
  chain: some(
    "STAKEBTS_NODES",
    "STAKEBTS_NODE_QUORUM",
    "STAKEBTS_TRUST_ONE_NODE",
    "STAKEBTS_CHAIN_ID",
    "STAKEBTS_CUSTODIAN",
    "STAKEBTS_NODE_REQUESTS_PER_SECOND",
    "STAKEBTS_NODE_REQUESTS_AT_ONCE",
    "STAKEBTS_BLOCKS_AT_ONCE",
  ),
  ingest: some(
    "STAKEBTS_MEMO_KEY",
    "STAKEBTS_SKIP_BLOCKS",
    "STAKEBTS_POLICY",
    "STAKEBTS_ADMIN_REPLAY",
    "STAKEBTS_EXCHANGE_ACCOUNTS",
    "STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT",
    ...EXCHANGE_ACCOUNTS.map((number) => `STAKEBTS_EXCHANGE_${number}_DEPOSIT_MEMO` as const),
    "STAKEBTS_RESERVE_ACCOUNT",
  ),
  exchange: some(
    "STAKEBTS_EXCHANGE",
    "STAKEBTS_EXCHANGE_URL",
    "STAKEBTS_EXCHANGE_CHAIN",
    ...EXCHANGE_ACCOUNTS.flatMap(
      (number) =>
        [
          `STAKEBTS_EXCHANGE_${number}_KEY`,
          `STAKEBTS_EXCHANGE_${number}_SECRET`,
          `STAKEBTS_EXCHANGE_${number}_PASSWORD`,
        ] as const,
    ),
  ),
  console: some("STAKEBTS_CONSOLE_ORIGIN"),
  notify: some("STAKEBTS_NOTIFY_NAME", ...CHANNEL_GROUPS.flat()),
  account: some("STAKEBTS_CHAIN_ID", "STAKEBTS_CUSTODIAN"),
  policy: some("STAKEBTS_POLICY"),
  reserve: some("STAKEBTS_RESERVE_ACCOUNT", "STAKEBTS_RESERVE_PERMISSION"),
  keys: some("STAKEBTS_ACTIVE_KEY", "STAKEBTS_MEMO_KEY").partial(),
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
