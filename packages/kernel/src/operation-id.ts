declare const brand: unique symbol;

/**
 * Where an operation stands in the chain: block number, transaction in the block, operation in the transaction.
 * Final once the block is irreversible; before that the same operation may move to another place.
 */
export interface OperationPosition {
  readonly blockNum: number;
  readonly trxInBlock: number;
  readonly opInTrx: number;
}

/** `block:trx:op`, the name of a transfer everywhere: in keys, receipts and messages. */
export type OperationId = string & { readonly [brand]: "operation" };

export const operationId = (at: OperationPosition): OperationId =>
  `${at.blockNum}:${at.trxInBlock}:${at.opInTrx}` as OperationId;

/** Chain order. */
export const compareOperations = (a: OperationPosition, b: OperationPosition): number =>
  a.blockNum - b.blockNum || a.trxInBlock - b.trxInBlock || a.opInTrx - b.opInTrx;
