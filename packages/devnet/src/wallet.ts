import { WebSocket } from "ws";
import { refPrefixOf } from "./node/block.ts";
import {
  parsePublicKeyText,
  privateKeyFromWif,
  publicKeyOf,
  publicKeyText,
  signDigest,
} from "./node/keys.ts";
import type { Json } from "./node/json-text.ts";
import { encryptMemo, publicMemo } from "./node/memo.ts";
import {
  ACCOUNT_UPDATE,
  OperationCodec,
  PERMISSION_CLAIM,
  PERMISSION_CREATE,
  PERMISSION_DELETE,
  PROPOSAL_CREATE,
  PROPOSAL_UPDATE,
  TRANSFER,
} from "./node/operations.ts";
import { Transaction } from "./node/transaction.ts";
import { wireTime } from "./node/wire-values.ts";

/** A memo object as it stands in an operation. */
export interface RawMemo {
  readonly from: string;
  readonly to: string;
  readonly nonce: string;
  readonly message: string;
}

export interface WalletTransfer {
  /** Name or `1.2.N`. */
  readonly to: string;
  /** In units of the asset. */
  readonly amountShares: bigint;
  readonly memo?: string;
  /** Put in as it is, in place of an encryption of `memo`. */
  readonly memoRaw?: RawMemo;
  /** `memo` as public text between null keys. */
  readonly unencrypted?: boolean;
  /** Default `1.3.0`. */
  readonly assetId?: string;
  /** From the head time, default 600. */
  readonly expirationSeconds?: number;
}

/** What one account lets another draw from it. */
export interface WalletPermission {
  /** Who may draw: name or `1.2.N`. */
  readonly to: string;
  readonly limitShares: bigint;
  readonly periodSeconds: number;
  /** How many periods it is good for. */
  readonly periods: number;
  /** From the head time to the first period; at least the time until the next block. Default 3. */
  readonly startsInSeconds?: number;
  /** Default `1.3.0`. */
  readonly assetId?: string;
}

/** Of the proposal itself; its transaction lives ten minutes, or as long as it if that is shorter. */
export interface WalletProposal {
  /** From the head time, default a day. */
  readonly expirationSeconds?: number;
  /** It is carried out when it expires, and not when it is approved. */
  readonly isReviewed?: boolean;
}

export interface WalletClaim {
  /** `1.12.N` */
  readonly permissionId: string;
  /** Whose permission it is: name or `1.2.N`. */
  readonly from: string;
  readonly amountShares: bigint;
  /** Default `1.3.0`. */
  readonly assetId?: string;
}

interface Waiting {
  readonly resolve: (result: Json) => void;
  readonly reject: (error: Error) => void;
}

/** What the node answered in place of a result. */
export class WalletRefusal extends Error {
  override readonly name = "WalletRefusal";
  readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
  constructor(error: WalletRefusal["error"]) {
    super(error.message);
    this.error = error;
  }
}

interface AccountWire {
  readonly id: string;
  readonly options: { readonly memo_key: string };
}

/** What a wallet asks for once. */
interface Constants {
  readonly chainId: string;
  readonly fees: ReadonlyMap<number, { readonly fee: bigint; readonly pricePerKbyte: bigint }>;
}

/** The head as this wallet needs it. */
interface Head {
  readonly head_block_number: number;
  readonly head_block_id: string;
  readonly time: string;
}

let nonceCounter = 0n;

const asset = (amount: bigint, id = "1.3.0") => ({ amount: amount.toString(), asset_id: id });
const secondsOf = (time: string): number => Date.parse(`${time}Z`) / 1000;

/** A small honest client: an account that signs transfers and sends them to one node over its real interface. */
export class DevnetWallet {
  readonly name: string;
  readonly publicKey: string;
  readonly memoPublicKey: string;
  readonly #activeKey: Buffer;
  readonly #memoKey: Buffer;
  readonly #codec: OperationCodec;
  readonly #socket: WebSocket;
  readonly #opened: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #blockListeners = new Set<() => void>();
  readonly #accounts = new Map<string, Promise<AccountWire>>();
  #nextId = 1;
  #constants: Promise<Constants> | undefined;
  /** What was signed here: from which block on it can be included, and until when. */
  readonly #signed = new Map<string, { afterBlock: number; expiration: number }>();

  constructor(options: {
    url: string;
    name: string;
    activeKey: string;
    memoKey?: string;
    addressPrefix?: string;
  }) {
    const { url, name, activeKey, memoKey = activeKey, addressPrefix = "BTS" } = options;
    this.name = name;
    this.#activeKey = privateKeyFromWif(activeKey);
    this.#memoKey = privateKeyFromWif(memoKey);
    this.publicKey = publicKeyText(publicKeyOf(this.#activeKey), addressPrefix);
    this.memoPublicKey = publicKeyText(publicKeyOf(this.#memoKey), addressPrefix);
    this.#codec = new OperationCodec(addressPrefix);
    this.#socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 256 * 1024 * 1024 });
    this.#opened = new Promise((resolve, reject) => {
      this.#socket.once("open", () => {
        resolve();
        this.#request(0, "set_block_applied_callback", [1]).catch(() => undefined); // a closed socket tells every caller
      });
      this.#socket.once("error", reject);
    });
    this.#opened.catch(() => undefined); // told to the caller
    this.#socket.on("error", () => undefined);
    this.#socket.on("message", (data) => this.#received(JSON.parse((data as Buffer).toString("utf8"))));
    this.#socket.on("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the connection was closed"));
      this.#waiting.clear();
      for (const listener of this.#blockListeners) listener();
    });
  }

  /** Any call of the node's interface. Rejects with {@link WalletRefusal} or when the connection is gone. */
  async call(api: number | string, method: string, args: readonly unknown[]): Promise<Json> {
    await this.#opened;
    return this.#request(api, method, args);
  }

  #request(api: number | string, method: string, args: readonly unknown[]): Promise<Json> {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(new Error("the connection is closed"));
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method: "call", params: [api, method, args] }));
    });
  }

  #received(message: { id?: number; method?: string; result?: Json; error?: WalletRefusal["error"] }): void {
    if (message.method === "notice") {
      for (const listener of this.#blockListeners) listener();
      return;
    }
    const waiting = this.#waiting.get(message.id ?? -1);
    this.#waiting.delete(message.id ?? -1);
    if (message.error !== undefined) waiting?.reject(new WalletRefusal(message.error));
    else waiting?.resolve(message.result ?? null);
  }

  /** Balance of an asset, pending transfers of this node included. */
  async balanceShares(assetId = "1.3.0"): Promise<bigint> {
    const [held] = (await this.call(0, "get_account_balances", [this.name, [assetId]])) as {
      amount: string | number;
    }[];
    return BigInt(held?.amount ?? 0);
  }

  /** Signs and sends, at the fee that was in force when the wallet was first used. Resolves when the node has accepted it; it is in a block only later. */
  async transfer(request: WalletTransfer): Promise<{ txid: string }> {
    return this.#send(await this.sign(request));
  }

  /** Lets another account draw from this one. The permission has its id once a block holds it: see {@link permissionsGiven}. */
  async createPermission(request: WalletPermission): Promise<{ txid: string }> {
    const [from, to, head] = await Promise.all([
      this.#account(this.name),
      this.#account(request.to),
      this.#head(),
    ]);
    const start = secondsOf(head.time) + (request.startsInSeconds ?? 3);
    const operation = [
      PERMISSION_CREATE,
      {
        fee: asset(await this.#fee(PERMISSION_CREATE)),
        withdraw_from_account: from.id,
        authorized_account: to.id,
        withdrawal_limit: asset(request.limitShares, request.assetId),
        withdrawal_period_sec: request.periodSeconds,
        periods_until_expiration: request.periods,
        period_start_time: wireTime(start),
      },
    ];
    return this.#send(await this.#sign(operation, head));
  }

  /** Ids of the permissions that this account has given and that are in force or will be, oldest first. */
  async permissionsGiven(): Promise<readonly string[]> {
    const found = await this.call(0, "get_withdraw_permissions_by_giver", [this.name, "1.12.0", 100]);
    return (found as unknown as { id: string }[]).map(({ id }) => id);
  }

  /** Takes back a permission that this account has given. */
  async deletePermission(request: { permissionId: string; to: string }): Promise<{ txid: string }> {
    const [from, to, head] = await Promise.all([
      this.#account(this.name),
      this.#account(request.to),
      this.#head(),
    ]);
    const operation = [
      PERMISSION_DELETE,
      {
        fee: asset(0n),
        withdraw_from_account: from.id,
        authorized_account: to.id,
        withdrawal_permission: request.permissionId,
      },
    ];
    return this.#send(await this.#sign(operation, head));
  }

  /** Draws money from another account, which has given this one a permission. */
  async claim(request: WalletClaim): Promise<{ txid: string }> {
    const [to, from, head] = await Promise.all([
      this.#account(this.name),
      this.#account(request.from),
      this.#head(),
    ]);
    const operation = [
      PERMISSION_CLAIM,
      {
        fee: asset(await this.#fee(PERMISSION_CLAIM)),
        withdraw_permission: request.permissionId,
        withdraw_from_account: from.id,
        withdraw_to_account: to.id,
        amount_to_withdraw: asset(request.amountShares, request.assetId),
      },
    ];
    return this.#send(await this.#sign(operation, head));
  }

  /** Gives this account another active key, another memo key or both: public keys as text. Signed with the active key of now. */
  async updateKeys(keys: { activeKey?: string; memoKey?: string }): Promise<{ txid: string }> {
    const [found, head] = await Promise.all([
      this.call(0, "get_accounts", [[this.name], false]),
      this.#head(),
    ]);
    const [account] = found as unknown as { id: string; options: Record<string, Json> }[];
    if (account === undefined) throw new Error(`there is no account ${this.name}`);
    const { fee, pricePerKbyte } = (await this.#known()).fees.get(ACCOUNT_UPDATE) ?? {
      fee: 0n,
      pricePerKbyte: 0n,
    };
    const active = (key: string) => ({
      weight_threshold: 1,
      account_auths: [],
      key_auths: [[key, 1]],
      address_auths: [],
    });
    const operation = [
      ACCOUNT_UPDATE,
      {
        fee: asset(fee + pricePerKbyte), // by size: less than a kilobyte
        account: account.id,
        ...(keys.activeKey === undefined ? {} : { active: active(keys.activeKey) }),
        ...(keys.memoKey === undefined
          ? {}
          : { new_options: { ...account.options, memo_key: keys.memoKey } }),
        extensions: {},
      },
    ];
    return this.#send(await this.#sign(operation, head));
  }

  /** What this wallet has remembered of accounts: a real one reads a memo key anew when it is opened. */
  forgetAccounts(): void {
    this.#accounts.clear();
  }

  /**
   * Proposes transfers of another account, which then approves them, or has others do so. The proposals of a chain are numbered from
   * 1.10.0 on, in the order of their blocks.
   * @param options `expirationSeconds` from the head time; with `isReviewed` they are carried out at the expiration only
   */
  async propose(
    by: DevnetWallet,
    transfers: readonly WalletTransfer[],
    options: WalletProposal = {},
  ): Promise<{ txid: string }> {
    return this.#send(await this.signProposal(by, transfers, options));
  }

  /** Signs what {@link propose} sends, against the head of the node. */
  async signProposal(
    by: DevnetWallet,
    transfers: readonly WalletTransfer[],
    { expirationSeconds = 86_400, isReviewed = false }: WalletProposal = {},
  ): Promise<{ txid: string; transaction: Transaction }> {
    const [payer, head] = await Promise.all([this.#account(this.name), this.#head()]);
    const operation = [
      PROPOSAL_CREATE,
      {
        fee: asset(0n),
        fee_paying_account: payer.id,
        expiration_time: wireTime(secondsOf(head.time) + expirationSeconds),
        proposed_ops: await Promise.all(
          transfers.map(async (transfer) => ({ op: await by.#transferOperation(transfer) })),
        ),
        ...(isReviewed ? { review_period_seconds: 1 } : {}),
        extensions: [],
      },
    ];
    return this.#sign(operation, head, Math.min(expirationSeconds, 600));
  }

  /** Approves a proposal. @param proposalId `1.10.N` */
  async approve(proposalId: string): Promise<{ txid: string }> {
    const [account, head] = await Promise.all([this.#account(this.name), this.#head()]);
    const operation = [
      PROPOSAL_UPDATE,
      {
        fee: asset(0n),
        fee_paying_account: account.id,
        proposal: proposalId,
        active_approvals_to_add: [account.id],
        active_approvals_to_remove: [],
        owner_approvals_to_add: [],
        owner_approvals_to_remove: [],
        key_approvals_to_add: [],
        key_approvals_to_remove: [],
        extensions: [],
      },
    ];
    return this.#send(await this.#sign(operation, head));
  }

  /** Signs a transfer against the head of the node without sending it. */
  async sign(request: WalletTransfer): Promise<{ txid: string; transaction: Transaction }> {
    const [operation, head] = await Promise.all([this.#transferOperation(request), this.#head()]);
    return this.#sign(operation, head, request.expirationSeconds);
  }

  async #transferOperation(request: WalletTransfer): Promise<readonly unknown[]> {
    const [from, to] = await Promise.all([this.#account(this.name), this.#account(request.to)]);
    const memo = this.#memo(request, to);
    return [
      TRANSFER,
      {
        fee: asset(await this.#fee(TRANSFER, memo)),
        from: from.id,
        to: to.id,
        amount: asset(request.amountShares, request.assetId),
        ...(memo === undefined ? {} : { memo: { ...memo } }),
        extensions: [],
      },
    ];
  }

  async #sign(
    operation: readonly unknown[],
    head: Head,
    expirationSeconds = 600,
  ): Promise<{ txid: string; transaction: Transaction }> {
    const { chainId } = await this.#known();
    const expiration = secondsOf(head.time) + expirationSeconds;
    const draft = {
      ref_block_num: head.head_block_number & 0xffff,
      ref_block_prefix: refPrefixOf(head.head_block_id),
      expiration: wireTime(expiration),
      operations: [operation],
      extensions: [],
    };
    const unsigned = Transaction.parse(this.#codec, draft as unknown as Json);
    const signature = signDigest(unsigned.signatureDigest(chainId), this.#activeKey);
    const transaction = Transaction.parse(this.#codec, {
      ...draft,
      signatures: [signature.toString("hex")],
    } as unknown as Json);
    this.#signed.set(transaction.id, { afterBlock: head.head_block_number, expiration });
    return { txid: transaction.id, transaction };
  }

  async #send({ txid, transaction }: { txid: string; transaction: Transaction }): Promise<{ txid: string }> {
    await this.call("network_broadcast", "broadcast_transaction", [transaction.wire()]);
    return { txid };
  }

  #head(): Promise<Head> {
    return this.call(0, "get_dynamic_global_properties", []) as Promise<unknown> as Promise<Head>;
  }

  #known(): Promise<Constants> {
    return (this.#constants ??= this.#loadConstants());
  }

  async #fee(tag: number, memo?: RawMemo): Promise<bigint> {
    const { fee, pricePerKbyte } = (await this.#known()).fees.get(tag) ?? { fee: 0n, pricePerKbyte: 0n };
    const memoSize =
      memo === undefined ? 0 : this.#codec.packedMemoSize(this.#codec.types.memo.parse({ ...memo }));
    return fee + (BigInt(memoSize) * pricePerKbyte) / 1024n;
  }

  #memo(request: WalletTransfer, to: AccountWire): RawMemo | undefined {
    if (request.memoRaw !== undefined) return request.memoRaw;
    if (request.memo === undefined) return undefined;
    const message = Buffer.from(request.memo, "utf8");
    const nonce = BigInt(Date.now()) * 1_000_000n + (nonceCounter++ % 1_000_000n);
    if (request.unencrypted === true) {
      const open = publicMemo(message);
      const nullKey = publicKeyText(open.from, this.#codec.prefix);
      return { from: nullKey, to: nullKey, nonce: nonce.toString(), message: open.message.toString("hex") };
    }
    const publicKey = parsePublicKeyText(to.options.memo_key, this.#codec.prefix);
    const encrypted = encryptMemo({ privateKey: this.#memoKey, publicKey, nonce, message });
    return {
      from: this.memoPublicKey,
      to: to.options.memo_key,
      nonce: nonce.toString(),
      message: encrypted.toString("hex"),
    };
  }

  #account(nameOrId: string): Promise<AccountWire> {
    const known = this.#accounts.get(nameOrId);
    if (known !== undefined) return known;
    const asked = this.call(0, "get_accounts", [[nameOrId], false]).then((found) => {
      const [account] = found as unknown as (AccountWire | null)[];
      if (account === undefined || account === null) throw new Error(`there is no account ${nameOrId}`);
      return account;
    });
    this.#accounts.set(nameOrId, asked);
    asked.catch(() => this.#accounts.delete(nameOrId));
    return asked;
  }

  async #loadConstants(): Promise<Constants> {
    const chainId = (await this.call(0, "get_chain_id", [])) as string;
    const global = (await this.call(0, "get_global_properties", [])) as unknown as {
      parameters: {
        current_fees: {
          parameters: [number, { fee?: number | string; price_per_kbyte?: number | string }][];
        };
      };
    };
    const fees = global.parameters.current_fees.parameters.map(
      ([tag, { fee = 0, price_per_kbyte: price = 0 }]) =>
        [tag, { fee: BigInt(fee), pricePerKbyte: BigInt(price) }] as const,
    );
    return { chainId, fees: new Map(fees) };
  }

  /**
   * Resolves when an irreversible block holds the transaction; rejects when it can no longer get into one, or when the
   * connection closes.
   */
  async waitForIrreversible(txid: string): Promise<{ blockNum: number; trxInBlock: number }> {
    const { afterBlock, expiration } = this.#signed.get(txid) ?? {
      afterBlock: 0,
      expiration: Number.POSITIVE_INFINITY,
    };
    let next = afterBlock + 1; // it refers to that block, so it cannot be in it or before it
    for (;;) {
      const seen = this.nextBlock();
      const head = (await this.call(0, "get_dynamic_global_properties", [])) as unknown as {
        last_irreversible_block_num: number;
      };
      for (; next <= head.last_irreversible_block_num; next++) {
        const block = (await this.call(0, "get_block", [next])) as unknown as {
          timestamp: string;
          transactions: Json[];
        };
        const trxInBlock = block.transactions.findIndex((json) => this.#idOf(json) === txid);
        if (trxInBlock >= 0) return { blockNum: next, trxInBlock };
        if (Date.parse(`${block.timestamp}Z`) / 1000 > expiration)
          throw new Error(`transaction ${txid} expired without being included`);
      }
      await seen;
      if (this.#socket.readyState !== WebSocket.OPEN) throw new Error("the connection was closed");
    }
  }

  #idOf(json: Json): string | undefined {
    try {
      return Transaction.parse(this.#codec, json).id;
    } catch {
      return undefined; // holds an operation that is not ours
    }
  }

  /** Resolves when the node tells of its next block, and when the connection closes. */
  nextBlock(): Promise<void> {
    return new Promise((resolve) => {
      const listener = () => {
        this.#blockListeners.delete(listener);
        resolve();
      };
      this.#blockListeners.add(listener);
    });
  }

  close(): void {
    this.#socket.close();
  }
}
