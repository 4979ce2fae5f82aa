import { type OperationPosition, virtualPosition } from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";
import { type AccountId, ChainError } from "./chain.ts";
import { NodeRefusal } from "./node-errors.ts";
import type { RpcConnection } from "./rpc-connection.ts";
import { asArray, asObject, asUint32, instanceOf, type JsonObject, malformed } from "./wire-values.ts";

/** The most that bitshares-core gives at once. */
const PAGE = 100;
/** A node keeps about 1,000 operations of an account unless it is told to keep more. */
const PAGES_MAX = 1_000;

export interface HistoryEntry {
  readonly blockNum: number;
  readonly trxInBlock: number;
  readonly opInTrx: number;
  /** 0 for what a transaction holds; and for the first of what the chain does at the end of a block. */
  readonly virtualOp: number;
  readonly tag: number;
  readonly body: unknown;
}

/** Where it stands in the chain. `undefined`: after more than 32,767 others that the chain has done there by itself. */
export const placeOf = ({ virtualOp, ...entry }: HistoryEntry): OperationPosition | undefined => {
  const { blockNum, trxInBlock, opInTrx } = entry;
  return virtualPosition({ blockNum, trxInBlock, opInTrx }, virtualOp);
};

/**
 * All operations of the account from this block on, newest first: those of transactions, and those that the chain carried out by
 * itself, as it does with a proposal that was approved. They are in reversible blocks too.
 * @param request.upToMs what came later may be left out: the time of a block, where only older ones are wanted
 * Throws ChainError: "malformed_answer" when the node has removed some of them.
 */
export async function readAccountHistory(
  connection: RpcConnection,
  { account, from, upToMs }: { account: AccountId; from: number; upToMs?: Millis | undefined },
): Promise<readonly HistoryEntry[]> {
  const found: HistoryEntry[] = [];
  let ended = false;
  let start = 0; // the newest
  for (let page = 0; page < PAGES_MAX && !ended; page++) {
    const answer = page === 0 && upToMs !== undefined ? await upTo(connection, account, upToMs) : undefined;
    const entries = asArray(
      answer ??
        (await connection.call("history", "get_account_history", [account, "1.11.0", PAGE, `1.11.${start}`])),
      "account history",
    ).map((entry) => asObject(entry, "operation"));
    for (const entry of entries) {
      const read = historyEntry(entry);
      if (read.blockNum < from) return found;
      found.push(read);
    }
    const last = entries.at(-1);
    if (last !== undefined) start = instanceOf(last["id"], "1.11.", "operation id") - 1;
    ended = last === undefined || entries.length < PAGE || start <= 0;
  }
  if (!ended)
    throw new ChainError(
      "node_refused",
      `history of ${account} back to block ${from}: more than ${PAGE * PAGES_MAX} operations`,
    );
  // It ends here. That it does because nothing was before, the account's statistics say.
  const [statistics] = asArray(
    await connection.call("database", "get_objects", [[`2.6.${account.slice("1.2.".length)}`]]),
    "objects",
  );
  if (asObject(statistics, "account statistics")["removed_ops"] !== 0)
    throw malformed(
      `history of ${account} back to block ${from}`,
      `${connection.name} has removed a part of it`,
    );
  return found;
}

/** The newest of that time. `undefined`: this node cannot be asked so, and then everything that came later is read as well. */
async function upTo(connection: RpcConnection, account: AccountId, upToMs: Millis): Promise<unknown> {
  try {
    // A second more: whether nodes count that instant in is not theirs alone to say.
    const time = new Date(upToMs + 1_000).toISOString().slice(0, 19);
    return await connection.call("history", "get_account_history_by_time", [account, PAGE, time]);
  } catch (error) {
    if (error instanceof NodeRefusal) return undefined;
    throw error;
  }
}

function historyEntry(entry: JsonObject): HistoryEntry {
  const [tag, body] = asArray(entry["op"], "operation");
  return {
    blockNum: asUint32(entry["block_num"], "block number"),
    trxInBlock: asUint32(entry["trx_in_block"], "place in the block"),
    opInTrx: asUint32(entry["op_in_trx"], "place in the transaction"),
    virtualOp: asUint32(entry["virtual_op"], "number of a virtual operation"),
    tag: asUint32(tag, "operation tag"),
    body,
  };
}
