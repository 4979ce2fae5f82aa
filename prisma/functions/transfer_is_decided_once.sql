-- Nothing is changed of a transfer but that it is read, where its memo could not be read at first, and decided, once each.
CREATE OR REPLACE FUNCTION transfer_is_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'transfer %:%:% is decided once, and not changed otherwise', OLD.block_num, OLD.trx_in_block, OLD.op_in_trx
    USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER transfer_is_decided_once BEFORE UPDATE ON transfer FOR EACH ROW WHEN (NOT (old.status = 'unread'::text OR old.status = 'undecided'::text AND new.status = 'decided'::text)) EXECUTE FUNCTION transfer_is_decided_once();
