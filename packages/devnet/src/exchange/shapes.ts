import type { VenueAccount, VenueDeposit, VenueWithdrawal } from "./book.ts";
import { unitsText } from "./units.ts";

/** Objects as the venue writes them: amounts as text, times in ISO 8601, what is not there left out. */

const iso = (ms: number): string => new Date(ms).toISOString();

export const balanceShape = (account: VenueAccount) => ({
  currencySymbol: "BTS",
  total: unitsText(account.totalUnits),
  available: unitsText(account.availableUnits),
  updatedAt: iso(account.updatedAtMs),
});

export const currencyShape = (options: { online: boolean; feeUnits: bigint; hotAccount: string }) => ({
  symbol: "BTS",
  name: "BitShares",
  coinType: "BITSHAREX",
  status: options.online ? "ONLINE" : "OFFLINE",
  minConfirmations: 50,
  notice: options.online ? "" : "The wallet is under maintenance.",
  txFee: unitsText(options.feeUnits),
  prohibitedIn: [],
  baseAddress: options.hotAccount,
  associatedTermsOfService: [],
  tags: [],
});

export const addressShape = (account: VenueAccount, hotAccount: string) => ({
  status: "PROVISIONED",
  currencySymbol: "BTS",
  cryptoAddress: hotAccount,
  cryptoAddressTag: account.depositMemo,
});

export const withdrawalShape = (withdrawal: VenueWithdrawal) => ({
  id: withdrawal.id,
  currencySymbol: "BTS",
  quantity: unitsText(withdrawal.quantityUnits),
  cryptoAddress: withdrawal.cryptoAddress,
  ...(withdrawal.cryptoAddressTag === undefined ? {} : { cryptoAddressTag: withdrawal.cryptoAddressTag }),
  txCost: unitsText(withdrawal.feeUnits),
  ...(withdrawal.txid === undefined ? {} : { txId: withdrawal.txid }),
  status: withdrawal.status,
  createdAt: iso(withdrawal.createdAtMs),
  ...(withdrawal.completedAtMs === undefined ? {} : { completedAt: iso(withdrawal.completedAtMs) }),
  ...(withdrawal.clientWithdrawalId === undefined
    ? {}
    : { clientWithdrawalId: withdrawal.clientWithdrawalId }),
  target: "BLOCKCHAIN",
  accountId: withdrawal.accountId,
});

export const depositShape = (deposit: VenueDeposit, hotAccount: string) => ({
  id: deposit.id,
  currencySymbol: "BTS",
  quantity: unitsText(deposit.quantityUnits),
  cryptoAddress: hotAccount,
  cryptoAddressTag: deposit.cryptoAddressTag,
  txId: deposit.txid,
  confirmations: 50,
  updatedAt: iso(deposit.completedAtMs),
  completedAt: iso(deposit.completedAtMs),
  status: "COMPLETED",
  source: "BLOCKCHAIN",
  accountId: deposit.accountId,
});
