export { createPostgresLedger } from "./ledger.ts";
export { type Database, openDatabase } from "./client.ts";
