export { createPostgresConsoleAccess } from "./console-access.ts";
export { createPostgresLedger } from "./ledger.ts";
export { createPostgresLedgerView } from "./ledger-view.ts";
export { type Database, openDatabase } from "./client.ts";
export { type DatabaseProblem, databaseProblem } from "./database-problem.ts";
