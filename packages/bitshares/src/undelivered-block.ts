import { readAccountHistory } from "./account-history.ts";
import type { AccountId } from "./chain.ts";
import { type ParsedBlock, parseBlock, parseBlockHeader } from "./block-parser.ts";
import { NodeRefusal } from "./node-errors.ts";
import type { RpcConnection } from "./rpc-connection.ts";
import { asObject, malformed } from "./wire-values.ts";

/*
 * A block that no node can send whole, by what it can tell of it all the same: its header, and from the history of the account
 * the transactions in it that concern that account. The root of the transactions proves nothing here; who asks has to ask several
 * nodes.
 */

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

/** What one node says. Throws ChainError, also when its history does not reach back to the block. */
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
  const entries = await readAccountHistory(connection, { account, from: blockNum });
  const places = entries.filter((entry) => entry.blockNum === blockNum).map(({ trxInBlock }) => trxInBlock);
  return [...new Set(places)].toSorted((a, b) => a - b);
}
