export { anchorFor, anchorInMemo } from "./anchor.ts";
export {
  type Bts,
  bts,
  formatShares,
  MAX_SUPPLY_SHARES,
  percentOf,
  type Shares,
  shares,
  SHARES_PER_BTS,
  toBtsRoundedDown,
  toShares,
} from "./amount.ts";
export { assert, AssertionError, assertNever } from "./assert.ts";
export {
  decideDueRow,
  decideTransfer,
  type Decision,
  noticeOfFailure,
  type Roles,
  type StakeRowMove,
  TRANSFER_OUTCOMES,
  type TransferOutcome,
} from "./decide.ts";
export { type AgreementLine, type LineProblem, parseAgreementLines } from "./agreement-lines.ts";
export {
  asImported,
  DAYS_PAID_BY_HAND,
  type ImportMark,
  isSameAgreement,
  type MonthPaid,
  monthsPaidOn,
  withMonthsPaid,
} from "./import-mark.ts";
export { type Acquaintance, compareWithLedger } from "./known-agreements.ts";
export { readV24Stakes, type V24Agreement, type V24Row, type V24Stakes } from "./v24-stakes.ts";
export { type Disposition, StartupError } from "./errors.ts";
export {
  coverMemo,
  type CoverSource,
  decideCover,
  EXPECTED_STATUSES,
  type ExpectedFunding,
  expectedShares,
  FUNDING_KINDS,
  FUNDING_MOVES,
  FUNDING_SOURCES,
  FUNDING_STATUSES,
  fundingCompletedBy,
  type FundingId,
  fundingKey,
  type FundingKey,
  type FundingKind,
  fundingSourceName,
  type FundingSourceNumber,
  type FundingStatus,
  type NewFunding,
  OPEN_FUNDING_STATUSES,
  RESERVE,
} from "./funding.ts";
export { MEMO_LENGTH_MAX, parseMemo } from "./memo.ts";
export { compareOperations, operationId, type OperationId, type OperationPosition } from "./operation-id.ts";
export {
  afterAttempt,
  type AttemptEnd,
  IN_FLIGHT_STATUSES,
  isInFlight,
  type NewPayout,
  PAYABLE_STATUSES,
  PAYOUT_KINDS,
  PAYOUT_MOVES,
  PAYOUT_STATUSES,
  type PayoutId,
  payoutKey,
  type PayoutKey,
  payoutKeyInMemo,
  type PayoutKind,
  payoutMemo,
  type PayoutStatus,
} from "./payout.ts";
export {
  type AgreementTerms,
  DEFAULT_POLICY,
  MAINNET_CHAIN_ID,
  type Policy,
  strictJsonUpToBlock,
  type Term,
  type TermMonths,
  TERMS,
} from "./policy.ts";
export {
  type Freeze,
  FREEZE_LEVELS,
  FREEZE_SOURCES,
  type FreezeLevel,
  type FreezeSource,
  isFreezeLevel,
  levelOf,
  levelOfSwitches,
  stopsAccepting,
  stopsPaying,
  whyAcceptsNothing,
  whyPaysNothing,
} from "./freeze.ts";
export {
  hasLimits,
  limitPayment,
  LIMITED_BY,
  type LimitedBy,
  type LimitVerdict,
  NO_LIMITS,
  type PaymentLimits,
  type SignedPayment,
  signedWithin,
} from "./limits.ts";
export { type Fence, fenceEnd, type FenceState, higherFence, isFencePassed, whyFenced } from "./fence.ts";
export {
  ADMIN_REQUESTS,
  type AdminRequestType,
  EXCHANGE_ACCOUNTS,
  type ExchangeAccountNumber,
  MEMO_REJECTIONS,
  type MemoRejection,
  type MemoRequest,
} from "./request.ts";
export {
  backupName,
  backupTime,
  DEFAULT_RETENTION,
  parseRetention,
  type Retention,
  superfluousBackups,
} from "./retention.ts";
export {
  assertStakeRowMove,
  type NewStakeRow,
  STAKE_ROW_MOVES,
  STAKE_ROW_STATUSES,
  STAKE_ROW_TYPES,
  type StakeRow,
  type StakeRowId,
  stakeRowId,
  type StakeRowStatus,
  type StakeRowType,
} from "./stake-row.ts";
export { type Agreement, buildStakeRows, DIGITAL_ASSET, penaltyFor, rewardPerMonth } from "./terms.ts";
export { DAY_MS, HOUR_MS, type Millis, millis, MINUTE_MS, plusMs, SECOND_MS } from "./time.ts";
export { CORE_ASSET_ID, type IncomingTransfer } from "./transfer.ts";
export {
  decideWithdrawal,
  isLive,
  WITHDRAWAL_MOVES,
  WITHDRAWAL_STATUSES,
  type WithdrawalEvent,
  type WithdrawalId,
  type WithdrawalState,
  type WithdrawalStatus,
} from "./withdrawal.ts";
export { leftToClaim } from "./withdraw-permission.ts";
export {
  type CustodyDeed,
  type DeedVerdict,
  judgeDeed,
  type KnownOfDeed,
  type PayoutInContext,
} from "./tripwire.ts";
