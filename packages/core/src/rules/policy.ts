import { type Bts, bts } from "@stakebts/kernel/amount";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@stakebts/kernel/time";

/** What a nominator may ask for, and for how many months. */
export const TERMS = { three_months: 3, six_months: 6, twelve_months: 12 } as const;
export type Term = keyof typeof TERMS;
export type TermMonths = (typeof TERMS)[Term];
export const TERM_MONTHS: readonly TermMonths[] = Object.values(TERMS);

/**
 * The part of the policy that an agreement keeps for life: it is stored with the agreement when that is opened, and
 * later changes of the policy do not reach it.
 */
export interface AgreementTerms {
  /** Length of one month. Thirty days; a private test network may set seconds. */
  readonly monthMs: number;
  /** Reward per month in basis points of the amount, rounded down. */
  readonly rewardBps: bigint;
  /** Penalty for an early exit in basis points of the amount, rounded down. */
  readonly penaltyBps: bigint;
}

/** Everything a custodian may want to change. The defaults are those of the staking programme. */
export interface Policy {
  readonly terms: AgreementTerms;
  /** Terms that held before: agreements that were opened under them keep them, and those of no others are paid. */
  readonly earlierTerms: readonly AgreementTerms[];
  readonly acceptedAmounts: readonly Bts[];
  /** Kept back from the refund of an invalid request. */
  readonly invalidRequestFee: Bts;
  /** A refund is sent only if more than this is left. */
  readonly refundAbove: Bts;
  /** A new agreement is confirmed to the nominator with 1 BTS and a memo. */
  readonly confirmAgreements: boolean;
  /** Stays in the hot wallet, for network fees and receipts. */
  readonly minimumBalance: Bts;
  /** No payment is signed whose network fee is higher than this, even if the nodes name a higher one. */
  readonly maxNetworkFee: Bts;
  /** Time that a payout may wait for funds before it fails. Chain time. */
  readonly fundsWaitMs: number;
  /** An admin transfer must be larger than this. */
  readonly adminTransferAbove: Bts;
  /** A source of top-ups is used only while it can send more than this. */
  readonly topUpAvailableAbove: Bts;
  /** Of what a source can send, this much stays there, for its fee. */
  readonly topUpFeeLeft: Bts;
  /** Time between two reports of balances and liabilities. Host time. */
  readonly reportEveryMs: number;
  /** Memos in blocks up to this one had to be JSON. The number means something on the main network only. */
  readonly strictJsonUpToBlock: number;
  /** Life of a signed transaction. Chain time; more than the gap that maintenance leaves between blocks. */
  readonly expirationMs: number;
  /** A payout whose withdrawals expired this often fails, and a person looks at it. */
  readonly maxAttempts: number;
  readonly supportAddress: string;
}

/** All terms under which an agreement was ever opened. */
export const termsEver = ({
  terms,
  earlierTerms,
}: Pick<Policy, "terms" | "earlierTerms">): readonly AgreementTerms[] => [terms, ...earlierTerms];

export const MAINNET_CHAIN_ID = "4018d7844c78f6a6c41c6a552b898022310fc5dec06da467ee7905a8dad512c8";
const MAINNET_STRICT_JSON_UP_TO_BLOCK = 60_693_000;

/** The block from which bare text is accepted: agreements older than it exist on the main network only. */
export const strictJsonUpToBlock = (chainId: string): number =>
  chainId === MAINNET_CHAIN_ID ? MAINNET_STRICT_JSON_UP_TO_BLOCK : 0;

export const DEFAULT_POLICY: Policy = {
  terms: { monthMs: 30 * DAY_MS, rewardBps: 800n, penaltyBps: 1_500n },
  earlierTerms: [],
  acceptedAmounts: [
    25_000n,
    50_000n,
    100_000n,
    200_000n,
    250_000n,
    500_000n,
    1_000_000n,
    2_500_000n,
    5_000_000n,
    10_000_000n,
  ].map(bts),
  invalidRequestFee: bts(50n),
  refundAbove: bts(10n),
  confirmAgreements: true,
  minimumBalance: bts(100n),
  maxNetworkFee: bts(50n),
  fundsWaitMs: 12 * HOUR_MS,
  adminTransferAbove: bts(400n),
  topUpAvailableAbove: bts(510n),
  topUpFeeLeft: bts(10n),
  reportEveryMs: 2 * HOUR_MS,
  strictJsonUpToBlock: MAINNET_STRICT_JSON_UP_TO_BLOCK,
  expirationMs: 3 * MINUTE_MS,
  maxAttempts: 5,
  supportAddress: "complaints@stakebts.bitsharesmanagement.group",
};
