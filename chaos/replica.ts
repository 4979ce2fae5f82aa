import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "@stakebts/testkit/cluster";
import { nodeSettings, type WorkerName } from "@stakebts/testkit/process-settings";
import type { WorkerProcess } from "@stakebts/testkit/worker-process";
import { FaultProxy } from "./fault-proxy.ts";

const RESTART_MS = 100;
/** Exit code of a process one of whose assumptions did not hold. */
const BROKEN = 70;
/** What each kind writes when it works; a payer that stands by has not begun yet. */
const READY: Readonly<Record<WorkerName, readonly string[]>> = {
  ingester: ["cursor.placed", "cursor.continues", "cursor.placed_by_another"],
  scheduler: ["process.started"],
  payer: ["payer.leads", "payer.stands_by"],
};

/**
 * One of several processes of a kind, with a connection of its own to each server that can be disturbed. A process that
 * ends is started again, as by systemd or Kubernetes.
 */
export class Replica {
  readonly name: string;
  readonly kind: WorkerName;
  readonly database: FaultProxy;
  readonly redis: FaultProxy | undefined;
  readonly nodes: readonly FaultProxy[];
  /** Of its host's clock. Holds from its next start. */
  clockOffsetMs = 0;
  /** Something is wrong that the process has to end because of. */
  mayBreak = false;
  /** Assertions of the product that failed, where none may. */
  readonly broken: string[] = [];
  readonly #cluster: Cluster;
  #process: WorkerProcess;
  #isStopping = false;

  private constructor(
    cluster: Cluster,
    parts: Pick<Replica, "name" | "kind" | "database" | "redis" | "nodes">,
  ) {
    this.#cluster = cluster;
    this.name = parts.name;
    this.kind = parts.kind;
    this.database = parts.database;
    this.redis = parts.redis;
    this.nodes = parts.nodes;
    this.#process = this.startProcess();
    void this.#supervise();
  }

  /** @param nodeUrls those that the process is to know; a scheduler knows none */
  static async start(
    cluster: Cluster,
    { kind, number, nodeUrls }: { kind: WorkerName; number: number; nodeUrls: readonly string[] },
  ): Promise<Replica> {
    return new Replica(cluster, {
      name: `${kind} ${number}`,
      kind,
      database: await FaultProxy.open(cluster.database.port),
      redis: cluster.redisUrl === undefined ? undefined : await FaultProxy.open(portOf(cluster.redisUrl)),
      nodes: await Promise.all(nodeUrls.map((url) => FaultProxy.open(portOf(url)))),
    });
  }

  /** The one that runs now, or the one that ended last. */
  get process(): WorkerProcess {
    return this.#process;
  }

  get proxies(): readonly FaultProxy[] {
    return [this.database, ...this.nodes, ...(this.redis === undefined ? [] : [this.redis])];
  }

  /** A nomination that is sent before the ingester has its place in the chain would be in a block that it never reads. */
  async isReady(): Promise<void> {
    await this.#process.waitFor(({ event }) => READY[this.kind].includes(event));
  }

  /** As far as its log says. */
  get isLeading(): boolean {
    const last = this.#process.lines.findLast(
      ({ event }) => event === "payer.leads" || event === "payer.lock_lost",
    );
    return last?.event === "payer.leads";
  }

  /** Starts a process with the connections of this replica; the caller has to end it. */
  startProcess(): WorkerProcess {
    const { database, redisUrl } = this.#cluster;
    return this.#cluster.start(this.kind, {
      DATABASE_URL: this.database.through(database.urls?.[this.kind] ?? database.url),
      ...(this.redis === undefined || redisUrl === undefined
        ? {}
        : { REDIS_URL: this.redis.through(redisUrl) }),
      ...(this.nodes.length === 0
        ? {}
        : nodeSettings(this.nodes.map(({ port }) => `ws://127.0.0.1:${port}`))),
      ...(this.clockOffsetMs === 0 ? {} : { NODE_OPTIONS: `--import ${shiftedClock(this.clockOffsetMs)}` }),
    });
  }

  /** Ends the process and starts none in its place. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await delay(2 * RESTART_MS); // One that is just being started again is started by then.
    this.#process.kill("SIGCONT");
    this.#process.kill("SIGTERM");
    await this.#process.exited;
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
  }

  async #supervise(): Promise<void> {
    for (;;) {
      const how = await this.#process.exited;
      if (how === BROKEN && !this.mayBreak) {
        const last = this.#process.lines.findLast(({ event }) => event === "process.broken");
        this.broken.push(`${this.name}: ${String(last?.["message"])}`);
      }
      await delay(RESTART_MS);
      if (this.#isStopping) return;
      this.#process = this.startProcess();
    }
  }
}

const portOf = (url: string): number => Number(new URL(url).port);

/** A module that is loaded before the worker and moves the clock of its host, as JavaScript sees it. Timers stay right. */
function shiftedClock(offsetMs: number): string {
  const source = `const R=Date,now=()=>R.now()+${offsetMs};globalThis.Date=class Date extends R{constructor(...a){a.length===0?super(now()):super(...a)}static now(){return now()}}`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
