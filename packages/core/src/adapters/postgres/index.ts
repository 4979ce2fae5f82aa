export { createAuditLog } from "./audit-log.ts";
export { createPostgresCustodyLedger } from "./custody-ledger.ts";
export { createPostgresConsoleAccess } from "./console-access.ts";
export { createNotificationStore } from "./notifications.ts";
export { createPostgresLedger } from "./ledger.ts";
export { createPostgresLedgerView } from "./ledger-view.ts";
export { type Database, openDatabase } from "./client.ts";
export {
  deployMigrations,
  type Migration,
  migrationsIn,
  migrationStatus,
  type MigrationStatus,
} from "./migrations.ts";
export { applyRights, rolesAreMissing, type RightsResult } from "./apply-rights.ts";
export { ensureLogins, type Login, loginOf, roleOfFile } from "./logins.ts";
export { FUNCTION_RIGHTS, groupOf, PROCESS_ROLES, type ProcessRole, TABLE_RIGHTS } from "./rights.ts";
export { type DatabaseProblem, databaseProblem } from "./database-problem.ts";
export { createWholeLedger } from "./whole-ledger.ts";
