import { setTimeout as delay } from "node:timers/promises";
import { LIES, type Lie, type RequestLimit, tellLie, wifFromSeed } from "@stakebts/devnet";
import { ChainWatch, ownNode } from "./chain-watch.ts";
import { anyNode, type Fault } from "./fault.ts";
import { CUSTODIAN, NOMINATORS } from "./nominators.ts";
import { CLUSTER_NODES, pauseQueues, type ReplicatedCluster, replicasOf } from "./replicated-cluster.ts";
import { steal, THEFTS } from "./thefts.ts";

// What strangers, thieves, operators of nodes and our own operators do, on purpose or by mistake.

/** Whom a node lies about, and who is to gain by it. */
export async function liarsInterest({ cluster: { devnet } }: ReplicatedCluster, attacker: string) {
  const watch = new ChainWatch(ownNode(devnet));
  try {
    return { victim: await watch.accountId(CUSTODIAN), attacker: await watch.accountId(attacker) };
  } finally {
    watch.close();
  }
}

/** In the place of the custodian. */
const ANOTHER = NOMINATORS[0] as string;
/** Exit code of a process whose settings do not fit. */
const CONFIGURATION = 78;
/** A machine that is busy, whose database is being restarted, takes its time. */
const STARTED_MS_MAX = 20_000;

/** A payer with the keys of another account, on this ledger: it has to end before it is any use. */
export async function startWithAnotherAccount({ cluster, unnoticed }: ReplicatedCluster): Promise<void> {
  const payer = cluster.start("payer", {
    STAKEBTS_CUSTODIAN: ANOTHER,
    STAKEBTS_ACTIVE_KEY: wifFromSeed(`${ANOTHER}-active`),
    STAKEBTS_MEMO_KEY: wifFromSeed(`${ANOTHER}-memo`),
  });
  const begins = payer.waitFor(({ event }) => event === "payer.leads" || event === "payer.stands_by");
  await Promise.race([
    payer.exited,
    begins.catch(() => undefined),
    delay(STARTED_MS_MAX, undefined, { ref: false }),
  ]);
  const hasBegun = payer.lines.some(({ event }) => event.startsWith("payer."));
  payer.kill("SIGKILL");
  const exit = await payer.exited;
  if (hasBegun) unnoticed.push(`a payer began with the account ${ANOTHER}`);
  else if (typeof exit === "number" && exit !== CONFIGURATION)
    unnoticed.push(`a payer with the account ${ANOTHER} ended with ${exit} and not with ${CONFIGURATION}`);
}

const knownNodes = ({ cluster: { devnet } }: ReplicatedCluster) => devnet.nodes.slice(0, CLUSTER_NODES);

/** Of all requests from here: the nodes see one address. */
export function limitRequests(target: ReplicatedCluster, limit: RequestLimit): void {
  for (const { faults } of knownNodes(target)) faults.limitRequests(limit);
}

/** The database takes no agreement, for a reason that no process knows, until the answer is called. */
export async function refuseAgreements(target: ReplicatedCluster): Promise<() => Promise<void>> {
  const schedulers = replicasOf(target, "scheduler");
  for (const replica of schedulers) replica.mayBreak = true;
  await target.cluster.query("ALTER TABLE agreement ADD CONSTRAINT refuses CHECK (false) NOT VALID");
  return async () => {
    await target.cluster.query("ALTER TABLE agreement DROP CONSTRAINT refuses");
    await delay(REFUSED_LATE_MS);
    for (const replica of schedulers) replica.mayBreak = false;
  };
}
/** One that was refused just before ends the process a moment later. */
const REFUSED_LATE_MS = 1_500;

export const ATTACKS: readonly Fault[] = [
  {
    kind: "thief",
    weight: 4,
    alone: "postgres",
    happen: (target, prng, say) => {
      const theft = prng.pick(THEFTS);
      say(`${theft.login}: ${theft.what}`);
      return steal(target, theft);
    },
  },
  {
    kind: "node_lies",
    weight: 3,
    happen: async (target, prng) => {
      const { faults } = anyNode(target, prng);
      const options = await liarsInterest(target, prng.pick(NOMINATORS));
      tellLie(faults, prng.pick(Object.keys(LIES) as Lie[]), options);
      await delay(prng.int(1_000, 5_000));
      tellLie(faults, null, options);
    },
  },
  {
    kind: "queues_paused",
    weight: 1,
    needsRedis: true,
    alone: "redis",
    happen: async (target, prng) => {
      await pauseQueues(target, true);
      await delay(prng.int(500, 5_000));
      await pauseQueues(target, false);
    },
  },
  {
    kind: "unreadable_block",
    weight: 1,
    happen: async ({ cluster: { devnet } }) => {
      devnet.injectUnreadable();
      await Promise.resolve();
    },
  },
  {
    kind: "unverifiable_block",
    weight: 1,
    happen: async ({ cluster: { devnet } }) => {
      // Of an operation that no program knows: the root of the block cannot be computed.
      devnet.injectOperation([90, { fee: { amount: 0, asset_id: "1.3.0" } }]);
      await Promise.resolve();
    },
  },
  {
    kind: "dear_block",
    weight: 1,
    happen: async ({ cluster: { devnet } }, prng) => {
      devnet.injectDear(prng.int(1, 8));
      await Promise.resolve();
    },
  },
  {
    kind: "node_limits",
    weight: 1,
    happen: async (target, prng) => {
      limitRequests(target, {
        perSecond: prng.int(60, 300),
        by: prng.pick(["closing", "refusing"]),
      });
      await delay(prng.int(1_000, 4_000));
      for (const { faults } of knownNodes(target)) faults.limitRequests(null);
    },
  },
  {
    kind: "node_hangs_up",
    weight: 1,
    happen: async (target, prng) => {
      // As a proxy does that ends each connection after so many answers.
      for (const untilMs = Date.now() + prng.int(1_000, 4_000); Date.now() < untilMs;) {
        await delay(prng.int(100, 600));
        for (const { faults } of knownNodes(target)) faults.disconnectAll();
      }
    },
  },
  {
    kind: "wrong_account",
    weight: 1,
    alone: "postgres",
    happen: (target) => startWithAnotherAccount(target),
  },
  {
    kind: "connections_refused",
    weight: 1,
    alone: "postgres",
    happen: async ({ cluster: { database } }, prng) => {
      const logins = Object.values(database.urls ?? {}).map((url) => `"${new URL(url).username}"`);
      const limit = (count: number) =>
        database.query(logins.map((login) => `ALTER ROLE ${login} CONNECTION LIMIT ${count}`).join("; "));
      // As on a server that has no connection left.
      await limit(0);
      await database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'stakebts%' AND pid <> pg_backend_pid()",
      );
      await delay(prng.int(500, 3_000));
      await limit(-1);
    },
  },
  {
    kind: "row_refused",
    weight: 1,
    alone: "postgres",
    happen: async (target, prng) => {
      const mend = await refuseAgreements(target);
      await delay(prng.int(500, 3_000));
      await mend();
    },
  },
];
