import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { ProposalOnChain, ProposedTransfer } from "./account-operations.ts";
import type { AccountId } from "./chain.ts";
import { parseTransfer } from "./block-parser.ts";
import type { RpcConnection } from "./rpc-connection.ts";
import { TRANSFER_TAG } from "./transaction-codec.ts";
import { asArray, asObject, asUint32 } from "./wire-values.ts";

const PROPOSAL_CREATE_TAG = 22;
const PROPOSAL_UPDATE_TAG = 23;

/** What one node says. Throws ChainError. */
export async function readProposal(
  connection: RpcConnection,
  request: { at: OperationPosition; executedAt: OperationPosition; account: AccountId },
): Promise<ProposalOnChain> {
  const made = operationIn(await transactionsOf(connection, request.at.blockNum), request.at);
  const there = await transactionsOf(connection, request.executedAt.blockNum);
  const executed = operationIn(there, request.executedAt);
  const isEnd = request.executedAt.trxInBlock === there.length && request.executedAt.opInTrx === 0;
  return {
    transfers: made?.tag === PROPOSAL_CREATE_TAG ? transfersTo(request.account, made.body) : [],
    executedBy: executed?.tag === PROPOSAL_UPDATE_TAG ? "approval" : isEnd ? "end_of_block" : "nothing",
  };
}

async function transactionsOf(connection: RpcConnection, blockNum: number): Promise<readonly unknown[]> {
  const block = asObject(await connection.call("database", "get_block", [blockNum]), `block ${blockNum}`);
  return asArray(block["transactions"], "transactions");
}

function operationIn(
  transactions: readonly unknown[],
  { trxInBlock, opInTrx }: OperationPosition,
): { readonly tag: number; readonly body: unknown } | undefined {
  const transaction = transactions[trxInBlock];
  if (transaction === undefined) return undefined;
  const operation = asArray(asObject(transaction, "transaction")["operations"], "operations")[opInTrx];
  if (operation === undefined) return undefined;
  const [tag, body] = asArray(operation, "operation");
  return { tag: asUint32(tag, "operation tag"), body };
}

function transfersTo(account: AccountId, proposal: unknown): readonly ProposedTransfer[] {
  const proposed = asArray(asObject(proposal, "proposal")["proposed_ops"], "proposed operations");
  return proposed.flatMap((wrapped, proposedOp) => {
    const [tag, body] = asArray(asObject(wrapped, "proposed operation")["op"], "operation");
    if (tag !== TRANSFER_TAG) return [];
    const transfer = { permissionId: undefined, ...parseTransfer(body) };
    return transfer.toId === account ? [{ proposedOp, transfer }] : [];
  });
}
