import { setTimeout as delay } from "node:timers/promises";
import type { WorkerLogLine } from "@stakebts/testkit/worker-process";
import { Redis } from "ioredis";
import type { Prng } from "@stakebts/testkit/simulator/prng";
import type { Line } from "./fault-proxy.ts";
import { CLUSTER_NODES, type Seat, type Site } from "./replicated-cluster.ts";

/** Longer than BullMQ's lock of a job (5 s): another takes the job up. */
const FROZEN_MS = 6_500;
/** Longer than the database keeps the lock of a payer that is silent (10 s), and a stand-by needs to ask for it (1 s). */
const FROZEN_PAYER_MS = 13_000;
const HOUR_MS = 3_600_000;

export interface Fault {
  readonly kind: string;
  /** How often it is in the deck from which a round draws. */
  readonly weight: number;
  /** Faults that share a word do not happen at the same time. */
  readonly alone?: "postgres" | "redis" | "chain";
  readonly needsRedis?: true;
  /** Resolves when it is over. */
  readonly happen: (site: Site, prng: Prng) => Promise<void>;
}

const anySeat = (site: Site, prng: Prng): Seat => prng.pick(site.seats);
const anyNode = (site: Site, prng: Prng) => {
  const node = site.devnet.nodes[prng.int(0, CLUSTER_NODES - 1)];
  if (node === undefined) throw new Error("there is a node");
  return node;
};
const anyPayer = (site: Site, prng: Prng): Seat => (prng.chance(0.7) ? site.leader() : anySeat(site, prng));

async function whileOn(lines: readonly Line[], change: (line: Line) => void, ms: number): Promise<void> {
  for (const line of lines) change(line);
  await delay(ms);
  for (const line of lines) line.restore();
}

async function freeze(seat: Seat): Promise<void> {
  const { worker } = seat;
  worker.kill("SIGSTOP");
  await delay(seat.kind === "payer" ? FROZEN_PAYER_MS : FROZEN_MS);
  worker.kill("SIGCONT");
}

/** Some nodes on either side; the witnesses are dealt out, so neither side makes anything irreversible. */
async function fork(site: Site, prng: Prng): Promise<void> {
  const nodes = [...Array(CLUSTER_NODES + 1).keys()];
  const left = nodes.filter(() => prng.chance(0.5));
  const right = nodes.filter((node) => !left.includes(node));
  site.devnet.partition(left.length === 0 || right.length === 0 ? [[0], nodes.slice(1)] : [left, right]);
  await delay(prng.int(500, 2_500));
  site.devnet.heal();
}

export const FAULTS: readonly Fault[] = [
  {
    kind: "sigkill",
    weight: 4,
    happen: async (site, prng) => {
      const { worker } = anySeat(site, prng);
      worker.kill("SIGKILL");
      await worker.exited;
    },
  },
  {
    kind: "sigkill_payer",
    weight: 2,
    happen: async (site) => {
      const { worker } = site.leader();
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
    happen: (site, prng) => freeze(prng.pick([...site.seatsOf("ingester"), ...site.seatsOf("scheduler")])),
  },
  { kind: "sigstop_payer", weight: 1, happen: (site) => freeze(site.leader()) },
  { kind: "postgres_fast", weight: 1, alone: "postgres", happen: (site) => site.database.restart("fast") },
  {
    kind: "postgres_immediate",
    weight: 1,
    alone: "postgres",
    happen: (site) => site.database.restart("immediate"),
  },
  {
    kind: "postgres_restored",
    weight: 1,
    alone: "postgres",
    happen: async (site, prng) => {
      await site.database.snapshot();
      await delay(prng.int(500, 5_000));
      await site.database.restore();
    },
  },
  {
    kind: "database_mute",
    weight: 2,
    happen: (site, prng) =>
      whileOn([anyPayer(site, prng).database], (line) => line.mute(), prng.int(200, 3_000)),
  },
  {
    kind: "database_cut",
    weight: 1,
    happen: (site, prng) =>
      whileOn([anyPayer(site, prng).database], (line) => line.cut(), prng.int(200, 3_000)),
  },
  {
    kind: "redis_flushed",
    weight: 2,
    needsRedis: true,
    alone: "redis",
    happen: async (site) => {
      const client = new Redis(site.redisUrl as string);
      await client.flushall();
      client.disconnect();
    },
  },
  {
    kind: "redis_restarted",
    weight: 1,
    needsRedis: true,
    alone: "redis",
    happen: (site, prng) => site.restartRedis(prng.int(0, 2_000)),
  },
  {
    kind: "node_cut",
    weight: 1,
    happen: async (site, prng) => {
      const { faults } = anyNode(site, prng);
      faults.refuseConnections(true);
      faults.disconnectAll();
      await delay(prng.int(500, 3_000));
      faults.refuseConnections(false);
    },
  },
  {
    kind: "nodes_cut",
    weight: 1,
    happen: (site, prng) =>
      whileOn(
        site.seats.flatMap(({ nodes }) => nodes),
        (line) => line.cut(),
        prng.int(300, 1_500),
      ),
  },
  {
    kind: "node_mute",
    weight: 2,
    happen: (site, prng) => whileOn(anyPayer(site, prng).nodes, (line) => line.mute(), prng.int(500, 6_000)),
  },
  {
    kind: "node_late",
    weight: 1,
    happen: (site, prng) => {
      const delayMs = prng.int(50, 800);
      return whileOn(anyPayer(site, prng).nodes, (line) => line.delay(delayMs), prng.int(1_000, 4_000));
    },
  },
  {
    kind: "node_lies",
    weight: 1,
    happen: async (site, prng) => {
      // Says that it took them, and has lost them.
      anyNode(site, prng).faults.swallowBroadcasts(prng.int(1, 10));
      await delay(500);
    },
  },
  {
    kind: "node_restarted",
    weight: 1,
    happen: async (site, prng) => {
      anyNode(site, prng).faults.restart();
      await Promise.resolve();
    },
  },
  {
    kind: "node_behind",
    weight: 1,
    happen: async (site, prng) => {
      const { faults } = anyNode(site, prng);
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
    happen: async ({ devnet }, prng) => {
      devnet.stallIrreversibility(true);
      await delay(prng.int(1_000, 4_000));
      devnet.stallIrreversibility(false);
    },
  },
  {
    kind: "clock",
    weight: 2,
    happen: async (site, prng) => {
      const seat = anySeat(site, prng);
      seat.clockOffsetMs = prng.int(-24, 24) * HOUR_MS + prng.int(-HOUR_MS, HOUR_MS);
      const { worker } = seat;
      worker.kill("SIGKILL"); // Started again with the wrong clock, which it keeps.
      await worker.exited;
    },
  },
  {
    kind: "third_payer",
    weight: 1,
    happen: async (site, prng) => {
      const third = site.startByHand(prng.pick(site.seatsOf("payer")));
      await delay(prng.int(1_500, 5_000));
      third.kill(prng.pick(["SIGKILL", "SIGTERM"]));
      await third.exited;
    },
  },
];

/** A line with this event that comes after those that are there now. */
export function isNew(worker: Seat["worker"], event: string): (line: WorkerLogLine) => boolean {
  const seen = new Set(worker.lines);
  return (line) => line.event === event && !seen.has(line);
}
