/**
 * Numbers of the advisory locks. PostgreSQL knows a lock by its number alone, so each is here once, with who takes it.
 * SQL in prisma/ names the same numbers.
 */

/** Held by the one payer that works. */
export const PAYER_LOCK = 7_270_002;
/** Taken by the process that extends the hash chain of the receipts. */
export const HASH_CHAIN_LOCK = 7_270_005;
/** Held by every watcher, shared. */
export const WATCHER_LOCK = 7_270_006;
