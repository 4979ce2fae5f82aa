import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { assert } from "@stakebts/kernel/assert";
import type { EncryptedMemo } from "./chain.ts";
import type { MemoContent, MemoReader, MemoWriter } from "./signing.ts";
import {
  DEFAULT_KEY_PREFIX,
  isPublicKey,
  NULL_PUBLIC_KEY,
  parsePublicKey,
  type PrivateKey,
  privateKeyFromWif,
  sameBytes,
} from "./keys.ts";

const UINT64_MAX = 18_446_744_073_709_551_615n;

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest();

/** AES-256-CBC key and IV of one memo: SHA512 over the decimal nonce and the hex text of SHA512(X). */
function cipherKey(sharedX: Uint8Array, nonce: string): { key: Buffer; iv: Buffer } {
  const secretHex = createHash("sha512").update(sharedX).digest("hex");
  const hash = createHash("sha512")
    .update(nonce + secretHex)
    .digest();
  return { key: hash.subarray(0, 32), iv: hash.subarray(32, 48) };
}

function encrypt(sharedX: Uint8Array, nonce: string, message: Uint8Array): string {
  const { key, iv } = cipherKey(sharedX, nonce);
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  return (
    cipher.update(sha256(message).subarray(0, 4), undefined, "hex") +
    cipher.update(message, undefined, "hex") +
    cipher.final("hex")
  );
}

/** `undefined` when padding or checksum do not fit: another key, another nonce, or damaged. */
function decrypt(sharedX: Uint8Array, nonce: string, ciphertext: Uint8Array): Buffer | undefined {
  const { key, iv } = cipherKey(sharedX, nonce);
  const cipher = createDecipheriv("aes-256-cbc", key, iv);
  let plain: Buffer;
  try {
    plain = Buffer.concat([cipher.update(ciphertext), cipher.final()]);
  } catch {
    return undefined; // the padding: the only thing that can fail here, as the length has been checked
  }
  if (plain.length < 4) return undefined;
  const message = plain.subarray(4);
  return sameBytes(plain.subarray(0, 4), sha256(message).subarray(0, 4)) ? message : undefined;
}

const withoutLeadingZeros = (x: Uint8Array) => x.subarray(x.findIndex((byte) => byte !== 0));

const unreadable = (reason: "foreign_key" | "malformed" | "checksum"): MemoContent => ({
  type: "unreadable",
  reason,
});

function parseNonce(nonce: string): string | undefined {
  if (!/^\d{1,20}$/.test(nonce)) return undefined;
  const value = BigInt(nonce);
  return value <= UINT64_MAX ? value.toString() : undefined;
}

function parseMessage(hex: string): Buffer | undefined {
  return hex.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(hex) ? Buffer.from(hex, "hex") : undefined;
}

/** UTF-8; what is not becomes U+FFFD. A byte order mark stays: it is part of what was written. */
const decodeText = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

function readMemo(keys: readonly PrivateKey[], memo: EncryptedMemo): MemoContent {
  const from = parsePublicKey(memo.from);
  const to = parsePublicKey(memo.to);
  const nonce = parseNonce(memo.nonce);
  const message = parseMessage(memo.messageHex);
  if (from === undefined || to === undefined || nonce === undefined || message === undefined) {
    return unreadable("malformed");
  }
  if (sameBytes(from, NULL_PUBLIC_KEY) && sameBytes(to, NULL_PUBLIC_KEY)) {
    if (message.length < 4) return unreadable("malformed");
    return { type: "public", text: decodeText(message.subarray(4)) };
  }
  // The keys inside the memo decide, not those the accounts have today: they may have been changed since.
  const received = keys.find((key) => sameBytes(key.publicKey, to));
  const own = received ?? keys.find((key) => sameBytes(key.publicKey, from));
  if (own === undefined) return unreadable("foreign_key");
  if (message.length === 0 || message.length % 16 !== 0) return unreadable("malformed");
  let sharedX: Uint8Array;
  try {
    sharedX = own.sharedX(received === undefined ? to : from);
  } catch {
    return unreadable("malformed"); // the other key is not a point on the curve
  }
  const plain =
    decrypt(sharedX, nonce, message) ??
    // Old wallets hashed X without its leading zeros; that concerns one pair of keys in 256.
    (sharedX[0] === 0 ? decrypt(withoutLeadingZeros(sharedX), nonce, message) : undefined);
  return plain === undefined ? unreadable("checksum") : { type: "text", text: decodeText(plain) };
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

/** Throws KeyFormatError for a key that is not one. */
export function createMemoWriter(options: { wif: string; keyPrefix?: string | undefined }): MemoWriter {
  const key = privateKeyFromWif(options.wif);
  const publicKey = key.publicKeyText(options.keyPrefix ?? DEFAULT_KEY_PREFIX);
  return {
    publicKey,
    write({ text, toPublicKey, nonce }) {
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
        messageHex: encrypt(key.sharedX(point), nonceText, Buffer.from(text, "utf8")),
      };
    },
  };
}
