export {
  anchorLog,
  type AnchorDeps,
  type AuditFinding,
  BEFORE_THE_FIRST,
  hashAfter,
  sealAll,
  sealedText,
  sealReceipts,
  type Verification,
  verifyLog,
  type VerifyRequest,
} from "./audit/index.ts";
export { AlarmBell } from "./alarm-bell.ts";
export { COVERAGE_DAYS_MAX, coverageDays } from "./coverage-days.ts";
export { establishCursor, type StartMode } from "./establish-cursor.ts";
export { checkActiveKey, checkMemoKeys, type Custodian, findCustodian } from "./find-custodian.ts";
export { foldLedger, type FoldDeps } from "./fold-ledger.ts";
export { FreezeWatch, type FreezeWatchDeps } from "./freeze-watch.ts";
export { Heartbeat, type HeartbeatDeps } from "./heartbeat.ts";
export { HotWallet } from "./hot-wallet.ts";
export { identified, memoNonce, payoutId, withdrawalId } from "./ids.ts";
export {
  agreementOfLine,
  type BlockRange,
  blocksIn,
  type BlocksRead,
  HELD_REASON,
  importMarks,
  ImportRefused,
  importText,
  importV24,
  needPassedBlocks,
  needPaymentsOff,
  type OfferedAgreement,
  type OnProgress,
  planAgreements,
  planBlocks,
  type PlannedAgreement,
  type PlannedTransfer,
  rangesAround,
  readBlocks,
  readV24Receipts,
  rowsThatWentOn,
  type V24Import,
  type V24Imported,
  writeAgreements,
} from "./import/index.ts";
export {
  BLOCKS_PER_STEP,
  ingestBlocks,
  type IngestDeps,
  type IngestResult,
  lastFinalBlockNum,
  replayBlocks,
} from "./ingest-blocks.ts";
export { ASKS_FOR_A_PERSON } from "./log-receipt.ts";
export { messageAbout, planMessages, type TellDeps, tellPeople, testMessage } from "./notify/index.ts";
export { PayeeBook } from "./payee-book.ts";
export {
  approvePayout,
  cancelPayout,
  type CancelRequest,
  type CaughtUp,
  dayOf,
  type DueDay,
  forecast,
  type Forecast,
  type ForecastLine,
  freezeAll,
  type FreezeAnswer,
  type FundingAnswer,
  fundingReference,
  giveUpFunding,
  holdPayout,
  ledgerCaughtUp,
  type OperatorAction,
  type PayoutAnswer,
  requeuePayout,
  type RequeueRequest,
  setLimits,
  settlePayout,
  type SettleRequest,
  switchPayments,
  unfreeze,
} from "./operator/index.ts";
export { type PayDeps, payPayout, type PayResult } from "./pay-payout.ts";
export { ReadAhead } from "./read-ahead.ts";
export {
  ChainDisagrees,
  type ChainRead,
  type Comparison,
  type ComparisonDeps,
  compareWithChain,
  type Difference,
  EXPECTED_CAUSES,
  type ExpectedCause,
  readChain,
  type ReadDeps,
  rebuildLedger,
  RebuildRefused,
  type RebuildRequest,
} from "./rebuild/index.ts";
export { recordStart } from "./record-start.ts";
export { reportTroubles } from "./report-troubles.ts";
export { relayRings, ringForForgottenPayouts, ringForNextDueRows } from "./ring-bells.ts";
export { CustodyWatch, type CustodyWatchDeps, type CustodyWatchState } from "./watch-custody.ts";
export { LEDGER_LAG_BLOCKS_MAX, LedgerWatch } from "./watch-ledger.ts";
export { ringForDueRows, ringForPayout, ringForTransfer } from "./rings.ts";
export {
  type FundingSource,
  newTreasuryMemory,
  permissionText,
  readPermission,
  reportTreasury,
  runTreasury,
  type TreasuryDeps,
  type TreasuryMemory,
} from "./treasury/index.ts";
export { type Silence, silenceOf, SILENCES, type VitalSigns } from "./vital-signs.ts";
