-- Receipts are chained into a chain of hashes, each over the one before it, so that one that is changed, taken away or put in
-- later shows; and a daily payment can carry the newest hash to where nobody can change it. ADR 0018.
-- In an order of its own: receipts are not numbered in the order in which they are committed. The scheduler hash chain entries, those of
-- before as well; a version of before goes on writing receipts, which are chained later, and pays an checkpoint like any payout.
-- Lock: payout, for the time of one look at all its rows (the check). Back: drop the table; payout_kind_known as it was,
-- once no payout is an checkpoint. By hand: the checks and the triggers.
-- CreateTable
CREATE TABLE "hash_chain_entry" (
    "seq" BIGINT NOT NULL,
    "receipt_id" BIGINT NOT NULL,
    "hash" TEXT NOT NULL,
    "chained_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "hash_chain_entry_pkey" PRIMARY KEY ("seq")
);

-- CreateIndex
CREATE UNIQUE INDEX "hash_chain_entry_receipt_id_key" ON "hash_chain_entry"("receipt_id");

-- AddForeignKey
ALTER TABLE "hash_chain_entry" ADD CONSTRAINT "hash_chain_entry_receipt_id_fkey" FOREIGN KEY ("receipt_id") REFERENCES "receipt"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE hash_chain_entry
  ADD CONSTRAINT hash_chain_entry_seq_begins_at_one CHECK (seq > 0),
  ADD CONSTRAINT hash_chain_entry_hash_is_sha256 CHECK (hash ~ '^[0-9a-f]{64}$');
CREATE TRIGGER written_once BEFORE UPDATE ON hash_chain_entry FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_delete BEFORE DELETE ON hash_chain_entry FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON hash_chain_entry EXECUTE FUNCTION refuse_removal();

ALTER TABLE payout
  DROP CONSTRAINT payout_kind_known,
  ADD CONSTRAINT payout_kind_known
    CHECK (kind IN ('reward', 'base', 'stop', 'refund', 'confirm', 'notice', 'deposit', 'checkpoint'));
