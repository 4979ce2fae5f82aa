import { createHash } from "node:crypto";
import { millis } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import type { EncryptedMemo } from "@stakebts/bitshares/chain";
import type { MemoReader, MemoWriter, Signer, TransferIntent } from "@stakebts/bitshares/signing";
import { blockNumOf, type ChainTransaction } from "./fake-chain.ts";

// Keys that hide nothing and sign nothing: the bytes are the intent itself, and as with real ones the same intent has the
// same id, always.

export const fakeSigner = (publicKey: string): Signer => ({
  publicKey,
  sign(intent: TransferIntent) {
    const text = JSON.stringify(intent, (_, value: unknown) =>
      typeof value === "bigint" ? `${value}` : value,
    );
    return {
      txid: createHash("sha256").update(text).digest("hex").slice(0, 40),
      bytes: new TextEncoder().encode(text),
      refBlockNum: blockNumOf(intent.refBlockId),
      expirationMs: intent.expirationMs,
    };
  },
});

/** What was signed, as the chain reads it. */
export function signedTransaction(bytes: Uint8Array): ChainTransaction {
  const text = new TextDecoder().decode(bytes);
  const intent = JSON.parse(text) as Record<keyof TransferIntent, string> & { memo?: EncryptedMemo };
  return {
    txid: createHash("sha256").update(text).digest("hex").slice(0, 40),
    fromId: intent.fromId as ChainTransaction["fromId"],
    toId: intent.toId as ChainTransaction["toId"],
    amount: shares(BigInt(intent.amount)),
    assetId: "1.3.0",
    fee: shares(BigInt(intent.fee)),
    memo: intent.memo,
    refBlockId: intent.refBlockId,
    expirationMs: millis(Number(intent.expirationMs)),
  };
}

export const fakeMemo = (text: string, nonce: bigint): EncryptedMemo => ({
  from: "memo key",
  to: "memo key",
  nonce: `${nonce}`,
  messageHex: Buffer.from(text).toString("hex"),
});

/** There is no key to this one. */
export const unreadableMemo = (nonce: bigint): EncryptedMemo => ({
  ...fakeMemo("", nonce),
  to: "another key",
});

export const memoText = (memo: EncryptedMemo | undefined): string | undefined =>
  memo?.to === "memo key" ? Buffer.from(memo.messageHex, "hex").toString() : undefined;

export const fakeMemoWriter: MemoWriter = {
  publicKey: "memo key",
  publicKeys: ["memo key"],
  write: ({ text, nonce }) => fakeMemo(text, nonce),
};

export const fakeMemoReader: MemoReader = {
  publicKeys: ["memo key"],
  read(memo) {
    const text = memoText(memo);
    if (memo === undefined) return { type: "none" };
    return text === undefined ? { type: "unreadable", reason: "foreign_key" } : { type: "text", text };
  },
};
