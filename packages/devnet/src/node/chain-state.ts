import { NO_ID } from "./block.ts";
import { chainIdOf, type Genesis } from "./genesis.ts";
import { NULL_KEY, type PublicKeyHex, publicKeyOf } from "./keys.ts";
import { assertion, at } from "./node-error.ts";
import { type AccountOptions, type Authority, type Operation, OperationCodec } from "./operations.ts";
import type { OperationResult, Transaction } from "./transaction.ts";
import { UndoLog, type UndoMap } from "./undo-map.ts";
import { type Asset, asset as assetAmount } from "./wire-types.ts";

/** The objects of the chain, in our words. `object-wire.ts` prints them. */

export interface Account {
  readonly id: number;
  readonly name: string;
  readonly owner: Authority;
  readonly active: Authority;
  readonly options: AccountOptions;
  readonly lifetimeMember: boolean;
  readonly registrar: number;
  readonly referrer: number;
  readonly lifetimeReferrer: number;
  readonly creationBlockNum: number;
  readonly creationTime: number;
}

export interface AccountStatistics {
  readonly owner: number;
  /** Sequence number of the newest entry ever, pruned ones included. */
  readonly totalOps: number;
  readonly removedOps: number;
  readonly mostRecentEntry: number;
  readonly pendingFees: bigint;
  readonly pendingVestedFees: bigint;
  readonly lifetimeFeesPaid: bigint;
}

export interface Balance {
  readonly id: number;
  readonly owner: number;
  readonly assetId: number;
  readonly amount: bigint;
}

export interface AssetObject {
  readonly id: number;
  readonly symbol: string;
  readonly precision: number;
  readonly issuer: number;
  readonly maxSupply: bigint;
  /** Fee exchange rate: so many core units… */
  readonly coreBase: bigint;
  /** …for so many of this asset. */
  readonly quote: bigint;
  readonly feePool: bigint;
}

export interface Witness {
  readonly id: number;
  readonly account: number;
  readonly signingKey: PublicKeyHex;
  readonly lastSlot: number;
  readonly lastConfirmedBlockNum: number;
  readonly totalMissed: number;
}

/** 2.1.0 and what belongs to it. */
export interface Dynamic {
  readonly headNum: number;
  readonly headId: string;
  readonly headTime: number;
  readonly currentWitness: number;
  readonly nextMaintenanceTime: number;
  readonly lastMaintenanceTime: number;
  readonly slot: number;
  readonly recentlyMissed: number;
  readonly recentSlotsFilled: bigint;
  readonly maintenanceBlock: boolean;
  readonly irreversibleNum: number;
  readonly accountsRegistered: number;
}

export interface Parameters {
  readonly transferFee: { readonly fee: bigint; readonly pricePerKbyte: bigint };
}

/** Witness instances in the order of this round, and the turn within the never-ending rota. */
export interface Rota {
  readonly order: readonly number[];
  readonly turn: number;
}

/** 1.12.x */
export interface WithdrawPermission {
  readonly id: number;
  readonly from: number;
  readonly authorized: number;
  readonly limit: Asset;
  readonly periodSeconds: number;
  /** UTC seconds: start of the first period, and since the first claim of the one of the last claim. */
  readonly periodStart: number;
  readonly expiration: number;
  readonly claimedThisPeriod: bigint;
}

/** 1.10.x */
export interface Proposal {
  readonly id: number;
  readonly operations: readonly Operation[];
  /** UTC seconds. */
  readonly expiration: number;
  readonly hasReview: boolean;
  /** Approvals that were given, by accounts and by keys. */
  readonly active: readonly number[];
  readonly owner: readonly number[];
  readonly keys: readonly PublicKeyHex[];
}

/** What the chain has carried out itself, and the operation that it was evaluating then. */
export interface CarriedOut {
  readonly operation: Operation;
  readonly result: OperationResult;
  readonly opInTrx: number;
}

/** 1.11.x */
export interface OperationRecord {
  readonly id: number;
  readonly operation: Operation;
  readonly result: OperationResult;
  readonly blockNum: number;
  readonly blockTime: number;
  readonly trxInBlock: number;
  readonly opInTrx: number;
  /** 0 for what a transaction holds; see the protocol's operation history. */
  readonly virtualOp: number;
  /** Account histories that still hold it. */
  readonly holders: number;
}

/** 2.9.x */
export interface HistoryEntry {
  readonly id: number;
  readonly account: number;
  readonly operation: number;
  readonly sequence: number;
  readonly previousEntry: number;
}

/** A list that grows without being copied. */
interface IdChain {
  readonly id: string;
  readonly rest: IdChain | undefined;
}

/** Fees that no test of this product changes. */
export const OTHER_FEES = {
  limitOrderCreate: 86_869n,
  accountCreate: { basic: 500_000n, premium: 20_000_000n, pricePerKbyte: 57_913n },
  accountUpdate: { fee: 86_869n, pricePerKbyte: 57_913n },
  lifetimeMembership: 1_000_000_000n,
  custom: { fee: 86_869n, pricePerKbyte: 57_913n },
  permissionCreate: 86_869n,
  permissionUpdate: 86_869n,
  /** Unlike a transfer's, so that a client that takes the one for the other is refused. */
  permissionClaim: { fee: 251_000n, pricePerKbyte: 57_913n },
} as const;

export const TEST_ASSET = { symbol: "TESTUSD", precision: 4 } as const;

export const MAXIMUM_BLOCK_SIZE = 2_000_000;
export const MAINTENANCE_SKIP_SLOTS = 3;

const NO_AUTHORITY: Authority = { weight_threshold: 1, account_auths: [], key_auths: [], address_auths: [] };
const RESERVED = [
  "committee-account",
  "witness-account",
  "relaxed-committee-account",
  "null-account",
  "temp-account",
  "proxy-to-self",
] as const;
const TEMP_ACCOUNT = 4;
const PROXY_TO_SELF = 5;

export const keyAuthority = (key: PublicKeyHex): Authority => ({ ...NO_AUTHORITY, key_auths: [[key, 1]] });

export const optionsWithMemoKey = (memoKey: PublicKeyHex): AccountOptions => ({
  memo_key: memoKey,
  voting_account: PROXY_TO_SELF,
  num_witness: 0,
  num_committee: 0,
  votes: [],
  extensions: [],
});

export class ChainState {
  readonly genesis: Genesis;
  readonly chainId: string;
  readonly codec: OperationCodec;
  readonly log = new UndoLog();

  readonly accounts: UndoMap<number, Account> = this.log.map((id) => `1.2.${id}`);
  readonly accountsByName: UndoMap<string, number> = this.log.map();
  readonly statistics: UndoMap<number, AccountStatistics> = this.log.map((id) => `2.6.${id}`);
  /** By instance of 2.5.x. */
  readonly balances: UndoMap<number, Balance> = this.log.map((id) => `2.5.${id}`);
  readonly #balanceOf: UndoMap<string, number> = this.log.map();
  readonly #assetsOf: UndoMap<number, readonly number[]> = this.log.map();
  readonly assets: UndoMap<number, AssetObject> = this.log.map((id) => `1.3.${id}`);
  readonly witnesses: UndoMap<number, Witness> = this.log.map((id) => `1.6.${id}`);
  readonly permissions: UndoMap<number, WithdrawPermission> = this.log.map((id) => `1.12.${id}`);
  readonly proposals: UndoMap<number, Proposal> = this.log.map((id) => `1.10.${id}`);
  /** Of the transaction that is being applied; no part of the state. */
  readonly carriedOut: CarriedOut[] = [];
  evaluating = 0;
  readonly #singles: UndoMap<"2.1.0" | "2.0.0" | "2.12.0", Dynamic | Parameters | Rota> = this.log.map(
    (id) => id,
  );
  /** TaPoS: by the low 16 bits of the block number; a slot that was never written holds zeros. */
  readonly #summaries: UndoMap<number, string> = this.log.map((slot) => `2.8.${slot}`);
  /** Known transactions by id: nothing enters twice. */
  readonly known: UndoMap<string, Transaction> = this.log.map();
  readonly operations: UndoMap<number, OperationRecord> = this.log.map((id) => `1.11.${id}`);
  readonly entries: UndoMap<number, HistoryEntry> = this.log.map((id) => `2.9.${id}`);
  readonly #entryOf: UndoMap<string, number> = this.log.map();
  readonly #counters: UndoMap<string, number> = this.log.map();
  /** Transaction ids by expiration second, so that old ones are found without a search. */
  readonly #expiring: UndoMap<number, IdChain> = this.log.map();

  constructor(genesis: Genesis, chainId = chainIdOf(genesis)) {
    this.genesis = genesis;
    this.chainId = chainId;
    this.codec = new OperationCodec(genesis.addressPrefix);
    this.#build();
  }

  /** A second state with the same contents, which goes its own way from here. */
  clone(): ChainState {
    const copy = new ChainState(this.genesis, this.chainId);
    copy.log.copyFrom(this.log);
    return copy;
  }

  get dynamic(): Dynamic {
    return this.#singles.get("2.1.0") as Dynamic;
  }
  set dynamic(value: Dynamic) {
    this.#singles.set("2.1.0", value);
  }
  get parameters(): Parameters {
    return this.#singles.get("2.0.0") as Parameters;
  }
  set parameters(value: Parameters) {
    this.#singles.set("2.0.0", value);
  }
  get rota(): Rota {
    return this.#singles.get("2.12.0") as Rota;
  }
  set rota(value: Rota) {
    this.#singles.set("2.12.0", value);
  }

  blockSummary(slot: number): string {
    return this.#summaries.get(slot) ?? NO_ID;
  }
  summarize(blockNum: number, id: string): void {
    this.#summaries.set(blockNum & 0xffff, id);
  }

  /** Next instance of an id space, such as `1.2`. */
  nextInstance(space: string): number {
    return this.#counters.get(space) ?? 0;
  }
  takeInstance(space: string): number {
    const next = this.nextInstance(space);
    this.#counters.set(space, next + 1);
    return next;
  }

  getAccount(id: number): Account {
    const account = this.accounts.get(id);
    if (account === undefined) throw notFound(`1.2.${id}`);
    return account;
  }
  getAsset(id: number): AssetObject {
    const asset = this.assets.get(id);
    if (asset === undefined) throw notFound(`1.3.${id}`);
    return asset;
  }
  getPermission(id: number): WithdrawPermission {
    const permission = this.permissions.get(id);
    if (permission === undefined) throw notFound(`1.12.${id}`);
    return permission;
  }
  getProposal(id: number): Proposal {
    const proposal = this.proposals.get(id);
    if (proposal === undefined) throw notFound(`1.10.${id}`);
    return proposal;
  }
  findAccountByName(name: string): Account | undefined {
    const id = this.accountsByName.get(name);
    return id === undefined ? undefined : this.accounts.get(id);
  }
  findAssetBySymbol(symbol: string): AssetObject | undefined {
    for (const asset of this.assets.values()) if (asset.symbol === symbol) return asset;
    return undefined;
  }

  findBalance(owner: number, assetId: number): Balance | undefined {
    const id = this.#balanceOf.get(`${owner}:${assetId}`);
    return id === undefined ? undefined : this.balances.get(id);
  }
  balancesOf(owner: number): Balance[] {
    return (this.#assetsOf.get(owner) ?? []).flatMap((assetId) => this.findBalance(owner, assetId) ?? []);
  }

  /** Adds `delta`, which may be negative, in units of the asset. Throws what the node says of a debt. */
  adjustBalance(owner: number, assetId: number, delta: bigint): void {
    if (delta === 0n) return;
    const held = this.findBalance(owner, assetId);
    const tooLittle = (expression: string, line: number) => {
      const account = this.getAccount(owner);
      const asset = this.getAsset(assetId);
      return assertion(expression, at("db_balance.cpp", line, "adjust_balance"), {
        text: "Insufficient Balance: ${a}'s balance of ${b} is less than required ${r}",
        data: {
          a: account.name,
          b: prettyAmount(held?.amount ?? 0n, asset),
          r: prettyAmount(-delta, asset),
        },
      }).passing(at("db_balance.cpp", 83, "adjust_balance"), {
        account: `1.2.${owner}`,
        delta: assetAmount.wire({ amount: delta, asset_id: assetId }),
      });
    };
    if (held === undefined) {
      if (delta < 0n) throw tooLittle("delta.amount > 0", 67);
      const id = this.takeInstance("2.5");
      this.#balanceOf.set(`${owner}:${assetId}`, id);
      this.#assetsOf.set(
        owner,
        [...(this.#assetsOf.get(owner) ?? []), assetId].sort((a, b) => a - b),
      );
      this.balances.set(id, { id, owner, assetId, amount: delta });
      return;
    }
    if (held.amount < -delta) throw tooLittle("abo->get_balance() >= -delta", 76);
    this.balances.set(held.id, { ...held, amount: held.amount + delta });
  }

  /** Units in the hands of all accounts. */
  supplyOf(assetId: number): bigint {
    let supply = 0n;
    for (const balance of this.balances.values()) if (balance.assetId === assetId) supply += balance.amount;
    return supply;
  }

  remember(transaction: Transaction): void {
    this.known.set(transaction.id, transaction);
    const { expiration } = transaction;
    this.#expiring.set(expiration, { id: transaction.id, rest: this.#expiring.get(expiration) });
  }

  /** Forgets the transactions that expired before `now` (UTC seconds): an entry stays while the head time equals its expiration. */
  forgetExpired(now: number): void {
    const due = [...this.#expiring.keys()].filter((expiration) => expiration < now);
    for (const expiration of due) {
      for (let link = this.#expiring.get(expiration); link !== undefined; link = link.rest)
        this.known.delete(link.id);
      this.#expiring.delete(expiration);
    }
  }

  /** Removes the permissions whose time is over at the new head (`update_withdraw_permissions`): they are as if they never were. */
  expirePermissions(now: number): void {
    for (const { id, expiration } of this.permissions.values())
      if (expiration <= now) this.permissions.delete(id);
  }

  addAccount(account: Omit<Account, "id">): number {
    const id = this.takeInstance("1.2");
    this.accounts.set(id, { ...account, id });
    this.accountsByName.set(account.name, id);
    this.statistics.set(id, {
      owner: id,
      totalOps: 0,
      removedOps: 0,
      mostRecentEntry: 0,
      pendingFees: 0n,
      pendingVestedFees: 0n,
      lifetimeFeesPaid: 0n,
    });
    return id;
  }

  /** Puts an operation into the histories of the accounts it concerns, and prunes the oldest entries of each. */
  recordOperation(record: Omit<OperationRecord, "id" | "holders">, accounts: readonly number[]): void {
    const operation = this.takeInstance("1.11");
    this.operations.set(operation, { ...record, id: operation, holders: accounts.length });
    for (const account of accounts) {
      const statistics = this.statistics.get(account);
      if (statistics === undefined) continue;
      const entry = this.takeInstance("2.9");
      const sequence = statistics.totalOps + 1;
      this.entries.set(entry, {
        id: entry,
        account,
        operation,
        sequence,
        previousEntry: statistics.mostRecentEntry,
      });
      this.#entryOf.set(`${account}:${sequence}`, entry);
      let { removedOps } = statistics;
      while (sequence - removedOps > this.genesis.maxOpsPerAccount) this.#prune(account, ++removedOps);
      this.statistics.set(account, { ...statistics, totalOps: sequence, removedOps, mostRecentEntry: entry });
    }
  }

  entryOf(account: number, sequence: number): HistoryEntry | undefined {
    const id = this.#entryOf.get(`${account}:${sequence}`);
    return id === undefined ? undefined : this.entries.get(id);
  }

  #prune(account: number, sequence: number): void {
    const key = `${account}:${sequence}`;
    const entry = this.entryOf(account, sequence);
    if (entry === undefined) return;
    this.#entryOf.delete(key);
    this.entries.delete(entry.id);
    const record = this.operations.get(entry.operation);
    if (record === undefined) return;
    if (record.holders <= 1) this.operations.delete(record.id);
    else this.operations.set(record.id, { ...record, holders: record.holders - 1 });
  }

  #build(): void {
    const { genesis } = this;
    const account = (
      name: string,
      owner: Authority,
      active: Authority,
      memoKey: PublicKeyHex,
      lifetimeMember: boolean,
    ): number => {
      const id = this.nextInstance("1.2");
      const sponsor = lifetimeMember ? id : 0;
      return this.addAccount({
        name,
        owner,
        active,
        options: optionsWithMemoKey(memoKey),
        lifetimeMember,
        registrar: sponsor,
        referrer: sponsor,
        lifetimeReferrer: sponsor,
        creationBlockNum: 0,
        creationTime: genesis.time,
      });
    };
    for (const [id, name] of RESERVED.entries()) {
      // Any account may spend what is sent to temp-account: its authority asks for nothing.
      const authority = id === TEMP_ACCOUNT ? { ...NO_AUTHORITY, weight_threshold: 0 } : NO_AUTHORITY;
      account(name, authority, authority, NULL_KEY, true);
    }
    this.takeInstance("1.6"); // 1.6.0 is not used
    for (const witness of genesis.witnesses) {
      const key = publicKeyOf(witness.signingKey);
      const owner = account(witness.accountName, keyAuthority(key), keyAuthority(key), key, true);
      const id = this.takeInstance("1.6");
      this.witnesses.set(id, {
        id,
        account: owner,
        signingKey: key,
        lastSlot: 0,
        lastConfirmedBlockNum: 0,
        totalMissed: 0,
      });
    }
    this.assets.set(this.takeInstance("1.3"), {
      id: 0,
      symbol: genesis.addressPrefix,
      precision: 5,
      issuer: 3,
      maxSupply: 1_000_000_000_000_000n,
      coreBase: 1n,
      quote: 1n,
      feePool: 0n,
    });
    this.assets.set(this.takeInstance("1.3"), {
      id: 1,
      symbol: TEST_ASSET.symbol,
      precision: TEST_ASSET.precision,
      issuer: 6,
      maxSupply: 100_000_000_000_000n,
      coreBase: 1n,
      quote: 1n,
      feePool: 0n,
    });
    for (const given of genesis.accounts) {
      const id = account(
        given.name,
        keyAuthority(given.ownerKey),
        keyAuthority(given.activeKey),
        given.memoKey,
        given.lifetimeMember,
      );
      this.adjustBalance(id, 0, given.balanceShares);
      this.adjustBalance(id, 1, given.testAssetUnits);
    }
    const { maintenanceIntervalSeconds: interval } = genesis;
    this.parameters = { transferFee: genesis.transferFee };
    this.rota = { order: [...this.witnesses.keys()], turn: -1 };
    this.dynamic = {
      headNum: 0,
      headId: NO_ID,
      headTime: genesis.time,
      currentWitness: 0,
      nextMaintenanceTime: (Math.floor(genesis.time / interval) + 1) * interval,
      lastMaintenanceTime: genesis.time,
      slot: 0,
      recentlyMissed: 0,
      recentSlotsFilled: (1n << 128n) - 1n,
      maintenanceBlock: false,
      irreversibleNum: 0,
      accountsRegistered: 0,
    };
  }
}

export function notFound(id: string) {
  return assertion("maybe_found != nullptr", at("index.hpp", 113, "get"), {
    text: "Unable to find Object ${id}",
    data: { id },
  });
}

/** `1 BTS`, `1.50000 BTS`, `-0.00001 BTS`: all digits of the fraction or none. */
export function prettyAmount(amount: bigint, asset: Pick<AssetObject, "symbol" | "precision">): string {
  const unit = 10n ** BigInt(asset.precision);
  const absolute = amount < 0n ? -amount : amount;
  const fraction = absolute % unit;
  const digits = fraction === 0n ? "" : `.${fraction.toString().padStart(asset.precision, "0")}`;
  return `${amount < 0n ? "-" : ""}${absolute / unit}${digits} ${asset.symbol}`;
}
