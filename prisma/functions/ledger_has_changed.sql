-- Tells the console, which listens, that there is something new. A transaction says it once, however much it writes, and does not
-- wait for the console; without a listener it costs next to nothing.
CREATE OR REPLACE FUNCTION ledger_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('stakebts_changed', '');
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER ledger_has_changed AFTER INSERT ON receipt FOR EACH STATEMENT EXECUTE FUNCTION ledger_has_changed();
CREATE OR REPLACE TRIGGER ledger_has_changed AFTER INSERT OR UPDATE ON chain_cursor FOR EACH STATEMENT EXECUTE FUNCTION ledger_has_changed();
