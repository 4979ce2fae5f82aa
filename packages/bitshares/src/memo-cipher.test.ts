import { createCipheriv, createHash, Hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fc, test } from "@stakebts/testkit/property";
import { Aes, PrivateKey as ReferencePrivateKey } from "bitsharesjs";
import { describe, expect, it, vi } from "vitest";
import type { EncryptedMemo } from "./chain.ts";
import { NULL_PUBLIC_KEY, publicKeyText } from "./keys.ts";
import { createMemoReader, createMemoWriter } from "./memo-cipher.ts";

interface MemoVector {
  readonly from_seed: string;
  readonly to_seed: string;
  readonly from: string;
  readonly to: string;
  readonly nonce: string;
  readonly plaintext_hex: string;
  readonly message: string;
}
const vectors = JSON.parse(
  readFileSync(new URL("../../testkit/src/fixtures/bitshares-vectors.json", import.meta.url), "utf8"),
) as {
  memos: MemoVector[];
};
const NULL_KEY = publicKeyText(NULL_PUBLIC_KEY);
const wifOfSeed = (seed: string) => ReferencePrivateKey.fromSeed(seed).toWif();
const asMemo = (v: MemoVector): EncryptedMemo => ({
  from: v.from,
  to: v.to,
  nonce: v.nonce,
  messageHex: v.message,
});
const text = (v: MemoVector) => Buffer.from(v.plaintext_hex, "hex").toString("utf8");

const alice = wifOfSeed("alice-memo");
const bob = wifOfSeed("bob-memo");
const reader = createMemoReader({ wifs: [bob] });
const writer = createMemoWriter({ wif: alice });
const toBob = reader.publicKeys[0] as string;
const nonces = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const anyText = fc.string({ unit: "grapheme", maxLength: 300 });

describe("memo vectors", () => {
  it.each(vectors.memos)("are read with the key of either side: $plaintext_utf8", (v) => {
    for (const seed of [v.from_seed, v.to_seed]) {
      expect(createMemoReader({ wifs: [wifOfSeed(seed)] }).read(asMemo(v))).toEqual({
        type: "text",
        text: text(v),
      });
    }
  });

  it.each(vectors.memos)("are written to the byte: $plaintext_utf8", (v) => {
    const ours = createMemoWriter({ wif: wifOfSeed(v.from_seed) });
    expect(ours.write({ text: text(v), toPublicKey: v.to, nonce: BigInt(v.nonce) })).toEqual(asMemo(v));
  });
});

describe("memos", () => {
  test.prop([anyText, nonces])("are read as they were written", (written, nonce) => {
    const memo = writer.write({ text: written, toPublicKey: toBob, nonce });
    expect(reader.read(memo)).toEqual({ type: "text", text: written });
    expect(createMemoReader({ wifs: [alice] }).read(memo)).toEqual({ type: "text", text: written });
  });

  it.each(["", "\0", "a\0b\0", "\uFEFFmark", "💸🚀👨‍👩‍👧", "é".repeat(30_000), "x".repeat(60_000)])(
    "survive what texts can contain: %#",
    (written) => {
      expect(reader.read(writer.write({ text: written, toPublicKey: toBob, nonce: 1n }))).toEqual({
        type: "text",
        text: written,
      });
    },
  );

  test.prop([anyText, nonces], { numRuns: 15 })(
    "are the bytes that bitsharesjs makes, and it reads ours",
    (written, nonce) => {
      const [a, b] = [ReferencePrivateKey.fromWif(alice), ReferencePrivateKey.fromWif(bob)];
      const theirs = Aes.encrypt_with_checksum(
        a,
        b.toPublicKey(),
        nonce.toString(),
        Buffer.from(written, "utf8"),
      );
      const ours = writer.write({ text: written, toPublicKey: toBob, nonce });
      expect(ours.messageHex).toBe(theirs.toString("hex"));
      const read = Aes.decrypt_with_checksum(
        b,
        a.toPublicKey(),
        ours.nonce,
        Buffer.from(ours.messageHex, "hex"),
      );
      expect(read.toString("utf8")).toBe(written);
    },
  );

  it("are read with an older key of ours", () => {
    const memo = writer.write({ text: "old", toPublicKey: toBob, nonce: 1n });
    const rotated = createMemoReader({ wifs: [wifOfSeed("bob-memo-new"), bob] });
    expect(rotated.publicKeys).toHaveLength(2);
    expect(rotated.read(memo)).toEqual({ type: "text", text: "old" });
  });

  it("are read with any prefix of their keys", () => {
    const memo = writer.write({ text: "hello", toPublicKey: toBob, nonce: 1n });
    const renamed = { ...memo, from: memo.from.replace("BTS", "TEST"), to: memo.to.replace("BTS", "TEST") };
    expect(reader.read(renamed)).toEqual({ type: "text", text: "hello" });
  });

  it("of wallets that dropped the leading zeros of X are read too", () => {
    // A pair of keys whose shared X starts with a zero byte, as in the vectors.
    const padded = vectors.memos.find((v) => v.plaintext_hex === Buffer.from("leading zero").toString("hex"));
    if (padded === undefined) throw new Error("the vectors lost their case with a leading zero");
    const from = ReferencePrivateKey.fromSeed(padded.from_seed);
    const to = ReferencePrivateKey.fromSeed(padded.to_seed);
    const sharedHash = from.get_shared_secret(to.toPublicKey(), true).toString("hex");
    expect(sharedHash).not.toBe(from.get_shared_secret(to.toPublicKey()).toString("hex"));
    const messageHex = encryptWith(sharedHash, padded.nonce, "from an old wallet");
    const memo = { ...asMemo(padded), messageHex };
    expect(createMemoReader({ wifs: [to.toWif()] }).read(memo)).toEqual({
      type: "text",
      text: "from an old wallet",
    });
  });

  it("that are public are readable by everybody", () => {
    const memo = {
      from: NULL_KEY,
      to: NULL_KEY,
      nonce: "0",
      messageHex: "00000000" + Buffer.from("grüße").toString("hex"),
    };
    expect(reader.read(memo)).toEqual({ type: "public", text: "grüße" });
    expect(reader.read({ ...memo, messageHex: "000000" })).toEqual({
      type: "unreadable",
      reason: "malformed",
    });
  });

  it("that are absent are none", () => expect(reader.read(undefined)).toEqual({ type: "none" }));

  it("with bytes that are not UTF-8 have a character for each byte, as bitsharesjs writes a string", () => {
    const [a, b] = [ReferencePrivateKey.fromWif(alice), ReferencePrivateKey.fromWif(bob)];
    for (const [written, read] of [
      ["six_months\u00a0", "six_months\u00a0"],
      ["grüße", "grüße"],
    ]) {
      const message = Aes.encrypt_with_checksum(a, b.toPublicKey(), "1", written as string);
      const memo = { from: writer.publicKey, to: toBob, nonce: "1", messageHex: message.toString("hex") };
      expect(reader.read(memo)).toEqual({ type: "text", text: read });
    }
  });

  const anyPadding = fc.oneof(
    fc.constant("none"),
    fc.constant("pkcs7"),
    fc.constantFrom(
      "blanks",
      "zeros",
      "blanks or nothing",
      "zeros or nothing",
      "pkcs7 or nothing",
      "iso10126",
    ),
    fc.constantFrom("pkcs7 inside", "zeros inside", "three blocks of zeros"),
  );
  test.prop([fc.stringMatching(/^[ -~]{0,80}$/u), nonces, anyPadding])(
    "are read with any padding",
    (written, nonce, padding) => {
      const body = Buffer.from(written);
      if (padding === "none" && (body.length + 4) % 16 !== 0) return;
      const memo = encryptPadded(body, nonce.toString(), padding);
      expect(reader.read(memo)).toEqual({ type: "text", text: written });
    },
  );

  it.each([
    ["printed with a sign, as Java does", "18446744073709551615", "-1"],
    ["printed with a sign, at the edge", "9223372036854775808", "-9223372036854775808"],
    ["rounded when it was printed, as JavaScript does", "12345678901234567168", "12345678901234567000"],
    ["left out", "0", ""],
    ["zero", "0", "0"],
    ["the largest", "18446744073709551615", "18446744073709551615"],
  ])("are read with a nonce that was %s", (_, nonce, hashed) => {
    const memo = { ...encryptPadded(Buffer.from("six_months"), hashed, "pkcs7"), nonce };
    expect(reader.read(memo)).toEqual({ type: "text", text: "six_months" });
  });

  it("that are not encrypted are public, whichever keys they name", () => {
    const plain = (text: string) => Buffer.concat([Buffer.alloc(4), Buffer.from(text)]).toString("hex");
    for (const text of ["stop", "six_months", "twelve bytes", "exactly 28 bytes are two blocks"]) {
      for (const [from, to] of [
        [NULL_KEY, NULL_KEY],
        [NULL_KEY, toBob],
        [writer.publicKey, toBob],
      ] as const) {
        const memo = { from, to, nonce: "0", messageHex: plain(text) };
        expect(reader.read(memo)).toEqual({ type: "public", text });
      }
    }
    const bare = {
      from: NULL_KEY,
      to: NULL_KEY,
      nonce: "0",
      messageHex: Buffer.from("stop").toString("hex"),
    };
    expect(reader.read(bare)).toEqual({ type: "public", text: "stop" });
  });

  it("of any length cost one hash over their bytes, not one for each end they could have", () => {
    const memo = encryptPadded(Buffer.alloc(90_000, "x"), "1", "pkcs7");
    const damaged = { ...memo, messageHex: `00${memo.messageHex.slice(2)}` };
    const hashed = vi.spyOn(Hash.prototype, "update");
    try {
      expect(reader.read(damaged)).toEqual({ type: "unreadable", reason: "checksum" });
      const bytes = hashed.mock.calls.reduce((sum, [data]) => sum + Buffer.from(data).length, 0);
      expect(bytes).toBeLessThan(3 * 90_000 + 256 * 256);
    } finally {
      hashed.mockRestore();
    }
  });

  it("say why they cannot be read", () => {
    const memo = writer.write({ text: "secret", toPublicKey: toBob, nonce: 77n });
    const why = (change: Partial<EncryptedMemo>) => {
      const content = reader.read({ ...memo, ...change });
      return content.type === "unreadable" ? content.reason : content.type;
    };
    expect(why({})).toBe("text");
    expect(why({ nonce: "78" })).toBe("checksum");
    expect(why({ nonce: "-1" })).toBe("malformed");
    expect(why({ nonce: "18446744073709551616" })).toBe("malformed");
    expect(why({ nonce: "1e3" })).toBe("malformed");
    expect(why({ messageHex: memo.messageHex.slice(2) })).toBe("malformed");
    expect(why({ messageHex: `${memo.messageHex.slice(0, -1)}x` })).toBe("malformed");
    expect(why({ messageHex: "" })).toBe("malformed");
    expect(why({ to: "BTS" })).toBe("malformed");
    expect(why({ from: publicKeyText(new Uint8Array(33).fill(9)) })).toBe("malformed");
    expect(why({ from: NULL_KEY })).toBe("malformed");
    expect(createMemoReader({ wifs: [wifOfSeed("another account")] }).read(memo)).toEqual({
      type: "unreadable",
      reason: "foreign_key",
    });
  });

  const keyTexts = fc.constantFrom(
    toBob,
    writer.publicKey,
    NULL_KEY,
    publicKeyText(new Uint8Array(33).fill(3)),
    "",
    "BTS1",
  );
  test.prop([
    keyTexts,
    keyTexts,
    fc.oneof(nonces.map(String), fc.string()),
    fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString("hex")),
      fc.string(),
    ),
  ])("never throw, no matter what a stranger wrote", (from, to, nonce, messageHex) => {
    expect(["unreadable", "public", "text"]).toContain(reader.read({ from, to, nonce, messageHex }).type);
  });

  it("to a key that nothing can be encrypted to are written to ourselves, and still name the payout", () => {
    for (const toPublicKey of [NULL_KEY, "BTS", "", publicKeyText(new Uint8Array(33).fill(5))]) {
      const memo = writer.write({ text: "named", toPublicKey, nonce: 1n });
      expect(memo.to).toBe(writer.publicKey);
      expect(createMemoReader({ wifs: [alice] }).read(memo)).toEqual({ type: "text", text: "named" });
    }
  });
});

const aliceToBob = ReferencePrivateKey.fromWif(alice)
  .get_shared_secret(ReferencePrivateKey.fromWif(bob).toPublicKey())
  .toString("hex");

/** From Alice to Bob, with the checksum and the padding of some wallet. */
function encryptPadded(body: Buffer, hashedNonce: string, padding: string): EncryptedMemo {
  const sum = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest().subarray(0, 4);
  const missing = 16 - ((body.length + 4) % 16);
  const pad = (): Buffer => {
    switch (padding.replace(" or nothing", "").replace(" inside", "")) {
      case "none":
        return Buffer.alloc(0);
      case "blanks":
        return Buffer.alloc(missing, " ");
      case "zeros":
        return Buffer.alloc(missing);
      case "three blocks of zeros":
        return Buffer.alloc(missing + 48);
      case "iso10126":
        return Buffer.from([...Buffer.alloc(missing - 1, 0xa7), missing]);
      default:
        return Buffer.alloc(missing, missing);
    }
  };
  const end = padding.endsWith(" or nothing") && missing === 16 ? Buffer.alloc(0) : pad();
  const checked = padding.endsWith(" inside") ? Buffer.concat([body, end]) : body;
  const hash = createHash("sha512")
    .update(hashedNonce + aliceToBob)
    .digest();
  const aes = createCipheriv("aes-256-cbc", hash.subarray(0, 32), hash.subarray(32, 48)).setAutoPadding(
    false,
  );
  const message = Buffer.concat([aes.update(Buffer.concat([sum(checked), body, end])), aes.final()]);
  return { from: writer.publicKey, to: toBob, nonce: hashedNonce, messageHex: message.toString("hex") };
}

/** Encrypts as the document says, from a given S: independent of the code under test. */
function encryptWith(sharedHashHex: string, nonce: string, message: string): string {
  const hash = createHash("sha512")
    .update(nonce + sharedHashHex)
    .digest();
  const aes = createCipheriv("aes-256-cbc", hash.subarray(0, 32), hash.subarray(32, 48));
  const bytes = Buffer.from(message, "utf8");
  const checksum = createHash("sha256").update(bytes).digest().subarray(0, 4);
  return Buffer.concat([aes.update(Buffer.concat([checksum, bytes])), aes.final()]).toString("hex");
}
