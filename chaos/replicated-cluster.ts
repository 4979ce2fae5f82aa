import { appendFileSync } from "node:fs";
import { accountFromSeeds } from "@stakebts/devnet";
import { QUEUE_NAMES } from "@stakebts/core/queue/catalog";
import { Cluster } from "@stakebts/testkit/cluster";
import type { WorkerName } from "@stakebts/testkit/process-settings";
import { Redis } from "ioredis";
import type { Break } from "./breaks.ts";
import { CUSTODIAN, NOMINATORS } from "./nominators.ts";
import { Replica } from "./replica.ts";
import { takeAway } from "./take-away.ts";

// A chain of several nodes and two of every process. Chain time runs sixty times as fast as ours: a month of the programme
// takes two seconds, and a recovery hold three.

export const MONTH_SECONDS = 120;
export const EXPIRATION_SECONDS = 90;
/** Those that the processes know; one more is the oracle's. */
export const CLUSTER_NODES = 3;

export interface ReplicatedOptions {
  /** Where the built workers are, default this repository. */
  readonly processes?: string | undefined;
  /** What is taken away from the database and the policy. */
  readonly without?: Break | undefined;
  readonly log: (line: string) => void;
  /** A file for every line of every worker, each with the time of this process: theirs may be wrong. */
  readonly logFile?: string | undefined;
}

/** A cluster with two of each worker, whose connections, clocks and lives can be disturbed. */
export interface ReplicatedCluster {
  readonly cluster: Cluster;
  readonly replicas: readonly Replica[];
  /** What thieves have done that people should have been told of, and that the database should have refused. */
  readonly unnoticed: string[];
}

export async function startReplicated(options: ReplicatedOptions): Promise<ReplicatedCluster> {
  const { log, processes, without, logFile } = options;
  const cluster = await Cluster.start({
    custodian: CUSTODIAN,
    accounts: [CUSTODIAN, ...NOMINATORS].map((name) => accountFromSeeds(name, { balanceBts: 100_000_000n })),
    chain: { blockIntervalMs: 100, secondsPerBlock: 6, nodes: CLUSTER_NODES + 1 },
    knownNodes: CLUSTER_NODES,
    redis: "own",
    processes,
    // A fault may last longer than a transaction lives, so five attempts are no sign of anything.
    policy: `month: ${MONTH_SECONDS}s\nexpiration: ${without?.expirationSeconds ?? EXPIRATION_SECONDS}s\nmax_attempts: 1000\n`,
    onLine: (name, line) => {
      if (logFile !== undefined)
        appendFileSync(logFile, `${new Date().toISOString()} ${name} ${JSON.stringify(line)}\n`);
      if (line.level === "error" || line.event === "process.broken") log(`${name}: ${JSON.stringify(line)}`);
    },
  });
  const replicas: Replica[] = [];
  try {
    if (without !== undefined) await takeAway(cluster.database.url, without);
    for (const kind of ["ingester", "scheduler", "payer"] as const)
      for (const number of [1, 2]) {
        const nodeUrls = kind === "scheduler" ? [] : cluster.devnet.urls.slice(0, CLUSTER_NODES);
        replicas.push(await Replica.start(cluster, { kind, number, nodeUrls }));
      }
    await Promise.all(replicas.map((replica) => replica.isReady()));
    await addConsoleUsers(cluster);
    return { cluster, replicas, unnoticed: [] };
  } catch (error) {
    await stopReplicated({ cluster, replicas, unnoticed: [] });
    throw error;
  }
}

/** In whose names a thief acts who has the login of the console. They sign in nowhere. */
async function addConsoleUsers({ database }: Cluster): Promise<void> {
  await database.query(
    `INSERT INTO console_user (name, role, password_hash)
     VALUES ('anna', 'operator', '$scrypt$none'), ('clara', 'operator', '$scrypt$none'), ('ben', 'approver', '$scrypt$none')`,
  );
}

export async function stopReplicated(replicated: ReplicatedCluster): Promise<void> {
  endFaults(replicated);
  await Promise.all(replicated.replicas.map((replica) => replica.stop()));
  await replicated.cluster.stop();
}

export const replicasOf = ({ replicas }: ReplicatedCluster, kind: WorkerName): readonly Replica[] =>
  replicas.filter((replica) => replica.kind === kind);

/** The payer that pays, as far as its log says. */
export function leader(replicated: ReplicatedCluster): Replica {
  const payers = replicasOf(replicated, "payer");
  return payers.find(({ isLeading }) => isLeading) ?? (payers[0] as Replica);
}

/** Every disturbance ends, and each process that was frozen goes on. */
export function endFaults({ cluster: { devnet }, replicas }: ReplicatedCluster): void {
  for (const { proxies } of replicas) for (const proxy of proxies) proxy.restore();
  for (const { faults } of devnet.nodes) {
    faults.refuseConnections(false);
    faults.delayRepliesMs(0);
    faults.lagBlocks(0);
    faults.swallowBroadcasts(0);
    faults.lie(null);
    faults.limitRequests(null);
  }
  devnet.heal();
  devnet.stallIrreversibility(false);
  for (const replica of replicas) replica.process.kill("SIGCONT");
}

/** What the keys of this cluster's queues begin with. */
async function queuePrefix(client: Redis): Promise<string> {
  const [prefix = "bull"] = (await client.keys("stakebts-*:payouts:meta")).map((key) => key.split(":")[0]);
  return prefix;
}

/** Pauses every queue by one write in each, as an attacker who reaches Redis could, or ends the pause. */
export async function pauseQueues(
  { cluster: { redisUrl } }: ReplicatedCluster,
  isPaused: boolean,
): Promise<void> {
  const client = new Redis(redisUrl as string, { maxRetriesPerRequest: 1 });
  try {
    const prefix = await queuePrefix(client);
    for (const name of QUEUE_NAMES)
      await (isPaused
        ? client.hset(`${prefix}:${name}:meta`, "paused", "1")
        : client.hdel(`${prefix}:${name}:meta`, "paused"));
  } finally {
    client.disconnect();
  }
}

/** How many jobs there are of each queue, in which state, and which ones are being worked at. Empty without Redis. */
export async function queueStates({ cluster: { redisUrl } }: ReplicatedCluster): Promise<string> {
  if (redisUrl === undefined) return "";
  const client = new Redis(redisUrl, { maxRetriesPerRequest: 1 });
  try {
    const prefix = await queuePrefix(client);
    const states = QUEUE_NAMES.map(async (name) => {
      const key = (part: string) => `${prefix}:${name}:${part}`;
      const [waiting, delayed] = [await client.llen(key("wait")), await client.zcard(key("delayed"))];
      return `${name}: ${waiting} waiting, ${delayed} delayed, active: ${(await client.lrange(key("active"), 0, 4)).join(" ")}`;
    });
    return (await Promise.all(states)).join("; ");
  } finally {
    client.disconnect();
  }
}
