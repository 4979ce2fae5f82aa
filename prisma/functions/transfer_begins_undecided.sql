-- An ingester writes what it has read. What an incoming transfer comes to is decided later, once; what an import knows of it is an
-- operator's word.
CREATE OR REPLACE FUNCTION transfer_begins_undecided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.direction = 'in' AND NEW.status NOT IN ('undecided', 'unread') AND NOT login_is('owner'))
     OR (NEW.import_mark IS NOT NULL AND NOT login_is('operator')) THEN
    RAISE EXCEPTION 'transfer %:%:% begins as undecided or unread, and without the mark of an import',
      NEW.block_num, NEW.trx_in_block, NEW.op_in_trx USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER transfer_begins_undecided BEFORE INSERT ON transfer FOR EACH ROW WHEN (new.direction = 'in'::text AND (new.status <> ALL (ARRAY['undecided'::text, 'unread'::text])) OR new.import_mark IS NOT NULL) EXECUTE FUNCTION transfer_begins_undecided();
