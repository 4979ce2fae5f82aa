import { millis } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import {
  type AccountId,
  type BroadcastOutcome,
  type BroadcastRefusal,
  type ChainAccount,
  ChainError,
  type ChainReader,
  type ChainWriter,
} from "@stakebts/bitshares/chain";
import type {
  AccountBlock,
  AccountHistoryEntry,
  AccountHistoryReader,
  AccountOperationReader,
} from "@stakebts/bitshares/account-operations";
import { blockNumOf, type FakeChain } from "./fake-chain.ts";
import { signedTransaction } from "./fake-keys.ts";
import type { Prng } from "./prng.ts";
import type { EventLoop } from "./event-loop.ts";
import type { FaultProfile } from "./fault-profile.ts";

/** What the custodian's account has on the chain. */
export interface CustodiansKeys {
  readonly memo: string;
  readonly active: string;
}

const CLAIM = { fee: 2_000_000n, pricePerKbyte: 10n };

/**
 * The chain as it is seen through nodes, one or another at each question: some are behind, some do not answer, and some
 * say of balances and of transactions what is not so. Of blocks they cannot lie: those carry their own proof.
 */
export class FakeNodes implements ChainReader, ChainWriter, AccountOperationReader, AccountHistoryReader {
  /** Blocks that each node is behind. */
  lags: readonly number[] = [0];
  /** Why all of them refuse every broadcast, of any sender. */
  refusesAll: BroadcastRefusal | undefined;
  readonly #chain: FakeChain;
  readonly #accounts: readonly ChainAccount[];
  readonly #prng: Prng;
  readonly #eventLoop: EventLoop;
  readonly #faultProfile: () => FaultProfile;
  readonly #keys: () => CustodiansKeys;

  constructor(options: {
    chain: FakeChain;
    accounts: readonly ChainAccount[];
    prng: Prng;
    eventLoop: EventLoop;
    faultProfile: () => FaultProfile;
    keys: () => CustodiansKeys;
  }) {
    this.#keys = options.keys;
    this.#chain = options.chain;
    this.#accounts = options.accounts;
    this.#prng = options.prng;
    this.#eventLoop = options.eventLoop;
    this.#faultProfile = options.faultProfile;
  }

  chainId(): Promise<string> {
    return Promise.resolve("fake chain");
  }

  async head() {
    const { head, irreversible } = this.#ask();
    const block = this.#block(head);
    return {
      headBlockNum: head,
      headBlockId: block.blockId,
      headTimeMs: block.timeMs,
      irreversibleBlockNum: irreversible,
    };
  }

  async blocks({ from, to, account }: { from: number; to: number; account: AccountId }) {
    const { head } = this.#ask();
    if (to > head) throw new ChainError("inconsistent_chain", `the node does not have block ${to} yet`);
    return Array.from({ length: to - from + 1 }, (_, index) => {
      const { chainBlock } = this.#block(from + index);
      const transfers = chainBlock.transfers.filter((t) => t.fromId === account || t.toId === account);
      return { ...chainBlock, transfers };
    });
  }

  /** Every transfer that the account sends; in this chain it does nothing else. */
  async accountBlocks({ from, to, account }: Parameters<AccountOperationReader["accountBlocks"]>[0]) {
    const { head } = this.#ask();
    if (to > head) throw new ChainError("inconsistent_chain", `the node does not have block ${to} yet`);
    return Array.from({ length: to - from + 1 }, (_, index): AccountBlock => {
      const { chainBlock, transactions } = this.#block(from + index);
      const { transfers, payments: _payments, ...block } = chainBlock;
      const operations = transfers.flatMap((transfer) => {
        const { trxInBlock } = transfer;
        if (transfer.fromId !== account) return [];
        const { refBlockId } = transactions[trxInBlock] as (typeof transactions)[number];
        return [
          {
            position: { blockNum: block.blockNum, trxInBlock, opInTrx: 0 },
            txid: transfer.txid,
            name: "transfer",
            // A wallet refers to the head.
            refBlockNum: refBlockId === undefined ? block.blockNum - 1 : blockNumOf(refBlockId),
            transfer,
          },
        ];
      });
      return { ...block, operations };
    });
  }

  /** Of blocks, and of what no transaction in them shows, a majority does not lie. */
  async accountHistory({ from, to, account }: Parameters<AccountHistoryReader["accountHistory"]>[0]) {
    const { head } = this.#ask();
    if (to > head) throw new ChainError("no_usable_node", `the node does not have block ${to} yet`);
    return Array.from({ length: to - from + 1 }, (_, index) => this.#block(to - index)).flatMap(
      ({ blockNum, chainBlock, virtual }): AccountHistoryEntry[] =>
        [...virtual, ...chainBlock.transfers]
          .filter(({ fromId, toId }) => fromId === account || toId === account)
          .map((transfer) => ({
            position: { blockNum, trxInBlock: transfer.trxInBlock, opInTrx: transfer.opInTrx },
            name: "transfer",
            isActing: transfer.fromId === account,
            transfer,
          })),
    );
  }

  authorityOf(): Promise<string> {
    return Promise.resolve("custodian key");
  }

  async accounts(namesOrIds: readonly string[]) {
    this.#ask();
    const [custodian] = this.#accounts;
    return namesOrIds.map((text) => {
      const found = this.#accounts.find(({ id, name }) => id === text || name === text);
      const { memo, active } = this.#keys();
      return found !== undefined && found === custodian
        ? { ...found, memoKey: memo, activeKeys: [active] }
        : found;
    });
  }

  async balance(account: AccountId) {
    const { head } = this.#ask();
    const pending = this.#chain.pending.filter(({ fromId }) => fromId === account);
    const spent = pending.reduce((sum, { amount, fee }) => sum + amount + fee, 0n);
    const balance = (this.#block(head).balances.get(account) ?? 0n) - (this.#prng.chance(0.5) ? spent : 0n);
    if (this.#prng.chance(this.#faultProfile().lies))
      return shares(this.#prng.chance(0.5) ? 0n : balance * 3n);
    return shares(balance > 0n ? balance : 0n);
  }

  /** What a majority says: between the nodes that are furthest and those that are least behind, with or without what is pending. */
  async balanceBounds(account: AccountId) {
    this.#ask();
    const pending = this.#chain.pending.filter(({ fromId }) => fromId === account);
    const spent = pending.reduce((sum, { amount, fee }) => sum + amount + fee, 0n);
    const held = this.lags.map(
      (lag) => this.#block(Math.max(1, this.#chain.head.blockNum - lag)).balances.get(account) ?? 0n,
    );
    const most = held.reduce((one, other) => (one > other ? one : other));
    const least = held.reduce((one, other) => (one < other ? one : other)) - spent;
    return { atLeast: shares(least > 0n ? least : 0n), atMost: shares(most) };
  }

  /** Of blocks the nodes cannot lie. */
  async blockId(blockNum: number) {
    this.#ask();
    return this.#block(blockNum).blockId;
  }

  permission(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async transferFees() {
    this.#ask();
    return {
      fee: this.#chain.feeShares,
      pricePerKbyte: 0n,
      scale: 10_000n,
      claim: CLAIM,
      maximumTimeUntilExpirationMs: 86_400_000,
    };
  }

  broadcast(signedBytes: Uint8Array): Promise<BroadcastOutcome> {
    return Promise.resolve(this.#broadcast(signedBytes));
  }

  #broadcast(signedBytes: Uint8Array): BroadcastOutcome {
    const prng = this.#prng;
    const { broadcast, lies } = this.#faultProfile();
    const transaction = signedTransaction(signedBytes);
    const code = this.refusesAll;
    if (code !== undefined)
      return { type: "refused", code, disposition: "look", message: `refused: ${code}` };
    if (prng.chance(broadcast)) {
      const unknown = { type: "unknown", message: "no answer in time" } as const;
      if (prng.chance(0.4)) return unknown;
      if (prng.chance(0.3)) {
        // A node that has the bytes and does not pass them on for a while.
        this.#eventLoop.after(prng.next() * 120_000, () => void this.#chain.submit(transaction));
        return prng.chance(0.5) ? unknown : { type: "accepted" };
      }
      this.#chain.submit(transaction);
      return unknown;
    }
    if (prng.chance(lies)) {
      if (prng.chance(0.5)) this.#chain.submit(transaction);
      const code = prng.pick(["expired", "insufficient_balance", "tapos_mismatch", "malformed"] as const);
      return prng.chance(0.3)
        ? { type: "accepted" }
        : { type: "refused", code, disposition: "refuse", message: `refused: ${code}` };
    }
    return this.#chain.submit(transaction);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** What the node that answers this question has seen. */
  #ask(): { readonly head: number; readonly irreversible: number } {
    if (this.#prng.chance(this.#faultProfile().nodes))
      throw new ChainError(
        this.#prng.pick(["deadline", "disconnected", "no_usable_node"]),
        "no node answers",
      );
    const lag = this.#prng.pick(this.lags);
    const head = Math.max(1, this.#chain.head.blockNum - lag);
    return { head, irreversible: Math.max(1, Math.min(head, this.#chain.irreversibleBlockNum - lag)) };
  }

  #block(blockNum: number) {
    const block = this.#chain.block(blockNum);
    if (block === undefined) throw new ChainError("inconsistent_chain", `there is no block ${blockNum}`);
    return { ...block, timeMs: millis(block.timeMs) };
  }
}
