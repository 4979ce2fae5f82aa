import { millis, SECOND_MS } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import type { AccountId, ChainBlock, ChainPayment, ChainTransfer, EncryptedMemo } from "./chain.ts";
import type { AccountOperation } from "./account-operations.ts";
import { isActing, operationName } from "./acting-account.ts";
import { type BlockHeader, blockIdOf, blockNumOf, merkleRootOf } from "./block-id.ts";
import { ByteWriter } from "./byte-writer.ts";
import { NodeLie } from "./node-errors.ts";
import { DEFAULT_KEY_PREFIX, parsePublicKey } from "./keys.ts";
import { serializeForeignOperation } from "./reference-serializer.ts";
import { CLAIM_TAG, type Transfer, transactionId, TRANSFER_TAG, writeTransfer } from "./transaction-codec.ts";
import {
  asAccountId,
  asAmount,
  asArray,
  asAssetId,
  asHex,
  asInt64,
  asObject,
  asPermissionId,
  asText,
  asTimeSec,
  asUint32,
  asUint64,
  instanceOf,
  type JsonObject,
  malformed,
} from "./wire-values.ts";

/** Do the transactions belong to the header? */
export type MerkleVerdict =
  | "verified"
  /** Something in the block cannot be serialized here, or perhaps not rightly: nothing is known. */
  | "unverifiable";

export interface ParsedBlock {
  readonly block: ChainBlock;
  readonly merkle: MerkleVerdict;
  /** All that the account's authority does in it. */
  readonly accountOperations: readonly AccountOperation[];
}

/**
 * `get_block` or `get_block_header` with signature. The id is computed, not believed.
 * Throws ChainError "malformed_answer".
 */
export function parseBlockHeader(raw: JsonObject): BlockHeader & { blockNum: number; blockId: string } {
  const header: BlockHeader = {
    previous: asHex(raw["previous"], 20, "previous block id"),
    timestampSec: asTimeSec(raw["timestamp"], "block timestamp"),
    witness: instanceOf(raw["witness"], "1.6.", "witness id"),
    transactionMerkleRoot: asHex(raw["transaction_merkle_root"], 20, "merkle root"),
    witnessSignature: asHex(raw["witness_signature"], 65, "witness signature"),
  };
  if (asArray(raw["extensions"], "header extensions").length > 0) {
    throw malformed("block header without extensions", raw["extensions"]);
  }
  return { ...header, blockNum: blockNumOf(header.previous) + 1, blockId: blockIdOf(header) };
}

/**
 * One block as `get_block` prints it, reduced to the transfers and claims that touch `account`, and to what it does.
 * Throws ChainError "malformed_answer" for a shape that no block has, NodeLie when transactions and header do not belong
 * together.
 */
export function parseBlock(
  value: unknown,
  account: AccountId,
  keyPrefix: string = DEFAULT_KEY_PREFIX,
): ParsedBlock {
  const raw = asObject(value, "block");
  const header = parseBlockHeader(raw);
  const { blockNum, blockId } = header;
  const transactions = asArray(raw["transactions"], "transactions");
  const transfers: ChainTransfer[] = [];
  const payments: ChainPayment[] = [];
  const accountOperations: AccountOperation[] = [];
  const packed: Uint8Array[] = [];
  let complete = true; // every transaction could be serialized
  let transfersOnly = true; // and by our own codec alone, which knows all there is about transfers

  transactions.forEach((rawTransaction, trxInBlock) => {
    const transaction = asObject(rawTransaction, "transaction");
    const operations = asArray(transaction["operations"], "operations").map(asOperation);
    const mine: Omit<ChainTransfer, "txid">[] = [];
    const doing: Omit<AccountOperation, "txid">[] = [];
    const out = new ByteWriter();
    writeTransactionHead(out, transaction, operations.length);
    const refBlockNum = referredTo(asUint32(transaction["ref_block_num"], "ref_block_num"), blockNum);
    let serialized = true;
    operations.forEach(({ tag, body }, opInTrx) => {
      const ofAccount = isActing(account, tag, body)
        ? { position: { blockNum, trxInBlock, opInTrx }, name: operationName(tag), refBlockNum }
        : undefined;
      if (tag === TRANSFER_TAG || tag === CLAIM_TAG) {
        const transfer = {
          trxInBlock,
          opInTrx,
          permissionId: undefined,
          ...(tag === TRANSFER_TAG ? parseTransfer(body) : parseClaim(body)),
        };
        if (transfer.fromId === account || transfer.toId === account) mine.push(transfer);
        if (ofAccount !== undefined) doing.push({ ...ofAccount, transfer });
        if (serialized) serialized = tryWriteTransfer(out, transfer);
        return;
      }
      transfersOnly = false;
      if (ofAccount !== undefined) doing.push({ ...ofAccount, transfer: undefined });
      const bytes = serialized ? serializeForeignOperation(tag, body, keyPrefix) : undefined;
      if (bytes === undefined) serialized = false;
      else out.bytes(bytes);
    });
    if (asArray(transaction["extensions"], "transaction extensions").length > 0) serialized = false;
    out.uint8(0);
    const isOurs = mine.length > 0 || doing.length > 0;
    const [first, second] = operations;
    const isPayment = second === undefined && (first?.tag === TRANSFER_TAG || first?.tag === CLAIM_TAG);
    const txid = serialized && (isOurs || isPayment) ? transactionId(out.take()) : undefined;
    if (isPayment && txid !== undefined) payments.push({ txid, trxInBlock });
    for (const transfer of mine) transfers.push({ ...transfer, txid });
    for (const operation of doing) accountOperations.push({ ...operation, txid });
    if (serialized && complete) serialized = writeTransactionTail(out, transaction);
    if (serialized) packed.push(out.take());
    else complete = false;
  });

  const block: ChainBlock = {
    blockNum,
    blockId,
    previousId: header.previous,
    timeMs: millis(header.timestampSec * SECOND_MS),
    transfers,
    payments,
  };
  if (!complete) return { block, accountOperations, merkle: "unverifiable" };
  if (merkleRootOf(packed) === header.transactionMerkleRoot)
    return { block, accountOperations, merkle: "verified" };
  if (!transfersOnly) return { block, accountOperations, merkle: "unverifiable" };
  throw new NodeLie(`the transactions of block ${blockNum} do not hash to its merkle root`);
}

function asOperation(value: unknown): { tag: number; body: unknown } {
  const [tag, body] = asArray(value, "operation");
  if (typeof tag !== "number" || !Number.isInteger(tag) || tag < 0) throw malformed("operation tag", tag);
  return { tag, body };
}

/** The fields of operation 0. Throws ChainError "malformed_answer". */
export function parseTransfer(value: unknown): Transfer {
  const body = asObject(value, "transfer");
  const fee = asObject(body["fee"], "fee");
  const amount = asObject(body["amount"], "amount");
  if (asArray(body["extensions"], "transfer extensions").length > 0) {
    throw malformed("transfer without extensions", body["extensions"]);
  }
  return {
    fromId: asAccountId(body["from"], "from"),
    toId: asAccountId(body["to"], "to"),
    amount: shares(asAmount(amount["amount"], "amount", 1n)),
    assetId: asAssetId(amount["asset_id"], "asset id"),
    feeAmount: shares(asAmount(fee["amount"], "fee")),
    feeAssetId: asAssetId(fee["asset_id"], "fee asset id"),
    memo: body["memo"] === undefined || body["memo"] === null ? undefined : parseMemo(body["memo"]),
  };
}

/** The fields of operation 27, in the words of a transfer: it goes from who gives to who draws. Throws as that does. */
export function parseClaim(value: unknown): Transfer {
  const body = asObject(value, "claim");
  const fee = asObject(body["fee"], "fee");
  const amount = asObject(body["amount_to_withdraw"], "amount to withdraw");
  return {
    permissionId: asPermissionId(body["withdraw_permission"], "withdraw permission"),
    fromId: asAccountId(body["withdraw_from_account"], "account withdrawn from"),
    toId: asAccountId(body["withdraw_to_account"], "account withdrawn to"),
    amount: shares(asAmount(amount["amount"], "amount to withdraw", 1n)),
    assetId: asAssetId(amount["asset_id"], "asset id"),
    feeAmount: shares(asAmount(fee["amount"], "fee")),
    feeAssetId: asAssetId(fee["asset_id"], "fee asset id"),
    memo: body["memo"] === undefined || body["memo"] === null ? undefined : parseMemo(body["memo"]),
  };
}

function parseMemo(value: unknown): EncryptedMemo {
  const memo = asObject(value, "memo");
  const messageHex = asText(memo["message"], "memo message");
  if (messageHex.length % 2 !== 0 || !/^[0-9a-f]*$/.test(messageHex)) {
    throw malformed("memo message in hex", messageHex);
  }
  return {
    from: asText(memo["from"], "memo key"),
    to: asText(memo["to"], "memo key"),
    nonce: asUint64(memo["nonce"], "memo nonce").toString(),
    messageHex,
  };
}

/** `false` when a memo key cannot be read: a node of another key prefix, or one that lies. */
function tryWriteTransfer(out: ByteWriter, transfer: Transfer): boolean {
  const { memo } = transfer;
  if (memo && (parsePublicKey(memo.from) === undefined || parsePublicKey(memo.to) === undefined))
    return false;
  writeTransfer(out, transfer);
  return true;
}

/** Only the low 16 bits stand in a transaction; it cannot refer to its own block or a later one. */
const referredTo = (lowBits: number, blockNum: number): number =>
  blockNum - 1 - ((blockNum - 1 - lowBits) & 0xffff);

function writeTransactionHead(out: ByteWriter, transaction: JsonObject, operationCount: number): void {
  const refBlockNum = asUint32(transaction["ref_block_num"], "ref_block_num");
  if (refBlockNum > 0xffff) throw malformed("ref_block_num", refBlockNum);
  out.uint16(refBlockNum);
  out.uint32(asUint32(transaction["ref_block_prefix"], "ref_block_prefix"));
  out.uint32(asTimeSec(transaction["expiration"], "expiration"));
  out.varint(operationCount);
}

/** Signatures in the order given (bitsharesjs would sort them), then results. `false` when a result is not known here. */
function writeTransactionTail(out: ByteWriter, transaction: JsonObject): boolean {
  const signatures = asArray(transaction["signatures"], "signatures");
  out.varint(signatures.length);
  for (const signature of signatures) out.bytes(Buffer.from(asHex(signature, 65, "signature"), "hex"));
  const results = asArray(transaction["operation_results"], "operation results");
  out.varint(results.length);
  for (const result of results) {
    const [tag, value] = asArray(result, "operation result");
    if (tag === 0) {
      out.uint8(0);
    } else if (tag === 2) {
      const amount = asObject(value, "amount");
      out.uint8(2);
      out.int64(asInt64(amount["amount"], "amount"));
      out.varint(instanceOf(amount["asset_id"], "1.3.", "asset id"));
    } else {
      return false; // only operations other than transfers have these
    }
  }
  return true;
}
