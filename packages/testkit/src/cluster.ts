import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import type { ChainHead } from "@stakebts/bitshares/chain";
import {
  type Devnet,
  type DevnetAccount,
  type DevnetExchange,
  type DevnetOptions,
  DevnetWallet,
  startDevnet,
  wifFromSeed,
} from "@stakebts/devnet";
import type pg from "pg";
import { ClusterDatabase } from "./cluster-database.ts";
import { openTreasury, type TreasuryOptions } from "./cluster-treasury.ts";
import {
  nodeSettings,
  type ProcessFacts,
  type ProcessName,
  processSettings,
  type WorkerName,
} from "./process-settings.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { REPOSITORY } from "./repository.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { startWorker, type WorkerLogLine, type WorkerProcess } from "./worker-process.ts";

const SHARES_PER_BTS = 100_000n;
/** Far more than anything takes here, also on a machine that is busy with other work: what is not true then is stuck. */
const WAIT_MS_MAX = 90_000;
type Settings = Readonly<Record<string, string>>;

export interface ClusterOptions extends TreasuryOptions {
  /** Name of the custodian's account, default "custodian". */
  readonly custodian?: string;
  /** Everybody on the chain, the custodian included. */
  readonly accounts: readonly DevnetAccount[];
  /** Real time between blocks and chain time between them: their ratio is how much faster the chain's clock runs. */
  readonly chain: Omit<DevnetOptions, "accounts" | "blockIntervalMs" | "secondsPerBlock"> & {
    readonly blockIntervalMs: number;
    readonly secondsPerBlock: number;
  };
  /** How many nodes of the chain the processes know, the first ones. Default: all. */
  readonly knownNodes?: number;
  /** Text of the policy file. Default: none. */
  readonly policy?: string;
  /** Where the queues are: a Redis that is there, one of the cluster's own if this machine has one, or (default) PostgreSQL. */
  readonly redis?: { readonly url: string } | "own";
  /** Folder of another PostgreSQL than the embedded one, which has no `pg_dump`. */
  readonly installation?: string | undefined;
  /** Folder of the version whose ledger this is, built. Default: this repository. */
  readonly version?: string;
  /** Folder of the built processes, `apps/<name>/dist/main.js`. Default: that of the version. */
  readonly processes?: string | undefined;
  /** Of `node`, for each process. Default: those with which they are shipped. */
  readonly nodeFlags?: readonly string[];
  readonly onLine?: (name: ProcessName, line: WorkerLogLine) => void;
}

/**
 * Everything of one custodian on this machine: PostgreSQL, queues, a chain with its own clock, wallets, an exchange and a
 * reserve if wanted, and processes as they are shipped, each as often as wanted. It ends with the process that started it.
 */
export class Cluster {
  /** Everything that is on a disk: the data of PostgreSQL, the policy. */
  readonly folder: string;
  readonly custodian: string;
  readonly database: ClusterDatabase;
  readonly devnet: Devnet;
  readonly exchange: DevnetExchange | undefined;
  /** Chain seconds in one of the host. */
  readonly clockRate: number;
  readonly #options: ClusterOptions;
  readonly #settings: Readonly<Partial<Record<ProcessName, Settings>>>;
  readonly #running = new Set<WorkerProcess>();
  readonly #ended: WorkerProcess[] = [];
  readonly #wallets = new Map<string, DevnetWallet>();
  /** What the database refused to a process: each has the rights of its kind, and they have to do. */
  readonly #denied: string[] = [];
  #redis: Pick<RedisServer, "url" | "stop"> | undefined;

  private constructor(
    options: ClusterOptions,
    parts: Pick<Cluster, "folder" | "custodian" | "database" | "devnet" | "exchange"> & {
      readonly redis: RedisServer | undefined;
      readonly settings: Readonly<Partial<Record<ProcessName, Settings>>>;
    },
  ) {
    this.#options = options;
    this.folder = parts.folder;
    this.custodian = parts.custodian;
    this.database = parts.database;
    this.devnet = parts.devnet;
    this.exchange = parts.exchange;
    this.#redis = parts.redis;
    this.#settings = parts.settings;
    const { secondsPerBlock, blockIntervalMs } = options.chain;
    this.clockRate = (secondsPerBlock * 1000) / blockIntervalMs;
  }

  /** Starts all but the processes. If something does not start, what has been started is stopped. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { custodian = "custodian", accounts, chain, version = REPOSITORY } = options;
    const folder = temporaryFolder("stakebts-cluster-");
    chmodSync(folder, 0o755); // PostgreSQL runs as another user when this is root, and has to get in.
    const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
    try {
      const database = await ClusterDatabase.start(folder, { installation: options.installation, version });
      undo.push(() => database.stop());
      const redis = options.redis === "own" ? ((await startRedis()) ?? undefined) : unmanaged(options.redis);
      undo.push(() => redis?.stop());
      const devnet = await startDevnet({ ...chain, accounts });
      undo.push(() => devnet.stop());
      const { exchange, settings } = await openTreasury(devnet, custodian, options);
      if (options.policy !== undefined) writeFileSync(join(folder, "policy.yaml"), options.policy);
      return new Cluster(options, { folder, custodian, database, redis, devnet, exchange, settings });
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    }
  }

  /** Starts a process with no more than the settings that its kind knows. `more` changes or adds settings. */
  start(name: ProcessName, more: Settings = {}): WorkerProcess {
    return this.startFrom(this.#options.processes ?? this.#options.version ?? REPOSITORY, name, more);
  }

  /** Starts a process of another version, from the folder in which it was built. */
  startFrom(folder: string, name: ProcessName, more: Settings = {}): WorkerProcess {
    const worker = startWorker({
      name,
      entry: join(folder, `apps/${name}/dist/main.js`),
      environment: { ...this.#environment(folder, name), ...more },
      nodeFlags: this.#options.nodeFlags,
      onLine: (line) => {
        const text = JSON.stringify(line);
        if (text.includes("permission denied")) this.#denied.push(`${name}: ${text}`);
        this.#options.onLine?.(name, line);
      },
    });
    this.#running.add(worker);
    void worker.exited.then((how) => {
      this.#running.delete(worker);
      if (how !== "SIGKILL") this.#ended.push(worker);
    });
    return worker;
  }

  /** One of each worker, once all of them work and the ledger has a place in the chain. It begins with the first block. */
  async startWorkers(more: Readonly<Partial<Record<WorkerName, Settings>>> = {}) {
    const workers: Record<WorkerName, WorkerProcess> = {
      ingester: this.start("ingester", { STAKEBTS_REPLAY: "1", ...more.ingester }),
      scheduler: this.start("scheduler", more.scheduler),
      payer: this.start("payer", more.payer),
    };
    await Promise.all(
      Object.values(workers).map((worker) => worker.waitFor(({ event }) => event === "process.started")),
    );
    // An ingester that is killed before this begins at the newest block when it comes back, as an empty ledger does.
    await workers.ingester.waitFor(({ event }) => event === "cursor.placed");
    return workers;
  }

  /** For a command that reads the chain and applies events, as ingester and scheduler do; as the owner of the database. */
  commandSettings(): Settings {
    const { nodes, custodian, memoKey, policy } = this.#facts();
    return {
      DATABASE_URL: this.database.url,
      ...nodeSettings(nodes),
      STAKEBTS_CUSTODIAN: custodian,
      STAKEBTS_MEMO_KEY: memoKey,
      ...(policy === undefined ? {} : { STAKEBTS_POLICY: policy }),
    };
  }

  get redisUrl(): string | undefined {
    return this.#redis?.url;
  }

  /** Everything in it is forgotten, and it is away for a while. Only one of the cluster's own. */
  async restartRedis(awayMs: number): Promise<void> {
    if (this.#redis === undefined) return;
    const port = Number(new URL(this.#redis.url).port);
    await this.#redis.stop();
    await delay(awayMs);
    this.#redis = (await startRedis({ port })) ?? undefined;
  }

  /** As the owner of the database. */
  query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
    return this.database.query<Row>(sql);
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

  /** The wallet of an account, at a node of the chain (default the first). It is closed with the cluster. */
  wallet(name: string, url: string = this.devnet.urls[0] as string): DevnetWallet {
    const known = this.#wallets.get(`${name} ${url}`);
    if (known !== undefined) return known;
    const [activeKey, memoKey] = [wifFromSeed(`${name}-active`), wifFromSeed(`${name}-memo`)];
    const wallet = new DevnetWallet({ url, name, activeKey, memoKey });
    this.#wallets.set(`${name} ${url}`, wallet);
    return wallet;
  }

  /** A transfer to the custodian. */
  async send(
    from: string,
    amountBts: bigint,
    memo?: string,
    more: { readonly expirationSeconds?: number } = {},
  ): Promise<void> {
    await this.wallet(from).transfer({
      to: this.custodian,
      amountShares: amountBts * SHARES_PER_BTS,
      ...(memo === undefined ? {} : { memo }),
      ...more,
    });
  }

  /** Waits for something that another process brings about. Bounded; trouble with the database counts as "not yet". */
  async until(condition: () => Promise<boolean>, what: string): Promise<void> {
    const deadlineMs = Date.now() + WAIT_MS_MAX;
    while (!(await condition().catch(() => false))) {
      if (Date.now() > deadlineMs)
        throw new Error(`waited ${WAIT_MS_MAX} ms, and it is not true that ${what}:\n${await this.report()}`);
      await delay(50);
    }
  }

  /** The last lines of the log of each process that runs or has ended by itself. */
  lastLines(count: number): readonly WorkerLogLine[] {
    return [...this.#running, ...this.#ended].flatMap((worker) => worker.lines.slice(-count));
  }

  /** What is open in the ledger, and the last lines of each process: for what did not come out as it should. */
  async report(): Promise<string> {
    const state = await this.query(
      `SELECT (SELECT json_agg(p) FROM (SELECT key, status, reason, attempts FROM payout WHERE status <> 'confirmed' LIMIT 5) p) AS open,
              (SELECT row_to_json(c) FROM chain_cursor c) AS cursor, (SELECT row_to_json(c) FROM control c) AS control`,
    ).catch((error: unknown) => [String(error)]);
    return [JSON.stringify(state[0]), ...this.lastLines(6).map((line) => JSON.stringify(line))].join("\n");
  }

  /** Ends the processes in their own way. */
  async stopProcesses(): Promise<void> {
    const processes = [...this.#running];
    for (const one of processes) {
      one.kill("SIGCONT");
      one.kill("SIGTERM");
    }
    await Promise.all(processes.map((one) => one.exited));
  }

  /** Throws at the end if the database refused something to a process. */
  async stop(): Promise<void> {
    for (const wallet of this.#wallets.values()) wallet.close();
    await this.stopProcesses();
    await this.exchange?.stop();
    await this.devnet.stop();
    await this.#redis?.stop();
    await this.database.stop();
    rmSync(this.folder, { recursive: true, force: true });
    if (this.#denied.length > 0) throw new Error(`a process lacks a right:\n${this.#denied.join("\n")}`);
  }

  #environment(folder: string, name: ProcessName): Record<string, string> {
    const { version = REPOSITORY } = this.#options;
    // An older version has one login for all processes: the owner's.
    const urls = version !== REPOSITORY && folder === version ? undefined : this.database.urls;
    const databaseUrl = urls?.[name] ?? this.database.url;
    return { ...processSettings(name, { databaseUrl, ...this.#facts() }), ...this.#settings[name] };
  }

  #facts(): Omit<ProcessFacts, "databaseUrl"> {
    const { knownNodes, policy } = this.#options;
    const { custodian, clockRate, redisUrl } = this;
    return {
      redisUrl,
      custodian,
      clockRate,
      nodes: this.devnet.urls.slice(0, knownNodes),
      activeKey: wifFromSeed(`${custodian}-active`),
      memoKey: wifFromSeed(`${custodian}-memo`),
      policy: policy === undefined ? undefined : join(this.folder, "policy.yaml"),
    };
  }
}

/** One that is not the cluster's to stop. */
const unmanaged = (redis: { readonly url: string } | undefined): RedisServer | undefined =>
  redis === undefined ? undefined : { url: redis.url, stop: () => Promise.resolve() };
