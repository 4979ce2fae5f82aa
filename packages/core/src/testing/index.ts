export {
  durableQueueChecks,
  type QueueCheck,
  queueChecks,
  type QueueUnderTest,
} from "./conformance/queue.ts";
export { type ExchangeCheck, exchangeChecks, type ExchangeUnderTest } from "./conformance/exchange.ts";
export { ledgerChecks } from "./conformance/ledger.ts";
export type { LedgerCheck } from "./conformance/ledger-check.ts";
export {
  agreementAt,
  agreementWithRows,
  cursorAt,
  incoming,
  operation,
  outgoing,
  refundOf,
  withdrawalFor,
} from "./given.ts";
export { passFence } from "./pass-fence.ts";
export { processLogins } from "./process-logins.ts";
export { ManualClock } from "./manual-clock.ts";
export { MemoryExchange } from "./memory-exchange.ts";
export { MemoryLedger } from "./memory-ledger.ts";
export { wholeMemoryLedger } from "./memory-ledger-contents.ts";
export { MemoryQueue } from "./memory-queue.ts";
