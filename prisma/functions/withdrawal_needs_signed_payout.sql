-- Only a payout that is being signed gets a withdrawal: not one that is paid, and not one that is on its way.
CREATE OR REPLACE FUNCTION withdrawal_needs_signed_payout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Found by its id alone: by the index over statuses it would be looked for among all that are signed.
  IF (SELECT status FROM payout WHERE id = NEW.payout_id) IS DISTINCT FROM 'signed' THEN
    RAISE EXCEPTION 'withdrawal % for a payout that is not being signed', NEW.txid USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER withdrawal_needs_signed_payout BEFORE INSERT ON withdrawal FOR EACH ROW EXECUTE FUNCTION withdrawal_needs_signed_payout();
