import { randomUUID } from "node:crypto";
import { UNITS_PER_SHARE } from "./units.ts";
import { VenueError } from "./venue-error.ts";

export interface ExchangeAccountOptions {
  readonly key: string;
  readonly secret: string;
  /** The memo by which a deposit is credited to this account. */
  readonly depositMemo: string;
  readonly balanceShares?: bigint;
  /** May the key withdraw? Default: yes. */
  readonly mayWithdraw?: boolean;
  /** Chain accounts that may be withdrawn to. Default: no list, so any. */
  readonly allowedAddresses?: readonly string[];
}

export interface VenueAccount {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
  readonly depositMemo: string;
  readonly mayWithdraw: boolean;
  readonly allowedAddresses: readonly string[] | undefined;
  totalUnits: bigint;
  availableUnits: bigint;
  updatedAtMs: number;
  lastTimestampMs: number;
}

export type VenueStatus =
  | "REQUESTED"
  | "AUTHORIZED"
  | "PENDING"
  | "COMPLETED"
  | "CANCELLED"
  | "ERROR_INVALID_ADDRESS";

export interface VenueWithdrawal {
  readonly id: string;
  readonly accountId: string;
  readonly clientWithdrawalId: string | undefined;
  readonly quantityUnits: bigint;
  readonly feeUnits: bigint;
  readonly cryptoAddress: string;
  readonly cryptoAddressTag: string | undefined;
  readonly createdAtMs: number;
  status: VenueStatus;
  txid: string | undefined;
  completedAtMs: number | undefined;
}

export interface VenueDeposit {
  readonly id: string;
  readonly accountId: string;
  readonly quantityUnits: bigint;
  readonly cryptoAddressTag: string;
  readonly txid: string;
  readonly completedAtMs: number;
}

export interface WithdrawalOrder {
  readonly quantityUnits: bigint;
  readonly cryptoAddress: string;
  readonly cryptoAddressTag: string | undefined;
  readonly clientWithdrawalId: string | undefined;
}

/** Listed as open; all others as closed. An invalid address stays open until it is cancelled. */
const OPEN: readonly VenueStatus[] = ["REQUESTED", "AUTHORIZED", "PENDING", "ERROR_INVALID_ADDRESS"];
const CANCELLABLE: readonly VenueStatus[] = ["REQUESTED", "AUTHORIZED", "ERROR_INVALID_ADDRESS"];
const ACCOUNT_NAME = /^[a-z][a-z0-9.-]{2,62}$/u;

export const isOpen = (withdrawal: VenueWithdrawal): boolean => OPEN.includes(withdrawal.status);

/** Accounts, what they hold, and what they asked for. Lists are in the order of events, oldest first. */
export class Book {
  readonly accounts: ReadonlyMap<string, VenueAccount>;
  readonly withdrawals: VenueWithdrawal[] = [];
  /** In the order in which they ended. */
  readonly closed: VenueWithdrawal[] = [];
  readonly deposits: VenueDeposit[] = [];
  readonly #clientIdsRememberedMs: number;
  feeUnits: bigint;
  online = true;

  constructor(options: {
    accounts: readonly ExchangeAccountOptions[];
    feeShares: bigint;
    clientIdsRememberedMs: number;
  }) {
    this.feeUnits = options.feeShares * UNITS_PER_SHARE;
    this.#clientIdsRememberedMs = options.clientIdsRememberedMs;
    this.accounts = new Map(
      options.accounts.map((account) => [
        account.key,
        {
          id: randomUUID(),
          key: account.key,
          secret: account.secret,
          depositMemo: account.depositMemo,
          mayWithdraw: account.mayWithdraw ?? true,
          allowedAddresses: account.allowedAddresses,
          totalUnits: (account.balanceShares ?? 0n) * UNITS_PER_SHARE,
          availableUnits: (account.balanceShares ?? 0n) * UNITS_PER_SHARE,
          updatedAtMs: Date.now(),
          lastTimestampMs: 0,
        },
      ]),
    );
    if (this.accounts.size !== options.accounts.length)
      throw new RangeError("two accounts have the same key");
  }

  accountById(id: string): VenueAccount {
    const account = [...this.accounts.values()].find((each) => each.id === id);
    if (account === undefined) throw new RangeError(`there is no account ${id}`);
    return account;
  }

  /** Reserves the money, or throws the venue's refusal. */
  order(account: VenueAccount, order: WithdrawalOrder): VenueWithdrawal {
    const { clientWithdrawalId, quantityUnits, cryptoAddress } = order;
    const nowMs = Date.now();
    const existing = this.withdrawals.find(
      (each) =>
        clientWithdrawalId !== undefined &&
        each.clientWithdrawalId === clientWithdrawalId &&
        each.accountId === account.id &&
        nowMs - each.createdAtMs < this.#clientIdsRememberedMs,
    );
    if (existing !== undefined)
      throw new VenueError(409, "CLIENTWITHDRAWALID_ALREADY_EXISTS", { withdrawalId: existing.id });
    if (!this.online) throw new VenueError(503, "CURRENCY_OFFLINE");
    if (!ACCOUNT_NAME.test(cryptoAddress)) throw new VenueError(409, "INVALID_ADDRESS");
    if (account.allowedAddresses?.includes(cryptoAddress) === false)
      throw new VenueError(409, "WHITELIST_VIOLATION_WITHDRAWAL_ADDRESS");
    if (quantityUnits <= 3n * this.feeUnits) throw new VenueError(409, "WITHDRAWAL_TOO_SMALL");
    if (quantityUnits > account.availableUnits) throw new VenueError(409, "INSUFFICIENT_FUNDS");
    account.availableUnits -= quantityUnits;
    account.updatedAtMs = nowMs;
    const withdrawal: VenueWithdrawal = {
      ...order,
      id: randomUUID(),
      accountId: account.id,
      feeUnits: this.feeUnits,
      createdAtMs: nowMs,
      status: "REQUESTED",
      txid: undefined,
      completedAtMs: undefined,
    };
    this.withdrawals.push(withdrawal);
    return withdrawal;
  }

  cancel(withdrawal: VenueWithdrawal): void {
    if (!CANCELLABLE.includes(withdrawal.status)) throw new VenueError(409, "NOT_ALLOWED");
    this.accountById(withdrawal.accountId).availableUnits += withdrawal.quantityUnits;
    this.#close(withdrawal, "CANCELLED");
  }

  complete(withdrawal: VenueWithdrawal): void {
    this.accountById(withdrawal.accountId).totalUnits -= withdrawal.quantityUnits;
    this.#close(withdrawal, "COMPLETED");
  }

  #close(withdrawal: VenueWithdrawal, status: VenueStatus): void {
    withdrawal.status = status;
    withdrawal.completedAtMs = Date.now();
    this.accountById(withdrawal.accountId).updatedAtMs = withdrawal.completedAtMs;
    this.closed.push(withdrawal);
  }

  /** `false`: the memo belongs to no account, and the money stays where it is. */
  deposit({ memo, amountShares, txid }: { memo: string; amountShares: bigint; txid: string }): boolean {
    const account = [...this.accounts.values()].find((each) => each.depositMemo === memo);
    if (account === undefined) return false;
    const quantityUnits = amountShares * UNITS_PER_SHARE;
    account.totalUnits += quantityUnits;
    account.availableUnits += quantityUnits;
    account.updatedAtMs = Date.now();
    this.deposits.push({
      id: randomUUID(),
      accountId: account.id,
      quantityUnits,
      cryptoAddressTag: memo,
      txid,
      completedAtMs: account.updatedAtMs,
    });
    return true;
  }
}
