import { type ChainBlock, ChainError, type ChainReader } from "@stakebts/bitshares/chain";
import type { Ledger } from "./ledger.ts";
import { lastFinalBlockNum } from "./ingest-blocks.ts";
import { nextHistoryBlock } from "./read-history.ts";
import type { NodeState } from "@stakebts/bitshares/node-pool";
import type { Metrics, Sample } from "../runtime/metrics.ts";
import { watched } from "../runtime/watched.ts";

interface KnowsNodes {
  nodes(): readonly NodeState[];
}

const NODES = {
  stakebts_node_up: { help: "1 when the node can be used", labels: ["node"] },
  stakebts_node_lying: { help: "1 when the node was caught in a lie, and is not believed", labels: ["node"] },
  stakebts_node_requests_per_second: {
    help: "Requests that the node is sent at most, when it has shown that it limits them",
    labels: ["node"],
  },
  stakebts_node_head_block: { help: "Newest block of the node", labels: ["node"] },
  stakebts_node_irreversible_block: { help: "Newest irreversible block of the node", labels: ["node"] },
} as const;

const CURSOR = {
  stakebts_cursor_block: { help: "Last block that was fully processed" },
  stakebts_cursor_time_seconds: { help: "Its time on the chain, seconds since 1970" },
  stakebts_cursor_lag_blocks: { help: "Final blocks that the ledger has not read yet" },
  stakebts_history_lag_blocks: {
    help: "Blocks of the ledger whose account history, with the transfers of executed proposals, has not been read yet",
  },
  stakebts_chain_head_block: { help: "Newest block of the chain" },
  stakebts_chain_irreversible_block: { help: "Newest irreversible block of the chain" },
} as const;

/** What the nodes are like, for every process that talks to them. */
export function measureNodes(metrics: Metrics, chain: Pick<ChainReader, "head"> & KnowsNodes): void {
  metrics.source("nodes", NODES, async () => {
    await headOrNone(chain); // Asks them, so that what is known of them is of now.
    const states = chain.nodes();
    const labelled = states.map((state) => ({ state, labels: { node: state.name } }));
    const heads = (block: (head: NonNullable<NodeState["head"]>) => number): Sample[] =>
      labelled.flatMap(({ state: { head }, labels }) =>
        head === undefined ? [] : [{ labels, value: block(head) }],
      );
    return {
      stakebts_node_up: labelled.map(({ state, labels }) => ({
        labels,
        value: state.problem === undefined ? 1 : 0,
      })),
      stakebts_node_lying: labelled.map(({ state, labels }) => ({
        labels,
        value: state.lie === undefined ? 0 : 1,
      })),
      stakebts_node_requests_per_second: labelled.flatMap(({ state: { requestsPerSecond }, labels }) =>
        requestsPerSecond === undefined ? [] : [{ labels, value: requestsPerSecond }],
      ),
      stakebts_node_head_block: heads((head) => head.headBlockNum),
      stakebts_node_irreversible_block: heads((head) => head.irreversibleBlockNum),
    };
  });
}

/** How far the ledger has come, beside how far the chain is. */
export function measureCursor(
  metrics: Metrics,
  { chain, ledger }: { chain: Pick<ChainReader, "head">; ledger: Pick<Ledger, "cursor"> },
): void {
  metrics.source("cursor", CURSOR, async () => {
    const [cursor, head] = await Promise.all([ledger.cursor.read(), headOrNone(chain)]);
    return {
      stakebts_cursor_block: cursor?.blockNum,
      stakebts_cursor_time_seconds: cursor === undefined ? undefined : cursor.blockTimeMs / 1000,
      stakebts_cursor_lag_blocks:
        cursor === undefined || head === undefined
          ? undefined
          : Math.max(0, lastFinalBlockNum(head.irreversibleBlockNum) - cursor.blockNum),
      stakebts_history_lag_blocks:
        cursor === undefined ? undefined : cursor.blockNum + 1 - nextHistoryBlock(cursor),
      stakebts_chain_head_block: head?.headBlockNum,
      stakebts_chain_irreversible_block: head?.irreversibleBlockNum,
    };
  });
}

async function headOrNone(chain: Pick<ChainReader, "head">) {
  try {
    return await chain.head();
  } catch (error) {
    if (error instanceof ChainError) return undefined;
    throw error;
  }
}

/** The same chain; what is read from it is counted. Blocks that are read twice count twice. */
export function countBlocks<C extends ChainReader>(metrics: Metrics, chain: C): C {
  const blocks = metrics.counter("stakebts_blocks_read_total", "Blocks read from nodes");
  const transfers = metrics.counter("stakebts_transfers_read_total", "Transfers of the custodian in them", [
    "direction",
  ]);
  return watched<ChainReader>(chain, {
    blocks: ({ args, answer }) => {
      const [{ account }] = args as unknown as Parameters<ChainReader["blocks"]>;
      const read = answer as readonly ChainBlock[] | undefined;
      blocks.inc(read?.length ?? 0);
      for (const transfer of read?.flatMap((block) => block.transfers) ?? [])
        transfers.inc({ direction: transfer.fromId === account ? "out" : "in" });
    },
  }) as C;
}
