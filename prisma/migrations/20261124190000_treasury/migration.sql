-- Admin requests and cover: what is asked of an exchange or of the reserve account, and the payouts that go there.
-- Why: a request is written down under its own name before anybody is asked, as a withdrawal is before it is sent.
-- Lock: exclusive on transfer, payout and top_up, for moments; the checks read payout once. Nothing has ever
-- written to top_up, so its new columns need no defaults; an older version goes on beside this one.
-- Back: drop what is added here; payout_kind_known as it was, once no payout is a deposit.
-- AlterTable
ALTER TABLE "transfer" ADD COLUMN     "memo_nonce" TEXT,
ADD COLUMN     "replayed" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "top_up" DROP COLUMN "cause",
ADD COLUMN     "asked_at" TIMESTAMPTZ(3),
ADD COLUMN     "asks" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "bytes" BYTEA,
ADD COLUMN     "expiration_ms" BIGINT,
ADD COLUMN     "key" TEXT NOT NULL,
ADD COLUMN     "kind" TEXT NOT NULL,
ADD COLUMN     "memo" TEXT NOT NULL,
ADD COLUMN     "reason" TEXT,
ADD COLUMN     "ref_block_num" INTEGER,
ADD COLUMN     "requested_ms" BIGINT NOT NULL,
ADD COLUMN     "venue_status" TEXT;

-- CreateIndex
CREATE UNIQUE INDEX "top_up_key_key" ON "top_up"("key");

-- Closed sets of words.
ALTER TABLE payout
  DROP CONSTRAINT payout_kind_known,
  ADD CONSTRAINT payout_kind_known
    CHECK (kind IN ('reward', 'base', 'stop', 'refund', 'confirm', 'notice', 'deposit'));
ALTER TABLE top_up
  DROP CONSTRAINT top_up_account_known,
  ADD CONSTRAINT top_up_account_known CHECK (account BETWEEN 0 AND 3),
  ADD CONSTRAINT top_up_kind_known CHECK (kind IN ('shortage', 'admin')),
  ADD CONSTRAINT top_up_status_known CHECK (status IN
    ('requested', 'asked', 'accepted', 'arrived', 'refused', 'cancelled', 'unresolved')),
  ADD CONSTRAINT top_up_arrived_has_place CHECK ((status = 'arrived') = (arrived_block IS NOT NULL)),
  ADD CONSTRAINT top_up_ended_has_reason
    CHECK (status NOT IN ('refused', 'cancelled', 'unresolved') OR reason IS NOT NULL),
  ADD CONSTRAINT top_up_bytes_are_whole
    CHECK ((bytes IS NULL) = (ref_block_num IS NULL) AND (bytes IS NULL) = (expiration_ms IS NULL));

-- Cover is caused by the shortage, not by each payout: of one source there is one request at a time, whoever asks.
CREATE UNIQUE INDEX top_up_one_open_shortage ON top_up (account)
  WHERE kind = 'shortage' AND status IN ('requested', 'asked', 'accepted', 'unresolved');
-- A transfer completes one request, and a request is completed by one transfer.
CREATE UNIQUE INDEX top_up_arrived_by ON top_up (arrived_block, arrived_trx, arrived_op)
  WHERE status = 'arrived';

-- As the domain says (TOP_UP_MOVES; a test compares them pair by pair); what was asked for, once written, stays.
CREATE FUNCTION top_up_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (CASE OLD.status
      WHEN 'requested' THEN NEW.status IN ('asked', 'refused', 'arrived')
      WHEN 'asked' THEN NEW.status IN ('requested', 'accepted', 'arrived', 'refused', 'cancelled', 'unresolved')
      WHEN 'accepted' THEN NEW.status IN ('arrived', 'cancelled', 'unresolved')
      WHEN 'unresolved' THEN NEW.status IN ('accepted', 'arrived', 'cancelled')
      WHEN 'refused' THEN NEW.status = 'arrived'
      WHEN 'cancelled' THEN NEW.status = 'arrived'
      ELSE false END) THEN
    RAISE EXCEPTION 'exchange withdrawal % does not go from % to %', OLD.key, OLD.status, NEW.status
      USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.client_id, OLD.key, OLD.kind, OLD.account, OLD.amount_shares, OLD.memo, OLD.requested_ms)
     IS DISTINCT FROM
     (NEW.client_id, NEW.key, NEW.kind, NEW.account, NEW.amount_shares, NEW.memo, NEW.requested_ms)
     OR (OLD.bytes IS NOT NULL AND (OLD.bytes, OLD.txid, OLD.ref_block_num, OLD.expiration_ms)
         IS DISTINCT FROM (NEW.bytes, NEW.txid, NEW.ref_block_num, NEW.expiration_ms)) THEN
    RAISE EXCEPTION 'exchange withdrawal % says what was asked for and is not changed', OLD.key
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER top_up_moves BEFORE UPDATE ON top_up
  FOR EACH ROW EXECUTE FUNCTION top_up_moves();
