-- The tables of the ledger, as Prisma writes them. Why: first version. Lock: none, everything is new.
-- Back: drop the schema; there is nothing before it. What Prisma cannot say follows in the next migration.
-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "chain_cursor" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "block_num" INTEGER NOT NULL,
    "block_id" TEXT NOT NULL,
    "block_time_ms" BIGINT NOT NULL,
    "scanned_from_block_num" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "chain_cursor_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "transfer" (
    "block_num" INTEGER NOT NULL,
    "trx_in_block" INTEGER NOT NULL,
    "op_in_trx" INTEGER NOT NULL,
    "block_time_ms" BIGINT NOT NULL,
    "direction" TEXT NOT NULL,
    "txid" TEXT,
    "sender" TEXT NOT NULL,
    "receiver" TEXT NOT NULL,
    "sender_is_lifetime_member" BOOLEAN NOT NULL,
    "amount_shares" BIGINT NOT NULL,
    "asset_id" TEXT NOT NULL,
    "fee_shares" BIGINT NOT NULL,
    "memo_status" TEXT NOT NULL,
    "memo_text" TEXT,
    "request" JSONB,
    "payout_key" TEXT,
    "status" TEXT NOT NULL,
    "outcome" TEXT,
    "reason" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "transfer_pkey" PRIMARY KEY ("block_num","trx_in_block","op_in_trx")
);

-- CreateTable
CREATE TABLE "agreement" (
    "block_start" INTEGER NOT NULL,
    "trx_idx" INTEGER NOT NULL,
    "ops_idx" INTEGER NOT NULL,
    "nominator" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "months" INTEGER NOT NULL,
    "start" BIGINT NOT NULL,
    "terms" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "agreement_pkey" PRIMARY KEY ("block_start","trx_idx","ops_idx")
);

-- CreateTable
CREATE TABLE "stake_row" (
    "id" TEXT NOT NULL,
    "nominator" TEXT NOT NULL,
    "digital_asset" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "type" TEXT NOT NULL,
    "nonce" BIGINT NOT NULL,
    "start" BIGINT NOT NULL,
    "due" BIGINT NOT NULL,
    "processed" BIGINT,
    "status" TEXT NOT NULL,
    "block_start" INTEGER NOT NULL,
    "trx_idx" INTEGER NOT NULL,
    "ops_idx" INTEGER NOT NULL,
    "block_processed" INTEGER,
    "number" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "stake_row_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payout" (
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "payee" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "memo" TEXT NOT NULL,
    "due" BIGINT NOT NULL,
    "status" TEXT NOT NULL,
    "reason" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "waiting_since" BIGINT,
    "block_processed" INTEGER,
    "processed" BIGINT,
    "enqueued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "payout_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payout_stake_row" (
    "payout_id" UUID NOT NULL,
    "stake_row_id" TEXT NOT NULL,
    "settles_as" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "payout_stake_row_pkey" PRIMARY KEY ("payout_id","stake_row_id")
);

-- CreateTable
CREATE TABLE "withdrawal" (
    "id" UUID NOT NULL,
    "payout_id" UUID NOT NULL,
    "txid" TEXT NOT NULL,
    "bytes" BYTEA NOT NULL,
    "ref_block_num" INTEGER NOT NULL,
    "expiration_ms" BIGINT NOT NULL,
    "fee_shares" BIGINT NOT NULL,
    "status" TEXT NOT NULL,
    "writer_epoch" BIGINT NOT NULL,
    "block_num" INTEGER,
    "trx_in_block" INTEGER,
    "op_in_trx" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "withdrawal_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "top_up" (
    "client_id" UUID NOT NULL,
    "account" INTEGER NOT NULL,
    "amount_shares" BIGINT NOT NULL,
    "cause" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "exchange_id" TEXT,
    "txid" TEXT,
    "arrived_block" INTEGER,
    "arrived_trx" INTEGER,
    "arrived_op" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "top_up_pkey" PRIMARY KEY ("client_id")
);

-- CreateTable
CREATE TABLE "outbox" (
    "id" BIGSERIAL NOT NULL,
    "job_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "delay_ms" BIGINT NOT NULL,
    "made_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "outbox_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "receipt" (
    "id" BIGSERIAL NOT NULL,
    "event" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "chain_time_ms" BIGINT,
    "details" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "receipt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "control" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "payments_on" BOOLEAN NOT NULL DEFAULT true,
    "payments_reason" TEXT,
    "writer_epoch" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "control_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "transfer_txid_idx" ON "transfer"("txid");

-- CreateIndex
CREATE INDEX "transfer_payout_key_idx" ON "transfer"("payout_key");

-- CreateIndex
CREATE INDEX "transfer_sender_idx" ON "transfer"("sender");

-- CreateIndex
CREATE INDEX "agreement_nominator_idx" ON "agreement"("nominator");

-- CreateIndex
CREATE INDEX "stake_row_block_start_trx_idx_ops_idx_idx" ON "stake_row"("block_start", "trx_idx", "ops_idx");

-- CreateIndex
CREATE UNIQUE INDEX "stake_row_type_number_position" ON "stake_row"("type", "number", "block_start", "trx_idx", "ops_idx");

-- CreateIndex
CREATE UNIQUE INDEX "payout_key_key" ON "payout"("key");

-- CreateIndex
CREATE INDEX "payout_payee_idx" ON "payout"("payee");

-- CreateIndex
CREATE INDEX "payout_stake_row_stake_row_id_idx" ON "payout_stake_row"("stake_row_id");

-- CreateIndex
CREATE UNIQUE INDEX "withdrawal_txid_key" ON "withdrawal"("txid");

-- CreateIndex
CREATE INDEX "withdrawal_payout_id_idx" ON "withdrawal"("payout_id");

-- CreateIndex
CREATE UNIQUE INDEX "outbox_job_id_key" ON "outbox"("job_id");

-- CreateIndex
CREATE INDEX "receipt_subject_idx" ON "receipt"("subject");

-- CreateIndex
CREATE INDEX "receipt_event_idx" ON "receipt"("event");

-- AddForeignKey
ALTER TABLE "stake_row" ADD CONSTRAINT "stake_row_block_start_trx_idx_ops_idx_fkey" FOREIGN KEY ("block_start", "trx_idx", "ops_idx") REFERENCES "agreement"("block_start", "trx_idx", "ops_idx") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payout_stake_row" ADD CONSTRAINT "payout_stake_row_payout_id_fkey" FOREIGN KEY ("payout_id") REFERENCES "payout"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payout_stake_row" ADD CONSTRAINT "payout_stake_row_stake_row_id_fkey" FOREIGN KEY ("stake_row_id") REFERENCES "stake_row"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "withdrawal" ADD CONSTRAINT "withdrawal_payout_id_fkey" FOREIGN KEY ("payout_id") REFERENCES "payout"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
