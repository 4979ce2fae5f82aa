-- These rows are written once.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a row of % is written once and never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON agreement FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON balance_adjustment FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON recorded_transfer FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON cancel_request FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON ledger_account FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON memo_key FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON lost_memo_key FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON payment_limits FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON payout_approval FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON payout_stake_row FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON payout_request FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON watcher_note FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON receipt FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER written_once BEFORE UPDATE ON hash_chain_entry FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- When it was signed is what the caps per hour and day count by.
CREATE OR REPLACE TRIGGER signed_once BEFORE UPDATE ON withdrawal FOR EACH ROW
  WHEN (old.signed_ms IS DISTINCT FROM new.signed_ms) EXECUTE FUNCTION refuse_change();
