import type { AccountId } from "./chain.ts";
import { type ParsedBlock, parseBlock, parseBlockHeader } from "./block-parser.ts";
import { NodeRefusal } from "./node-errors.ts";
import type { RpcConnection } from "./rpc-connection.ts";
import { asArray, asObject, asUint32, instanceOf, malformed } from "./wire-values.ts";

/*
 * A block that no node can send whole, by what it can tell of it all the same: its header, and from the history of the account
 * the transactions in it that concern that account. The root of the transactions proves nothing here; who asks has to ask several
 * nodes.
 */

/** The most that bitshares-core gives at once. */
const HISTORY_PAGE = 100;
/** A node keeps about 1,000 operations of an account unless it is told to keep more. */
const HISTORY_PAGES_MAX = 200;

/** In the place of a transaction that was not asked for: one that cannot be checked, and so nothing is said of the root. */
const NOT_ASKED_FOR = {
  ref_block_num: 0,
  ref_block_prefix: 0,
  expiration: "1970-01-01T00:00:00",
  operations: [],
  extensions: ["not asked for"],
  signatures: [],
  operation_results: [],
};

/** What one node says. Throws ChainError; "inconsistent_chain" when its history does not reach back to the block. */
export async function readUndelivered(
  connection: RpcConnection,
  { blockNum, account }: { blockNum: number; account: AccountId },
): Promise<ParsedBlock> {
  const header = asObject(
    await connection.call("database", "get_block_header", [blockNum, true]),
    "block header",
  );
  if (parseBlockHeader(header).blockNum !== blockNum) throw malformed(`header of block ${blockNum}`, header);
  const transactions: unknown[] = [];
  for (const trxInBlock of await transactionsOf(connection, blockNum, account)) {
    const transaction = await transactionAt(connection, blockNum, trxInBlock);
    if (transaction === undefined) continue;
    while (transactions.length < trxInBlock) transactions.push(NOT_ASKED_FOR);
    transactions.push(transaction);
  }
  return parseBlock({ ...header, transactions: [...transactions, NOT_ASKED_FOR] }, account);
}

/** `undefined` for a place after the last transaction, where the history has what the chain does by itself. */
async function transactionAt(
  connection: RpcConnection,
  blockNum: number,
  trxInBlock: number,
): Promise<unknown> {
  try {
    return await connection.call("database", "get_transaction", [blockNum, trxInBlock]);
  } catch (error) {
    if (error instanceof NodeRefusal) return undefined;
    throw error;
  }
}

/** The places in the block of the transactions that the account's history names, in order. */
async function transactionsOf(
  connection: RpcConnection,
  blockNum: number,
  account: AccountId,
): Promise<readonly number[]> {
  const found = new Set<number>();
  let start = 0; // the newest
  for (let page = 0; page < HISTORY_PAGES_MAX; page++) {
    const entries = asArray(
      await connection.call("history", "get_account_history", [
        account,
        "1.11.0",
        HISTORY_PAGE,
        `1.11.${start}`,
      ]),
      "account history",
    ).map((entry) => asObject(entry, "operation"));
    for (const entry of entries) {
      const at = asUint32(entry["block_num"], "block number");
      if (at < blockNum) return [...found].toSorted((a, b) => a - b);
      if (at === blockNum) found.add(asUint32(entry["trx_in_block"], "place in the block"));
    }
    const last = entries.at(-1);
    if (last === undefined || entries.length < HISTORY_PAGE) break;
    start = instanceOf(last["id"], "1.11.", "operation id") - 1;
    if (start <= 0) break;
  }
  // It ends here. That it does because nothing was before, the account's statistics say.
  const [statistics] = asArray(
    await connection.call("database", "get_objects", [[`2.6.${account.slice("1.2.".length)}`]]),
    "objects",
  );
  if (asObject(statistics, "account statistics")["removed_ops"] !== 0)
    throw malformed(`history of ${account} back to block ${blockNum}`, `${connection.name} has removed it`);
  return [...found].toSorted((a, b) => a - b);
}
