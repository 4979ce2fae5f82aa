export { type BackupRequest, type BackupResult, backupsIn, makeBackup } from "./make-backup.ts";
export { type Manifest } from "./manifest.ts";
export { ToolFailed } from "./pg-tools.ts";
export { type Occupant, occupantOf } from "./replace-database.ts";
export { inspectBackup, type InspectedBackup, resetLedger, restoreBackup } from "./restore-backup.ts";
export { withScratchLedger } from "./scratch-database.ts";
export { databaseOf, urlWithDatabase } from "./server.ts";
