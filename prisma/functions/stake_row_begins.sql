-- A row begins with nothing done about it. What was settled before the ledger knew of it is an operator's word, by an import or by the
-- mark of one on the transfer that opened the agreement.
CREATE OR REPLACE FUNCTION stake_row_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT (NEW.status = 'paid' AND EXISTS (
            SELECT FROM transfer t WHERE (t.block_num, t.trx_in_block, t.op_in_trx) = (NEW.block_start, NEW.trx_idx, NEW.ops_idx)
                                     AND t.import_mark IS NOT NULL)
          OR login_is('operator')) THEN
    RAISE EXCEPTION 'stake row % does not begin as %', NEW.id, NEW.status USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER stake_row_begins BEFORE INSERT ON stake_row FOR EACH ROW WHEN (NOT (new.status = 'pending'::text OR new.status = 'paid'::text AND new.number = 0)) EXECUTE FUNCTION stake_row_begins();
