import { type Bts, bts, type Shares, SHARES_PER_BTS, shares } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { Policy } from "./policy.ts";
import type { MemoRequest } from "./request.ts";
import type { IncomingTransfer } from "./transfer.ts";

declare const brand: unique symbol;
/** A UUID derived from the key, and the client id under which an exchange knows the request. */
export type FundingId = string & { readonly [brand]: "funding" };

/** `cover:<source>:<n>`, the n-th cover from that source, or `admin:<block>:<trx>:<op>`, the request of a manager. */
export type FundingKey = string & { readonly [brand]: "funding key" };

/** Where funds can come from, in the order in which they are asked: the reserve account on chain, then the exchange accounts. */
export const FUNDING_SOURCES = [0, 1, 2, 3] as const;
export type FundingSourceNumber = (typeof FUNDING_SOURCES)[number];
export const RESERVE = 0 satisfies FundingSourceNumber;

export const fundingSourceName = (source: FundingSourceNumber): string =>
  source === RESERVE ? "the reserve account" : `exchange account ${source}`;

export const FUNDING_KINDS = ["cover", "admin"] as const;
export type FundingKind = (typeof FUNDING_KINDS)[number];

/**
 * One request to a source to send funds to the custodian.
 *
 * ```
 * requested ─▶ asked ─▶ accepted ─▶ arrived
 *     │  ▲      │ │ │       │ └──▶ cancelled     the source sent nothing, and never will
 *     │  └──────┘ │ └───────┴────▶ unresolved    nobody can say; a person finds out at the source
 *     └───────────┴─────────────▶ refused        nothing has moved
 * ```
 * - `requested`: written down; nobody has asked the source yet, or it could not be reached.
 * - `asked`: the question is about to leave, or has left: from here on the outcome is unknown until somebody says it.
 * - `accepted`: the source holds it under our id.
 * - `arrived`: a transfer in an irreversible block brought it. The only proof there is, so it can follow on everything.
 */
export const FUNDING_STATUSES = [
  "requested",
  "asked",
  "accepted",
  "arrived",
  "refused",
  "cancelled",
  "unresolved",
] as const;
export type FundingStatus = (typeof FUNDING_STATUSES)[number];

/** Every move there is. The database refuses the others too (trigger `exchange_withdrawal_moves`). */
export const FUNDING_MOVES: Readonly<Record<FundingStatus, readonly FundingStatus[]>> = {
  requested: ["asked", "refused", "arrived"],
  asked: ["requested", "accepted", "arrived", "refused", "cancelled", "unresolved"],
  accepted: ["arrived", "cancelled", "unresolved"],
  unresolved: ["accepted", "arrived", "cancelled"],
  refused: ["arrived"],
  cancelled: ["arrived"],
  arrived: [],
};

/** Money that may still come. */
export const EXPECTED_STATUSES = [
  "requested",
  "asked",
  "accepted",
] as const satisfies readonly FundingStatus[];
/** While a source has one of these, no further cover is asked of it. */
export const OPEN_FUNDING_STATUSES = [
  ...EXPECTED_STATUSES,
  "unresolved",
] as const satisfies readonly FundingStatus[];

export interface NewFunding {
  readonly key: FundingKey;
  readonly kind: FundingKind;
  readonly source: FundingSourceNumber;
  /** What shall arrive; the source takes its fee on top. */
  readonly amount: Bts;
  /** Memo of the transfer that is to bring it. */
  readonly memo: string;
}

export const fundingKey = {
  cover: (source: FundingSourceNumber, number: number) => `cover:${source}:${number}` as FundingKey,
  admin: (request: OperationPosition) => `admin:${operationId(request)}` as FundingKey,
} as const;

/** The memo of a cover names it, so that its money is known whoever sends it. */
export const COVER_MEMO_PREFIX = "cover:";
export const coverMemo = (id: FundingId): string => `${COVER_MEMO_PREFIX}${id}`;

/** What an open request is recognised by when money arrives. */
export interface ExpectedFunding {
  readonly id: FundingId;
  readonly kind: FundingKind;
  readonly source: FundingSourceNumber;
  readonly amount: Bts;
  readonly memo: string;
  readonly status: FundingStatus;
  /** As the source told it, or as we signed it. */
  readonly txid: string | undefined;
}

/**
 * The request that a transfer completes. By its transaction id; by its memo, if that is of one request alone; else by
 * sender and amount, oldest first, for venues that lose memos. `undefined`: it completes none.
 * @param expected requests whose money has not arrived, oldest first
 */
export function fundingCompletedBy<F extends ExpectedFunding>(
  transfer: Pick<IncomingTransfer, "sender" | "amount"> & {
    readonly request?: MemoRequest | undefined;
    readonly txid: string | undefined;
    readonly memoText: string | undefined;
  },
  expected: readonly F[],
  treasuryAccounts: readonly string[],
): F | undefined {
  const byTxid = expected.find((funding) => funding.txid !== undefined && funding.txid === transfer.txid);
  if (byTxid !== undefined) return byTxid;
  const named = expected.filter((funding) => funding.kind === "cover" && funding.memo === transfer.memoText);
  if (named.length === 1) return named[0];
  // What a venue sends it sends itself: money that the custodian drew is none of it.
  if (!treasuryAccounts.includes(transfer.sender) || transfer.request?.type === "drawn") return undefined;
  // What the reserve sends we signed, and know by its id; and a request that ended is not guessed at.
  const candidates = expected.filter(
    (funding) =>
      funding.source !== RESERVE &&
      (OPEN_FUNDING_STATUSES as readonly string[]).includes(funding.status) &&
      funding.amount * SHARES_PER_BTS === transfer.amount,
  );
  return candidates.find((funding) => funding.memo === transfer.memoText) ?? candidates[0];
}

/** A source as it stands now. */
export interface CoverSource {
  readonly source: FundingSourceNumber;
  /** The most that one request can bring. */
  readonly withdrawableShares: Shares;
  /** The least that one request may bring. */
  readonly minimumShares: Shares;
  /** What a request costs the hot wallet itself. Nothing where the source pays its own fees. */
  readonly walletFeeShares?: Shares | undefined;
}

/**
 * What to ask of which source so that payouts that the hot wallet cannot pay can be paid. One request per source, in the
 * order given. When the sources together cannot cover everything, the oldest payouts are covered that they can cover
 * whole: money that would pay nobody stays where it is. What a request costs the wallet is asked for with it, or the
 * wallet would be short again as soon as the money is there.
 * @param needs what each open payout takes, its network fee included, oldest debt first
 * @param spendableShares balance of the hot wallet less what has to stay in it; negative when even that is missing
 * @param expectedShares what has been asked for and has not arrived
 */
export function decideCover(
  {
    needs,
    spendableShares,
    expectedShares,
    sources,
  }: {
    readonly needs: readonly Shares[];
    readonly spendableShares: Shares;
    readonly expectedShares: Shares;
    readonly sources: readonly CoverSource[];
  },
  policy: Pick<Policy, "coverAvailableAbove" | "coverFeeLeft">,
): readonly { readonly source: FundingSourceNumber; readonly amount: Bts }[] {
  const usable = sources
    .map((source) => ({
      ...source,
      most: usableBts(source, policy),
      cost: roundedUp(source.walletFeeShares ?? 0n),
    }))
    .filter(({ most, cost }) => most > cost);
  const together = usable.reduce((sum, { most, cost }) => sum + most - cost, 0n);
  let missing = 0n;
  let needed = 0n;
  for (const need of needs) {
    needed += need;
    const short = roundedUp(needed - spendableShares - expectedShares);
    if (short > together) break;
    missing = short;
  }
  const requests = [];
  for (const { source, most, cost, minimumShares } of usable) {
    if (missing <= 0n) break;
    const least = roundedUp(minimumShares);
    const wanted = missing + cost < least ? least : missing + cost;
    const amount = wanted < most ? wanted : most;
    if (amount < least) continue;
    requests.push({ source, amount: bts(amount) });
    missing -= amount - cost;
  }
  return requests;
}

/** An account is used only while more than a threshold is in it, and something is left for fees. */
function usableBts(
  { withdrawableShares }: CoverSource,
  { coverAvailableAbove, coverFeeLeft }: Pick<Policy, "coverAvailableAbove" | "coverFeeLeft">,
): bigint {
  const available = withdrawableShares / SHARES_PER_BTS;
  return available > coverAvailableAbove ? available - coverFeeLeft : 0n;
}

const roundedUp = (amount: bigint): bigint =>
  amount <= 0n ? 0n : (amount + SHARES_PER_BTS - 1n) / SHARES_PER_BTS;

/** How much all of them are to bring. */
export const expectedShares = (fundings: readonly { readonly amount: Bts }[]): Shares =>
  shares(fundings.reduce((sum, { amount }) => sum + amount * SHARES_PER_BTS, 0n));
