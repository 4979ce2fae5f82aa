import { z } from "zod";
import { checkConsoleOrigin, checkQuorum, settings } from "./environment.ts";
import {
  depositMemoSettings,
  exchangeKeyChecks,
  exchangeKeySettings,
  reserveCheck,
} from "./exchange-settings.ts";
import { checkNotify, notifySettings } from "./notify-settings.ts";

// What each process reads from its environment, in one place, so that a configuration can be checked before anything is
// started with it.

const store = { DATABASE_URL: settings.DATABASE_URL, REDIS_URL: settings.REDIS_URL };
const chain = {
  STAKEBTS_NODES: settings.STAKEBTS_NODES,
  STAKEBTS_NODE_QUORUM: settings.STAKEBTS_NODE_QUORUM,
  STAKEBTS_CHAIN_ID: settings.STAKEBTS_CHAIN_ID,
  STAKEBTS_CUSTODIAN: settings.STAKEBTS_CUSTODIAN,
};
const common = {
  STAKEBTS_FREEZE_LEVEL: settings.STAKEBTS_FREEZE_LEVEL,
  STAKEBTS_FREEZE_FILE: settings.STAKEBTS_FREEZE_FILE,
  STAKEBTS_POLICY: settings.STAKEBTS_POLICY,
  STAKEBTS_HTTP_HOST: settings.STAKEBTS_HTTP_HOST,
  STAKEBTS_HTTP_PORT: settings.STAKEBTS_HTTP_PORT,
  LOG_LEVEL: settings.LOG_LEVEL,
};

export const PROCESS_SETTINGS = {
  ingester: z
    .object({
      ...store,
      ...chain,
      ...common,
      STAKEBTS_MEMO_KEY: settings.STAKEBTS_MEMO_KEY,
      STAKEBTS_REPLAY: settings.STAKEBTS_REPLAY,
      STAKEBTS_SKIP_BLOCKS: settings.STAKEBTS_SKIP_BLOCKS,
      STAKEBTS_ADMIN_REPLAY: settings.STAKEBTS_ADMIN_REPLAY,
      STAKEBTS_POLL_MS: settings.STAKEBTS_POLL_MS,
    })
    .check(checkQuorum),
  scheduler: z
    .object({
      ...store,
      ...common,
      STAKEBTS_EXCHANGE_ACCOUNTS: settings.STAKEBTS_EXCHANGE_ACCOUNTS,
      STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT: settings.STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT,
      ...depositMemoSettings,
      STAKEBTS_RESERVE_ACCOUNT: settings.STAKEBTS_RESERVE_ACCOUNT,
      STAKEBTS_CLOCK_RATE: settings.STAKEBTS_CLOCK_RATE,
      STAKEBTS_RECONCILE_MS: settings.STAKEBTS_RECONCILE_MS,
      STAKEBTS_REENQUEUE_MS: settings.STAKEBTS_REENQUEUE_MS,
      STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT: settings.STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT,
      ...notifySettings,
      STAKEBTS_LIVENESS_URL: settings.STAKEBTS_LIVENESS_URL,
      STAKEBTS_LIVENESS_OVERDUE_MS: settings.STAKEBTS_LIVENESS_OVERDUE_MS,
    })
    .check(checkNotify),
  payer: z
    .object({
      ...store,
      ...chain,
      ...common,
      STAKEBTS_ACTIVE_KEY: settings.STAKEBTS_ACTIVE_KEY,
      STAKEBTS_MEMO_KEY: settings.STAKEBTS_MEMO_KEY.optional(),
      STAKEBTS_PAYMENTS: settings.STAKEBTS_PAYMENTS,
      STAKEBTS_EXCHANGE: settings.STAKEBTS_EXCHANGE,
      STAKEBTS_EXCHANGE_URL: settings.STAKEBTS_EXCHANGE_URL,
      STAKEBTS_EXCHANGE_CHAIN: settings.STAKEBTS_EXCHANGE_CHAIN,
      ...exchangeKeySettings,
      STAKEBTS_RESERVE_ACCOUNT: settings.STAKEBTS_RESERVE_ACCOUNT,
      STAKEBTS_RESERVE_KEY: settings.STAKEBTS_RESERVE_KEY,
      STAKEBTS_RESERVE_PERMISSION: settings.STAKEBTS_RESERVE_PERMISSION,
      STAKEBTS_TREASURY_MS: settings.STAKEBTS_TREASURY_MS,
    })
    .check(checkQuorum, reserveCheck, ...exchangeKeyChecks),
  /** No key of any kind, and no queue. */
  watcher: z
    .object({
      DATABASE_URL: settings.DATABASE_URL,
      ...chain,
      ...common,
      STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT: settings.STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT,
      STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT: settings.STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT,
      STAKEBTS_POLL_MS: settings.STAKEBTS_POLL_MS,
      ...notifySettings,
    })
    .check(checkQuorum, checkNotify),
  /** No key of any kind: it looks, and what it does are rows that others act on. */
  console: z
    .object({
      ...store,
      ...chain,
      ...common,
      STAKEBTS_CONSOLE_HOST: settings.STAKEBTS_CONSOLE_HOST,
      STAKEBTS_CONSOLE_PORT: settings.STAKEBTS_CONSOLE_PORT,
      STAKEBTS_CONSOLE_ORIGIN: settings.STAKEBTS_CONSOLE_ORIGIN,
    })
    .check(checkQuorum, checkConsoleOrigin),
} as const;
export type ProcessName = keyof typeof PROCESS_SETTINGS;
