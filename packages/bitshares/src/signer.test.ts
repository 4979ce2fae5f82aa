import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fc, test } from "@stakebts/testkit/property";
import { PrivateKey as ReferencePrivateKey, Signature } from "bitsharesjs";
import { describe, expect, it } from "vitest";
import { AssertionError } from "@stakebts/kernel/assert";
import { millis } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import type { TransferIntent } from "./signing.ts";
import { nobleCurve } from "./curve.ts";
import { createSigner, signDigest } from "./signer.ts";
import { parseSignedTransaction } from "./transaction-codec.ts";

const vectors = JSON.parse(
  readFileSync(new URL("../../testkit/src/fixtures/bitshares-vectors.json", import.meta.url), "utf8"),
) as {
  transactions: { name: string; chain_id: string; unsigned_hex: string; txid: string; signed_hex: string }[];
};
const reference = ReferencePrivateKey.fromSeed("custody-active");
const wif = reference.toWif();

const intentOf = (signedHex: string): TransferIntent => {
  const transaction = parseSignedTransaction(Buffer.from(signedHex, "hex"));
  const [transfer] = transaction.transfers;
  if (transfer === undefined) throw new Error("a vector without transfers");
  const id = Buffer.alloc(20);
  id.writeUInt16BE(transaction.refBlockNum, 2);
  id.writeUInt32LE(transaction.refBlockPrefix, 4);
  return {
    fromId: transfer.fromId,
    toId: transfer.toId,
    amount: transfer.amount,
    fee: transfer.feeAmount,
    memo: transfer.memo,
    refBlockId: id.toString("hex"),
    expirationMs: millis(transaction.expirationSec * 1000),
  };
};

const isPayout = ({ signed_hex }: { signed_hex: string }) => {
  const { transfers } = parseSignedTransaction(Buffer.from(signed_hex, "hex"));
  return transfers.length === 1 && transfers.every((t) => t.assetId === "1.3.0" && t.feeAssetId === "1.3.0");
};

describe("the signer", () => {
  it.each(vectors.transactions.filter(isPayout))(
    "$name: same id, and bitsharesjs accepts the signature",
    (v) => {
      const signed = createSigner({ wif, chainId: v.chain_id }).sign(intentOf(v.signed_hex));
      expect(signed.txid).toBe(v.txid);
      const { signatures, refBlockNum } = parseSignedTransaction(signed.bytes);
      expect(signed.refBlockNum).toBe(refBlockNum);
      const signature = Signature.fromBuffer(Buffer.from(signatures[0] as Uint8Array));
      const message = Buffer.from(v.chain_id + v.unsigned_hex, "hex");
      expect(signature.verifyBuffer(message, reference.toPublicKey())).toBe(true);
      expect(signature.recoverPublicKeyFromBuffer(message).toPublicKeyString("BTS")).toBe(
        reference.toPublicKey().toPublicKeyString("BTS"),
      );
    },
  );

  it("signs the same intent with the same bytes, and another chain with others but the same id", () => {
    const [v] = vectors.transactions as [(typeof vectors.transactions)[number]];
    const intent = intentOf(v.signed_hex);
    const here = createSigner({ wif, chainId: v.chain_id });
    const there = createSigner({ wif, chainId: "ab".repeat(32) });
    expect(here.sign(intent)).toEqual(here.sign(intent));
    expect(there.sign(intent).txid).toBe(here.sign(intent).txid);
    expect(there.sign(intent).bytes).not.toEqual(here.sign(intent).bytes);
    expect(here.publicKey).toBe(reference.toPublicKey().toPublicKeyString("BTS"));
  });

  test.prop([fc.uint8Array({ minLength: 32, maxLength: 32 })])(
    "makes canonical signatures only, with a recovery byte",
    (digest) => {
      const secret = Uint8Array.from(reference.toBuffer());
      const signature = signDigest({ sign: (d, e) => nobleCurve.sign(d, secret, e) }, digest);
      const [recovery, r0, r1] = signature as unknown as [number, number, number];
      const [s0, s1] = [signature[33] as number, signature[34] as number];
      expect([31, 32]).toContain(recovery);
      expect([r0 < 0x80, r0 > 0 || r1 >= 0x80, s0 < 0x80, s0 > 0 || s1 >= 0x80]).toEqual([
        true,
        true,
        true,
        true,
      ]);
    },
  );

  it("refuses intents that no chain would take, before they are signed", () => {
    const [v] = vectors.transactions as [(typeof vectors.transactions)[number]];
    const signer = createSigner({ wif, chainId: v.chain_id });
    const intent = intentOf(v.signed_hex);
    for (const change of [
      { amount: shares(0n) },
      { amount: shares(-1n) },
      { fee: shares(-1n) },
      { toId: intent.fromId },
      { expirationMs: millis(intent.expirationMs + 1) },
      { expirationMs: millis(0) },
      { refBlockId: "abc" },
    ]) {
      expect(() => signer.sign({ ...intent, ...change }), JSON.stringify(Object.keys(change))).toThrow(
        AssertionError,
      );
    }
  });

  it("needs a whole chain id", () => {
    expect(() => createSigner({ wif, chainId: "" })).toThrow(AssertionError);
  });

  it("hashes chain id and bytes as the vectors do", () => {
    for (const v of vectors.transactions as unknown as {
      chain_id: string;
      unsigned_hex: string;
      signature_digest: string;
    }[]) {
      const digest = createHash("sha256")
        .update(Buffer.from(v.chain_id + v.unsigned_hex, "hex"))
        .digest("hex");
      expect(digest).toBe(v.signature_digest);
    }
  });
});
