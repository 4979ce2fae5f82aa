import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import type { Prng } from "@stakebts/testkit/simulator/prng";
import { ATTACKS } from "./attacks.ts";
import { anyNode, anyPayer, anyReplica, type Fault, isNew } from "./fault.ts";
import type { FaultProxy } from "./fault-proxy.ts";
import type { Replica } from "./replica.ts";
import { CLUSTER_NODES, leader, type ReplicatedCluster, replicasOf } from "./replicated-cluster.ts";

/** Longer than BullMQ's lock of a job (5 s): another takes the job up. */
const FROZEN_MS = 6_500;
/** Longer than the database keeps the lock of a payer that is silent (10 s), and a stand-by needs to ask for it (1 s). */
const FROZEN_PAYER_MS = 13_000;
const HOUR_MS = 3_600_000;

async function whileOn(
  proxies: readonly FaultProxy[],
  change: (proxy: FaultProxy) => void,
  ms: number,
): Promise<void> {
  for (const proxy of proxies) change(proxy);
  await delay(ms);
  for (const proxy of proxies) proxy.restore();
}

async function freeze(replica: Replica): Promise<void> {
  const { process: worker } = replica;
  worker.kill("SIGSTOP");
  await delay(replica.kind === "payer" ? FROZEN_PAYER_MS : FROZEN_MS);
  worker.kill("SIGCONT");
}

/** Some nodes on either side; the witnesses are dealt out, so neither side makes anything irreversible. */
async function fork(target: ReplicatedCluster, prng: Prng): Promise<void> {
  const nodes = [...Array(CLUSTER_NODES + 1).keys()];
  const left = nodes.filter(() => prng.chance(0.5));
  const right = nodes.filter((node) => !left.includes(node));
  target.cluster.devnet.partition(
    left.length === 0 || right.length === 0 ? [[0], nodes.slice(1)] : [left, right],
  );
  await delay(prng.int(500, 2_500));
  target.cluster.devnet.heal();
}

export const FAULTS: readonly Fault[] = [
  ...ATTACKS,
  {
    kind: "sigkill",
    weight: 4,
    happen: async (target, prng) => {
      const { process: worker } = anyReplica(target, prng);
      worker.kill("SIGKILL");
      await worker.exited;
    },
  },
  {
    kind: "sigkill_payer",
    weight: 2,
    happen: async (target) => {
      const { process: worker } = leader(target);
      await Promise.race([worker.waitFor(isNew(worker, "withdrawal.signed")), delay(2_000)]).catch(
        () => undefined,
      );
      worker.kill("SIGKILL");
      await worker.exited;
    },
  },
  {
    kind: "sigstop",
    weight: 1,
    happen: (target, prng) =>
      freeze(prng.pick([...replicasOf(target, "ingester"), ...replicasOf(target, "scheduler")])),
  },
  { kind: "sigstop_payer", weight: 1, happen: (target) => freeze(leader(target)) },
  {
    kind: "postgres_fast",
    weight: 1,
    alone: "postgres",
    happen: (target) => target.cluster.database.restart("fast"),
  },
  {
    kind: "postgres_immediate",
    weight: 1,
    alone: "postgres",
    happen: (target) => target.cluster.database.restart("immediate"),
  },
  {
    kind: "postgres_restored",
    weight: 1,
    alone: "postgres",
    happen: async (target, prng) => {
      await target.cluster.database.snapshot();
      await delay(prng.int(500, 5_000));
      await target.cluster.database.restore();
    },
  },
  {
    kind: "postgres_read_only",
    weight: 1,
    alone: "postgres",
    happen: async ({ cluster: { database } }, prng) => {
      await database.query("ALTER SYSTEM SET default_transaction_read_only = on");
      await database.query("SELECT pg_reload_conf()");
      await delay(prng.int(500, 3_000));
      await database.query("ALTER SYSTEM RESET default_transaction_read_only");
      await database.query("SELECT pg_reload_conf()");
    },
  },
  {
    kind: "database_mute",
    weight: 2,
    happen: (target, prng) =>
      whileOn([anyPayer(target, prng).database], (proxy) => proxy.mute(), prng.int(200, 3_000)),
  },
  {
    kind: "database_cut",
    weight: 1,
    happen: (target, prng) =>
      whileOn([anyPayer(target, prng).database], (proxy) => proxy.cut(), prng.int(200, 3_000)),
  },
  {
    kind: "redis_flushed",
    weight: 2,
    needsRedis: true,
    alone: "redis",
    happen: async (target) => {
      const client = new Redis(target.cluster.redisUrl as string);
      await client.flushall();
      client.disconnect();
    },
  },
  {
    kind: "redis_restarted",
    weight: 1,
    needsRedis: true,
    alone: "redis",
    happen: (target, prng) => target.cluster.restartRedis(prng.int(0, 2_000)),
  },
  {
    kind: "redis_replica",
    weight: 1,
    needsRedis: true,
    alone: "redis",
    happen: async (target, prng) => {
      const client = new Redis(target.cluster.redisUrl as string);
      await client.replicaof("127.0.0.1", 1); // Nothing is there: it takes no writes.
      await delay(prng.int(500, 3_000));
      await client.replicaof("NO", "ONE");
      client.disconnect();
    },
  },
  {
    kind: "node_cut",
    weight: 1,
    happen: async (target, prng) => {
      const { faults } = anyNode(target, prng);
      faults.refuseConnections(true);
      faults.disconnectAll();
      await delay(prng.int(500, 3_000));
      faults.refuseConnections(false);
    },
  },
  {
    kind: "nodes_cut",
    weight: 1,
    happen: (target, prng) =>
      whileOn(
        target.replicas.flatMap(({ nodes }) => nodes),
        (proxy) => proxy.cut(),
        prng.int(300, 1_500),
      ),
  },
  {
    kind: "node_mute",
    weight: 2,
    happen: (target, prng) =>
      whileOn(anyPayer(target, prng).nodes, (proxy) => proxy.mute(), prng.int(500, 6_000)),
  },
  {
    kind: "node_late",
    weight: 1,
    happen: (target, prng) => {
      const delayMs = prng.int(50, 800);
      return whileOn(anyPayer(target, prng).nodes, (proxy) => proxy.delay(delayMs), prng.int(1_000, 4_000));
    },
  },
  {
    kind: "node_forgets",
    weight: 1,
    happen: async (target, prng) => {
      // Says that it took them, and has lost them.
      anyNode(target, prng).faults.swallowBroadcasts(prng.int(1, 10));
      await delay(500);
    },
  },
  {
    kind: "node_restarted",
    weight: 1,
    happen: async (target, prng) => {
      anyNode(target, prng).faults.restart();
      await Promise.resolve();
    },
  },
  {
    kind: "node_behind",
    weight: 1,
    happen: async (target, prng) => {
      const { faults } = anyNode(target, prng);
      faults.lagBlocks(prng.int(3, 40));
      await delay(prng.int(500, 3_000));
      faults.lagBlocks(0);
    },
  },
  { kind: "fork", weight: 2, alone: "chain", happen: fork },
  {
    kind: "finality_stalled",
    weight: 1,
    alone: "chain",
    happen: async ({ cluster: { devnet } }, prng) => {
      devnet.stallIrreversibility(true);
      await delay(prng.int(1_000, 4_000));
      devnet.stallIrreversibility(false);
    },
  },
  {
    kind: "clock",
    weight: 2,
    happen: async (target, prng) => {
      const replica = anyReplica(target, prng);
      replica.clockOffsetMs = prng.int(-24, 24) * HOUR_MS + prng.int(-HOUR_MS, HOUR_MS);
      const { process: worker } = replica;
      worker.kill("SIGKILL"); // Started again with the wrong clock, which it keeps.
      await worker.exited;
    },
  },
  {
    kind: "third_payer",
    weight: 1,
    happen: async (target, prng) => {
      const third = prng.pick(replicasOf(target, "payer")).startProcess();
      await delay(prng.int(1_500, 5_000));
      third.kill(prng.pick(["SIGKILL", "SIGTERM"]));
      await third.exited;
    },
  },
];
