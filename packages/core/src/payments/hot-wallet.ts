import { type Shares, shares } from "@stakebts/kernel/amount";
import {
  type AccountId,
  type ChainAccount,
  ChainError,
  type ChainHead,
  type ChainReader,
  type TransferFeeSchedule,
} from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";

const HEAD_AGE_MS_MAX = 500;

/**
 * What the hot wallet holds and what a transfer costs, asked of the chain from time to time and reckoned in between:
 * a node asked for its balance before each of a thousand payments would be the slowest part of every one.
 */
export class HotWallet {
  readonly #chain: ChainReader;
  readonly #account: AccountId;
  readonly #clock: HostClock;
  readonly #minimumBalance: Shares;
  readonly #maxAgeMs: number;
  #balance: { readonly amount: Shares; readonly readAtMs: number } | undefined;
  #head: { readonly head: ChainHead; readonly readAtMs: number } | undefined;
  #refBlock: { readonly blockNum: number; readonly blockId: string } | undefined;
  #known: { readonly account: ChainAccount; readonly readAtMs: number } | undefined;
  #schedule: { readonly fees: TransferFeeSchedule; readonly readAtMs: number } | undefined;
  /** Questions that are on their way. */
  readonly #asked = new Map<string, Promise<unknown>>();

  constructor(options: {
    chain: ChainReader;
    account: AccountId;
    clock: HostClock;
    minimumBalance: Shares;
    maxAgeMs: number;
  }) {
    this.#chain = options.chain;
    this.#account = options.account;
    this.#clock = options.clock;
    this.#minimumBalance = options.minimumBalance;
    this.#maxAgeMs = options.maxAgeMs;
  }

  /**
   * How much is missing to pay this and keep the minimum balance; 0 when it can be paid. A shortage is never reckoned:
   * before it is reported the chain has been asked, and a majority of the nodes says so.
   * Throws ChainError, "inconsistent_chain" when the nodes say both.
   */
  async missing(amount: Shares, fee: Shares): Promise<Shares> {
    const needed = amount + fee + this.#minimumBalance;
    const nowMs = this.#clock.nowMs();
    const known = this.#balance;
    if (known !== undefined && isFresh(known.readAtMs, nowMs, this.#maxAgeMs) && known.amount >= needed)
      return shares(0n);
    const { atLeast, atMost } = await this.#once("balance", async () => {
      const bounds = await this.#chain.balanceBounds(this.#account);
      this.#balance = { amount: bounds.atLeast, readAtMs: nowMs };
      return bounds;
    });
    if (atLeast >= needed) return shares(0n);
    if (atMost < needed) return shares(needed - atMost);
    throw new ChainError(
      "inconsistent_chain",
      `the nodes say that the hot wallet holds between ${atLeast} and ${atMost} shares, and ${needed} are needed`,
    );
  }

  /** Id of a final block, on which a majority of the nodes agrees: what a signature refers to is never one node's word. */
  async blockId(blockNum: number): Promise<string> {
    if (this.#refBlock?.blockNum !== blockNum)
      this.#refBlock = { blockNum, blockId: await this.#chain.blockId(blockNum) };
    return this.#refBlock.blockId;
  }

  spent(amount: Shares, fee: Shares): void {
    if (this.#balance === undefined) return;
    this.#balance = { ...this.#balance, amount: shares(this.#balance.amount - amount - fee) };
  }

  /** The account as a majority of the nodes has it: who may sign for it, and its memo key. Throws ChainError. */
  async account(): Promise<ChainAccount> {
    const nowMs = this.#clock.nowMs();
    if (this.#known !== undefined && isFresh(this.#known.readAtMs, nowMs, this.#maxAgeMs))
      return this.#known.account;
    return this.#once("account", async () => {
      const [account] = await this.#chain.accounts([this.#account]);
      if (account === undefined)
        throw new ChainError("inconsistent_chain", `no node knows the account ${this.#account}`);
      this.#known = { account, readAtMs: nowMs };
      return account;
    });
  }

  async fees(): Promise<TransferFeeSchedule> {
    const nowMs = this.#clock.nowMs();
    if (this.#schedule !== undefined && isFresh(this.#schedule.readAtMs, nowMs, this.#maxAgeMs))
      return this.#schedule.fees;
    return this.#once("fees", async () => {
      const fees = await this.#chain.transferFees();
      this.#schedule = { fees, readAtMs: nowMs };
      return fees;
    });
  }

  /**
   * The head of the chain as it was not longer than a moment ago: expirations are counted from it in minutes.
   * @param seenBlockNum a final block that is known: a head that has not got so far is asked for anew
   */
  async head(seenBlockNum = 0): Promise<ChainHead> {
    const nowMs = this.#clock.nowMs();
    if (
      this.#head === undefined ||
      !isFresh(this.#head.readAtMs, nowMs, HEAD_AGE_MS_MAX) ||
      this.#head.head.irreversibleBlockNum < seenBlockNum
    )
      this.#head = { head: await this.#chain.head(), readAtMs: nowMs };
    return this.#head.head;
  }

  /** Who asks while the same question is on its way gets its answer. */
  #once<T>(what: string, ask: () => Promise<T>): Promise<T> {
    const asked = (this.#asked.get(what) as Promise<T> | undefined) ?? ask();
    this.#asked.set(what, asked);
    const over = (): void => {
      if (this.#asked.get(what) === asked) this.#asked.delete(what);
    };
    asked.then(over, over);
    return asked;
  }

  forget(): void {
    this.#asked.clear();
    this.#balance = undefined;
    this.#known = undefined;
    this.#schedule = undefined;
    this.#head = undefined;
    this.#refBlock = undefined;
  }
}

/** A host clock that was set back makes nothing fresh for ever. */
const isFresh = (readAtMs: number, nowMs: number, maxAgeMs: number): boolean =>
  nowMs >= readAtMs && nowMs - readAtMs <= maxAgeMs;
