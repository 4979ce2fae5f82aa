import { assert } from "@stakebts/kernel/assert";
import { shares, type Shares } from "@stakebts/kernel/amount";
import type { AccountId, EncryptedMemo, PermissionId } from "./chain.ts";
import { ByteWriter } from "./byte-writer.ts";
import { sha256Hex } from "./digest.ts";
import { DEFAULT_KEY_PREFIX, publicKeyBytes, publicKeyText } from "./keys.ts";
import { wireTime } from "./wire-values.ts";

/*
 * Transactions of transfers, sent or drawn, in the chain's binary form.
 *
 * bitsharesjs can do this too and is the reference that the tests compare with. It is not used here because it puts both
 * memo keys on the curve each time, 1.8 ms per memo, where this takes microseconds; and because it refuses keys that the
 * chain accepts (any 33 bytes).
 */

/** Operation 0; with `permissionId` 27, the claim of a withdraw permission. Amounts in the smallest unit of their asset. */
export interface Transfer {
  readonly feeAmount: Shares;
  readonly feeAssetId: string;
  readonly fromId: AccountId;
  readonly toId: AccountId;
  readonly amount: Shares;
  readonly assetId: string;
  readonly memo: EncryptedMemo | undefined;
  readonly permissionId?: PermissionId | undefined;
}

export interface TransferTransaction {
  readonly refBlockNum: number;
  readonly refBlockPrefix: number;
  /** Seconds since the epoch. */
  readonly expirationSec: number;
  readonly transfers: readonly Transfer[];
}

export interface SignedTransferTransaction extends TransferTransaction {
  /** 65 bytes each. */
  readonly signatures: readonly Uint8Array[];
}

export const TRANSFER_TAG = 0;
/** `withdraw_permission_claim` */
export const CLAIM_TAG = 27;
const PUBLIC_KEY_BYTES = 33;
const SIGNATURE_BYTES = 65;

const instance = (id: string): number => Number(id.slice(id.lastIndexOf(".") + 1));

function writeKey(out: ByteWriter, text: string): void {
  const bytes = publicKeyBytes(text);
  assert(bytes !== undefined, "a memo key that is no public key reached the serializer");
  out.bytes(bytes);
}

function writeAmount(out: ByteWriter, amount: bigint, assetId: string): void {
  out.int64(amount);
  out.varint(instance(assetId));
}

export function writeTransfer(out: ByteWriter, transfer: Transfer): void {
  const { permissionId } = transfer;
  out.varint(tagOf(transfer));
  writeAmount(out, transfer.feeAmount, transfer.feeAssetId);
  if (permissionId !== undefined) out.varint(instance(permissionId));
  out.varint(instance(transfer.fromId));
  out.varint(instance(transfer.toId));
  writeAmount(out, transfer.amount, transfer.assetId);
  if (transfer.memo === undefined) {
    out.uint8(0);
  } else {
    const { messageHex } = transfer.memo;
    out.uint8(1);
    writeKey(out, transfer.memo.from);
    writeKey(out, transfer.memo.to);
    out.uint64(BigInt(transfer.memo.nonce));
    out.varint(messageHex.length / 2);
    out.hex(messageHex);
  }
  if (permissionId === undefined) out.uint8(0); // extensions, which a claim has none of
}

const tagOf = ({ permissionId }: Transfer): number => (permissionId === undefined ? TRANSFER_TAG : CLAIM_TAG);

function writeTransaction(out: ByteWriter, transaction: TransferTransaction): void {
  out.uint16(transaction.refBlockNum);
  out.uint32(transaction.refBlockPrefix);
  out.uint32(transaction.expirationSec);
  out.varint(transaction.transfers.length);
  for (const transfer of transaction.transfers) writeTransfer(out, transfer);
  out.uint8(0); // extensions
}

/** The bytes that the id and the signatures are computed over. */
export function serializeTransaction(transaction: TransferTransaction): Buffer {
  const out = new ByteWriter();
  writeTransaction(out, transaction);
  return out.take();
}

/** The signed form: what is saved before it is sent. */
export function serializeSignedTransaction(transaction: SignedTransferTransaction): Buffer {
  const out = new ByteWriter();
  writeTransaction(out, transaction);
  out.varint(transaction.signatures.length);
  for (const signature of transaction.signatures) {
    assert(signature.length === SIGNATURE_BYTES, `a signature has 65 bytes, not ${signature.length}`);
    out.bytes(signature);
  }
  return out.take();
}

/** First 20 bytes of SHA256 of the unsigned bytes, hex. Covers neither signatures nor chain id. */
export const transactionId = (unsigned: Uint8Array): string => sha256Hex(unsigned).slice(0, 40);

class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  bytes(count: number): Buffer {
    assert(this.#at + count <= this.#bytes.length, "a saved transaction ends too early");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  uint8(): number {
    return this.bytes(1).readUInt8();
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.uint8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        assert(byte > 0 || factor === 1, "a saved transaction has a number that is not in its shortest form");
        assert(Number.isSafeInteger(value), "a saved transaction has a number that is too large");
        return value;
      }
    }
  }

  amount(): { amount: Shares; assetId: string } {
    return { amount: shares(this.bytes(8).readBigInt64LE()), assetId: `1.3.${this.varint()}` };
  }

  emptyExtensions(): void {
    assert(this.uint8() === 0, "a saved transaction has extensions");
  }

  end(): void {
    assert(this.#at === this.#bytes.length, "a saved transaction has bytes behind its end");
  }
}

function readMemo(input: ByteReader, keyPrefix: string): EncryptedMemo {
  return {
    from: publicKeyText(input.bytes(PUBLIC_KEY_BYTES), keyPrefix),
    to: publicKeyText(input.bytes(PUBLIC_KEY_BYTES), keyPrefix),
    nonce: input.bytes(8).readBigUInt64LE().toString(),
    messageHex: input.bytes(input.varint()).toString("hex"),
  };
}

function readTransfer(input: ByteReader, keyPrefix: string): Transfer {
  const tag = input.varint();
  assert(tag === TRANSFER_TAG || tag === CLAIM_TAG, "a saved transaction holds transfers and claims only");
  const fee = input.amount();
  const claimed = tag === CLAIM_TAG ? { permissionId: `1.12.${input.varint()}` as const } : {};
  const fromId: AccountId = `1.2.${input.varint()}`;
  const toId: AccountId = `1.2.${input.varint()}`;
  const amount = input.amount();
  const hasMemo = input.uint8();
  assert(hasMemo <= 1, "a saved transaction says neither memo nor no memo");
  const memo = hasMemo === 1 ? readMemo(input, keyPrefix) : undefined;
  if (tag === TRANSFER_TAG) input.emptyExtensions();
  return { feeAmount: fee.amount, feeAssetId: fee.assetId, ...claimed, fromId, toId, ...amount, memo };
}

const times = <T>(count: number, read: () => T): T[] => {
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(read());
  return items;
};

/**
 * Reads back what {@link serializeSignedTransaction} wrote. The bytes are our own, from our own database: anything else
 * in them is a broken assumption and throws AssertionError.
 */
export function parseSignedTransaction(
  bytes: Uint8Array,
  keyPrefix: string = DEFAULT_KEY_PREFIX,
): SignedTransferTransaction {
  const input = new ByteReader(bytes);
  const refBlockNum = input.bytes(2).readUInt16LE();
  const refBlockPrefix = input.bytes(4).readUInt32LE();
  const expirationSec = input.bytes(4).readUInt32LE();
  const transfers = times(input.varint(), () => readTransfer(input, keyPrefix));
  input.emptyExtensions();
  const signatures = times(input.varint(), () => Uint8Array.from(input.bytes(SIGNATURE_BYTES)));
  input.end();
  return { refBlockNum, refBlockPrefix, expirationSec, transfers, signatures };
}

/** The JSON form that nodes accept. Amounts and nonces as decimal text, which every node reads at any size. */
export function transactionToWire(transaction: SignedTransferTransaction): object {
  return {
    ref_block_num: transaction.refBlockNum,
    ref_block_prefix: transaction.refBlockPrefix,
    expiration: wireTime(transaction.expirationSec),
    operations: transaction.transfers.map((transfer) => [tagOf(transfer), transferToWire(transfer)]),
    extensions: [],
    signatures: transaction.signatures.map((signature) => Buffer.from(signature).toString("hex")),
  };
}

export function transferToWire(transfer: Transfer): object {
  const fee = { amount: transfer.feeAmount.toString(), asset_id: transfer.feeAssetId };
  const amount = { amount: transfer.amount.toString(), asset_id: transfer.assetId };
  const memo = transfer.memo && { memo: memoToWire(transfer.memo) };
  return transfer.permissionId === undefined
    ? { fee, from: transfer.fromId, to: transfer.toId, amount, ...memo, extensions: [] }
    : {
        fee,
        withdraw_permission: transfer.permissionId,
        withdraw_from_account: transfer.fromId,
        withdraw_to_account: transfer.toId,
        amount_to_withdraw: amount,
        ...memo,
      };
}

const memoToWire = ({ from, to, nonce, messageHex }: EncryptedMemo): object => ({
  from,
  to,
  nonce,
  message: messageHex,
});
