import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createMemoReader } from "@stakebts/bitshares/memo-cipher";
import { deployMigrations } from "@stakebts/core/database/migrations";
import { migrateQueueStore } from "@stakebts/core/queue/migrate";
import { prepareDatabase } from "@stakebts/core/database/prepare-database";
import type { ProcessRole } from "@stakebts/core/database/rights";
import { processLogins } from "./process-logins.ts";
import { payoutKeyInMemo } from "@stakebts/core/rules/payout";
import type { ChainHead } from "@stakebts/bitshares/chain";
import {
  accountFromSeeds,
  type Devnet,
  type DevnetExchange,
  DevnetWallet,
  startDevnet,
  startExchange,
  wifFromSeed,
} from "@stakebts/devnet";
import { LocalCluster, type LocalClusterOptions } from "./local-cluster.ts";
import { type Pg, startPostgres } from "./postgres.ts";
import pg from "pg";
import { expect } from "vitest";

// Everything for real: processes as they are shipped, PostgreSQL, queues, a chain with its own clock. One minute of the
// chain passes in two seconds, and a month of the programme is one minute.

export const CUSTODIAN = "custodian";
export const MANAGER = "dls.cipher";
export const EXCHANGE = "bittrex-deposit";
export const RESERVE_ACCOUNT = "custodian-reserve";
export const DEPOSIT_MEMO = "deposit-memo-1";
export const NOMINATORS = Array.from({ length: 8 }, (_, n) => `nominator-${n + 1}`);
const SECONDS_PER_BLOCK = 3;
const BLOCK_MS = 100;
const CLOCK_RATE = (SECONDS_PER_BLOCK * 1000) / BLOCK_MS;
const SHARES_PER_BTS = 100_000n;
/** Two months of the chain would be four seconds; whoever is slower than this is stuck. */
const SETTLE_MS_MAX = 60_000;

export interface TownOptions {
  /** Folder of another PostgreSQL than the embedded one, which has no `pg_dump`. */
  readonly installation?: string | undefined;
  readonly redisUrl?: string;
  /** Length of a month of the programme, default 60s of the chain. */
  readonly month?: string;
  /** In whole BTS, default 5 000 000. */
  readonly custodianBts?: bigint;
  /** A Bittrex v3 exchange with this much in its account 1, whole BTS. Default: none. */
  readonly exchangeBts?: bigint;
  /** In the reserve account, whole BTS. Default: no reserve account. */
  readonly reserveBts?: bigint;
  /** The payer has the key of the reserve account, or a permission to draw from it. Default: the key. */
  readonly reserveBy?: "key" | "permission";
  /** Folder of the version whose ledger and workers these are, built. Default: this one. */
  readonly repository?: string;
}

export const REPOSITORY = join(import.meta.dirname, "../../..");

export class Town {
  postgres: Pg;
  readonly devnet: Devnet;
  readonly exchange: DevnetExchange | undefined;
  readonly cluster: LocalCluster;
  /** The owner's. */
  readonly databaseUrl: string;
  /** With which each process signs in, once the ledger is of this version. */
  databaseUrls: Readonly<Record<ProcessRole, string>> | undefined;
  /** Everything that is on a disk: the data of PostgreSQL, the policy. */
  readonly folder: string;
  /** What a worker was refused by the database: each has the rights of its kind, and they have to do. */
  readonly #denied: string[] = [];
  readonly #installation: string | undefined;
  readonly #wallets = new Map<string, DevnetWallet>();
  readonly #dataDir: string;
  readonly #settings: LocalClusterOptions;
  readonly #cleanUps: (() => unknown)[];

  private constructor(parts: {
    postgres: Pg;
    dataDir: string;
    devnet: Devnet;
    exchange: DevnetExchange | undefined;
    settings: LocalClusterOptions;
    databaseUrl: string;
    databaseUrls: Readonly<Record<ProcessRole, string>> | undefined;
    folder: string;
    installation: string | undefined;
    cleanUps: (() => unknown)[];
  }) {
    this.postgres = parts.postgres;
    this.#dataDir = parts.dataDir;
    this.devnet = parts.devnet;
    this.exchange = parts.exchange;
    this.#settings = parts.settings;
    this.databaseUrl = parts.databaseUrl;
    this.databaseUrls = parts.databaseUrls;
    this.folder = parts.folder;
    this.#installation = parts.installation;
    this.#cleanUps = parts.cleanUps;
    this.cluster = this.clusterOf(parts.settings.repository);
  }

  static async start(options: TownOptions = {}): Promise<Town> {
    const cleanUps: (() => unknown)[] = [];
    const folder = mkdtempSync(join(tmpdir(), "stakebts-e2e-"));
    chmodSync(folder, 0o755); // PostgreSQL runs as another user when this is root, and has to get in.
    cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
    const dataDir = join(folder, "postgres");
    const postgres = await startPostgres({ dataDir, ...given(options.installation) });
    const databaseUrl = await postgres.createDatabase("stakebts");
    const repository = options.repository ?? REPOSITORY;
    const databaseUrls = await prepareLedger(databaseUrl, repository);
    const devnet = await startDevnet({
      accounts: [
        accountFromSeeds(CUSTODIAN, { balanceBts: options.custodianBts ?? 5_000_000n }),
        accountFromSeeds(MANAGER, { balanceBts: 10_000n, lifetimeMember: true }),
        accountFromSeeds(EXCHANGE, { balanceBts: options.exchangeBts ?? 0n }),
        accountFromSeeds(RESERVE_ACCOUNT, { balanceBts: options.reserveBts ?? 0n }),
        ...NOMINATORS.map((name) => accountFromSeeds(name, { balanceBts: 1_000_000n })),
      ],
      blockIntervalMs: BLOCK_MS,
      secondsPerBlock: SECONDS_PER_BLOCK,
      witnesses: 3,
      nodes: 2,
    });
    cleanUps.push(() => devnet.stop());
    const reserve = options.reserveBts === undefined ? undefined : await openReserve(devnet, options);
    const exchange =
      options.exchangeBts === undefined ? undefined : await openExchange(devnet, options.exchangeBts);
    if (exchange !== undefined) cleanUps.push(() => exchange.stop());
    const policy = join(folder, "policy.yaml");
    writeFileSync(policy, `month: ${options.month ?? "60s"}\nexpiration: 60s\n`);
    const settings: LocalClusterOptions = {
      repository,
      databaseUrl,
      redisUrl: options.redisUrl,
      nodes: devnet.urls,
      custodian: CUSTODIAN,
      activeKey: wifFromSeed(`${CUSTODIAN}-active`),
      memoKey: wifFromSeed(`${CUSTODIAN}-memo`),
      policy,
      clockRate: CLOCK_RATE,
      more: {
        scheduler: {
          STAKEBTS_EXCHANGE_1_DEPOSIT_MEMO: DEPOSIT_MEMO,
          ...(reserve === undefined ? {} : { STAKEBTS_RESERVE_ACCOUNT: RESERVE_ACCOUNT }),
        },
        payer: {
          STAKEBTS_TREASURY_MS: "200",
          ...(exchange === undefined ? {} : exchangeSettings(exchange.url)),
          ...reserve,
        },
      },
    };
    const { installation } = options;
    const places = { dataDir, folder, databaseUrl, databaseUrls, installation };
    return new Town({ ...places, postgres, devnet, exchange, settings, cleanUps });
  }

  /** Workers of another version on the same ledger, chain and account. */
  clusterOf(repository: string): LocalCluster {
    // A version from before there were roles has one login for everybody: the owner's.
    const urls = repository === REPOSITORY ? this.databaseUrls : undefined;
    const cluster = new LocalCluster({
      ...this.#settings,
      repository,
      ...(urls === undefined ? {} : { databaseUrls: urls }),
      onLine: (name, line) => {
        const text = JSON.stringify(line);
        if (text.includes("permission denied")) this.#denied.push(`${name}: ${text}`);
      },
    });
    this.#cleanUps.push(() => cluster.stop());
    return cluster;
  }

  /** For a command that reads the chain and applies events it, as ingester and scheduler do. */
  commandSettings(): Readonly<Record<string, string>> {
    const { databaseUrl, nodes, custodian, memoKey, policy } = this.#settings;
    return {
      DATABASE_URL: databaseUrl,
      STAKEBTS_NODES: nodes.join(","),
      STAKEBTS_CUSTODIAN: custodian,
      STAKEBTS_MEMO_KEY: memoKey,
      ...(policy === undefined ? {} : { STAKEBTS_POLICY: policy }),
    };
  }

  /** The ledger becomes that of this version, while whoever works on it goes on. */
  async upgradeLedger(): Promise<void> {
    const made = this.databaseUrls;
    if (made === undefined) this.databaseUrls = await prepareLedger(this.databaseUrl, REPOSITORY);
    else await prepareDatabase(this.databaseUrl, schemaOf(REPOSITORY));
  }

  async stop(): Promise<void> {
    for (const wallet of this.#wallets.values()) wallet.close();
    const [removeFolder, ...others] = this.#cleanUps;
    for (const undo of others.reverse()) await undo();
    await this.postgres.stop();
    await removeFolder?.();
    expect(this.#denied).toEqual([]);
  }

  /** The same data on the same port; every session is cut. */
  async restartPostgres(): Promise<void> {
    await this.postgres.stop();
    this.postgres = await startPostgres({
      dataDir: this.#dataDir,
      port: this.postgres.port,
      ...given(this.#installation),
    });
  }

  /** The database is gone, and an empty one has its name. */
  async loseDatabase(): Promise<void> {
    const client = new pg.Client({ connectionString: this.postgres.url("postgres") });
    await client.connect();
    try {
      await client.query("DROP DATABASE stakebts WITH (FORCE)");
    } finally {
      await client.end();
    }
    await this.postgres.createDatabase("stakebts");
    await this.upgradeLedger();
  }

  /** Of the first node. */
  async head(): Promise<ChainHead> {
    const chain = createChainClient({ nodes: this.devnet.urls.slice(0, 1) });
    try {
      return await chain.head();
    } finally {
      await chain.close();
    }
  }

  async send(from: string, amountBts: bigint, memo: string): Promise<void> {
    let wallet = this.#wallets.get(from);
    if (wallet === undefined) {
      const [activeKey, memoKey] = [wifFromSeed(`${from}-active`), wifFromSeed(`${from}-memo`)];
      wallet = new DevnetWallet({ url: this.devnet.urls[0] as string, name: from, activeKey, memoKey });
      this.#wallets.set(from, wallet);
    }
    await wallet.transfer({ to: CUSTODIAN, amountShares: amountBts * SHARES_PER_BTS, memo });
  }

  /** One agreement of three months for everybody: five payments each, forty in all. */
  async everybodyNominates(names: readonly string[] = NOMINATORS): Promise<void> {
    for (const name of names) await this.send(name, 25_000n, "three_months");
  }

  async query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Waits until every row and payout has its final word. */
  async settled(agreements = NOMINATORS.length): Promise<void> {
    await this.until(async () => {
      const [row] = await this.query<{ agreements: string; open: string }>(
        `SELECT (SELECT count(*) FROM agreement) AS agreements,
                (SELECT count(*) FROM stake_row WHERE status IN ('pending', 'processing', 'paid'))
              + (SELECT count(*) FROM payout WHERE status <> 'confirmed') AS open`,
      );
      return row?.agreements === String(agreements) && row.open === "0";
    }, "everything is settled");
  }

  /** Waits for something that another process brings about. Bounded; trouble with the database counts as "not yet". */
  async until(condition: () => Promise<boolean>, what: string): Promise<void> {
    const deadlineMs = Date.now() + SETTLE_MS_MAX;
    while (!(await condition().catch(() => false))) {
      if (Date.now() > deadlineMs)
        throw new Error(
          `waited ${SETTLE_MS_MAX} ms, and it is not true that ${what}:\n${await this.#report()}`,
        );
      await delay(50);
    }
  }

  /** What is open, and the last words of each worker: for a test that failed. */
  async #report(): Promise<string> {
    const open = await this.query(
      "SELECT key, status, reason, attempts FROM payout WHERE status <> 'confirmed' LIMIT 5",
    );
    const cursor = await this.query("SELECT block_num, updated_at FROM chain_cursor");
    const words = this.cluster.lastWords(6).map((line) => JSON.stringify(line));
    return [JSON.stringify({ open, cursor }), ...words].join("\n");
  }

  /** The promise, read from the chain alone: each nominator got 1 + 3 × 2000 + 25000 BTS, each payment with its own key. */
  async expectEverybodyPaidOnce(): Promise<void> {
    const chain = createChainClient({ nodes: this.devnet.urls });
    try {
      const [custodian] = await chain.accounts([CUSTODIAN]);
      if (custodian === undefined) throw new Error("no custodian");
      const { irreversibleBlockNum } = await chain.head();
      const blocks = await chain.blocks({ from: 1, to: irreversibleBlockNum, account: custodian.id });
      const sent = blocks.flatMap((block) => block.transfers.filter((t) => t.fromId === custodian.id));
      const memos = createMemoReader({ wifs: [wifFromSeed(`${CUSTODIAN}-memo`)] });
      const keys = sent.map(({ memo }) => {
        const content = memos.read(memo);
        return content.type === "text" ? payoutKeyInMemo(content.text) : undefined;
      });
      expect(new Set(keys).size).toBe(sent.length);
      const names = await chain.accounts([...new Set(sent.map((t) => t.toId))]);
      for (const name of NOMINATORS) {
        const id = names.find((account) => account?.name === name)?.id;
        const got = sent.filter((t) => t.toId === id).map((t) => Number(t.amount / SHARES_PER_BTS));
        expect({ name, got: got.sort((a, b) => a - b) }).toEqual({
          name,
          got: [1, 2_000, 2_000, 2_000, 25_000],
        });
      }
    } finally {
      await chain.close();
    }
  }
}

/** With a login for each process, if the version knows of such. */
async function prepareLedger(
  databaseUrl: string,
  repository: string,
): Promise<Readonly<Record<ProcessRole, string>> | undefined> {
  if (repository === REPOSITORY) {
    await prepareDatabase(databaseUrl, schemaOf(repository));
    return processLogins(databaseUrl);
  }
  await deployMigrations(databaseUrl, schemaOf(repository));
  await migrateQueueStore(databaseUrl);
  return undefined;
}

const schemaOf = (repository: string): string => join(repository, "prisma");

const given = (installation: string | undefined) => (installation === undefined ? {} : { installation });

export const EXCHANGE_KEY = { key: "town-exchange-key", secret: "town-exchange-secret" };

const openExchange = (devnet: Devnet, balanceBts: bigint): Promise<DevnetExchange> =>
  startExchange({
    nodeUrl: devnet.urls[0] as string,
    hotAccount: accountFromSeeds(EXCHANGE, { balanceBts: 0n }),
    accounts: [{ ...EXCHANGE_KEY, depositMemo: DEPOSIT_MEMO, balanceShares: balanceBts * SHARES_PER_BTS }],
    stepMs: 200,
    callsPerMinute: 100_000,
  });

const exchangeSettings = (url: string) => ({
  STAKEBTS_EXCHANGE_URL: url,
  STAKEBTS_EXCHANGE_1_KEY: EXCHANGE_KEY.key,
  STAKEBTS_EXCHANGE_1_SECRET: EXCHANGE_KEY.secret,
});

/** The payer's settings of the reserve. A permission is created first, and is not told of before it is on the chain. */
async function openReserve(devnet: Devnet, { reserveBy }: TownOptions): Promise<Record<string, string>> {
  const account = { STAKEBTS_RESERVE_ACCOUNT: RESERVE_ACCOUNT };
  const activeKey = wifFromSeed(`${RESERVE_ACCOUNT}-active`);
  if (reserveBy !== "permission") return { ...account, STAKEBTS_RESERVE_KEY: activeKey };
  const wallet = new DevnetWallet({ url: devnet.urls[0] as string, name: RESERVE_ACCOUNT, activeKey });
  try {
    const { txid } = await wallet.createPermission({
      to: CUSTODIAN,
      limitShares: 1_000_000n * SHARES_PER_BTS,
      periodSeconds: 86_400,
      periods: 365,
      startsInSeconds: 60,
    });
    await wallet.waitForIrreversible(txid);
    const [id] = await wallet.permissionsGiven();
    return { ...account, STAKEBTS_RESERVE_PERMISSION: id as string };
  } finally {
    wallet.close();
  }
}

/** Runs a test in a town of its own. */
export async function inTown(
  options: Parameters<typeof Town.start>[0],
  run: (town: Town) => Promise<void>,
): Promise<void> {
  const town = await Town.start(options);
  try {
    await run(town);
  } finally {
    await town.stop();
  }
}
