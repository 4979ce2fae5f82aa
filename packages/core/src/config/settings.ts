import { existsSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";
import * as z from "zod";
import type { PermissionId } from "@stakebts/bitshares/chain";
import { CHANNEL_SETTINGS, type ChannelSettingName } from "../alerts/channels.ts";
import { isNodeAddress } from "@stakebts/bitshares/node-address";
import { FREEZE_LEVELS } from "../rules/freeze.ts";
import { MAINNET_CHAIN_ID } from "../rules/policy.ts";
import { EXCHANGE_ACCOUNTS, type ExchangeAccountNumber } from "../rules/request.ts";
import { CCXT_VENUES, type CcxtVenueName } from "../treasury/exchange/ccxt-venues.ts";
import { accountName } from "./account-name.ts";
import { policySetting } from "./policy-file.ts";
import { databaseAddress, isPrivateKey, list, privateKey, whole } from "./setting-schemas.ts";

// Every setting there is, once. From this table come the schema of each process, what logs hide, `stakebts config`,
// `.env.example`, the tables of docs/configuration.md (`npm run settings:write`) and the tests of what is deployed.
// Settings that stand for something together only: setting-relations.ts.

/** Who reads settings. `stakebts` is the command line; `compose` is docker-compose.yml with its scripts. */
export const READERS = [
  "ingester",
  "scheduler",
  "payer",
  "watcher",
  "console",
  "stakebts",
  "compose",
] as const;
export type Reader = (typeof READERS)[number];
const PROCESSES = ["ingester", "scheduler", "payer", "watcher", "console"] as const;
const CHAIN = ["ingester", "payer", "watcher", "console", "stakebts"] as const;
/** The watcher has nothing to stop, and looks on while all else is frozen. */
const FREEZES = ["ingester", "scheduler", "payer", "console"] as const;
const TELLS_PEOPLE = ["scheduler", "watcher", "stakebts"] as const;

/** Under these the documents list settings, in this order. */
export const GROUPS = [
  "Database and queue",
  "Chain",
  "Keys",
  "Payments and freezes",
  "Rules and blocks",
  "Exchange accounts",
  "Reserve account",
  "Pace",
  "Console",
  "Health, logs and audit",
  "Notifications",
  "Command line",
  "Compose file",
] as const;

export interface Setting {
  /** From the text of the setting, or from `undefined`, to what the readers take. */
  readonly schema: z.ZodType;
  readonly readers: readonly Reader[];
  /** Those of the readers that do without, though the schema does not. */
  readonly optionalFor?: readonly Reader[];
  /** Never shown, taken out of the environment after it was read, warned of where it is not needed. */
  readonly secret: boolean;
  /** Node addresses: a user, a password, a path or a query may be a secret, so protocol, host and port alone are shown. */
  readonly addresses?: true;
  /** What holds without it, in words. Left out where the schema says it: its default, required, or none. */
  readonly otherwise?: string;
  /** What it is, in a sentence or two of Markdown, links as from docs/configuration.md. */
  readonly sentence: string;
  /** A value that is right. With `…` in it: the form of one. */
  readonly example: string;
  readonly group: (typeof GROUPS)[number];
}

/** Venues that can be asked for funds. */
export const EXCHANGE_VENUES = ["bittrex", ...(Object.keys(CCXT_VENUES) as CcxtVenueName[])] as const;

type Numbered<S extends string> = `STAKEBTS_EXCHANGE_${ExchangeAccountNumber}_${S}`;

/** The same setting for each exchange account: `STAKEBTS_EXCHANGE_1_KEY` and so on. */
const forEachExchangeAccount = <const S extends string, const V extends Setting>(suffix: S, setting: V) =>
  Object.fromEntries(
    EXCHANGE_ACCOUNTS.map((number) => [`STAKEBTS_EXCHANGE_${number}_${suffix}`, setting]),
  ) as Readonly<Record<Numbered<S>, V>>;

/** What the channels declare, as settings: each channel is as a whole there or not. */
const channelSettings = Object.fromEntries(
  Object.entries(CHANNEL_SETTINGS).map(([name, { schema, ...rest }]) => [
    name,
    { ...rest, schema: schema.optional(), readers: TELLS_PEOPLE, group: "Notifications" },
  ]),
) as Readonly<
  Record<
    ChannelSettingName,
    Setting & {
      readonly schema: z.ZodOptional<z.ZodType<string>>;
      readonly readers: typeof TELLS_PEOPLE;
      readonly optionalFor?: never;
    }
  >
>;

export const SETTINGS = {
  DATABASE_URL: {
    schema: databaseAddress,
    readers: [...PROCESSES, "stakebts"],
    secret: true,
    sentence:
      "The ledger's PostgreSQL, with a login for each process ([deploy.md](deploy.md#database-roles)). Not through a pooler that shares sessions: the payer's lock belongs to one",
    example: "postgresql://stakebts:change-me@127.0.0.1:5432/stakebts",
    group: "Database and queue",
  },
  STAKEBTS_DATABASE_CONNECTIONS: {
    schema: whole({ minimum: 2, maximum: 100, example: "2" }).default(2),
    readers: PROCESSES,
    secret: false,
    sentence:
      "Most connections of one process to its ledger; beside them are those that [deploy.md](deploy.md#connections) counts",
    example: "2",
    group: "Database and queue",
  },
  REDIS_URL: {
    schema: z
      .string()
      .regex(/^rediss?:\/\//u, "expected redis://host:port, or nothing for queues in PostgreSQL")
      .optional(),
    readers: ["ingester", "scheduler", "payer", "console", "stakebts"],
    secret: true,
    sentence: "Queues in Redis, the same for all. Without it they are in the ledger's own database",
    example: "redis://127.0.0.1:6379",
    group: "Database and queue",
  },

  STAKEBTS_NODES: {
    schema: z
      .string({ error: "expected one or more node addresses, for example wss://node.example.org/ws" })
      .transform(list)
      .refine((nodes) => nodes.length > 0 && nodes.every(isNodeAddress), {
        error: "expected addresses that begin with ws:// or wss://, with commas between them",
      }),
    readers: CHAIN,
    secret: false,
    addresses: true,
    sentence:
      "WebSocket addresses of BitShares nodes, commas between them, best first: three of different owners. More than half of them have to answer and to agree ([ADR 0015](adr/0015-nodes-that-lie.md)). One host and port counts once",
    example: "wss://node-one.example/ws,wss://node-two.example/ws,wss://node-three.example/ws",
    group: "Chain",
  },
  STAKEBTS_NODE_QUORUM: {
    schema: whole({ minimum: 1, maximum: 100, example: "2" }).optional(),
    readers: CHAIN,
    secret: false,
    otherwise: "more than half of the nodes",
    sentence:
      "How many nodes must agree on what they say: more than half of those configured, whether they answer or not; at most all",
    example: "2",
    group: "Chain",
  },
  STAKEBTS_NODE_REQUESTS_PER_SECOND: {
    schema: whole({ minimum: 1, maximum: 5_000, example: "40" }).optional(),
    readers: CHAIN,
    secret: false,
    otherwise: "found out",
    sentence:
      "How many requests each process sends to each node in a second, at most. Without it as many as the node bears: one that closes or refuses is asked less from then on (`node.limits_requests`)",
    example: "40",
    group: "Chain",
  },
  STAKEBTS_NODE_REQUESTS_AT_ONCE: {
    schema: whole({ minimum: 1, maximum: 1_000, example: "16" }).default(128),
    readers: CHAIN,
    secret: false,
    sentence: "How many requests for blocks wait for the answer of one node at once, at most",
    example: "16",
    group: "Chain",
  },
  STAKEBTS_BLOCKS_AT_ONCE: {
    schema: whole({ minimum: 1, maximum: 4_000, example: "500" }).default(4_000),
    readers: CHAIN,
    secret: false,
    sentence: "How many blocks are read and written in one step, at most. Fewer, when nodes limit requests",
    example: "500",
    group: "Chain",
  },
  STAKEBTS_TRUST_ONE_NODE: {
    schema: z.enum(["on", "off"], { error: 'expected "on" or "off"' }).default("off"),
    readers: CHAIN,
    secret: false,
    sentence:
      "`on`: a single node in `STAKEBTS_NODES` is enough. **The owner of that node, or an attacker who breaks into it, can invent deposits and take all that the custodian holds.** For test networks, and for a node of your own that only you can reach",
    example: "off",
    group: "Chain",
  },
  STAKEBTS_CHAIN_ID: {
    schema: z
      .string()
      .regex(/^[0-9a-f]{64}$/u, "expected the id of a chain: 64 hexadecimal digits, lower case")
      .optional(),
    readers: CHAIN,
    secret: false,
    otherwise: "what the nodes say",
    sentence: "Nodes of another chain are not used. Set it in production; the example is the main network",
    example: MAINNET_CHAIN_ID,
    group: "Chain",
  },
  STAKEBTS_CUSTODIAN: {
    schema: accountName.default("bitsharesmanagement.group"),
    readers: [...CHAIN, "scheduler"],
    secret: false,
    sentence: "Name of the account that receives and pays",
    example: "my-custodian",
    group: "Chain",
  },

  STAKEBTS_MEMO_KEY: {
    schema: z
      .string({
        error: "expected the memo private key of the custodian (WIF); older ones may follow after commas",
      })
      .transform(list)
      .refine(
        (keys) => keys.length > 0 && keys.every(isPrivateKey),
        "expected private keys in wallet import format (51 characters, begin with 5) with commas between them",
      ),
    readers: ["ingester", "payer", "stakebts"],
    optionalFor: ["payer"],
    secret: true,
    sentence: "Memo private key in WIF, the present one first; older ones may follow after commas",
    example: "5…",
    group: "Keys",
  },
  STAKEBTS_ACTIVE_KEY: {
    schema: privateKey("expected the active private key of the custodian (WIF, begins with 5)"),
    readers: ["payer", "stakebts"],
    secret: true,
    sentence:
      "Active private key in WIF; must be able to sign alone. Of the processes, the payer alone gets it",
    example: "5…",
    group: "Keys",
  },
  STAKEBTS_KEYSTORE: {
    schema: z.string().optional(),
    readers: ["ingester", "payer", "stakebts"],
    secret: true,
    sentence:
      "In the place of both keys: the path of a file made by `stakebts keys create` ([below](#keys-in-a-keystore))",
    example: "/var/lib/stakebts/keystore.json",
    group: "Keys",
  },
  STAKEBTS_KEYSTORE_PASSWORD: {
    schema: z.string().optional(),
    readers: ["ingester", "payer", "stakebts"],
    secret: true,
    sentence: "What opens the keystore",
    example: "…",
    group: "Keys",
  },

  STAKEBTS_PAYMENTS: {
    schema: z.enum(["on", "off"], { error: 'expected "on" or "off"; there is no default' }),
    readers: ["payer"],
    secret: false,
    sentence: "`on` or `off`. `off`: signs nothing new; what is signed already is still sent",
    example: "off",
    group: "Payments and freezes",
  },
  STAKEBTS_FREEZE_LEVEL: {
    schema: z
      .enum(FREEZE_LEVELS, { error: `expected nothing, or one of ${FREEZE_LEVELS.join(", ")}` })
      .optional(),
    readers: FREEZES,
    secret: false,
    sentence: `Frozen from the start: ${FREEZE_LEVELS.map((level) => `\`${level}\``).join(", ")} ([runbook](runbook.md))`,
    example: "all",
    group: "Payments and freezes",
  },
  STAKEBTS_FREEZE_FILE: {
    schema: z
      .string()
      .refine(
        isAbsolute,
        "expected the whole path of a file, such as /run/stakebts/freeze, that need not be there",
      )
      // The person who makes the file is in a hurry, and has to find the folder.
      .refine((path) => existsSync(dirname(path)), "the folder that it would be in does not exist")
      .optional(),
    readers: FREEZES,
    secret: false,
    sentence:
      "Whole path of a file that freezes while it is there; its first word is the level, empty is `all`. The folder has to be there",
    example: "/run/stakebts/freeze",
    group: "Payments and freezes",
  },

  STAKEBTS_POLICY: {
    schema: policySetting,
    readers: [...PROCESSES, "stakebts"],
    secret: false,
    sentence: "Path of the [policy file](#policy), the same file for all",
    example: "/etc/stakebts/policy.yaml",
    group: "Rules and blocks",
  },
  STAKEBTS_REPLAY: {
    schema: z
      .string()
      .regex(/^(?:last|current|[0-9]{1,9})$/u, 'expected "last", "current" or a block number')
      .transform((value) => (value === "last" || value === "current" ? value : Number(value)))
      .default("last"),
    readers: ["ingester"],
    secret: false,
    sentence:
      "Where to begin: `last`, `current` or a block number, which is obeyed at every start ([below](#where-the-ingester-begins))",
    example: "61000000",
    group: "Rules and blocks",
  },
  STAKEBTS_SKIP_BLOCKS: {
    schema: z
      .string()
      .transform(list)
      .refine(
        (blocks) => blocks.every((block) => /^[0-9]{1,9}$/u.test(block)),
        "expected block numbers with commas",
      )
      .transform((blocks) => blocks.map(Number))
      .default([]),
    readers: ["ingester", "stakebts"],
    secret: false,
    sentence: "Block numbers whose incoming transfers are passed over, each with a receipt",
    example: "61200000,61200004",
    group: "Rules and blocks",
  },
  STAKEBTS_ADMIN_REPLAY: {
    schema: z.enum(["on", "off"], { error: 'expected "on" or "off"' }).default("off"),
    readers: ["ingester", "stakebts"],
    secret: false,
    sentence:
      "`on`: orders of managers are carried out however late their block is read. `off`: one that is more than 100 blocks old is only recorded",
    example: "off",
    group: "Rules and blocks",
  },

  STAKEBTS_EXCHANGE: {
    schema: z
      .enum(EXCHANGE_VENUES, { error: `expected one of ${EXCHANGE_VENUES.join(", ")}` })
      .default("bittrex"),
    readers: ["payer", "stakebts"],
    secret: false,
    sentence: `The exchange of all accounts: ${EXCHANGE_VENUES.map((venue) => `\`${venue}\``).join(", ")} ([exchanges.md](exchanges.md))`,
    example: "htx",
    group: "Exchange accounts",
  },
  ...forEachExchangeAccount("KEY", {
    schema: z.string().optional(),
    readers: ["payer", "stakebts"],
    secret: true,
    sentence: "Key of exchange account n: 1, 2 or 3. Key and secret, or neither",
    example: "…",
    group: "Exchange accounts",
  }),
  ...forEachExchangeAccount("SECRET", {
    schema: z.string().optional(),
    readers: ["payer", "stakebts"],
    secret: true,
    sentence: "Secret of exchange account n",
    example: "…",
    group: "Exchange accounts",
  }),
  ...forEachExchangeAccount("PASSWORD", {
    schema: z.string().optional(),
    readers: ["payer", "stakebts"],
    secret: true,
    sentence: "Password of exchange account n, where a venue has a third secret",
    example: "…",
    group: "Exchange accounts",
  }),
  STAKEBTS_EXCHANGE_URL: {
    schema: z
      .string()
      .regex(/^https?:\/\/[^?#\s]*[^/?#\s]$/u, "expected https://host/path, without a slash at its end")
      .optional(),
    readers: ["payer", "stakebts"],
    secret: true,
    otherwise: "the venue's",
    sentence: "Address of the exchange's interface, for a gateway of your own",
    example: "https://gateway.example/v3",
    group: "Exchange accounts",
  },
  STAKEBTS_EXCHANGE_CHAIN: {
    schema: z.string().max(40, "expected the venue's name of the BitShares chain").optional(),
    readers: ["payer", "stakebts"],
    secret: false,
    otherwise: "found by name",
    sentence: "The venue's name of the BitShares chain",
    example: "BTS",
    group: "Exchange accounts",
  },
  STAKEBTS_EXCHANGE_ACCOUNTS: {
    schema: z
      .string()
      .transform(list)
      .refine(
        (names) => names.every((name) => accountName.safeParse(name).success),
        "expected account names with commas",
      )
      .default(["bittrex-deposit"]),
    readers: ["scheduler", "stakebts"],
    secret: false,
    sentence:
      "Accounts that an exchange pays from, commas between them. What they send is recorded, never refunded",
    example: "bittrex-deposit",
    group: "Exchange accounts",
  },
  STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT: {
    schema: accountName.default("bittrex-deposit"),
    readers: ["scheduler", "payer", "watcher", "stakebts"],
    secret: false,
    sentence: "Account on the chain that deposits at the exchange go to",
    example: "bittrex-deposit",
    group: "Exchange accounts",
  },
  ...forEachExchangeAccount("DEPOSIT_MEMO", {
    schema: z.string().optional(),
    readers: ["scheduler", "payer", "stakebts"],
    secret: true,
    sentence:
      "Memo by which the exchange credits account n. Without it the scheduler refuses `bmg_to_bittrex` to that account; the payer signs no deposit with another one",
    example: "…",
    group: "Exchange accounts",
  }),

  STAKEBTS_RESERVE_ACCOUNT: {
    schema: accountName.optional(),
    readers: ["scheduler", "payer", "stakebts"],
    secret: false,
    sentence:
      "An account of yours that top-ups are taken from first. The payer needs its key or its permission with it, and not both",
    example: "my-reserve",
    group: "Reserve account",
  },
  STAKEBTS_RESERVE_KEY: {
    schema: privateKey("expected a private key").optional(),
    readers: ["payer"],
    secret: true,
    sentence: "Its active key in WIF",
    example: "5…",
    group: "Reserve account",
  },
  STAKEBTS_RESERVE_PERMISSION: {
    schema: z
      .string()
      .regex(
        /^1\.12\.(?:0|[1-9][0-9]{0,14})$/u,
        "expected the id of a withdraw permission, for example 1.12.7",
      )
      .transform((id) => id as PermissionId)
      .optional(),
    readers: ["payer", "stakebts"],
    secret: false,
    sentence: "Id of the withdraw permission by which it lets the custodian draw",
    example: "1.12.7",
    group: "Reserve account",
  },

  STAKEBTS_POLL_MS: {
    schema: whole({ minimum: 10, maximum: 3_600_000, example: "1000" }).default(1_000),
    readers: ["ingester", "watcher"],
    secret: false,
    sentence: "Pause between two looks for blocks once all are read; 10 to 3600000 ms",
    example: "1000",
    group: "Pace",
  },
  STAKEBTS_HEAD_POLL_MS: {
    schema: whole({ minimum: 10, maximum: 3_600_000, example: "200" }).default(200),
    readers: ["ingester"],
    secret: false,
    sentence:
      "Pause between two looks at the nodes' head alone, so that a final block is read at once; 10 to 3600000 ms",
    example: "200",
    group: "Pace",
  },
  STAKEBTS_RECONCILE_MS: {
    schema: whole({ minimum: 50, maximum: 3_600_000, example: "5000" }).default(5_000),
    readers: ["scheduler"],
    secret: false,
    sentence: "Pause between two runs of the reconciler; 50 to 3600000 ms",
    example: "5000",
    group: "Pace",
  },
  STAKEBTS_REENQUEUE_MS: {
    schema: whole({ minimum: 500, maximum: 3_600_000, example: "10000" }).default(10_000),
    readers: ["scheduler"],
    secret: false,
    sentence:
      "An open payout for which no job was enqueued for this long is enqueued again; 500 to 3600000 ms",
    example: "10000",
    group: "Pace",
  },
  STAKEBTS_TREASURY_MS: {
    schema: whole({ minimum: 50, maximum: 3_600_000, example: "5000" }).default(5_000),
    readers: ["payer"],
    secret: false,
    sentence: "Pause between two turns of the treasury; 50 to 3600000 ms",
    example: "5000",
    group: "Pace",
  },
  STAKEBTS_CLOCK_RATE: {
    schema: z
      .string()
      .regex(
        /^[0-9]{1,9}(?:\.[0-9]{1,3})?$/u,
        "expected how many seconds of the chain pass in one: 1 on a real network",
      )
      .transform(Number)
      .refine((rate) => rate > 0, "expected more than 0")
      .default(1),
    readers: ["scheduler"],
    secret: false,
    sentence: "Seconds of the chain that pass in a second of the host: 1 on a real network",
    example: "1",
    group: "Pace",
  },

  STAKEBTS_CONSOLE_HOST: {
    schema: z
      .string()
      .regex(/^[0-9A-Za-z.:_-]{1,255}$/u, "expected an address of this machine, such as 127.0.0.1")
      .default("127.0.0.1"),
    readers: ["console"],
    secret: false,
    sentence: "Address to listen on. Another than this machine's own needs `STAKEBTS_CONSOLE_ORIGIN`",
    example: "0.0.0.0",
    group: "Console",
  },
  STAKEBTS_CONSOLE_PORT: {
    schema: whole({ minimum: 0, maximum: 65_535, example: "8400" }).default(8_400),
    readers: ["console"],
    secret: false,
    sentence: "Port to listen on; 0: any that is free, see `console.listening` in the log",
    example: "8400",
    group: "Console",
  },
  STAKEBTS_CONSOLE_ORIGIN: {
    schema: z
      .string()
      .refine(
        (text) => /^https?:/u.test(text) && URL.canParse(text) && new URL(text).origin === text,
        "expected how browsers see the console, such as https://console.example.org, with nothing behind the host",
      )
      .optional(),
    readers: ["console", "stakebts"],
    secret: false,
    otherwise: "as it is reached",
    sentence:
      "How browsers see the console behind a proxy. With `https` its cookies are for https only ([console.md](console.md)). `stakebts` prints links to it",
    example: "https://console.example.org",
    group: "Console",
  },

  STAKEBTS_HTTP_PORT: {
    schema: whole({ minimum: 1, maximum: 65_535, example: "9101" }).optional(),
    readers: PROCESSES,
    secret: false,
    sentence:
      "Port for `/healthz`, `/readyz` and `/metrics`, each process its own ([monitoring.md](monitoring.md))",
    example: "9101",
    group: "Health, logs and audit",
  },
  STAKEBTS_HTTP_HOST: {
    schema: z
      .string()
      .regex(/^[\w.:-]{1,255}$/u, "expected an address of this host, for example 127.0.0.1 or 0.0.0.0")
      .default("127.0.0.1"),
    readers: PROCESSES,
    secret: false,
    sentence: "Address to listen on. There is no password: only the monitoring should reach it",
    example: "0.0.0.0",
    group: "Health, logs and audit",
  },
  LOG_LEVEL: {
    schema: z.enum(["debug", "info", "warn", "error"]).default("info"),
    readers: PROCESSES,
    secret: false,
    sentence: "`debug`, `info`, `warn` or `error`. One JSON object per line on standard output",
    example: "info",
    group: "Health, logs and audit",
  },
  STAKEBTS_LIVENESS_URL: {
    schema: z
      .string()
      .regex(/^https?:\/\/\S+$/u, "expected an address that is asked every minute while payments get on")
      .optional(),
    readers: ["scheduler"],
    secret: true,
    sentence:
      "An address that is asked every minute while payments get on, and raises an alert when it is not ([monitoring.md](monitoring.md))",
    example: "https://hc.example.org/ping/…",
    group: "Health, logs and audit",
  },
  STAKEBTS_LIVENESS_OVERDUE_MS: {
    schema: whole({ minimum: 60_000, maximum: 86_400_000, example: "1800000" }).default(1_800_000),
    readers: ["scheduler"],
    secret: false,
    sentence:
      "The address is not asked while a payout is overdue for longer than this; 60000 to 86400000 ms, chain time",
    example: "1800000",
    group: "Health, logs and audit",
  },
  STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT: {
    schema: accountName.optional(),
    readers: ["scheduler", "payer", "watcher"],
    secret: false,
    sentence:
      "An account of yours, not the custodian, that gets 1 BTS a day with the head of the audit log in the memo ([audit-log.md](audit-log.md))",
    example: "my-archive",
    group: "Health, logs and audit",
  },

  STAKEBTS_NOTIFY_NAME: {
    schema: z
      .string()
      .regex(/^[\w .@-]{1,60}$/u, "expected a short name for this installation")
      .default("stakebts"),
    readers: TELLS_PEOPLE,
    secret: false,
    sentence: "What this installation is called in messages",
    example: "my-custodian",
    group: "Notifications",
  },
  ...channelSettings,

  STAKEBTS_ACTOR: {
    schema: z.string().optional(),
    readers: ["stakebts"],
    secret: false,
    otherwise: "the system's user",
    sentence: "Who gives the command; stands in the receipts of what it changes",
    example: "anna",
    group: "Command line",
  },
  STAKEBTS_BACKUP_DIR: {
    schema: z.string().optional(),
    readers: ["stakebts"],
    secret: false,
    otherwise: "`backups`",
    sentence: "The folder of `stakebts backup`, as `--dir` ([backups.md](backups.md))",
    example: "/var/backups/stakebts",
    group: "Command line",
  },
  STAKEBTS_PG_DUMP: {
    schema: z.string().optional(),
    readers: ["stakebts"],
    secret: false,
    otherwise: "the path is searched",
    sentence: "The `pg_dump` to use; `pg_restore` has to lie beside it",
    example: "/usr/lib/postgresql/18/bin/pg_dump",
    group: "Command line",
  },

  STAKEBTS_VERSION: {
    schema: z.string().optional(),
    readers: ["compose"],
    secret: false,
    otherwise: "nothing starts",
    sentence:
      "Tag of the images that are built and run: another for each version, so that there is one to go back to",
    example: "2026-11-29",
    group: "Compose file",
  },
  STAKEBTS_SECRETS_DIR: {
    schema: z.string().optional(),
    readers: ["compose"],
    secret: false,
    otherwise: "`./secrets`",
    sentence: "Folder of the files that secrets are mounted from",
    example: "./secrets",
    group: "Compose file",
  },
  STAKEBTS_SETTINGS_DIR: {
    schema: z.string().optional(),
    readers: ["compose"],
    secret: false,
    otherwise: "`./settings`",
    sentence: "Folder of `<service>.env`: settings of one process, which win over `.env`",
    example: "./settings",
    group: "Compose file",
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

export const isSettingName = (name: string): name is SettingName => Object.hasOwn(SETTINGS, name);

/** The setting of this name; `undefined` where there is none. */
export const settingOf = (name: string): Setting | undefined =>
  isSettingName(name) ? SETTINGS[name] : undefined;

/** A name that is not in the table may be one with a typing mistake, of a secret. */
export const isSecret = (name: string): boolean => settingOf(name)?.secret ?? true;
