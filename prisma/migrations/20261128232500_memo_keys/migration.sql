-- Why: a memo for a memo key that is not configured is left unread, never charged; a cause that concerns every payout alike counts for
--   no payout's attempt.
-- Lock: ACCESS EXCLUSIVE on transfer, payout and withdrawal, for the catalog and for one look through transfer (the new CHECK).
-- Back: the version before leaves everything as it is: it does not see what is unread, and counts every attempt.

-- AlterTable
ALTER TABLE "payout" ADD COLUMN     "uncounted_attempts" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "withdrawal" ADD COLUMN     "refused_for" TEXT;

-- CreateTable
CREATE TABLE "memo_key" (
    "public_key" TEXT NOT NULL,
    "since_block_num" INTEGER,
    "written_by" TEXT NOT NULL DEFAULT SESSION_USER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "memo_key_pkey" PRIMARY KEY ("public_key")
);

ALTER TABLE "transfer" DROP CONSTRAINT "transfer_status_known";
ALTER TABLE "transfer" ADD CONSTRAINT "transfer_status_known" CHECK ("status" IN ('unread', 'undecided', 'decided'));
ALTER TABLE "payout" ADD CONSTRAINT "payout_uncounted_attempts_counted" CHECK ("uncounted_attempts" BETWEEN 0 AND "attempts");

CREATE INDEX "transfer_unread" ON "transfer" ("block_num", "trx_in_block", "op_in_trx") WHERE "status" = 'unread';
CREATE INDEX "transfer_unread_by_sender" ON "transfer" ("sender", "block_time_ms") WHERE "status" = 'unread' AND "direction" = 'in';
