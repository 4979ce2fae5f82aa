import type { WorkerLogLine, WorkerProcess } from "@stakebts/testkit/worker-process";
import type { Prng } from "@stakebts/testkit/simulator/prng";
import type { Replica } from "./replica.ts";
import { CLUSTER_NODES, leader, type ReplicatedCluster } from "./replicated-cluster.ts";

export interface Fault {
  readonly kind: string;
  /** How often it is in the deck from which a round draws. */
  readonly weight: number;
  /** Faults that share a word do not happen at the same time. */
  readonly alone?: "postgres" | "redis" | "chain";
  readonly needsRedis?: true;
  /** Resolves when it is over. */
  readonly happen: (
    target: ReplicatedCluster,
    prng: Prng,
    /** Told what of its kind it is. */
    say: (what: string) => void,
  ) => Promise<void>;
}

export const anyReplica = (target: ReplicatedCluster, prng: Prng): Replica => prng.pick(target.replicas);
export const anyNode = (target: ReplicatedCluster, prng: Prng) => {
  const node = target.cluster.devnet.nodes[prng.int(0, CLUSTER_NODES - 1)];
  if (node === undefined) throw new Error("there is a node");
  return node;
};
export const anyPayer = (target: ReplicatedCluster, prng: Prng): Replica =>
  prng.chance(0.7) ? leader(target) : anyReplica(target, prng);

/** A line with this event that comes after those that are there now. */
export function isNew(worker: WorkerProcess, event: string): (line: WorkerLogLine) => boolean {
  const seen = new Set(worker.lines);
  return (line) => line.event === event && !seen.has(line);
}
