import type { Shares } from "@stakebts/kernel/amount";
import type { Millis } from "@stakebts/kernel/time";
import type { AccountId, EncryptedMemo, PermissionId } from "./chain.ts";

/** What is to be signed: everything that enters the bytes. The same intent gives the same transaction id, always. */
export interface TransferIntent {
  readonly fromId: AccountId;
  readonly toId: AccountId;
  readonly amount: Shares;
  readonly fee: Shares;
  readonly memo: EncryptedMemo | undefined;
  /** Set: `toId` draws the money from `fromId` under this permission, pays the fee, and its key is the one that signs. */
  readonly permissionId?: PermissionId | undefined;
  /** Id of the irreversible block that the transaction is tied to (TaPoS). */
  readonly refBlockId: string;
  /** Whole seconds; chain time after which no block can take it. */
  readonly expirationMs: Millis;
}

export interface SignedTransfer {
  /** First 20 bytes of sha256 of the unsigned bytes, hex. Covers neither the signature nor the chain id. */
  readonly txid: string;
  /** The signed transaction in the chain's binary form: what is saved, and what every retry sends. */
  readonly bytes: Uint8Array;
  readonly refBlockNum: number;
  readonly expirationMs: Millis;
}

/** Holds the active key. The only thing in the product that can move money. */
export interface Signer {
  /** `BTS…` text of the key it signs with. */
  readonly publicKey: string;
  sign(intent: TransferIntent): SignedTransfer;
}

/** What a memo turned out to be. No outcome is an exception: memos are written by strangers. */
export type MemoContent =
  | { readonly type: "none" }
  /** Decrypted; `text` is UTF-8, or one character for each byte where the bytes are no UTF-8. */
  | { readonly type: "text"; readonly text: string }
  /** Not encrypted: readable by everybody. The null key for a key, or four zero bytes before the text. */
  | { readonly type: "public"; readonly text: string }
  /** Not for any of our keys, damaged, or written with another key than it says. */
  | { readonly type: "unreadable"; readonly reason: "foreign_key" | "malformed" | "checksum" };

/** Holds the memo keys, newest first. */
export interface MemoReader {
  readonly publicKeys: readonly string[];
  read(memo: EncryptedMemo | undefined): MemoContent;
}

export interface MemoWriter {
  /** The newest. */
  readonly publicKey: string;
  /** All that can be written with, newest first. */
  readonly publicKeys: readonly string[];
  /**
   * A payee whose memo key nothing can be encrypted to gets a memo that only we can read: it still names the payout.
   * @param options.fromPublicKey the key to write with, if it is one of ours; else the newest
   * @param options.nonce unsigned 64-bit, unique per pair of keys; part of the transaction id
   */
  write(options: { text: string; fromPublicKey?: string; toPublicKey: string; nonce: bigint }): EncryptedMemo;
}
