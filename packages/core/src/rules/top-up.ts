import { type Bts, bts, type Shares, SHARES_PER_BTS, shares } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { Policy } from "./policy.ts";
import type { MemoRequest } from "./request.ts";
import type { IncomingTransfer } from "./transfer.ts";

declare const brand: unique symbol;
/** A UUID derived from the key, and the client id under which an exchange knows the request. */
export type TopUpId = string & { readonly [brand]: "top-up" };

/** `top-up:<source>:<n>`, the n-th request to that source because of a shortage, or `admin:<block>:<trx>:<op>`, the request of a manager. */
export type TopUpKey = string & { readonly [brand]: "top-up key" };

/** Where funds can come from, in the order in which they are asked: the reserve account on chain, then the exchange accounts. */
export const TOP_UP_SOURCES = [0, 1, 2, 3] as const;
export type TopUpSourceNumber = (typeof TOP_UP_SOURCES)[number];
export const RESERVE = 0 satisfies TopUpSourceNumber;

export const topUpSourceName = (source: TopUpSourceNumber): string =>
  source === RESERVE ? "the reserve account" : `exchange account ${source}`;

export const TOP_UP_KINDS = ["shortage", "admin"] as const;
export type TopUpKind = (typeof TOP_UP_KINDS)[number];

/**
 * One request to a source to send funds to the custodian.
 *
 * ```
 * requested ─▶ asked ─▶ accepted ─▶ arrived
 *     │  ▲      │ │ │       │ └──▶ cancelled     the source sent nothing, and never will
 *     │  └──────┘ │ └───────┴────▶ unresolved    the outcome is unknown; a person finds out at the source
 *     └───────────┴─────────────▶ refused        nothing has moved
 * ```
 * - `requested`: written down; the source has not been asked yet, or could not be reached.
 * - `asked`: the question is about to leave, or has left: from here on the outcome is unknown until the source or the chain shows it.
 * - `accepted`: the source holds it under our id.
 * - `arrived`: a transfer in an irreversible block brought it. The only proof there is, so it can follow on everything.
 */
export const TOP_UP_STATUSES = [
  "requested",
  "asked",
  "accepted",
  "arrived",
  "refused",
  "cancelled",
  "unresolved",
] as const;
export type TopUpStatus = (typeof TOP_UP_STATUSES)[number];

/** Money that may still come. */
export const EXPECTED_STATUSES = ["requested", "asked", "accepted"] as const satisfies readonly TopUpStatus[];
/** While a source has one of these, no further top-up is asked of it. */
export const OPEN_TOP_UP_STATUSES = [
  ...EXPECTED_STATUSES,
  "unresolved",
] as const satisfies readonly TopUpStatus[];

export interface NewTopUp {
  readonly key: TopUpKey;
  readonly kind: TopUpKind;
  readonly source: TopUpSourceNumber;
  /** What shall arrive; the source takes its fee on top. */
  readonly amount: Bts;
  /** Memo of the transfer that is to bring it. */
  readonly memo: string;
}

export const topUpKey = {
  shortage: (source: TopUpSourceNumber, number: number) => `top-up:${source}:${number}` as TopUpKey,
  admin: (request: OperationPosition) => `admin:${operationId(request)}` as TopUpKey,
} as const;

/** The memo of a top-up holds its key, so that the money is recognized from any sender. */
export const TOP_UP_MEMO_PREFIX = "top-up:";
export const topUpMemo = (id: TopUpId): string => `${TOP_UP_MEMO_PREFIX}${id}`;

/** What an open request is recognised by when money arrives. */
export interface ExpectedTopUp {
  readonly id: TopUpId;
  readonly kind: TopUpKind;
  readonly source: TopUpSourceNumber;
  readonly amount: Bts;
  readonly memo: string;
  readonly status: TopUpStatus;
  /** As the source told it, or as we signed it. */
  readonly txid: string | undefined;
}

/**
 * The request that a transfer completes. By its transaction id; by its memo, if that is of one request alone; else by
 * sender and amount, oldest first, for venues that lose memos. `undefined`: it completes none.
 * @param expected requests whose money has not arrived, oldest first
 */
export function topUpCompletedBy<F extends ExpectedTopUp>(
  transfer: Pick<IncomingTransfer, "sender" | "amount"> & {
    readonly request?: MemoRequest | undefined;
    readonly txid: string | undefined;
    readonly memoText: string | undefined;
  },
  expected: readonly F[],
  treasuryAccounts: readonly string[],
): F | undefined {
  const byTxid = expected.find((topUp) => topUp.txid !== undefined && topUp.txid === transfer.txid);
  if (byTxid !== undefined) return byTxid;
  const named = expected.filter((topUp) => topUp.kind === "shortage" && topUp.memo === transfer.memoText);
  if (named.length === 1) return named[0];
  // What a venue sends it sends itself: money that the custodian drew is none of it.
  if (!treasuryAccounts.includes(transfer.sender) || transfer.request?.type === "drawn") return undefined;
  // What the reserve sends we signed, and know by its id; and a request that ended is not guessed at.
  const candidates = expected.filter(
    (topUp) =>
      topUp.source !== RESERVE &&
      (OPEN_TOP_UP_STATUSES as readonly string[]).includes(topUp.status) &&
      topUp.amount * SHARES_PER_BTS === transfer.amount,
  );
  return candidates.find((topUp) => topUp.memo === transfer.memoText) ?? candidates[0];
}

/** A source as it stands now. */
export interface SourceFunds {
  readonly source: TopUpSourceNumber;
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
 * whole: money that would pay no debt stays where it is. What a request costs the wallet is asked for with it, or the
 * wallet would be short again as soon as the money is there.
 * @param needs what each open payout takes, its network fee included, oldest debt first
 * @param spendableShares balance of the hot wallet less what has to stay in it; negative when even that is missing
 * @param expectedShares what has been asked for and has not arrived
 */
export function decideTopUp(
  {
    needs,
    spendableShares,
    expectedShares,
    sources,
  }: {
    readonly needs: readonly Shares[];
    readonly spendableShares: Shares;
    readonly expectedShares: Shares;
    readonly sources: readonly SourceFunds[];
  },
  policy: Pick<Policy, "topUpAvailableAbove" | "topUpFeeLeft">,
): readonly { readonly source: TopUpSourceNumber; readonly amount: Bts }[] {
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
  { withdrawableShares }: SourceFunds,
  { topUpAvailableAbove, topUpFeeLeft }: Pick<Policy, "topUpAvailableAbove" | "topUpFeeLeft">,
): bigint {
  const available = withdrawableShares / SHARES_PER_BTS;
  return available > topUpAvailableAbove ? available - topUpFeeLeft : 0n;
}

const roundedUp = (amount: bigint): bigint =>
  amount <= 0n ? 0n : (amount + SHARES_PER_BTS - 1n) / SHARES_PER_BTS;

/** How much all of them are to bring. */
export const expectedShares = (topUps: readonly { readonly amount: Bts }[]): Shares =>
  shares(topUps.reduce((sum, { amount }) => sum + amount * SHARES_PER_BTS, 0n));
