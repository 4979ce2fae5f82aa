import { createHash } from "node:crypto";
import { virtualPosition } from "@stakebts/kernel/operation-id";
import { type Millis, millis } from "@stakebts/kernel/time";
import { type Shares, shares } from "@stakebts/kernel/amount";
import type {
  AccountId,
  BroadcastOutcome,
  ChainBlock,
  ChainTransfer,
  EncryptedMemo,
} from "@stakebts/bitshares/chain";

/** Something signed, by us or by another wallet. */
export interface ChainTransaction {
  readonly txid: string;
  readonly fromId: AccountId;
  readonly toId: AccountId;
  readonly amount: Shares;
  readonly assetId: string;
  readonly fee: Shares;
  readonly memo: EncryptedMemo | undefined;
  /** `undefined`: tied to no branch. */
  readonly refBlockId: string | undefined;
  /** `undefined`: its wallet signs it anew until a block has it. */
  readonly expirationMs: number | undefined;
  /** Public key. `undefined`: it is not checked. */
  readonly signedBy?: string | undefined;
  /** A proposal that others approved: the chain carries it out itself, and no transaction of a block shows it. */
  readonly isProposed?: boolean;
}

export interface FakeBlock {
  readonly blockNum: number;
  readonly blockId: string;
  readonly previousId: string;
  readonly timeMs: Millis;
  readonly transactions: readonly ChainTransaction[];
  /** Core asset of each account after this block. */
  readonly balances: ReadonlyMap<AccountId, bigint>;
  readonly txids: ReadonlySet<string>;
  readonly chainBlock: ChainBlock;
  /** What the account history has, and no transaction. */
  readonly virtual: readonly ChainTransfer[];
}

const CORE_ASSET = "1.3.0";
const EXPIRATION_MS_MAX = 86_400_000;

/**
 * A chain in memory, by the rules that the product's promises rest on: a transaction is in a branch at most once, in no
 * block whose parent is later than its expiration (ADR 0006), and in no branch without its reference block; blocks above
 * the irreversible one may be undone, and what was in them may enter again. One chain for every caller: nodes are elsewhere.
 */
export class FakeChain {
  readonly #blocks: FakeBlock[] = [];
  readonly #pending = new Map<string, ChainTransaction>();
  #irreversible = 1;
  #salt = 0;
  feeShares: bigint;
  /** The key that may sign for an account. The signatures of accounts that are not here are not checked. */
  readonly activeKeys = new Map<AccountId, string>();
  /** That an account gave itself, and no block holds yet. */
  #memoKeys: readonly string[] = [];

  constructor(options: {
    readonly startMs: number;
    readonly balances: ReadonlyMap<AccountId, bigint>;
    readonly feeShares: bigint;
  }) {
    this.feeShares = options.feeShares;
    this.#append(options.startMs, [], options.balances, new Set());
  }

  get head(): FakeBlock {
    return this.#blocks.at(-1) as FakeBlock;
  }

  /** Number of the newest block that will never be undone. */
  get irreversibleBlockNum(): number {
    return this.#irreversible;
  }

  get pending(): readonly ChainTransaction[] {
    return [...this.#pending.values()];
  }

  block(blockNum: number): FakeBlock | undefined {
    return this.#blocks[blockNum - 1];
  }

  /** Those that will never be undone. */
  finalBlocks(): readonly FakeBlock[] {
    return this.#blocks.slice(0, this.#irreversible);
  }

  /** As a node that has seen everything takes it. */
  submit(transaction: ChainTransaction): BroadcastOutcome {
    if (this.#pending.has(transaction.txid) || this.head.txids.has(transaction.txid))
      return { type: "duplicate" };
    const refusal = this.#refusal(transaction, this.head.balances);
    if (refusal !== undefined) return refusal;
    this.#pending.set(transaction.txid, transaction);
    return { type: "accepted" };
  }

  /** The next block holds the update by which the custodian gives himself this memo key. */
  giveMemoKey(publicKey: string): void {
    this.#memoKeys = [...this.#memoKeys, publicKey];
  }

  /** The node that had it was restarted. */
  forget(txid: string): void {
    this.#pending.delete(txid);
  }

  /** A block with those of the waiting transactions that `takes` lets in. */
  produce(timeMs: number, takes: (transaction: ChainTransaction) => boolean): FakeBlock {
    const { balances, txids } = this.head;
    const after = new Map(balances);
    const included: ChainTransaction[] = [];
    for (const transaction of this.#pending.values()) {
      if (txids.has(transaction.txid) || this.#isExpired(transaction)) {
        this.#pending.delete(transaction.txid);
        continue;
      }
      if (!this.#maySign(transaction)) {
        this.#pending.delete(transaction.txid);
        continue;
      }
      if (!takes(transaction) || this.#refusal(transaction, after) !== undefined) continue;
      if (transaction.assetId === CORE_ASSET) move(after, transaction);
      included.push(transaction);
      this.#pending.delete(transaction.txid);
    }
    const all = included.length === 0 ? txids : new Set([...txids, ...included.map(({ txid }) => txid)]);
    return this.#append(timeMs, included, after, all);
  }

  /** The last blocks are undone. What was in them waits again; the next block is another one. */
  fork(depth: number): void {
    const kept = Math.max(this.#irreversible, this.#blocks.length - depth);
    for (const block of this.#blocks.splice(kept).toReversed()) {
      for (const transaction of block.transactions) this.#pending.set(transaction.txid, transaction);
      this.#memoKeys = [...(block.chainBlock.memoKeys ?? []), ...this.#memoKeys];
    }
  }

  makeIrreversible(blockNum: number): void {
    this.#irreversible = Math.max(this.#irreversible, Math.min(blockNum, this.#blocks.length));
  }

  #maySign({ fromId, signedBy }: ChainTransaction): boolean {
    const key = this.activeKeys.get(fromId);
    return key === undefined || signedBy === undefined || signedBy === key;
  }

  #isExpired({ expirationMs }: ChainTransaction): boolean {
    return expirationMs !== undefined && this.head.timeMs > expirationMs;
  }

  /** Against the head, which is the parent of the block that would hold it. */
  #refusal(
    transaction: ChainTransaction,
    balances: ReadonlyMap<AccountId, bigint>,
  ): BroadcastOutcome | undefined {
    const { refBlockId, expirationMs, fee, amount, fromId, assetId } = transaction;
    if (this.#isExpired(transaction)) return refused("expired");
    if (!this.#maySign(transaction)) return refused("missing_authority");
    if (expirationMs !== undefined && expirationMs > this.head.timeMs + EXPIRATION_MS_MAX)
      return refused("expiration_too_far");
    if (refBlockId !== undefined && this.block(blockNumOf(refBlockId))?.blockId !== refBlockId)
      return refused("tapos_mismatch");
    if (assetId !== CORE_ASSET) return undefined;
    if (expirationMs !== undefined && fee < this.feeShares) return refused("insufficient_fee");
    if ((balances.get(fromId) ?? 0n) < amount + fee) return refused("insufficient_balance");
    return undefined;
  }

  #append(
    timeMs: number,
    transactions: readonly ChainTransaction[],
    balances: ReadonlyMap<AccountId, bigint>,
    txids: ReadonlySet<string>,
  ): FakeBlock {
    const blockNum = this.#blocks.length + 1;
    const previousId = this.#blocks.at(-1)?.blockId ?? "0".repeat(40);
    const hash = createHash("sha256")
      .update(`${previousId} ${timeMs} ${this.#salt++}`)
      .digest("hex")
      .slice(0, 32);
    const blockId = blockNum.toString(16).padStart(8, "0") + hash;
    const chainBlock: ChainBlock = {
      blockNum,
      blockId,
      previousId,
      timeMs: millis(timeMs),
      transfers: transactions.map(toTransfer).filter((_, index) => !transactions[index]?.isProposed),
      payments: transactions.flatMap(({ txid, isProposed }, trxInBlock) =>
        isProposed ? [] : [{ txid, trxInBlock }],
      ),
      ...(this.#memoKeys.length === 0 ? {} : { memoKeys: this.#memoKeys }),
    };
    this.#memoKeys = [];
    const block = {
      blockNum,
      blockId,
      previousId,
      timeMs: millis(timeMs),
      transactions,
      balances,
      txids,
      chainBlock,
      virtual: transactions.flatMap((transaction, index) =>
        transaction.isProposed ? [asVirtual(toTransfer(transaction, index))] : [],
      ),
    };
    this.#blocks.push(block);
    return block;
  }
}

export const blockNumOf = (blockId: string): number => Number.parseInt(blockId.slice(0, 8), 16);

function move(balances: Map<AccountId, bigint>, { fromId, toId, amount, fee }: ChainTransaction): void {
  balances.set(fromId, (balances.get(fromId) ?? 0n) - amount - fee);
  balances.set(toId, (balances.get(toId) ?? 0n) + amount);
}

const toTransfer = (transaction: ChainTransaction, trxInBlock: number): ChainTransfer => ({
  trxInBlock,
  opInTrx: 0,
  fromId: transaction.fromId,
  toId: transaction.toId,
  amount: transaction.amount,
  assetId: transaction.assetId,
  feeAmount: shares(transaction.fee),
  feeAssetId: CORE_ASSET,
  memo: transaction.memo,
  permissionId: undefined,
  txid: transaction.txid,
});

/** The first operation that the approval at this place has set off. */
const asVirtual = (transfer: ChainTransfer): ChainTransfer => {
  const place = virtualPosition({ blockNum: 0, trxInBlock: transfer.trxInBlock, opInTrx: 0 }, 1);
  return { ...transfer, opInTrx: place?.opInTrx ?? 0, txid: undefined };
};

const refused = (code: Extract<BroadcastOutcome, { type: "refused" }>["code"]): BroadcastOutcome => ({
  type: "refused",
  code,
  disposition: "retry",
  message: `refused: ${code}`,
});
