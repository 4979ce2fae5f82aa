import { type BroadcastOutcome, ChainError } from "./chain.ts";
import { broadcastOutcomeOf, NodeRefusal } from "./node-errors.ts";
import type { Node, NodePool } from "./node-pool.ts";
import { parseSignedTransaction, transactionToWire } from "./transaction-codec.ts";

/** A node that cannot broadcast has said nothing about the transaction. */
const isVerdict = (outcome: BroadcastOutcome): boolean =>
  outcome.type === "refused" && outcome.code !== "node_cannot_broadcast";

/**
 * Sends the same bytes to one node after another until one has taken them.
 * The plain call and not the one with a callback: it answers at once, and inclusion is read from blocks anyway.
 */
export async function broadcastTo(
  pool: NodePool,
  bytes: Uint8Array,
  keyPrefix: string,
): Promise<BroadcastOutcome> {
  const transaction = transactionToWire(parseSignedTransaction(bytes, keyPrefix));
  const outcomes: BroadcastOutcome[] = [];
  for (const node of await pool.forBroadcast()) {
    pool.triedBroadcast(node);
    const outcome = await sendTo(pool, node, transaction);
    if (outcome.type === "accepted" || outcome.type === "duplicate") return outcome;
    if (!isVerdict(outcome)) pool.failedBroadcast(node);
    outcomes.push(outcome);
  }
  return (
    outcomes.find(isVerdict) ??
    outcomes.find(({ type }) => type === "unknown") ??
    outcomes[0] ?? { type: "unknown", message: "no node is on the right chain" }
  );
}

async function sendTo(pool: NodePool, node: Node, transaction: object): Promise<BroadcastOutcome> {
  try {
    await pool.checkChain(node);
    await node.connection.call("network_broadcast", "broadcast_transaction", [transaction]);
    return { type: "accepted" };
  } catch (error) {
    if (error instanceof NodeRefusal) return broadcastOutcomeOf(error);
    if (error instanceof ChainError) return { type: "unknown", message: error.message };
    throw error;
  }
}
