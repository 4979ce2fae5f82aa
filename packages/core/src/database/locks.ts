/**
 * The advisory locks of PostgreSQL that the product takes. Two uses of one number would wait for each other
 * without a reason, so all numbers stand here; a test looks for others in prisma/functions.
 */
export const LOCKS = {
  /** Deciding transfers, or giving payouts back: one transaction at a time. */
  events: 7_270_001,
  /** The payer that pays holds it for as long as its session lives. */
  payer: 7_270_002,
  /** One backup at a time. */
  backup: 7_270_003,
  /** One scheduler writes the messages about new receipts. */
  gather: 7_270_004,
  /** One scheduler at a time extends the hash chain of the receipts. */
  hashChain: 7_270_005,
  /** Every watcher holds it, shared: it shows that one is there. */
  watcher: 7_270_006,
  /** With the id of the database beside it: one comparison of each database at a time. */
  scratch: 7_270_007,
  /** Logins of the processes are made one at a time. */
  logins: 7_270_008,
  /** Migrations, functions and rights. The number is that of Prisma's own migrate, so that the two wait for each other. */
  migrate: 72_707_369,
} as const;
