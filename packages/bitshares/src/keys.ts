import { ripemd160 } from "@noble/hashes/legacy.js";
import { bitsharesjs } from "./bitsharesjs.ts";
import { curve } from "./curve.ts";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

const DIGIT = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) DIGIT[ALPHABET.charCodeAt(i)] = i;

/** `undefined` for text that is not base58. Meant for keys: the work grows with the square of the length, so that is capped. */
export function decodeBase58(text: string, lengthMax = 64): Uint8Array | undefined {
  if (text.length > lengthMax) return undefined;
  const bytes: number[] = []; // little-endian
  for (let i = 0; i < text.length; i++) {
    let carry = DIGIT[text.charCodeAt(i)] ?? -1;
    if (carry < 0) return undefined;
    for (let j = 0; j < bytes.length; j++) {
      carry += (bytes[j] as number) * 58;
      bytes[j] = carry & 0xff;
      carry >>= 8;
    }
    if (carry > 0) bytes.push(carry);
  }
  for (let i = 0; i < text.length && text[i] === "1"; i++) bytes.push(0);
  return Uint8Array.from(bytes.toReversed());
}

/**
 * The 33 bytes of a public key text whose checksum is not looked at; `undefined` for what cannot be one. For bytes that are only
 * copied and then hashed: who means to use the key asks {@link parsePublicKey}.
 */
export function publicKeyBytes(text: string): Uint8Array | undefined {
  const known = bytesByText.get(text) ?? uncheckedByText.get(text);
  if (known !== undefined) return known;
  const bytes = text.length > 80 ? undefined : decodeBase58Fixed(text, 37)?.subarray(0, 33);
  return bytes === undefined ? undefined : remember(uncheckedByText, text, bytes);
}

/** 58 to the fifth, the largest power whose product with 16 bits and a carry stays exact. */
const DIGITS_AT_ONCE = 5;
const POWERS_OF_58 = [1, 58, 3_364, 195_112, 11_316_496, 656_356_768] as const;

/**
 * The bytes after the prefix of a key or an address, of a known length, checksum and all: it is not looked at. Some forty
 * multiplications; for texts of which strangers write thousands into one block.
 * `undefined` for what is not base58 of exactly so many bytes.
 */
export function decodeBase58Fixed(text: string, byteCount: number): Uint8Array | undefined {
  const body = splitPrefix(text);
  if (body === undefined || body.length > byteCount * 2) return undefined;
  const words = new Float64Array((byteCount + 1) >> 1); // 16 bits each, the least first
  for (let at = 0; at < body.length; at += DIGITS_AT_ONCE) {
    let carry = 0;
    const end = Math.min(at + DIGITS_AT_ONCE, body.length);
    for (let i = at; i < end; i++) {
      const digit = DIGIT[body.charCodeAt(i)] ?? -1;
      if (digit < 0) return undefined;
      carry = carry * 58 + digit;
    }
    const power = POWERS_OF_58[end - at] as number;
    for (let i = 0; i < words.length; i++) {
      const value = (words[i] as number) * power + carry;
      words[i] = value % 0x1_0000;
      carry = Math.floor(value / 0x1_0000);
    }
    if (carry > 0) return undefined;
  }
  const bytes = new Uint8Array(byteCount);
  for (let i = 0; i < byteCount; i++) {
    const word = words[i >> 1] as number;
    bytes[byteCount - 1 - i] = i % 2 === 0 ? word & 0xff : word >> 8;
  }
  if (byteCount % 2 === 1 && (words[words.length - 1] as number) > 0xff) return undefined;
  // Each zero byte in front is a "1": another number of them is another number of bytes.
  let zeros = 0;
  while (zeros < byteCount && bytes[zeros] === 0) zeros++;
  let ones = 0;
  while (ones < body.length && body[ones] === "1") ones++;
  return zeros === ones ? bytes : undefined;
}

export function encodeBase58(bytes: Uint8Array): string {
  const digits: number[] = []; // little-endian
  for (const byte of bytes) {
    let carry = byte;
    for (let j = 0; j < digits.length; j++) {
      carry += (digits[j] as number) << 8;
      digits[j] = carry % 58;
      carry = (carry / 58) | 0;
    }
    while (carry > 0) {
      digits.push(carry % 58);
      carry = (carry / 58) | 0;
    }
  }
  let text = "";
  for (let i = 0; i < bytes.length && bytes[i] === 0; i++) text += "1";
  for (let i = digits.length - 1; i >= 0; i--) text += ALPHABET[digits[i] as number];
  return text;
}

export const DEFAULT_KEY_PREFIX = "BTS";

/** A key that cannot be read. Says which kind of key and what is wrong with its form, never a part of the text. */
export class KeyFormatError extends Error {
  override readonly name = "KeyFormatError";
}

/** 33 zero bytes: "no memo key" in an account, and both keys of a public memo. */
export const NULL_PUBLIC_KEY: Uint8Array = new Uint8Array(33);

/** Two texts of one key, with any prefixes. Text that is no key is the same as nothing but itself. */
export function sameKey(one: string, other: string): boolean {
  if (one === other) return true;
  const [a, b] = [parsePublicKey(one), parsePublicKey(other)];
  return a !== undefined && b !== undefined && sameBytes(a, b);
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** A private key that cannot be printed by accident. */
export class PrivateKey {
  readonly #secret: Uint8Array;
  /** 33 bytes, compressed. */
  readonly publicKey: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = Uint8Array.from(secret);
    this.publicKey = curve.publicKey(this.#secret);
  }

  sign(digest: Uint8Array, entropy: Uint8Array | undefined): { rs: Uint8Array; recoveryId: number } {
    return curve.sign(digest, this.#secret, entropy);
  }

  /** Throws when `point` is not on the curve. */
  sharedX(point: Uint8Array): Uint8Array {
    return curve.sharedX(this.#secret, point);
  }

  publicKeyText(prefix: string = DEFAULT_KEY_PREFIX): string {
    return publicKeyText(this.publicKey, prefix);
  }
}

/** Reads a private key in wallet import format (51 characters, `5…`). Throws {@link KeyFormatError}. */
export function privateKeyFromWif(wif: string): PrivateKey {
  if (!/^5[1-9A-HJ-NP-Za-km-z]{50}$/.test(wif)) {
    throw new KeyFormatError("a private key in WIF has 51 base58 characters and starts with 5");
  }
  try {
    return new PrivateKey(bitsharesjs().PrivateKey.fromWif(wif).toBuffer());
  } catch {
    // Without `cause`: the library's messages may quote what they were given.
    throw new KeyFormatError("a private key in WIF does not have the right checksum, length or range");
  }
}

/** Text of the public key that belongs to a WIF. Throws {@link KeyFormatError}. */
export const publicKeyFromWif = (wif: string, prefix: string = DEFAULT_KEY_PREFIX): string =>
  privateKeyFromWif(wif).publicKeyText(prefix);

/**
 * Memos repeat their keys (the custodian's stands in every one of them) and the checksum costs more than the rest of a
 * transaction, so texts and bytes are remembered in both directions. Bounded, because strangers choose the keys.
 */
const CACHED_KEYS_MAX = 10_000;
const bytesByText = new Map<string, Uint8Array>();
/** Apart from the others: the checksums of these were not checked. */
const uncheckedByText = new Map<string, Uint8Array>();
const textByHex = new Map<string, string>();

function remember<T>(cache: Map<string, T>, key: string, value: T): T {
  if (cache.size >= CACHED_KEYS_MAX) cache.clear();
  cache.set(key, value);
  return value;
}

/** `BTS…`, `TEST…` or any other prefix. The base58 of a compressed point never starts with a letter. */
function splitPrefix(text: string): string | undefined {
  for (const known of ["BTS", "TEST"]) if (text.startsWith(known)) return text.slice(known.length);
  return /^[A-Z]{1,12}([1-9].*)$/.exec(text)?.[1];
}

/**
 * 33 bytes of a public key text with any prefix, `undefined` when form or checksum are wrong.
 * Does not ask whether they are a point on the curve: the chain does not either, and a stranger may write any 33 bytes.
 */
export function parsePublicKey(text: string): Uint8Array | undefined {
  const known = bytesByText.get(text);
  if (known !== undefined) return known;
  const bytes = text.length > 80 ? undefined : decodeBase58Fixed(text, 37);
  if (bytes === undefined) return undefined;
  const key = bytes.subarray(0, 33);
  if (!sameBytes(ripemd160(key).subarray(0, 4), bytes.subarray(33))) return undefined;
  return remember(bytesByText, text, key);
}

export function publicKeyText(key: Uint8Array, prefix: string = DEFAULT_KEY_PREFIX): string {
  const cacheKey = prefix + Buffer.from(key).toString("hex");
  const known = textByHex.get(cacheKey);
  if (known !== undefined) return known;
  const checked = new Uint8Array(37);
  checked.set(key);
  checked.set(ripemd160(key).subarray(0, 4), 33);
  return remember(textByHex, cacheKey, prefix + encodeBase58(checked));
}

/** A public key that one can encrypt to and check signatures with: right checksum, on the curve, not the null key. */
export function isPublicKey(text: string): boolean {
  const key = parsePublicKey(text);
  return key !== undefined && curve.isPoint(key);
}
