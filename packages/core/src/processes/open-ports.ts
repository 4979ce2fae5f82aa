import { distinctNodes } from "@stakebts/bitshares/node-address";
import { assert } from "@stakebts/kernel/assert";
import { type ChainClient, createChainClient } from "@stakebts/bitshares/chain-client";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import type { Database } from "../database/client.ts";
import { createJobQueue } from "../queue/bullmq-queue.ts";
import { startJobWorker } from "../queue/bullmq-worker.ts";
import { type QueueStore, queueStoreOf } from "../queue/connection.ts";
import { queuePrefix } from "../database/queue-prefix.ts";
import type { JobQueue, StartWorker } from "../queue/queue.ts";
import { DONE, repeat } from "../runtime/loop.ts";
import type { Progress } from "../runtime/progress.ts";

// What more than one process opens by its settings, and opens alike.

interface ChainSettings {
  readonly STAKEBTS_NODES: readonly string[];
  readonly STAKEBTS_NODE_QUORUM?: number | undefined;
  readonly STAKEBTS_TRUST_ONE_NODE: "on" | "off";
  readonly STAKEBTS_CHAIN_ID?: string | undefined;
  readonly STAKEBTS_NODE_REQUESTS_PER_SECOND?: number | undefined;
  readonly STAKEBTS_NODE_REQUESTS_AT_ONCE?: number | undefined;
  readonly STAKEBTS_BLOCKS_AT_ONCE?: number | undefined;
}

interface StoreSettings {
  readonly DATABASE_URL: string;
  readonly REDIS_URL?: string | undefined;
}

export function openChain(config: ChainSettings, log?: Log): ChainClient {
  // The schema has refused it already. It is the one thing that must not slip through a schema without the relation.
  assert(
    distinctNodes(config.STAKEBTS_NODES).length > 1 || config.STAKEBTS_TRUST_ONE_NODE === "on",
    "a single node is believed only with STAKEBTS_TRUST_ONE_NODE=on",
  );
  return createChainClient({
    nodes: config.STAKEBTS_NODES,
    quorum: config.STAKEBTS_NODE_QUORUM,
    chainId: config.STAKEBTS_CHAIN_ID,
    requestsPerSecond: config.STAKEBTS_NODE_REQUESTS_PER_SECOND,
    window: config.STAKEBTS_NODE_REQUESTS_AT_ONCE,
    blocksAtOnce: config.STAKEBTS_BLOCKS_AT_ONCE,
    log: (event, fields) => (event === "node.limits_requests" ? log?.warn : log?.debug)?.(event, fields),
  });
}

/**
 * Where the jobs of this ledger are. In Redis its queues have a name of their own, so that another ledger on the same server
 * neither gets its jobs nor waits for them: the ledger is asked who it is, until it answers or the signal comes.
 */
export async function findQueueStore(
  config: StoreSettings,
  db: Database,
  loop: { readonly clock: HostClock; readonly log: Log; readonly progress: Progress },
  signal: AbortSignal,
): Promise<QueueStore> {
  let store = queueStoreOf(config);
  if ("redisUrl" in store)
    await repeat({ ...loop, name: "find queues" }, signal, async () => {
      store = queueStoreOf(config, await queuePrefix(db));
      return DONE;
    });
  return store;
}

export const openJobQueue = (store: QueueStore, log: Log): JobQueue => createJobQueue({ store, log });

export const workerOn =
  (store: QueueStore, observed: { readonly log: Log; readonly progress: Progress }): StartWorker =>
  (task) =>
    startJobWorker({ store, ...observed, ...task });
