export {
  type BackupRequest,
  type BackupResult,
  backupsIn,
  databaseOf,
  inspectBackup,
  type InspectedBackup,
  makeBackup,
  type Manifest,
  type Occupant,
  occupantOf,
  resetLedger,
  restoreBackup,
  ToolFailed,
  urlWithDatabase,
  withScratchLedger,
} from "./backup/index.ts";
export {
  createChainClient,
  createMemoReader,
  createMemoWriter,
  createSigner,
  KeyFormatError,
  nodeDisplayName,
  privateKeyFromWif,
  publicKeyFromWif,
  transferFee,
} from "./bitshares/index.ts";
export {
  createJobQueue,
  migrateQueueStore,
  MONEY_QUEUE,
  openQueue,
  QUEUE_NAMES,
  type QueueStore,
  queueStoreOf,
  queueStoreProblem,
  RING_KINDS,
  startJobWorker,
} from "./bullmq/index.ts";
export { hostClock } from "./host-clock.ts";
export { type FreezeSettings, localFreeze } from "./local-freeze.ts";
export { createLog } from "./logger.ts";
export { withPayerLock } from "./payer-lock.ts";
export {
  type KeystoreKeys,
  KeystoreError,
  keystorePublicKeys,
  openKeystore,
  sealKeystore,
} from "./keystore.ts";
export { hashPassword, passwordFits } from "./password-hash.ts";
export {
  createAuditLog,
  createPostgresConsoleAccess,
  createPostgresCustodyLedger,
  createNotificationStore,
  createPostgresLedger,
  createPostgresLedgerView,
  createWholeLedger,
  type DatabaseProblem,
  databaseProblem,
  deployMigrations,
  type Migration,
  migrationsIn,
  migrationStatus,
  type MigrationStatus,
} from "./postgres/index.ts";
export {
  ask,
  type ChannelConfig,
  createChannels,
  createDiscord,
  createEmail,
  createSlack,
  createTelegram,
  createWebhook,
} from "./notify/index.ts";
export {
  answerObservation,
  countBlocks,
  countedLog,
  createObservation,
  ledgerIsThere,
  measureCursor,
  measureCustody,
  measureFreeze,
  measureHeartbeat,
  measureLead,
  measureLedger,
  measureMoney,
  measureNodes,
  measureNotifications,
  measurePayments,
  measureQueues,
  Metrics,
  nodeIsThere,
  type Observation,
  type ObservationAnswer,
  type ObservationServer,
  Progress,
  type ReadinessCheck,
  serveObservation,
} from "./observe/index.ts";
export { EXIT, type ProcessConfig, runProcess } from "./process.ts";
export { showPresence } from "./watcher-presence.ts";
export { DONE, repeat } from "./repeat.ts";
