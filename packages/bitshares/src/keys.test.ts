import { readFileSync } from "node:fs";
import { fc, test } from "@stakebts/testkit/property";
import { PrivateKey as ReferencePrivateKey, PublicKey as ReferencePublicKey } from "bitsharesjs";
import { describe, expect, it } from "vitest";
import { nativeCurve, nobleCurve } from "./curve.ts";
import {
  isPublicKey,
  KeyFormatError,
  NULL_PUBLIC_KEY,
  parsePublicKey,
  privateKeyFromWif,
  publicKeyFromWif,
  publicKeyText,
} from "./keys.ts";

interface KeyVector {
  readonly seed: string;
  readonly wif: string;
  readonly public_hex: string;
  readonly BTS: string;
  readonly TEST: string;
}
const vectors = JSON.parse(
  readFileSync(new URL("../../testkit/src/fixtures/bitshares-vectors.json", import.meta.url), "utf8"),
) as {
  keys: Record<string, KeyVector | string>;
};
const keys = Object.values(vectors.keys).filter(
  (key): key is KeyVector => typeof key === "object" && "wif" in key,
);
const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => {
  bytes[0] = (bytes[0] as number) & 0x7f; // below the order of the curve
  bytes[31] = (bytes[31] as number) | 1;
  return bytes;
});
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");

describe("keys", () => {
  it("come with vectors", () => expect(keys.length).toBeGreaterThanOrEqual(9));

  it.each(keys)("reads the key of seed $seed and prints its public key with either prefix", (key) => {
    expect(publicKeyFromWif(key.wif)).toBe(key.BTS);
    expect(publicKeyFromWif(key.wif, "TEST")).toBe(key.TEST);
    expect(hex(parsePublicKey(key.BTS))).toBe(key.public_hex);
    expect(hex(parsePublicKey(key.TEST))).toBe(key.public_hex);
    expect(isPublicKey(key.BTS)).toBe(true);
  });

  it("reads a public key with an unknown prefix", () => {
    const [key] = keys as [KeyVector];
    expect(hex(parsePublicKey(key.BTS.replace("BTS", "XYZ")))).toBe(key.public_hex);
  });

  it("knows the null key, and that nothing can be encrypted to it", () => {
    expect(publicKeyText(NULL_PUBLIC_KEY)).toBe("BTS1111111111111111111111111111111114T1Anm");
    expect(parsePublicKey("BTS1111111111111111111111111111111114T1Anm")).toEqual(NULL_PUBLIC_KEY);
    expect(isPublicKey("BTS1111111111111111111111111111111114T1Anm")).toBe(false);
  });

  it("accepts 33 bytes that are no point when reading a block, but does not call them a public key", () => {
    const text = publicKeyText(new Uint8Array(33).fill(5));
    expect(parsePublicKey(text)).toEqual(new Uint8Array(33).fill(5));
    expect(isPublicKey(text)).toBe(false);
  });

  it.each([
    "",
    "BTS",
    "5",
    "BTS5",
    "no key",
    "BTS6c2iTGUvkQbisSj9b6MN3YJqi1yMEjJGz5djLYb3kPZM3djo1D",
    "BTS0OIl",
  ])("finds no public key in %j", (text) => {
    expect(parsePublicKey(text)).toBeUndefined();
    expect(isPublicKey(text)).toBe(false);
  });

  test.prop([fc.string({ unit: "binary" })])("never throws for a public key text", (text) => {
    expect(isPublicKey(text)).toBe(false);
    expect(isPublicKey(`BTS${text}`)).toBe(false);
  });

  test.prop([secrets], { numRuns: 25 })(
    "prints and derives the same keys as bitsharesjs, natively and not",
    (secret) => {
      const reference = ReferencePrivateKey.fromBuffer(Buffer.from(secret));
      const text = reference.toPublicKey().toPublicKeyString("BTS");
      expect(publicKeyFromWif(reference.toWif())).toBe(text);
      expect(hex(parsePublicKey(text))).toBe(reference.toPublicKey().toBuffer().toString("hex"));
      expect(hex(nobleCurve.publicKey(secret))).toBe(hex(privateKeyFromWif(reference.toWif()).publicKey));
    },
  );

  test.prop([fc.uint8Array({ minLength: 33, maxLength: 33 })])(
    "reads back every 33 bytes it prints",
    (bytes) => {
      expect(parsePublicKey(publicKeyText(bytes))).toEqual(bytes);
      expect(parsePublicKey(publicKeyText(bytes, "TEST"))).toEqual(bytes);
    },
  );

  it("prints a key that bitsharesjs reads", () => {
    const [key] = keys as [KeyVector];
    expect(ReferencePublicKey.fromPublicKeyString(publicKeyFromWif(key.wif), "BTS")).not.toBeNull();
  });

  it.each(keys)("never shows the secret of seed $seed in an error or in print", ({ wif }) => {
    for (let cut = 4; cut < wif.length; cut += 7) {
      const damaged = wif.slice(0, cut) + (wif[cut] === "x" ? "y" : "x") + wif.slice(cut + 1);
      for (const text of [damaged, wif.slice(0, -1), `${wif}1`, ` ${wif}`]) {
        let error: unknown;
        try {
          privateKeyFromWif(text);
        } catch (e) {
          error = e;
        }
        expect(error).toBeInstanceOf(KeyFormatError);
        expect((error as Error).cause).toBeUndefined();
        expect(`${(error as Error).message}`).not.toContain(text.slice(4, 12));
      }
    }
    expect(JSON.stringify(privateKeyFromWif(wif))).not.toContain(
      Buffer.from(wif).toString("hex").slice(0, 8),
    );
    expect(Object.keys(privateKeyFromWif(wif))).toEqual(["publicKey"]);
  });

  it("uses the native library on this platform", () => expect(nativeCurve?.name).toBe("native"));

  test.prop([secrets, secrets, fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.boolean()], {
    numRuns: 50,
  })("signs and shares secrets with the same bytes natively and not", (secret, peer, digest, withEntropy) => {
    const native = nativeCurve;
    if (native === undefined) throw new Error("no native library here");
    const entropy = withEntropy ? Buffer.alloc(32, 7) : undefined;
    const [a, b] = [native, nobleCurve].map((curve) => curve.sign(digest, secret, entropy));
    expect(hex(a?.rs)).toBe(hex(b?.rs));
    expect(a?.recoveryId).toBe(b?.recoveryId);
    const point = nobleCurve.publicKey(peer);
    expect(hex(native.sharedX(secret, point))).toBe(hex(nobleCurve.sharedX(secret, point)));
  });
});
