export {
  type AccountId,
  type BroadcastOutcome,
  BROADCAST_REFUSALS,
  type BroadcastRefusal,
  type ChainAccount,
  type ChainBlock,
  ChainError,
  CHAIN_ERRORS,
  type ChainErrorCode,
  type ChainHead,
  type ChainReader,
  type ChainTransfer,
  type ChainWriter,
  type EncryptedMemo,
  type TransferFeeSchedule,
} from "./chain.ts";
export type {
  MemoContent,
  MemoReader,
  MemoWriter,
  SignedTransfer,
  Signer,
  TransferIntent,
} from "./signer.ts";
export type { HostClock } from "./clock.ts";
export type {
  Cursor,
  CursorMove,
  IdentifiedPayout,
  Ledger,
  LedgerTx,
  MemoStatus,
  NewReceipt,
  NewTransfer,
  NewWithdrawal,
  PaidTransfer,
  PaymentsSwitch,
  PaymentView,
  PayoutConfirmation,
  PayoutRecord,
  WithdrawalRecord,
  WithdrawalRefusal,
} from "./ledger.ts";
export type { Log, LogFields } from "./log.ts";
export type { JobQueue, JobWorker, Ring, RingAnswer, RingContent, RingHandlers, RingKind } from "./queue.ts";
