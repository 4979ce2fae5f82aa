/**
 * Why a ledger may differ from what the chain alone gives:
 * - `person`: somebody held, cancelled or settled it by hand; `failed`: its attempts are used up.
 * - `notice`: about a failure, which is not on the chain. `checkpoint`: a hash chain entry of the audit log.
 * - `imported`: from before this ledger. `terms`: opened under another policy than today's.
 * - `admin`: a manager's order, which depends on when it was read and on his membership then.
 * - `skipped`: its block was on the skip list. `behind`: the scheduler has not got there yet.
 */
export const EXPECTED_CAUSES = [
  "person",
  "failed",
  "notice",
  "checkpoint",
  "imported",
  "terms",
  "admin",
  "skipped",
  "behind",
] as const;
export type ExpectedCause = (typeof EXPECTED_CAUSES)[number];

export interface Difference {
  readonly about: "block" | "transfer" | "agreement" | "row" | "payout" | "payment";
  /** Operation, row id or payout key. */
  readonly subject: string;
  /** `undefined`: nothing explains it, and somebody has to look. */
  readonly cause: ExpectedCause | undefined;
  readonly message: string;
  readonly todo: string | undefined;
}

export interface Comparison {
  readonly fromBlockNum: number;
  readonly toBlockNum: number;
  readonly compared: { transfers: number; agreements: number; rows: number; payouts: number };
  /** Older than the range, and not compared. */
  readonly olderAgreements: number;
  /** Agreements of other terms than those of today's policy: they keep what they were opened under. */
  readonly keptTerms: number;
  readonly serious: number;
  readonly expected: Readonly<Partial<Record<ExpectedCause, number>>>;
}
