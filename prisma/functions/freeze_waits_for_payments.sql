-- Once a freeze is committed, nothing is signed that it stops. `save_withdrawals` locks the control row before it looks for freezes, and
-- this changes that row: a payment is saved before the freeze is written, or sees it. A lock alone would let a payer with an old
-- snapshot (REPEATABLE READ) pass; the changed row makes it fail.
CREATE OR REPLACE FUNCTION freeze_waits_for_payments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE control SET updated_at = now() WHERE id = 1;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER freeze_waits_for_payments BEFORE INSERT ON ledger_freeze FOR EACH ROW EXECUTE FUNCTION freeze_waits_for_payments();
