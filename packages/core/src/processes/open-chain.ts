import { type ChainClient, createChainClient } from "@stakebts/bitshares/chain-client";
import { distinctNodes } from "@stakebts/bitshares/node-address";
import { assert } from "@stakebts/kernel/assert";
import type { Log } from "@stakebts/kernel/log";

interface ChainSettings {
  readonly STAKEBTS_NODES: readonly string[];
  readonly STAKEBTS_NODE_QUORUM?: number | undefined;
  readonly STAKEBTS_TRUST_ONE_NODE: "on" | "off";
  readonly STAKEBTS_CHAIN_ID?: string | undefined;
  readonly STAKEBTS_NODE_REQUESTS_PER_SECOND?: number | undefined;
  readonly STAKEBTS_NODE_REQUESTS_AT_ONCE?: number | undefined;
  readonly STAKEBTS_BLOCKS_AT_ONCE?: number | undefined;
}

/** The chain, as every process opens it by its settings. */
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
