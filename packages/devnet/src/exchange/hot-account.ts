import type { DevnetAccount } from "../devnet.ts";
import type { Json } from "../node/json-text.ts";
import { parsePublicKeyText, privateKeyFromWif, publicKeyText, NULL_KEY } from "../node/keys.ts";
import { decryptMemo } from "../node/memo.ts";
import { DUPLICATE_TRANSACTION } from "../node/node-error.ts";
import { OperationCodec } from "../node/operations.ts";
import { Transaction } from "../node/transaction.ts";
import { DevnetWallet, type RawMemo, WalletRefusal } from "../wallet.ts";

export interface Payment {
  readonly to: string;
  readonly amountShares: bigint;
  readonly memo: string | undefined;
}

interface BlockWire {
  readonly timestamp: string;
  readonly transactions: readonly { readonly operations: readonly (readonly [number, TransferWire])[] }[];
}

interface TransferWire {
  readonly to: string;
  readonly amount: { readonly amount: number | string; readonly asset_id: string };
  readonly memo?: RawMemo;
}

export interface Arrival {
  readonly memo: string;
  readonly amountShares: bigint;
  readonly txid: string;
}

const CORE_ASSET = "1.3.0";
const RECONNECT_MS = 100;
const EXPIRATION_SECONDS = 600;

/**
 * The exchange's account on the chain. Pays each withdrawal once: what was signed for it is sent again until an
 * irreversible block holds it, and signed anew only when one later than its expiration does not. It reads every
 * irreversible block, over as many connections as it takes.
 */
export class HotAccount {
  readonly #account: DevnetAccount;
  readonly #nodeUrl: string;
  readonly #codec: OperationCodec;
  readonly #onArrival: (arrival: Arrival) => void;
  readonly #signed = new Map<string, Transaction>();
  readonly #settled = new Set<string>();
  readonly #stop = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #wallet: DevnetWallet;
  #accountId: string | undefined;
  #nextBlock = 1;

  constructor(options: {
    account: DevnetAccount;
    nodeUrl: string;
    addressPrefix: string;
    onArrival: (arrival: Arrival) => void;
  }) {
    this.#account = options.account;
    this.#nodeUrl = options.nodeUrl;
    this.#codec = new OperationCodec(options.addressPrefix);
    this.#onArrival = options.onArrival;
    this.#wallet = this.#connect();
  }

  /** Reads the chain from here on. Rejects when it cannot be reached or does not know the account. */
  async start(): Promise<void> {
    await this.#locate();
    this.#nextBlock = (await this.#irreversible()) + 1;
    this.#following = this.#followForEver();
  }

  async exists(name: string): Promise<boolean> {
    const [found] = (await this.#wallet.call(0, "get_accounts", [[name], false])) as Json[];
    return found !== undefined && found !== null;
  }

  /** Signs it if nothing that is signed can still be included, and sends it. Throws what the node or the connection says. */
  async pay(id: string, payment: Payment): Promise<string> {
    const transaction = this.#signed.get(id) ?? (await this.#sign(payment));
    this.#signed.set(id, transaction);
    try {
      await this.#wallet.call("network_broadcast", "broadcast_transaction", [transaction.wire()]);
    } catch (error) {
      const known = error instanceof WalletRefusal && error.message.includes(DUPLICATE_TRANSACTION.text);
      if (!known) throw error;
    }
    return transaction.id;
  }

  /** Does an irreversible block hold its payment? */
  isSettled(id: string): boolean {
    return this.#settled.has(id);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wallet.close();
    await this.#following;
  }

  async #sign({ to, amountShares, memo }: Payment): Promise<Transaction> {
    // Two equal withdrawals without a memo must not become one transaction.
    const expirationSeconds = EXPIRATION_SECONDS + (this.#signed.size % EXPIRATION_SECONDS);
    const request = { to, amountShares, expirationSeconds, ...(memo === undefined ? {} : { memo }) };
    return (await this.#wallet.sign(request)).transaction;
  }

  #connect(): DevnetWallet {
    return new DevnetWallet({ ...this.#account, url: this.#nodeUrl, addressPrefix: this.#codec.prefix });
  }

  async #locate(): Promise<void> {
    const [found] = (await this.#wallet.call(0, "get_accounts", [
      [this.#account.name],
      false,
    ])) as unknown as ({ id: string } | null)[];
    if (found === undefined || found === null)
      throw new Error(`the chain has no account ${this.#account.name}`);
    this.#accountId = found.id;
  }

  async #irreversible(): Promise<number> {
    const head = (await this.#wallet.call(0, "get_dynamic_global_properties", [])) as unknown as {
      last_irreversible_block_num: number;
    };
    return head.last_irreversible_block_num;
  }

  async #followForEver(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#follow();
      } catch {
        // The node is away: as long as it takes.
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
        this.#wallet.close();
        if (!this.#stop.signal.aborted) this.#wallet = this.#connect();
      }
    }
  }

  async #follow(): Promise<void> {
    for (;;) {
      const seen = this.#wallet.nextBlock();
      const irreversible = await this.#irreversible();
      for (; this.#nextBlock <= irreversible; this.#nextBlock++) {
        const block = await this.#wallet.call(0, "get_block", [this.#nextBlock]);
        this.#read(block as unknown as BlockWire);
      }
      await seen;
    }
  }

  #read(block: BlockWire): void {
    for (const wire of block.transactions) {
      const txid = this.#idOf(wire as unknown as Json) ?? "";
      for (const [id, transaction] of this.#signed) if (transaction.id === txid) this.#settled.add(id);
      for (const [tag, transfer] of wire.operations) {
        if (tag !== 0 || transfer.to !== this.#accountId || transfer.amount.asset_id !== CORE_ASSET) continue;
        const memo = this.#memoText(transfer.memo);
        this.#onArrival({ memo, amountShares: BigInt(transfer.amount.amount), txid });
      }
    }
    const timeSeconds = Date.parse(`${block.timestamp}Z`) / 1000;
    for (const [id, { expiration }] of this.#signed)
      if (timeSeconds > expiration && !this.#settled.has(id)) this.#signed.delete(id);
  }

  #idOf(json: Json): string | undefined {
    try {
      return Transaction.parse(this.#codec, json).id;
    } catch {
      return undefined; // holds an operation that is not ours
    }
  }

  #memoText(memo: RawMemo | undefined): string {
    if (memo === undefined) return "";
    const message = Buffer.from(memo.message, "hex");
    if (memo.from === publicKeyText(NULL_KEY, this.#codec.prefix))
      return message.subarray(4).toString("utf8");
    const plain = decryptMemo({
      privateKey: privateKeyFromWif(this.#account.memoKey ?? this.#account.activeKey),
      publicKey: parsePublicKeyText(memo.from, this.#codec.prefix),
      nonce: BigInt(memo.nonce),
      encrypted: message,
    });
    return plain?.toString("utf8") ?? "";
  }
}
