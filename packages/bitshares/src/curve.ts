import { createRequire } from "node:module";
import { secp256k1 as noble } from "@noble/curves/secp256k1.js";

/** The few things asked of secp256k1. Keys and digests are 32 bytes, points 33 bytes compressed. */
export interface Curve {
  readonly name: "native" | "noble";
  /** RFC 6979 with low s. `entropy` (32 bytes) is the RFC's additional data: other bytes give another valid signature. */
  sign(
    digest: Uint8Array,
    secret: Uint8Array,
    entropy: Uint8Array | undefined,
  ): { rs: Uint8Array; recoveryId: number };
  /** X of secret × point, all 32 bytes of it. Throws when `point` is not on the curve. */
  sharedX(secret: Uint8Array, point: Uint8Array): Uint8Array;
  publicKey(secret: Uint8Array): Uint8Array;
  isPoint(point: Uint8Array): boolean;
}

export const nobleCurve: Curve = {
  name: "noble",
  sign(digest, secret, entropy) {
    const signature = noble.sign(digest, secret, {
      prehash: false,
      lowS: true,
      format: "recovered",
      ...(entropy === undefined ? {} : { extraEntropy: entropy }),
    });
    return { rs: signature.subarray(1), recoveryId: signature[0] as number };
  },
  sharedX: (secret, point) => noble.getSharedSecret(secret, point, true).subarray(1),
  publicKey: (secret) => noble.getPublicKey(secret, true),
  isPoint: (point) => noble.utils.isValidPublicKey(point, true),
};

/**
 * The bindings are asked for by path: the package's main module would fall back, without a word, to a JavaScript
 * implementation that is slower than noble and less looked at.
 */
function loadNative(): Curve | undefined {
  let native: typeof import("secp256k1");
  try {
    native = createRequire(import.meta.url)("secp256k1/bindings.js");
  } catch {
    return undefined; // no prebuilt binary for this platform: noble gives the same bytes, ten times slower
  }
  return {
    name: "native",
    sign(digest, secret, entropy) {
      const { signature, recid } = native.ecdsaSign(
        digest,
        secret,
        entropy === undefined ? {} : { data: entropy },
      );
      return { rs: signature, recoveryId: recid };
    },
    sharedX: (secret, point) =>
      // A hash function of our own is the way to get the bare X.
      native.ecdh(point, secret, { hashfn: (x: Uint8Array) => x }, new Uint8Array(32)),
    publicKey: (secret) => native.publicKeyCreate(secret, true),
    isPoint: (point) => native.publicKeyVerify(point),
  };
}

export const nativeCurve: Curve | undefined = loadNative();
export const curve: Curve = nativeCurve ?? nobleCurve;
