export { establishCursor, type StartMode } from "./establish-cursor.ts";
export { checkActiveKey, checkMemoKeys, type Custodian, findCustodian } from "./find-custodian.ts";
export { foldLedger, type FoldDeps } from "./fold-ledger.ts";
export { HotWallet } from "./hot-wallet.ts";
export { identified, memoNonce, payoutId, withdrawalId } from "./ids.ts";
export {
  BLOCKS_PER_STEP,
  ingestBlocks,
  type IngestDeps,
  type IngestResult,
  lastFinalBlockNum,
  replayBlocks,
} from "./ingest-blocks.ts";
export { PayeeBook } from "./payee-book.ts";
export {
  cancelPayout,
  type CancelRequest,
  type CaughtUp,
  dayOf,
  type DueDay,
  forecast,
  type Forecast,
  type ForecastLine,
  type FundingAnswer,
  fundingReference,
  giveUpFunding,
  holdPayout,
  ledgerCaughtUp,
  type OperatorAction,
  type PayoutAnswer,
  requeuePayout,
  type RequeueRequest,
  switchPayments,
} from "./operator/index.ts";
export { type PayDeps, payPayout, type PayResult } from "./pay-payout.ts";
export { ReadAhead } from "./read-ahead.ts";
export { recordStart } from "./record-start.ts";
export { relayRings, ringForForgottenPayouts, ringForNextDueRows } from "./ring-bells.ts";
export { ringForDueRows, ringForPayout, ringForTransfer } from "./rings.ts";
export {
  type FundingSource,
  newTreasuryMemory,
  reportTreasury,
  runTreasury,
  type TreasuryDeps,
  type TreasuryMemory,
} from "./treasury/index.ts";
