import type { AccountId } from "./chain.ts";
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
  readonly tag: number;
  readonly body: unknown;
}

/**
 * All operations of the account from this block on, newest first: those of transactions, and those that the chain carried out by
 * itself, as it does with a proposal that was approved. They are in reversible blocks too.
 * Throws ChainError: "malformed_answer" when the node has removed some of them.
 */
export async function readAccountHistory(
  connection: RpcConnection,
  { account, from }: { account: AccountId; from: number },
): Promise<readonly HistoryEntry[]> {
  const found: HistoryEntry[] = [];
  let start = 0; // the newest
  for (let page = 0; page < PAGES_MAX; page++) {
    const entries = asArray(
      await connection.call("history", "get_account_history", [account, "1.11.0", PAGE, `1.11.${start}`]),
      "account history",
    ).map((entry) => asObject(entry, "operation"));
    for (const entry of entries) {
      const read = historyEntry(entry);
      if (read.blockNum < from) return found;
      found.push(read);
    }
    const last = entries.at(-1);
    if (last === undefined || entries.length < PAGE) break;
    start = instanceOf(last["id"], "1.11.", "operation id") - 1;
    if (start <= 0) break;
  }
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

function historyEntry(entry: JsonObject): HistoryEntry {
  const [tag, body] = asArray(entry["op"], "operation");
  return {
    blockNum: asUint32(entry["block_num"], "block number"),
    trxInBlock: asUint32(entry["trx_in_block"], "place in the block"),
    opInTrx: asUint32(entry["op_in_trx"], "place in the transaction"),
    tag: asUint32(tag, "operation tag"),
    body,
  };
}
