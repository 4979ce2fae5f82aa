import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";
import { z } from "zod";
import { KeyFormatError, privateKeyFromWif } from "@stakebts/bitshares/keys";
import { StartupError } from "@stakebts/kernel/errors";
import { FREEZE_LEVELS } from "../rules/freeze.ts";
import type { PermissionId } from "@stakebts/bitshares/chain";
import { accountName } from "./account-name.ts";
import { EXCHANGE_VENUES } from "./exchange-settings.ts";
import { fillFromKeystore, KEYSTORE_SETTINGS } from "./keystore-settings.ts";
import { policySetting } from "./policy-file.ts";

/** The process does not start. The message names every setting that is wrong, what was found and what is accepted. */
export class ConfigError extends StartupError {}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment once, at start. Each setting may also be given as `NAME_FILE`, the path of a file that holds it,
 * as containers hand out secrets; keys may be in a keystore.
 */
export function readEnvironment<S extends z.ZodObject>(schema: S, environment: Environment): z.infer<S> {
  const problems: string[] = [];
  const values: Record<string, string> = {};
  const refused = new Set<string>();
  const refuse = (name: string, problem: string) => {
    refused.add(name);
    problems.push(problem);
  };
  const read = (name: string): string | undefined => {
    const given = environment[name]?.trim();
    const path = environment[`${name}_FILE`]?.trim();
    if (given && path) refuse(name, `${name} and ${name}_FILE are both set: give one of them`);
    else if (given) return given;
    else if (path) {
      const content = readSetting(path);
      if (content.text) return content.text;
      refuse(name, `${name}_FILE: ${shownPath(name, path)} ${content.problem ?? "is empty"}`);
    }
    return undefined;
  };
  const names = Object.keys(schema.shape);
  for (const name of names) {
    const value = read(name);
    if (value !== undefined) values[name] = value;
  }
  const keystore = fillFromKeystore(values, names, {
    path: environment["STAKEBTS_KEYSTORE"]?.trim() || undefined,
    password: read("STAKEBTS_KEYSTORE_PASSWORD"),
  });
  problems.push(...keystore);
  if (keystore.length > 0) for (const name of KEYSTORE_SETTINGS) refused.add(name);
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0] ?? "");
    if (refused.has(name)) continue;
    const found = values[name] === undefined ? "is not set" : foundValue(name, values[name]);
    problems.push(name === "" ? issue.message : `${name} ${found}: ${issue.message}`);
  }
  if (problems.length > 0 || !parsed.success)
    throw new ConfigError(
      `The configuration is wrong in ${problems.length} place(s):\n  ${problems.join("\n  ")}`,
    );
  return parsed.data;
}

function readSetting(path: string): { readonly text?: string; readonly problem?: string } {
  try {
    return { text: readFileSync(path, "utf8").trim() };
  } catch (error) {
    return { problem: `cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"})` };
  }
}

/** Settings whose value is never shown, wrong or right. */
const SECRET = /KEY|SECRET|PASSWORD|TOKEN|DEPOSIT_MEMO|_URL$/u;
const foundValue = (name: string, value: string): string =>
  SECRET.test(name) ? "is set, and not shown here" : `is "${withoutCredentials(value).slice(0, 80)}"`;

/** A secret that was put where the path of its file belongs does not look like a path, and is not shown. */
const shownPath = (name: string, path: string): string =>
  SECRET.test(name) && !/^\.{0,2}\//u.test(path) ? "the file it names" : path;

/**
 * An address may hold a password too: `wss://user:password@node`. Whatever stands before an @ is hidden, because one that
 * is mistyped (`ws:/user:password@node`, a password with a slash) is what gets printed.
 */
const withoutCredentials = (text: string): string =>
  text.replace(/(^|[\s,"])([a-z]{1,10}:\/\/)?[^\s,"]*@/giu, "$1$2(hidden)@");

/** The settings as they are printed at start: secrets hidden, lists and numbers as they were understood. */
export function shown(config: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name,
        SECRET.test(name) ? "(hidden)" : withoutCredentials(JSON.stringify(value, digits)),
      ]),
  );
}

const digits = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}` : value);

const list = (text: string): string[] =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

/** The maximum keeps a slip of the finger out; for intervals it is an hour, far below where timers overflow to 1 ms. */
const whole = ({ minimum, maximum, example }: { minimum: number; maximum: number; example: string }) =>
  z
    .string()
    .regex(/^[0-9]{1,12}$/u, `expected a whole number, for example ${example}`)
    .transform(Number)
    .refine((value) => value >= minimum, `expected at least ${minimum}`)
    .refine((value) => value <= maximum, `expected at most ${maximum}`);

function isPrivateKey(wif: string): boolean {
  try {
    privateKeyFromWif(wif);
    return true;
  } catch (error) {
    if (error instanceof KeyFormatError) return false;
    throw error;
  }
}

/** The settings there are, by name. Each process picks what it needs. */
export const settings = {
  DATABASE_URL: z
    .string({ error: "expected postgresql://user:password@host:port/database" })
    .regex(/^postgres(?:ql)?:\/\//u, "expected postgresql://user:password@host:port/database"),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//u, "expected redis://host:port, or nothing for queues in PostgreSQL")
    .optional(),
  STAKEBTS_NODES: z
    .string({ error: "expected one or more node addresses, for example wss://node.example.org/ws" })
    .transform(list)
    .refine((nodes) => nodes.length > 0 && nodes.every((node) => /^wss?:\/\/\S+$/u.test(node)), {
      error: "expected addresses that begin with ws:// or wss://, with commas between them",
    }),
  STAKEBTS_NODE_QUORUM: whole({ minimum: 1, maximum: 100, example: "2" }).default(1),
  STAKEBTS_CHAIN_ID: z
    .string()
    .regex(/^[0-9a-f]{64}$/u, "expected the id of a chain: 64 hexadecimal digits, lower case")
    .optional(),
  STAKEBTS_CUSTODIAN: accountName.default("bitsharesmanagement.group"),
  STAKEBTS_ACTIVE_KEY: z
    .string({ error: "expected the active private key of the custodian (WIF, begins with 5)" })
    .refine(isPrivateKey, "this is not a private key in wallet import format (51 characters, begins with 5)"),
  STAKEBTS_MEMO_KEY: z
    .string({
      error: "expected the memo private key of the custodian (WIF); older ones may follow after commas",
    })
    .transform(list)
    .refine(
      (keys) => keys.length > 0 && keys.every(isPrivateKey),
      "expected private keys in wallet import format (51 characters, begin with 5) with commas between them",
    ),
  STAKEBTS_POLICY: policySetting,
  STAKEBTS_PAYMENTS: z.enum(["on", "off"], { error: 'expected "on" or "off"; there is no default' }),
  STAKEBTS_FREEZE_LEVEL: z
    .enum(FREEZE_LEVELS, { error: `expected nothing, or one of ${FREEZE_LEVELS.join(", ")}` })
    .optional(),
  STAKEBTS_FREEZE_FILE: z
    .string()
    .refine(
      isAbsolute,
      "expected the whole path of a file, such as /run/stakebts/freeze, that need not be there",
    )
    // Somebody in a hurry will make it, and has to find the folder.
    .refine((path) => existsSync(dirname(path)), "the folder that it would be in does not exist")
    .optional(),
  STAKEBTS_REPLAY: z
    .string()
    .regex(/^(?:last|current|[0-9]{1,9})$/u, 'expected "last", "current" or a block number')
    .transform((value) => (value === "last" || value === "current" ? value : Number(value)))
    .default("last"),
  STAKEBTS_SKIP_BLOCKS: z
    .string()
    .transform(list)
    .refine(
      (blocks) => blocks.every((block) => /^[0-9]{1,9}$/u.test(block)),
      "expected block numbers with commas",
    )
    .transform((blocks) => blocks.map(Number))
    .default([]),
  STAKEBTS_EXCHANGE_ACCOUNTS: z
    .string()
    .transform(list)
    .refine(
      (names) => names.every((name) => accountName.safeParse(name).success),
      "expected account names with commas",
    )
    .default(["bittrex-deposit"]),
  STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT: accountName.default("bittrex-deposit"),
  STAKEBTS_EXCHANGE: z
    .enum(EXCHANGE_VENUES, { error: `expected one of ${EXCHANGE_VENUES.join(", ")}` })
    .default("bittrex"),
  STAKEBTS_EXCHANGE_CHAIN: z.string().max(40, "expected the venue's name of the BitShares chain").optional(),
  STAKEBTS_EXCHANGE_URL: z
    .string()
    .regex(/^https?:\/\/[^?#\s]*[^/?#\s]$/u, "expected https://host/path, without a slash at its end")
    .optional(),
  STAKEBTS_RESERVE_ACCOUNT: accountName.optional(),
  STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT: accountName.optional(),
  STAKEBTS_RESERVE_KEY: z
    .string()
    .refine(isPrivateKey, "this is not a private key in wallet import format (51 characters, begins with 5)")
    .optional(),
  STAKEBTS_RESERVE_PERMISSION: z
    .string()
    .regex(/^1\.12\.(?:0|[1-9][0-9]{0,14})$/u, "expected the id of a withdraw permission, for example 1.12.7")
    .transform((id) => id as PermissionId)
    .optional(),
  STAKEBTS_ADMIN_REPLAY: z.enum(["on", "off"], { error: 'expected "on" or "off"' }).default("off"),
  STAKEBTS_TREASURY_MS: whole({ minimum: 50, maximum: 3_600_000, example: "5000" }).default(5_000),
  STAKEBTS_CLOCK_RATE: z
    .string()
    .regex(
      /^[0-9]{1,9}(?:\.[0-9]{1,3})?$/u,
      "expected how many seconds of the chain pass in one: 1 on a real network",
    )
    .transform(Number)
    .refine((rate) => rate > 0, "expected more than 0")
    .default(1),
  STAKEBTS_POLL_MS: whole({ minimum: 10, maximum: 3_600_000, example: "1000" }).default(1_000),
  STAKEBTS_RECONCILE_MS: whole({ minimum: 50, maximum: 3_600_000, example: "5000" }).default(5_000),
  STAKEBTS_REENQUEUE_MS: whole({ minimum: 500, maximum: 3_600_000, example: "10000" }).default(10_000),
  STAKEBTS_CONSOLE_HOST: z
    .string()
    .regex(/^[0-9A-Za-z.:_-]{1,255}$/u, "expected an address of this machine, such as 127.0.0.1")
    .default("127.0.0.1"),
  STAKEBTS_CONSOLE_PORT: whole({ minimum: 0, maximum: 65_535, example: "8400" }).default(8_400),
  STAKEBTS_CONSOLE_ORIGIN: z
    .string()
    .refine(
      (text) => /^https?:/u.test(text) && URL.canParse(text) && new URL(text).origin === text,
      "expected how browsers see the console, such as https://console.example.org, with nothing behind the host",
    )
    .optional(),
  STAKEBTS_LIVENESS_URL: z
    .string()
    .regex(/^https?:\/\/\S+$/u, "expected an address that is asked every minute while payments get on")
    .optional(),
  STAKEBTS_LIVENESS_OVERDUE_MS: whole({ minimum: 60_000, maximum: 86_400_000, example: "1800000" }).default(
    1_800_000,
  ),
  STAKEBTS_HTTP_HOST: z
    .string()
    .regex(/^[\w.:-]{1,255}$/u, "expected an address of this host, for example 127.0.0.1 or 0.0.0.0")
    .default("127.0.0.1"),
  STAKEBTS_HTTP_PORT: whole({ minimum: 1, maximum: 65_535, example: "9101" }).optional(),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
} as const;

/**
 * Quorum against the number of nodes: a relation that no single setting can check. For `.check()` of a schema with both.
 * It runs whatever else is wrong, so that it is named together with the rest.
 */
export const checkQuorum = z.refine<{ STAKEBTS_NODES: string[]; STAKEBTS_NODE_QUORUM: number }>(
  (config) => config.STAKEBTS_NODE_QUORUM <= config.STAKEBTS_NODES.length,
  {
    path: ["STAKEBTS_NODE_QUORUM"],
    error: "expected at most the number of addresses in STAKEBTS_NODES",
    when: ({ issues }) =>
      !issues.some(({ path }) => path?.[0] === "STAKEBTS_NODES" || path?.[0] === "STAKEBTS_NODE_QUORUM"),
  },
);

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/u;

/** Beyond this machine a console has to know its own name, or it could not tell its pages from those of others. */
export const checkConsoleOrigin = z.refine<{
  STAKEBTS_CONSOLE_HOST: string;
  STAKEBTS_CONSOLE_ORIGIN?: string | undefined;
}>((config) => LOOPBACK.test(config.STAKEBTS_CONSOLE_HOST) || config.STAKEBTS_CONSOLE_ORIGIN !== undefined, {
  path: ["STAKEBTS_CONSOLE_ORIGIN"],
  error:
    "STAKEBTS_CONSOLE_HOST is not this machine alone: expected how browsers see the console, such as https://console.example.org",
  when: ({ issues }) => !issues.some(({ path }) => String(path?.[0] ?? "").startsWith("STAKEBTS_CONSOLE_")),
});
