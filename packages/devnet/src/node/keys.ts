import { createHash } from "node:crypto";
import secp256k1 from "secp256k1";
import { ASSERTION, at, NodeError, type NodeThread, PARSE_ERROR, UNSPECIFIED } from "./node-error.ts";

/** Keys, their text forms, and the chain's recoverable signatures. */

export const sha256 = (...parts: readonly (Uint8Array | string)[]): Buffer => digest("sha256", parts);
export const sha224 = (...parts: readonly (Uint8Array | string)[]): Buffer => digest("sha224", parts);
export const sha512 = (...parts: readonly (Uint8Array | string)[]): Buffer => digest("sha512", parts);
export const ripemd160 = (...parts: readonly (Uint8Array | string)[]): Buffer => digest("ripemd160", parts);

function digest(algorithm: string, parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

export function toBase58(bytes: Uint8Array): string {
  let value = BigInt(`0x00${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  for (; value > 0n; value /= 58n) text = ALPHABET.charAt(Number(value % 58n)) + text;
  for (const byte of bytes) {
    if (byte !== 0) break;
    text = `1${text}`;
  }
  return text;
}

/** `undefined` when a character is foreign to base58. */
export function fromBase58(text: string): Buffer | undefined {
  let value = 0n;
  let zeros = 0;
  let leading = true;
  for (const char of text) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return undefined;
    if (leading && digit === 0) zeros++;
    else leading = false;
    value = value * 58n + BigInt(digit);
  }
  const hex = value === 0n ? "" : value.toString(16);
  return Buffer.concat([Buffer.alloc(zeros), Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex")]);
}

/** A compressed point as hex: 66 digits. The null key is all zeros. */
export type PublicKeyHex = string;
export const NULL_KEY: PublicKeyHex = "00".repeat(33);

export const privateKeyFromSeed = (seed: string): Buffer => sha256(seed);

export function wifFromPrivateKey(privateKey: Uint8Array): string {
  const payload = Buffer.concat([Buffer.from([0x80]), privateKey]);
  return toBase58(Buffer.concat([payload, sha256(sha256(payload)).subarray(0, 4)]));
}

/** Throws on anything that is not a well-formed WIF: keys come from our own configuration. */
export function privateKeyFromWif(wif: string): Buffer {
  const bytes = fromBase58(wif);
  if (bytes?.length !== 37 || bytes[0] !== 0x80) throw new Error("not a WIF private key");
  const payload = bytes.subarray(0, 33);
  if (!sha256(sha256(payload)).subarray(0, 4).equals(bytes.subarray(33)))
    throw new Error("WIF checksum is wrong");
  return Buffer.from(payload.subarray(1));
}

export const publicKeyOf = (privateKey: Uint8Array): PublicKeyHex =>
  Buffer.from(secp256k1.publicKeyCreate(privateKey, true)).toString("hex");

/** Text forms are costly (big-number division), and a chain meets the same few keys over and over. */
const KNOWN_KEYS_MAX = 50_000;
const textOfKey = new Map<string, string>();
const keyOfText = new Map<string, PublicKeyHex>();

function remember<V>(cache: Map<string, V>, key: string, value: V): V {
  if (cache.size >= KNOWN_KEYS_MAX) cache.clear();
  cache.set(key, value);
  return value;
}

export function publicKeyText(key: PublicKeyHex, prefix: string): string {
  const known = textOfKey.get(prefix + key);
  if (known !== undefined) return known;
  const bytes = Buffer.from(key, "hex");
  return remember(
    textOfKey,
    prefix + key,
    prefix + toBase58(Buffer.concat([bytes, ripemd160(bytes).subarray(0, 4)])),
  );
}

/** Throws the node's own complaints. */
export function parsePublicKeyText(text: string, prefix: string): PublicKeyHex {
  const known = keyOfText.get(prefix + text);
  if (known !== undefined) return known;
  const place = (line: number) => at("types.cpp", line, "public_key_type");
  if (text.length <= prefix.length)
    throw new NodeError(ASSERTION, place(49), "base58str.size() > prefix_len: ");
  if (!text.startsWith(prefix))
    throw new NodeError(ASSERTION, place(50), "base58str.substr( 0, prefix_len ) == prefix: ", {
      base58str: text,
    });
  const bytes = fromBase58(text.slice(prefix.length));
  if (bytes === undefined)
    throw new NodeError(
      PARSE_ERROR,
      at("base58.cpp", 625, "from_base58"),
      "Unable to decode base58 string ${base58_str}",
      {
        base58_str: text.slice(prefix.length),
      },
    );
  const key = bytes.subarray(0, 33);
  if (bytes.length !== 37 || !ripemd160(key).subarray(0, 4).equals(bytes.subarray(33)))
    throw new NodeError(
      ASSERTION,
      place(54),
      "fc::ripemd160::hash( (char*) key_data.data(), key_data.size() )._hash[0].value() == bin_key.check: ",
    );
  return remember(keyOfText, prefix + text, key.toString("hex"));
}

/** Balances of the genesis are owned by addresses: a key hashed once more. */
export function addressText(key: PublicKeyHex, prefix: string): string {
  const hash = ripemd160(sha512(Buffer.from(key, "hex")));
  return prefix + toBase58(Buffer.concat([hash, ripemd160(hash).subarray(0, 4)]));
}

/** The rule of the chain for r and s: no top bit, no superfluous leading zero byte. */
function isCanonical(signature: Uint8Array): boolean {
  const ok = (first = 0, second = 0) => first < 0x80 && !(first === 0 && second < 0x80);
  return ok(signature[1], signature[2]) && ok(signature[33], signature[34]);
}

/** 65 bytes: recovery byte, r, s. Deterministic: extra entropy is a counter, about every second try is canonical. */
export function signDigest(digest32: Uint8Array, privateKey: Uint8Array): Buffer {
  const entropy = Buffer.alloc(32);
  for (let attempt = 0; ; attempt++) {
    entropy.writeUInt32BE(attempt, 28);
    const { signature, recid } = secp256k1.ecdsaSign(
      digest32,
      privateKey,
      attempt === 0 ? {} : { data: entropy },
    );
    const bytes = Buffer.concat([Buffer.from([27 + 4 + recid]), signature]);
    if (isCanonical(bytes)) return bytes;
  }
}

/** Who signed. Throws what the node says of a signature that cannot be. */
export function recoverKey(
  signature: Uint8Array,
  digest32: Uint8Array,
  thread: NodeThread = "th_a",
): PublicKeyHex {
  const place = (line: number) => at("elliptic_secp256k1.cpp", line, "public_key");
  const unusable = () =>
    new NodeError(UNSPECIFIED, place(160), "unable to reconstruct public key from signature", {}, { thread });
  const recovery = signature[0] ?? 0;
  if (recovery < 27 || recovery >= 35) throw unusable();
  if (!isCanonical(signature))
    throw new NodeError(
      ASSERTION,
      place(164),
      "is_canonical( c ): signature is not canonical",
      {},
      { thread },
    );
  try {
    const key = secp256k1.ecdsaRecover(signature.subarray(1), (recovery - 27) & 3, digest32, true);
    return Buffer.from(key).toString("hex");
  } catch {
    throw unusable();
  }
}

/** X of the shared point, 32 bytes: what memos are encrypted with. */
export function sharedX(privateKey: Uint8Array, publicKey: PublicKeyHex): Buffer {
  const x = (point: Uint8Array) => point;
  return Buffer.from(
    secp256k1.ecdh(Buffer.from(publicKey, "hex"), privateKey, { hashfn: x }, Buffer.alloc(32)),
  );
}
