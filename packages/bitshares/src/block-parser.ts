import { setImmediate } from "node:timers/promises";
import { millis, SECOND_MS } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import {
  type AccountId,
  type ChainBlock,
  ChainError,
  type ChainPayment,
  type ChainTransfer,
  type EncryptedMemo,
} from "./chain.ts";
import type { AccountOperation } from "./account-operations.ts";
import { isActing, NO_KEYS, operationName } from "./acting-account.ts";
import { type BlockHeader, blockIdOf, blockNumOf, merkleRootOfDigests } from "./block-id.ts";
import { ByteWriter, Unserializable } from "./byte-writer.ts";
import { sha256 } from "./digest.ts";
import { NodeLie } from "./node-errors.ts";
import { parsePublicKey, publicKeyBytes } from "./keys.ts";
import { EXTENSIONS, OPERATION, OPERATION_RESULTS } from "./operation-types.ts";
import { CLAIM_TAG, type Transfer, transactionId, TRANSFER_TAG, writeTransfer } from "./transaction-codec.ts";
import {
  asAccountId,
  asAmount,
  asArray,
  asAssetId,
  asHex,
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
import { type WireType, writeWire } from "./wire-types.ts";

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
  const extensions = asArray(raw["extensions"], "header extensions");
  if (extensions.length > 1 || (extensions.length === 1 && asArray(extensions[0], "extension")[0] !== 0)) {
    throw malformed("block header without unknown extensions", extensions);
  }
  if (extensions.length === 1) Object.assign(header, { hasExtension: true });
  return { ...header, blockNum: blockNumOf(header.previous) + 1, blockId: blockIdOf(header) };
}

/** Bytes of transactions after which others get their turn: at most some 20 ms of work. */
const BYTES_PER_TURN = 64 * 1024;

/**
 * As {@link parseBlock}. A block is as heavy as strangers made it, and this process has other things to do meanwhile: to answer
 * whether it lives, to renew its locks, to read what nodes send.
 */
export async function parseBlockInTurns(
  value: unknown,
  account: AccountId,
  keys: ReadonlySet<string> = NO_KEYS,
): Promise<ParsedBlock> {
  const parsing = parseInTurns(value, account, keys);
  for (;;) {
    const turn = parsing.next();
    if (turn.done === true) return turn.value;
    await setImmediate();
  }
}

/**
 * @param keys of the account's authorities, as {@link keySet} makes them: where they sign, the account acts unnamed
 * One block as `get_block` prints it, reduced to the transfers and claims that touch `account`, and to what it does.
 * Throws ChainError "malformed_answer" for a shape that no block has, NodeLie when transactions and header do not belong
 * together.
 */
export function parseBlock(
  value: unknown,
  account: AccountId,
  keys: ReadonlySet<string> = NO_KEYS,
): ParsedBlock {
  const parsing = parseInTurns(value, account, keys);
  for (;;) {
    const turn = parsing.next();
    if (turn.done === true) return turn.value;
  }
}

/** Yields whenever a turn's work is done. */
function* parseInTurns(
  value: unknown,
  account: AccountId,
  keys: ReadonlySet<string>,
): Generator<void, ParsedBlock> {
  const raw = asObject(value, "block");
  const header = parseBlockHeader(raw);
  const { blockNum, blockId } = header;
  const transactions = asArray(raw["transactions"], "transactions");
  const transfers: ChainTransfer[] = [];
  const payments: ChainPayment[] = [];
  const accountOperations: AccountOperation[] = [];
  const memoKeys: string[] = [];
  const digests: Uint8Array[] = [];
  const out = new ByteWriter();
  let complete = true; // every transaction could be serialized
  let transfersOnly = true; // and by our own codec alone, which knows all there is about transfers

  let bytesInTurn = 0;

  for (const [trxInBlock, rawTransaction] of transactions.entries()) {
    const transaction = asObject(rawTransaction, "transaction");
    const operations = asArray(transaction["operations"], "operations").map(asOperation);
    const mine: Omit<ChainTransfer, "txid">[] = [];
    const doing: Omit<AccountOperation, "txid">[] = [];
    out.clear();
    writeTransactionHead(out, transaction, operations.length);
    const refBlockNum = referredTo(asUint32(transaction["ref_block_num"], "ref_block_num"), blockNum);
    let serialized = true;
    operations.forEach(({ tag, body }, opInTrx) => {
      const ofAccount = isActing({ account, keys }, tag, body)
        ? { position: { blockNum, trxInBlock, opInTrx }, name: operationName(tag), refBlockNum }
        : undefined;
      if (tag === TRANSFER_TAG || tag === CLAIM_TAG) {
        const transfer = {
          trxInBlock,
          opInTrx,
          permissionId: undefined,
          ...(tag === TRANSFER_TAG ? parseTransfer(body) : parseClaim(body)),
        };
        const isOurs = transfer.fromId === account || transfer.toId === account;
        if (isOurs) mine.push(transfer);
        if (ofAccount !== undefined) doing.push({ ...ofAccount, transfer });
        if (serialized) serialized = tryWriteTransfer(out, transfer, body, isOurs);
        return;
      }
      transfersOnly = false;
      if (tag === ACCOUNT_UPDATE_TAG) memoKeys.push(...newMemoKey(body, account));
      if (ofAccount !== undefined) doing.push({ ...ofAccount, transfer: undefined });
      if (serialized) serialized = tryWrite(out, OPERATION, [tag, body]);
    });
    if (serialized) serialized = tryWrite(out, EXTENSIONS, transaction["extensions"]);
    const isOurs = mine.length > 0 || doing.length > 0;
    const [first, second] = operations;
    const isPayment = second === undefined && (first?.tag === TRANSFER_TAG || first?.tag === CLAIM_TAG);
    const txid = serialized && (isOurs || isPayment) ? transactionId(out.view()) : undefined;
    if (isPayment && txid !== undefined) payments.push({ txid, trxInBlock });
    for (const transfer of mine) transfers.push({ ...transfer, txid });
    for (const operation of doing) accountOperations.push({ ...operation, txid });
    if (serialized && complete) serialized = writeTransactionTail(out, transaction);
    if (serialized) digests.push(sha256(out.view()));
    else complete = false;
    bytesInTurn += out.length;
    if (bytesInTurn >= BYTES_PER_TURN) {
      bytesInTurn = 0;
      yield;
    }
  }

  const block: ChainBlock = {
    blockNum,
    blockId,
    previousId: header.previous,
    timeMs: millis(header.timestampSec * SECOND_MS),
    transfers,
    payments,
    ...(memoKeys.length === 0 ? {} : { memoKeys }),
  };
  if (!complete) return { block, accountOperations, merkle: "unverifiable" };
  if (merkleRootOfDigests(digests) === header.transactionMerkleRoot)
    return { block, accountOperations, merkle: "verified" };
  if (!transfersOnly) return { block, accountOperations, merkle: "unverifiable" };
  throw new NodeLie(`the transactions of block ${blockNum} do not hash to its merkle root`);
}

const ACCOUNT_UPDATE_TAG = 6;

/** The memo key that `account` gives itself by this update, if it does; what has no such shape says nothing. */
function newMemoKey(value: unknown, account: AccountId): readonly string[] {
  const update = value as { account?: unknown; new_options?: { memo_key?: unknown } | null } | null;
  const key = update?.account === account ? update.new_options?.memo_key : undefined;
  return typeof key === "string" && parsePublicKey(key) !== undefined ? [key] : [];
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

/** `false` when what a node printed cannot be turned into the bytes that the chain hashes: nothing is known then. */
function tryWrite(out: ByteWriter, type: WireType, value: unknown): boolean {
  try {
    writeWire(out, type, value);
    return true;
  } catch (error) {
    if (error instanceof Unserializable || error instanceof ChainError) return false;
    throw error;
  }
}

/**
 * `false` when a memo key cannot be read. Of a transfer of ours the text of the key is kept, so it has to be the right text of
 * those bytes: with another checksum it would hash to the same, and be no key to the reader of the memo.
 */
function tryWriteTransfer(out: ByteWriter, transfer: Transfer, body: unknown, isOurs: boolean): boolean {
  const { memo } = transfer;
  const read = isOurs ? parsePublicKey : publicKeyBytes;
  if (memo && (read(memo.from) === undefined || read(memo.to) === undefined)) return false;
  if (transfer.permissionId === undefined && hasExtensions(body))
    return tryWrite(out, OPERATION, [TRANSFER_TAG, body]);
  writeTransfer(out, transfer);
  return true;
}

const hasExtensions = (body: unknown): boolean => {
  const { extensions } = asObject(body, "transfer");
  return !Array.isArray(extensions) || extensions.length > 0;
};

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
  for (const signature of signatures) out.hex(asHex(signature, 65, "signature"));
  return tryWrite(out, OPERATION_RESULTS, transaction["operation_results"]);
}
