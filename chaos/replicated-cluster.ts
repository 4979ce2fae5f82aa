import { appendFileSync, chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { accountFromSeeds, type Devnet, startDevnet, wifFromSeed } from "@stakebts/devnet";
import { LocalCluster, type WorkerName } from "@stakebts/testkit/local-cluster";
import { type RedisServer, startRedis } from "@stakebts/testkit/redis";
import type { WorkerProcess } from "@stakebts/testkit/worker-process";
import { QUEUE_NAMES } from "@stakebts/core/queue/catalog";
import { Redis } from "ioredis";
import type { Break } from "./breaks.ts";
import { ChaosDatabase } from "./chaos-database.ts";
import { Line } from "./fault-proxy.ts";
import { CUSTODIAN, NOMINATORS } from "./nominators.ts";

// Everything for real: PostgreSQL, Redis, a chain of several nodes, two of every process, and a line of its own from each
// process to each server. Chain time runs sixty times as fast as ours: a month of the programme takes two seconds, and a
// recovery hold three.

const SECONDS_PER_BLOCK = 6;
const BLOCK_MS = 100;
export const CLOCK_RATE = (SECONDS_PER_BLOCK * 1000) / BLOCK_MS;
export const MONTH_SECONDS = 120;
export const EXPIRATION_SECONDS = 90;
/** A fault may last longer than a transaction lives, so five attempts are no sign of anything. */
const policyWith = (expirationSeconds: number): string =>
  `month: ${MONTH_SECONDS}s\nexpiration: ${expirationSeconds}s\nmax_attempts: 1000\n`;
/** Those that the cluster knows; one more is the auditor's. */
export const CLUSTER_NODES = 3;
const RESTART_MS = 100;
/** What each kind says when it is there; a payer that stands by has not begun yet. */
const READY: Readonly<Record<WorkerName, readonly string[]>> = {
  ingester: ["cursor.placed", "cursor.continues", "cursor.placed_by_another"],
  scheduler: ["process.started"],
  payer: ["payer.leads", "payer.stands_by"],
};
const REPOSITORY = join(import.meta.dirname, "..");

/** A place in the cluster: whoever dies there is started again, as by systemd or Kubernetes. */
export interface Seat {
  readonly name: string;
  readonly kind: WorkerName;
  readonly database: Line;
  readonly redis: Line | undefined;
  readonly nodes: readonly Line[];
  worker: WorkerProcess;
  /** Of its host's clock. */
  clockOffsetMs: number;
}

export interface SiteOptions {
  /** Where the built workers are, default this repository. */
  readonly workersFrom?: string | undefined;
  /** What is taken away from the database and the policy. */
  readonly without?: Break | undefined;
  readonly log: (line: string) => void;
  /** A file for every line of every worker, each with the time of this process: theirs may be wrong. */
  readonly logFile?: string | undefined;
}

export class Site {
  readonly devnet: Devnet;
  readonly database: ChaosDatabase;
  readonly seats: readonly Seat[];
  /** Assertions of the product that failed. */
  readonly broken: string[] = [];
  readonly hasRedis: boolean;
  readonly #cluster: LocalCluster;
  readonly #folder: string;
  readonly #lines: readonly Line[];
  #redis: RedisServer | null;
  #isStopping = false;

  private constructor(parts: {
    devnet: Devnet;
    database: ChaosDatabase;
    redis: RedisServer | null;
    folder: string;
    cluster: LocalCluster;
    routes: readonly Omit<Seat, "worker" | "clockOffsetMs">[];
  }) {
    this.devnet = parts.devnet;
    this.database = parts.database;
    this.#redis = parts.redis;
    this.hasRedis = parts.redis !== null;
    this.#folder = parts.folder;
    this.#cluster = parts.cluster;
    this.#lines = parts.routes.flatMap(linesOf);
    this.seats = parts.routes.map((route) => this.#occupy({ ...route, clockOffsetMs: 0 }));
  }

  static async start(options: SiteOptions): Promise<Site> {
    const { log, workersFrom = REPOSITORY, without, logFile } = options;
    const folder = mkdtempSync(join(tmpdir(), "stakebts-chaos-"));
    chmodSync(folder, 0o755); // PostgreSQL runs as another user when this is root, and has to get in.
    const database = await ChaosDatabase.start(folder, without);
    const redis = await startRedis();
    const devnet = await startDevnet({
      accounts: [
        accountFromSeeds(CUSTODIAN, { balanceBts: 100_000_000n }),
        ...NOMINATORS.map((name) => accountFromSeeds(name, { balanceBts: 100_000_000n })),
      ],
      blockIntervalMs: BLOCK_MS,
      secondsPerBlock: SECONDS_PER_BLOCK,
      nodes: CLUSTER_NODES + 1,
    });
    const policy = join(folder, "policy.yaml");
    writeFileSync(policy, policyWith(without?.expirationSeconds ?? EXPIRATION_SECONDS));
    const cluster = new LocalCluster({
      repository: workersFrom,
      databaseUrl: database.url,
      nodes: devnet.urls.slice(0, CLUSTER_NODES),
      custodian: CUSTODIAN,
      activeKey: wifFromSeed(`${CUSTODIAN}-active`),
      memoKey: wifFromSeed(`${CUSTODIAN}-memo`),
      policy,
      clockRate: CLOCK_RATE,
      onLine: (name, line) => {
        if (logFile !== undefined)
          appendFileSync(logFile, `${new Date().toISOString()} ${name} ${JSON.stringify(line)}\n`);
        if (line.level === "error" || line.event === "process.broken")
          log(`${name}: ${JSON.stringify(line)}`);
      },
    });
    const routes = [];
    for (const kind of ["ingester", "scheduler", "payer"] as const)
      for (const n of [1, 2]) {
        const nodeUrls = kind === "scheduler" ? [] : devnet.urls.slice(0, CLUSTER_NODES);
        routes.push({
          name: `${kind} ${n}`,
          kind,
          database: await Line.open(database.port),
          redis: redis === null ? undefined : await Line.open(portOf(redis.url)),
          nodes: await Promise.all(nodeUrls.map((url) => Line.open(portOf(url)))),
        });
      }
    const site = new Site({ devnet, database, redis, folder, cluster, routes });
    // A nomination that is sent before the cursor is placed would be in a block that nobody reads.
    await Promise.all(
      site.seats.map(({ kind, worker }) => worker.waitFor(({ event }) => READY[kind].includes(event))),
    );
    return site;
  }

  seatsOf(kind: WorkerName): readonly Seat[] {
    return this.seats.filter((seat) => seat.kind === kind);
  }

  /** The payer that pays, as far as its log says. */
  leader(): Seat {
    const payers = this.seatsOf("payer");
    return payers.find(({ worker }) => isLeading(worker)) ?? (payers[0] as Seat);
  }

  /** One more process than there are seats, which nobody starts again. It goes the way of the seat's lines. */
  startByHand(seat: Seat): WorkerProcess {
    return this.#cluster.start(seat.kind, this.#settings(seat));
  }

  #occupy(place: Omit<Seat, "worker">): Seat {
    const seat: Seat = { ...place, worker: this.#cluster.start(place.kind, this.#settings(place)) };
    const watch = (): void => {
      const { worker } = seat;
      void worker.exited.then(async (how) => {
        if (how === 70) {
          const last = worker.lines.findLast(({ event }) => event === "process.broken");
          this.broken.push(`${seat.name}: ${String(last?.["message"])}`);
        }
        await delay(RESTART_MS);
        if (this.#isStopping) return;
        seat.worker = this.#cluster.start(seat.kind, this.#settings(seat));
        watch();
      });
    };
    watch();
    return seat;
  }

  #settings({ database, redis, nodes, clockOffsetMs }: Omit<Seat, "worker">): Record<string, string> {
    return {
      DATABASE_URL: database.through(this.database.url),
      ...(redis === undefined || this.#redis === null ? {} : { REDIS_URL: redis.through(this.#redis.url) }),
      ...(nodes.length === 0
        ? {}
        : { STAKEBTS_NODES: nodes.map((line) => `ws://127.0.0.1:${line.port}`).join(",") }),
      ...(clockOffsetMs === 0 ? {} : { NODE_OPTIONS: `--import ${shiftedClock(clockOffsetMs)}` }),
    };
  }

  /** Everything in it is forgotten. */
  async restartRedis(awayMs: number): Promise<void> {
    if (this.#redis === null) return;
    const port = portOf(this.#redis.url);
    await this.#redis.stop();
    await delay(awayMs);
    this.#redis = await startRedis({ port });
  }

  get redisUrl(): string | undefined {
    return this.#redis?.url;
  }

  /** How many jobs there are of each queue, in which state, and which one is being worked at. Empty without Redis. */
  async queues(): Promise<string> {
    if (this.#redis === null) return "";
    const client = new Redis(this.#redis.url, { maxRetriesPerRequest: 1 });
    try {
      const told = QUEUE_NAMES.map(async (name) => {
        const key = (part: string) => `bull:${name}:${part}`;
        const [waiting, delayed] = [await client.llen(key("wait")), await client.zcard(key("delayed"))];
        return `${name}: ${waiting} waiting, ${delayed} delayed, active: ${(await client.lrange(key("active"), 0, 4)).join(" ")}`;
      });
      return (await Promise.all(told)).join("; ");
    } finally {
      client.disconnect();
    }
  }

  /** Whatever was switched on is switched off, and whoever was frozen wakes up. */
  calm(): void {
    for (const line of this.#lines) line.restore();
    for (const { faults } of this.devnet.nodes) {
      faults.refuseConnections(false);
      faults.delayRepliesMs(0);
      faults.lagBlocks(0);
      faults.swallowBroadcasts(0);
    }
    this.devnet.heal();
    this.devnet.stallIrreversibility(false);
    for (const { worker } of this.seats) worker.kill("SIGCONT");
  }

  /** The last lines of each worker's log. */
  lastWords(count: number): readonly string[] {
    return this.seats.flatMap(({ name, worker }) =>
      worker.lines.slice(-count).map((line) => `${name}: ${JSON.stringify(line)}`),
    );
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.calm();
    await delay(2 * RESTART_MS); // whoever is just being started again is started
    await this.#cluster.stop();
    await Promise.all(this.#lines.map((line) => line.close()));
    await this.devnet.stop();
    await this.#redis?.stop();
    await this.database.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const linesOf = ({ database, redis, nodes }: Pick<Seat, "database" | "redis" | "nodes">): readonly Line[] => [
  database,
  ...nodes,
  ...(redis === undefined ? [] : [redis]),
];

const portOf = (url: string): number => Number(new URL(url).port);

function isLeading({ lines }: WorkerProcess): boolean {
  const last = lines.findLast(({ event }) => event === "payer.leads" || event === "payer.lock_lost");
  return last?.event === "payer.leads";
}

/** A module that is loaded before the worker and moves the clock of its host, as JavaScript sees it. Timers stay right. */
function shiftedClock(offsetMs: number): string {
  const source = `const R=Date,now=()=>R.now()+${offsetMs};globalThis.Date=class Date extends R{constructor(...a){a.length===0?super(now()):super(...a)}static now(){return now()}}`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
