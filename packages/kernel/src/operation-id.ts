declare const brand: unique symbol;

/**
 * Where an operation stands in the chain: block number, transaction in the block, operation in the transaction.
 * Final once the block is irreversible; before that the same operation may move to another place.
 */
export interface OperationPosition {
  readonly blockNum: number;
  readonly trxInBlock: number;
  /**
   * Of what no transaction holds, because the chain carried it out itself, as it does with an approved proposal, 65,536 times the
   * number that the chain has given it is added ({@link virtualPosition}): so it comes after the operations of its transaction.
   */
  readonly opInTrx: number;
}

/** `block:trx:op`, the name of a transfer everywhere: in keys, receipts and messages; `block:trx:op.v` of a virtual operation. */
export type OperationId = string & { readonly [brand]: "operation" };

/** A transaction has fewer operations than this. */
const OPERATIONS = 65_536;
/** So that the place is an integer of 32 bits. */
const VIRTUAL_MAX = 32_767;

/**
 * The place of what the chain carried out itself.
 * @param virtualOp as the account history has it: 1, 2 … after the operation that set it off; from 0 at the end of a block, where
 * `trxInBlock` is the number of the block's transactions
 * @returns `undefined` for a number that no place can be made of
 */
export function virtualPosition(at: OperationPosition, virtualOp: number): OperationPosition | undefined {
  return virtualOp > VIRTUAL_MAX || at.opInTrx >= OPERATIONS
    ? undefined
    : { ...at, opInTrx: at.opInTrx + virtualOp * OPERATIONS };
}

/** Can this be a place of what the chain carried out itself? Its first act at the end of a block has a place as a transaction's. */
export const mayBeVirtual = ({ opInTrx }: OperationPosition): boolean =>
  opInTrx === 0 || opInTrx >= OPERATIONS;

/** The place of the operation that set it off. */
export const executionOf = (at: OperationPosition): OperationPosition => ({
  ...at,
  opInTrx: at.opInTrx % OPERATIONS,
});

/** Twin: operation_name in prisma/functions, and a test compares them. Block 0, where imports are, has no virtual operations. */
export const operationId = ({ blockNum, trxInBlock, opInTrx }: OperationPosition): OperationId =>
  (blockNum === 0 || opInTrx < OPERATIONS
    ? `${blockNum}:${trxInBlock}:${opInTrx}`
    : `${blockNum}:${trxInBlock}:${opInTrx % OPERATIONS}.${Math.floor(opInTrx / OPERATIONS)}`) as OperationId;

/** `undefined` for a text that names no place, or names it in another way than {@link operationId} does. */
export function operationPosition(text: string): OperationPosition | undefined {
  const [, block, trx, op, virtualOp] =
    /^(\d{1,10}):(\d{1,10}):(\d{1,10})(?:\.(\d{1,5}))?$/u.exec(text) ?? [];
  if (block === undefined) return undefined;
  const at = { blockNum: Number(block), trxInBlock: Number(trx), opInTrx: Number(op) };
  const found = virtualOp === undefined ? at : virtualPosition(at, Number(virtualOp));
  return found !== undefined && operationId(found) === text ? found : undefined;
}

/** Chain order. Virtual operations come after all those of the transaction that set them off. */
export const compareOperations = (a: OperationPosition, b: OperationPosition): number =>
  a.blockNum - b.blockNum || a.trxInBlock - b.trxInBlock || a.opInTrx - b.opInTrx;
