import { createHash } from "node:crypto";
import { v5 as uuidV5 } from "uuid";
import type { NewPayout, PayoutId, PayoutKey } from "../domain/payout.ts";
import type { WithdrawalId } from "../domain/withdrawal.ts";
import type { IdentifiedPayout } from "../ports/ledger.ts";

// Ids follow from what they name. A ledger that is rebuilt has the same ids, and nothing depends on chance.
const NAMESPACE = "6f1d5c1e-7d2b-5f43-9a52-0d3b7a1c9e10";

export const payoutId = (key: PayoutKey): PayoutId => uuidV5(`payout ${key}`, NAMESPACE) as PayoutId;

export const withdrawalId = (txid: string): WithdrawalId =>
  uuidV5(`withdrawal ${txid}`, NAMESPACE) as WithdrawalId;

export const identified = (payout: NewPayout): IdentifiedPayout => ({ ...payout, id: payoutId(payout.key) });

/**
 * Nonce of a payout's memo: 64 bits that follow from the debt and the number of the attempt, so that two attempts never
 * share a transaction id although everything else about them may be equal.
 */
export const memoNonce = (key: PayoutKey, attempt: number): bigint =>
  createHash("sha256").update(`memo ${key} ${attempt}`).digest().readBigUInt64BE();
