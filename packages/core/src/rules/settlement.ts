import { type Bts, type Shares, toShares } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { PayoutKey } from "./payout.ts";
import { CORE_ASSET_ID } from "./transfer.ts";

/**
 * Was a debt paid that the ledger calls paid? A thief who can write outgoing transfers to the ledger could otherwise have a debt settled
 * by an invented transfer, and the creditor would never hear of it.
 */
export interface SettledDebt {
  readonly key: PayoutKey;
  /** Account name. */
  readonly payee: string;
  readonly amount: Bts;
  readonly by: OperationPosition;
  /** An operator says that this is its payment: nothing in the transfer names it. */
  readonly isByHand: boolean;
  /** Ids of the transactions that were signed for it. */
  readonly txids: readonly string[];
  /** Of the memos of its payments, as digits: they follow from its key. */
  readonly nonces: readonly string[];
}

/** What the custodian has sent at that place, as a final block has it. */
export interface SentOnChain {
  /** Account name. */
  readonly receiver: string;
  readonly amount: Shares;
  readonly assetId: string;
  /** `undefined`: the transaction is none of this product's. */
  readonly txid: string | undefined;
  /** As digits. */
  readonly memoNonce: string | undefined;
  /** Another debt for which this transaction was signed. */
  readonly signedFor: PayoutKey | undefined;
}

/**
 * Why the debt was not paid by that transfer; `undefined`: it was.
 * A key in a memo is for those who have the memo key. The nonce beside it, which follows from the key, is for everybody.
 */
export function whyNotSettled(debt: SettledDebt, sent: SentOnChain | undefined): string | undefined {
  const name = `transfer ${operationId(debt.by)}`;
  if (sent === undefined) return `${name} of the custodian is not on the chain`;
  if (sent.receiver !== debt.payee)
    return `${name} pays ${sent.receiver} on the chain, and not ${debt.payee}`;
  if (sent.assetId !== CORE_ASSET_ID || sent.amount !== toShares(debt.amount))
    return `${name} is of ${sent.amount} of ${sent.assetId} on the chain, and the debt is ${debt.amount} BTS`;
  if (sent.signedFor !== undefined) return `${name} was signed for payout ${sent.signedFor}`;
  const isNamed =
    (sent.txid !== undefined && debt.txids.includes(sent.txid)) ||
    (sent.memoNonce !== undefined && debt.nonces.includes(sent.memoNonce));
  return isNamed || debt.isByHand
    ? undefined
    : `${name} was not signed for it: neither its id nor the nonce of its memo is one of this debt`;
}
