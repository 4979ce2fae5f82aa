-- Creates one payout of 1 BTS to the payee of a payout that has failed, about that payout. Ingester and payer may create no other
-- payout. Returns false when it is there already.
CREATE OR REPLACE FUNCTION create_notice(new_id uuid, new_key text, new_payee text, new_amount bigint, new_memo text, new_due bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF new_amount <> 1 OR new_key NOT LIKE 'notice:%'
     OR NOT EXISTS (SELECT FROM payout WHERE key = substr(new_key, 8) AND payee = new_payee
                                         AND status = 'failed' AND kind <> 'notice') THEN
    RAISE EXCEPTION 'payout % is not a notice of 1 BTS about a payout that has failed', new_key
      USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO payout (id, key, kind, payee, amount, memo, due, status)
  VALUES (new_id, new_key, 'notice', new_payee, new_amount, new_memo, new_due, 'due') ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;
