import { type AccountId, ChainError, type ChainReader, type EncryptedMemo } from "@stakebts/bitshares/chain";
import { sameKey } from "@stakebts/bitshares/keys";
import type { MemoContent, MemoReader } from "@stakebts/bitshares/signing";
import type { Ledger, NewReceipt, SeenMemoKey } from "./ledger.ts";

/** The memo keys that the custodian's account has, or had, as far as it is known. */
export interface MemoKeyHistory {
  /** The one on the chain now, by a majority of the nodes. */
  readonly current: string;
  readonly seen: readonly SeenMemoKey[];
}

/** `to` of what was sent to the custodian, `from` of what he sent. */
export type CustodiansSide = "to" | "from";

/**
 * Which key may open this memo that is not configured; `undefined`: none. If there is one, nothing is known of what the memo says, and
 * to call it nonsense would cost its sender the fee. Every memo may be readable while the account's key on the chain is not
 * configured, no matter which key it names; and always what is for a key that the account had before its block, unless that is lost
 * for good. The rest that cannot be read is nonsense for ever.
 */
export function missingKey(
  memo: EncryptedMemo | undefined,
  content: MemoContent,
  {
    side,
    blockNum,
    configured,
    history,
  }: {
    readonly side: CustodiansSide;
    readonly blockNum: number;
    /** Public keys. */
    readonly configured: readonly string[];
    readonly history: MemoKeyHistory;
  },
): string | undefined {
  if (memo === undefined || !isForeign(content)) return undefined;
  const { current, seen } = history;
  const named = seenAs(memo, { side, blockNum, seen });
  if (named !== undefined && named.isLost !== true) return named.publicKey;
  return hasKey(configured, current) ? undefined : current;
}

/** The memo key of the account, before this block, that the memo is for. */
export const seenAs = (
  memo: EncryptedMemo,
  {
    side,
    blockNum,
    seen,
  }: { readonly side: CustodiansSide; readonly blockNum: number } & Pick<MemoKeyHistory, "seen">,
): SeenMemoKey | undefined =>
  seen.find(
    ({ publicKey, sinceBlockNum }) => (sinceBlockNum ?? 0) <= blockNum && sameKey(publicKey, memo[side]),
  );

/** Is it for none of the keys that it was tried with? One that is for them and cannot be opened no other key opens either. */
export const isForeign = (content: MemoContent): boolean =>
  content.type === "unreadable" && content.reason === "foreign_key";

export const hasKey = (keys: readonly string[], wanted: string): boolean =>
  keys.some((key) => sameKey(key, wanted));

export interface MemoKeysDeps {
  readonly chain: Pick<ChainReader, "accounts">;
  readonly ledger: Pick<Ledger, "memoKeys">;
  readonly memos: Pick<MemoReader, "publicKeys">;
  readonly custodian: { readonly id: AccountId; readonly name: string };
}

/** What a process that opens memos knows of the custodian's memo keys beside those that it holds. */
export class MemoKeys {
  readonly #deps: MemoKeysDeps;
  #current: string | undefined;
  #isRecorded = false;
  readonly #said = new Set<string>();

  constructor(deps: MemoKeysDeps) {
    this.#deps = deps;
  }

  get configured(): readonly string[] {
    return this.#deps.memos.publicKeys;
  }

  /** The one on the chain, if the ledger is not known to have it. */
  get unrecorded(): readonly SeenMemoKey[] {
    return this.#current === undefined || this.#isRecorded
      ? []
      : [{ publicKey: this.#current, sinceBlockNum: undefined }];
  }

  /**
   * The account's memo key on the chain.
   * Throws ChainError when no majority says it.
   */
  async ask(): Promise<string> {
    const { chain, custodian } = this.#deps;
    const [account] = await chain.accounts([custodian.id]);
    if (account === undefined)
      throw new ChainError("inconsistent_chain", `no node knows the account ${custodian.id}`);
    if (account.memoKey !== this.#current) this.#isRecorded = false;
    this.#current = account.memoKey;
    return account.memoKey;
  }

  /** The alarms for keys that are missing, but for those that this process has {@link told}. */
  alarms(missing: Iterable<string>, what: string): readonly NewReceipt[] {
    const news = [...new Set(missing)].filter((key) => !this.#said.has(key));
    return news.map((key) => notConfigured(key, this.#deps.custodian.name, what));
  }

  /** These receipts are written. */
  told(receipts: readonly NewReceipt[]): void {
    for (const { event, subject } of receipts) if (event === NOT_CONFIGURED) this.#said.add(subject);
  }

  /** The one on the chain is configured: when it is not any more, that is news. */
  fits(): void {
    if (this.#current !== undefined) this.#said.delete(this.#current);
  }

  /** Throws as {@link ask}. */
  async history(): Promise<MemoKeyHistory> {
    const [current, seen] = await Promise.all([this.ask(), this.#deps.ledger.memoKeys.all()]);
    this.#isRecorded = seen.some(({ publicKey }) => sameKey(publicKey, current));
    return { current, seen };
  }
}

const NOT_CONFIGURED = "memo_key.not_configured";

/** @param what waits for the key */
const notConfigured = (publicKey: string, custodian: string, what: string): NewReceipt => ({
  event: NOT_CONFIGURED,
  subject: publicKey,
  details: {
    reason: `${publicKey} is or was the memo key of ${custodian}, and is not in STAKEBTS_MEMO_KEY: ${what}`,
    todo: "add its private key to STAKEBTS_MEMO_KEY of ingester and payer, the present key first and the older ones behind it, and start them again: docs/handbook.md, Change a key",
  },
});
