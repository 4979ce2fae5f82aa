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
      bytes: new TextEncoder().encode(`${text}\n${publicKey}`),
      refBlockNum: blockNumOf(intent.refBlockId),
      expirationMs: intent.expirationMs,
    };
  },
});

/** What was signed, as the chain reads it. */
export function signedTransaction(bytes: Uint8Array): ChainTransaction {
  const [text = "", signedBy] = new TextDecoder().decode(bytes).split("\n");
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
    signedBy,
  };
}

/** The custodian's first memo key; those that follow begin with it. */
export const MEMO_KEY = "memo key";
const isCustodians = (key: string): boolean => key.startsWith(MEMO_KEY);

export const fakeMemo = (
  text: string,
  nonce: bigint,
  keys: { readonly from: string; readonly to: string },
): EncryptedMemo => ({ ...keys, nonce: `${nonce}`, messageHex: Buffer.from(text).toString("hex") });

/** There is no key to this one. */
export const unreadableMemo = (nonce: bigint): EncryptedMemo =>
  fakeMemo("", nonce, { from: "a wallet's key", to: "another key" });

/** As one reads it who has every memo key that the custodian ever had. */
export const memoText = (memo: EncryptedMemo | undefined): string | undefined =>
  memo !== undefined && (isCustodians(memo.to) || isCustodians(memo.from))
    ? Buffer.from(memo.messageHex, "hex").toString()
    : undefined;

/** @param keys newest first */
export const fakeMemoWriter = (keys: readonly string[]): MemoWriter => ({
  publicKey: keys[0] as string,
  publicKeys: keys,
  write: ({ text, fromPublicKey, toPublicKey, nonce }) =>
    fakeMemo(text, nonce, {
      from: fromPublicKey !== undefined && keys.includes(fromPublicKey) ? fromPublicKey : (keys[0] as string),
      to: toPublicKey,
    }),
});

/** @param foreign what it says of a memo that is for none of the keys */
export const fakeMemoReader = (
  keys: readonly string[],
  foreign: "foreign_key" | "checksum" = "foreign_key",
): MemoReader => ({
  publicKeys: keys,
  read(memo) {
    if (memo === undefined) return { type: "none" };
    if (!keys.includes(memo.to) && !keys.includes(memo.from)) return { type: "unreadable", reason: foreign };
    return { type: "text", text: Buffer.from(memo.messageHex, "hex").toString() };
  },
});
