import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { assert } from "@stakebts/kernel/assert";
import type { EncryptedMemo } from "./chain.ts";
import type { MemoContent, MemoReader, MemoWriter } from "./signing.ts";
import { sha256, sha512, sha512Hex } from "./digest.ts";
import {
  DEFAULT_KEY_PREFIX,
  isPublicKey,
  NULL_PUBLIC_KEY,
  parsePublicKey,
  type PrivateKey,
  privateKeyFromWif,
  sameBytes,
  sameKey,
} from "./keys.ts";

const UINT64_MAX = 18_446_744_073_709_551_615n;

/** Pairs of keys of which the secret is remembered: most of the cost of a memo, and people send and are paid again and again. */
const PAIRS_MAX = 2_000;
/** Those used last are at the end. */
const secrets = new Map<string, Uint8Array>();

/** Throws when the other key is not on the curve. */
function sharedX(own: PrivateKey, other: Uint8Array): Uint8Array {
  const pair = Buffer.from(own.publicKey).toString("latin1") + Buffer.from(other).toString("latin1");
  const known = secrets.get(pair);
  const secret = known ?? own.sharedX(other);
  if (known !== undefined) secrets.delete(pair);
  else if (secrets.size >= PAIRS_MAX)
    for (const oldest of secrets.keys()) {
      secrets.delete(oldest);
      break;
    }
  secrets.set(pair, secret);
  return secret;
}

/** AES-256-CBC key and IV of one memo: SHA512 over the decimal nonce and the hex text of SHA512(X). */
function cipherKey(shared: Uint8Array, nonce: string): { key: Buffer; iv: Buffer } {
  const secretHex = sha512Hex(shared);
  const hash = sha512(nonce + secretHex);
  return { key: hash.subarray(0, 32), iv: hash.subarray(32, 48) };
}

function encrypt(shared: Uint8Array, nonce: string, message: Uint8Array): string {
  const { key, iv } = cipherKey(shared, nonce);
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  return (
    cipher.update(sha256(message).subarray(0, CHECKSUM_BYTES), undefined, "hex") +
    cipher.update(message, undefined, "hex") +
    cipher.final("hex")
  );
}

/** `undefined` when no checksum fits: another key, another nonce, or damaged. */
function decrypt(shared: Uint8Array, nonce: string, ciphertext: Uint8Array): Buffer | undefined {
  const { key, iv } = cipherKey(shared, nonce);
  const cipher = createDecipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
  return checkedMessage(Buffer.concat([cipher.update(ciphertext), cipher.final()]));
}

/** The most that the byte which counts a padding can say, in a block of any size. */
const PADDING_BYTES_MAX = 255;
const BLOCK_BYTES = 16;
const CHECKSUM_BYTES = 4;

/**
 * The message that the checksum in front of it proves to be right. PKCS#7 is the rule, and is looked for first. But
 * python-bitshares padded nothing when the length was a multiple of 16, and with blanks before that; others pad with
 * zeros, or with a whole block and more. Wallets never looked at the padding, so neither does this: the checksum decides.
 */
function checkedMessage(plain: Buffer): Buffer | undefined {
  const checksum = plain.subarray(0, CHECKSUM_BYTES);
  const body = plain.subarray(CHECKSUM_BYTES);
  const padded = pkcs7Bytes(body);
  if (padded > 0) {
    const message = body.subarray(0, -padded);
    if (sameBytes(checksum, sha256(message).subarray(0, CHECKSUM_BYTES))) return message;
  }
  // What all possible ends have in common is hashed once: a stranger chooses how long it is.
  const shortest = Math.max(0, body.length - PADDING_BYTES_MAX);
  const common = createHash("sha256").update(body.subarray(0, shortest));
  for (let end = body.length; end >= shortest; end--) {
    const hash = common.copy().update(body.subarray(shortest, end)).digest();
    if (sameBytes(checksum, hash.subarray(0, CHECKSUM_BYTES)))
      return end === body.length ? withoutOwnPadding(body) : body.subarray(0, end);
  }
  return undefined;
}

/** How many bytes at the end are PKCS#7 padding; 0: none that is well formed. */
function pkcs7Bytes(bytes: Uint8Array): number {
  const count = bytes.at(-1) ?? 0;
  const isPadding = count >= 1 && count <= BLOCK_BYTES && count <= bytes.length;
  return isPadding && bytes.subarray(-count).every((byte) => byte === count) ? count : 0;
}

/** A checksum over all there is, up to the last byte, may have been taken when the padding was already there. */
function withoutOwnPadding(message: Buffer): Buffer {
  const padded = pkcs7Bytes(message);
  if (padded > 0) return message.subarray(0, -padded);
  let end = message.length;
  while (end > 0 && message.length - end < BLOCK_BYTES && message[end - 1] === 0) end--;
  return message.subarray(0, end);
}

const withoutLeadingZeros = (x: Uint8Array) => x.subarray(x.findIndex((byte) => byte !== 0));

const unreadable = (reason: "foreign_key" | "malformed" | "checksum"): MemoContent => ({
  type: "unreadable",
  reason,
});

/**
 * The texts that wallets may have hashed for a nonce, the usual one first; `undefined` for what is no nonce. Java prints the
 * upper half of the numbers with a sign, JavaScript rounds numbers past 2^53 when it prints them, and a wallet without
 * a nonce hashes nothing and writes zero.
 */
function parseNonce(nonce: string): readonly string[] | undefined {
  if (!/^\d{1,20}$/.test(nonce)) return undefined;
  const value = BigInt(nonce);
  if (value > UINT64_MAX) return undefined;
  const texts = [value.toString()];
  if (value === 0n) texts.push("");
  if (value >= 1n << 63n) texts.push(BigInt.asIntN(64, value).toString());
  const rounded = Number(value);
  if (BigInt(rounded) === value && String(rounded) !== texts[0]) texts.push(String(rounded));
  return texts;
}

function parseMessage(hex: string): Buffer | undefined {
  return hex.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(hex) ? Buffer.from(hex, "hex") : undefined;
}

/**
 * UTF-8, as wallets write. Text that is not UTF-8 has one character for each byte: bitsharesjs encrypts so what it is given as
 * a string and not as bytes. A byte order mark stays: it is part of what was written.
 */
function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString("latin1");
  }
}

function readMemo(keys: readonly PrivateKey[], memo: EncryptedMemo): MemoContent {
  const from = parsePublicKey(memo.from);
  const to = parsePublicKey(memo.to);
  const nonces = parseNonce(memo.nonce);
  const message = parseMessage(memo.messageHex);
  if (from === undefined || to === undefined || nonces === undefined || message === undefined) {
    return unreadable("malformed");
  }
  if (sameBytes(from, NULL_PUBLIC_KEY) && sameBytes(to, NULL_PUBLIC_KEY)) {
    if (message.length < CHECKSUM_BYTES) return unreadable("malformed");
    // Some wallets leave out the four bytes where the checksum would be.
    return publicMemo(message) ?? { type: "public", text: decodeText(message) };
  }
  // The keys inside the memo decide, not those the accounts have today: they may have been changed since.
  const received = keys.find((key) => sameBytes(key.publicKey, to));
  const own = received ?? keys.find((key) => sameBytes(key.publicKey, from));
  if (own === undefined) return unreadable("foreign_key");
  if (message.length === 0 || message.length % BLOCK_BYTES !== 0) {
    return publicMemo(message) ?? unreadable("malformed");
  }
  let shared: Uint8Array;
  try {
    shared = sharedX(own, received === undefined ? to : from);
  } catch {
    return publicMemo(message) ?? unreadable("malformed"); // the other key is not a point on the curve
  }
  // Old wallets hashed X without its leading zeros; that concerns one pair of keys in 256.
  for (const secret of shared[0] === 0 ? [shared, withoutLeadingZeros(shared)] : [shared]) {
    for (const nonce of nonces) {
      const plain = decrypt(secret, nonce, message);
      if (plain !== undefined) return { type: "text", text: decodeText(plain) };
    }
  }
  return publicMemo(message) ?? unreadable("checksum");
}

/** Four zero bytes where the checksum would be, then plain text. Wallets told not to encrypt name both keys all the same. */
function publicMemo(message: Buffer): MemoContent | undefined {
  const isMarked =
    message.length >= CHECKSUM_BYTES && message.subarray(0, CHECKSUM_BYTES).every((byte) => byte === 0);
  return isMarked ? { type: "public", text: decodeText(message.subarray(CHECKSUM_BYTES)) } : undefined;
}

/**
 * @param options.wifs memo keys, newest first; older ones stay readable
 * @param options.keyPrefix of `publicKeys`; memos are read with any prefix
 * Throws KeyFormatError.
 */
export function createMemoReader(options: {
  wifs: readonly string[];
  keyPrefix?: string | undefined;
}): MemoReader {
  const keys = options.wifs.map(privateKeyFromWif);
  return {
    publicKeys: keys.map((key) => key.publicKeyText(options.keyPrefix)),
    read: (memo) => (memo === undefined ? { type: "none" } : readMemo(keys, memo)),
  };
}

/**
 * @param options.olderWifs what can be written with as well, while the account has one of them for its memo key
 * Throws KeyFormatError for a key that is not one.
 */
export function createMemoWriter(options: {
  wif: string;
  olderWifs?: readonly string[];
  keyPrefix?: string | undefined;
}): MemoWriter {
  const keys = [options.wif, ...(options.olderWifs ?? [])].map((wif) => {
    const key = privateKeyFromWif(wif);
    return { key, publicKey: key.publicKeyText(options.keyPrefix ?? DEFAULT_KEY_PREFIX) };
  });
  const [newest] = keys;
  assert(newest !== undefined, "there is a key to write with");
  return {
    publicKey: newest.publicKey,
    publicKeys: keys.map(({ publicKey }) => publicKey),
    write({ text, fromPublicKey, toPublicKey, nonce }) {
      const wanted = keys.find(
        ({ publicKey }) => fromPublicKey !== undefined && sameKey(publicKey, fromPublicKey),
      );
      const { key, publicKey } = wanted ?? newest;
      assert(nonce >= 0n && nonce <= UINT64_MAX, `a memo nonce is an unsigned 64-bit number: ${nonce}`);
      // An account may have the null key, or no point of the curve, for its memo key. It is paid all the same.
      const to = isPublicKey(toPublicKey) ? toPublicKey : publicKey;
      const point = parsePublicKey(to);
      assert(point !== undefined, "a public key of our own, or one that was just checked");
      const nonceText = nonce.toString();
      return {
        from: publicKey,
        to,
        nonce: nonceText,
        messageHex: encrypt(sharedX(key, point), nonceText, Buffer.from(text, "utf8")),
      };
    },
  };
}
