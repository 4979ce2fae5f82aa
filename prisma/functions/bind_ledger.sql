-- Binds the ledger to a chain and to a custodian's account, at its first start. Returns what it is bound to, which another account
-- finds out by comparing: nothing is ever bound twice.
CREATE OR REPLACE FUNCTION bind_ledger(of_chain text, of_custodian text, of_name text)
RETURNS ledger_account LANGUAGE plpgsql AS $$
DECLARE
  bound ledger_account%ROWTYPE;
BEGIN
  SELECT * INTO bound FROM ledger_account;
  IF NOT FOUND THEN
    INSERT INTO ledger_account (chain_id, custodian_id, custodian_name) VALUES (of_chain, of_custodian, of_name)
      ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT bound FROM ledger_account;
  END IF;
  RETURN bound;
END $$;
