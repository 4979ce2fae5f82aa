-- Messages to operators about receipts that ask for a person, and which of those receipts have been dealt with.
-- Why: a message is written down before it is sent, so that it is neither lost with the process nor told twice by two.
-- Receipts are not numbered in the order in which they are committed, so a mark "read up to here" would pass some over:
-- each one that was dealt with is named instead.
-- Lock: none, both tables are new.   Back: drop both tables; nothing else knows them.
-- CreateTable
CREATE TABLE "notification" (
    "id" BIGSERIAL NOT NULL,
    "message_id" UUID NOT NULL,
    "channel" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "message" JSONB NOT NULL,
    "status" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "try_at" TIMESTAMPTZ(3) NOT NULL,
    "problem" TEXT,
    "sent_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "notification_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notified_receipt" (
    "receipt_id" BIGINT NOT NULL,
    "message_id" UUID,
    "event" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "notified_receipt_pkey" PRIMARY KEY ("receipt_id")
);

-- CreateIndex
CREATE INDEX "notification_event_created_at_idx" ON "notification"("event", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "notification_message_id_channel_key" ON "notification"("message_id", "channel");

-- CreateIndex
CREATE INDEX "notified_receipt_event_subject_created_at_idx" ON "notified_receipt"("event", "subject", "created_at");

ALTER TABLE notification
  ADD CONSTRAINT notification_status_known CHECK (status IN ('waiting', 'sent', 'given_up')),
  ADD CONSTRAINT notification_sent_has_time CHECK ((status = 'sent') = (sent_at IS NOT NULL));

-- What is to be sent, of all that ever was.
CREATE INDEX notification_waiting ON notification (try_at) WHERE status = 'waiting';
