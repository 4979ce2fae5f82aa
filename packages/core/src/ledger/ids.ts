import { createHash } from "node:crypto";
import { v5 as uuidV5 } from "uuid";
import type { TopUpId, TopUpKey } from "../rules/top-up.ts";
import type { NewPayout, PayoutId, PayoutKey } from "../rules/payout.ts";
import type { WithdrawalId } from "../rules/withdrawal.ts";
import type { IdentifiedPayout } from "./ledger.ts";

// Ids follow from what they name. A ledger that is rebuilt has the same ids, and nothing depends on chance.
const NAMESPACE = "6f1d5c1e-7d2b-5f43-9a52-0d3b7a1c9e10";

export const payoutId = (key: PayoutKey): PayoutId => uuidV5(`payout ${key}`, NAMESPACE) as PayoutId;

export const withdrawalId = (txid: string): WithdrawalId =>
  uuidV5(`withdrawal ${txid}`, NAMESPACE) as WithdrawalId;

export const identified = (payout: NewPayout): IdentifiedPayout => ({ ...payout, id: payoutId(payout.key) });

export const topUpId = (key: TopUpKey): TopUpId => uuidV5(`top-up ${key}`, NAMESPACE) as TopUpId;

/** Of a message about the alerts of one kind that begin with this receipt. */
export const messageId = (event: string, firstReceiptId: bigint): string =>
  uuidV5(`message ${event} ${firstReceiptId}`, NAMESPACE);

/** Of a message about one alert; the same from every sender. */
export const alertMessageId = (event: string, subject: string): string =>
  uuidV5(`alert ${event} ${subject}`, NAMESPACE);

/**
 * Nonce of a payout's memo: 64 bits that follow from the debt and the number of the attempt, so that two attempts never
 * share a transaction id although everything else about them may be equal.
 */
export const memoNonce = (key: PayoutKey, attempt: number): bigint =>
  createHash("sha256").update(`memo ${key} ${attempt}`).digest().readBigUInt64BE();

/**
 * More attempts than this at one deposit are not looked for on the chain. Attempts that do not count may be more: their nonces begin
 * again, and other blocks and expirations make other transactions of them.
 */
const DEPOSIT_ATTEMPTS_MAX = 100;

/** Of the attempt that follows so many. */
export const nextMemoNonce = (key: PayoutKey, attempts: number): bigint =>
  memoNonce(key, (attempts % DEPOSIT_ATTEMPTS_MAX) + 1);

/**
 * The nonces that the payments of a debt can have, as digits: by one of them a deposit at an exchange, whose memo is the
 * exchange's to choose, is known again on the chain.
 */
export const memoNonces = (key: PayoutKey): readonly string[] =>
  Array.from({ length: DEPOSIT_ATTEMPTS_MAX }, (_, index) => `${memoNonce(key, index + 1)}`);
