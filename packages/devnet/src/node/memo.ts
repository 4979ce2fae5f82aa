import { createCipheriv, createDecipheriv } from "node:crypto";
import { NULL_KEY, type PublicKeyHex, sha256, sha512, sharedX } from "./keys.ts";

/** Memo encryption. The node itself never looks into a memo; wallets of tests and demo do. */

function cipherKey(
  privateKey: Uint8Array,
  publicKey: PublicKeyHex,
  nonce: bigint,
): { key: Buffer; iv: Buffer } {
  const secretHex = sha512(sharedX(privateKey, publicKey)).toString("hex");
  const hash = sha512(nonce.toString() + secretHex);
  return { key: hash.subarray(0, 32), iv: hash.subarray(32, 48) };
}

export function encryptMemo(options: {
  privateKey: Uint8Array;
  publicKey: PublicKeyHex;
  nonce: bigint;
  message: Uint8Array;
}): Buffer {
  const { key, iv } = cipherKey(options.privateKey, options.publicKey, options.nonce);
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  const checksum = sha256(options.message).subarray(0, 4);
  return Buffer.concat([cipher.update(checksum), cipher.update(options.message), cipher.final()]);
}

/** `undefined` when the key does not fit or the message is damaged. */
export function decryptMemo(options: {
  privateKey: Uint8Array;
  publicKey: PublicKeyHex;
  nonce: bigint;
  encrypted: Uint8Array;
}): Buffer | undefined {
  const { key, iv } = cipherKey(options.privateKey, options.publicKey, options.nonce);
  const decipher = createDecipheriv("aes-256-cbc", key, iv);
  try {
    const plain = Buffer.concat([decipher.update(options.encrypted), decipher.final()]);
    const message = plain.subarray(4);
    return sha256(message).subarray(0, 4).equals(plain.subarray(0, 4)) ? message : undefined;
  } catch {
    return undefined; // bad padding
  }
}

/** Readable by everybody: between null keys, four zero bytes before the text. */
export const publicMemo = (
  message: Uint8Array,
): { from: PublicKeyHex; to: PublicKeyHex; message: Buffer } => ({
  from: NULL_KEY,
  to: NULL_KEY,
  message: Buffer.concat([Buffer.alloc(4), message]),
});
