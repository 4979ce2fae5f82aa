-- Saves signed bytes: from here on each payout can only be confirmed, or wait until its withdrawal is dead (ADR 0003). The first
-- payer wins, and only from the account that the ledger is of, within the limits, while no freeze stops payments and no recovery hold
-- is placed. Answers for each, in the order given; 'payments_off' means every kind of "not now".
-- Locks: the control row, so that a freeze or a new epoch comes before or after and not between; the payout rows, so that the
-- second of two payers waits and finds the payouts moved.
-- While there are limits, one is saved after the other, and those before it count. Without them all are written in a few statements.
CREATE OR REPLACE FUNCTION save_withdrawals(new_withdrawals jsonb, epoch bigint, of_chain text, of_custodian text, of_name text)
RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[] := ARRAY(SELECT (given ->> 'payoutId')::uuid
                        FROM jsonb_array_elements(new_withdrawals) WITH ORDINALITY AS list (given, place) ORDER BY place);
  bound ledger_account%ROWTYPE := bind_ledger(of_chain, of_custodian, of_name);
  newest_epoch bigint;
  refusal text;
  limited boolean;
  given jsonb;
  answers text[] := '{}';
  moving uuid[];
BEGIN
  SELECT writer_epoch INTO STRICT newest_epoch FROM control WHERE id = 1 FOR NO KEY UPDATE;
  refusal := CASE
    WHEN (bound.chain_id, bound.custodian_id) IS DISTINCT FROM (of_chain, of_custodian) THEN 'another_account'
    WHEN newest_epoch <> epoch THEN 'epoch_over'
    WHEN is_frozen() OR is_on_recovery_hold() THEN 'payments_off'
  END;
  IF refusal IS NOT NULL THEN RETURN array_fill(refusal, ARRAY[cardinality(ids)]); END IF;
  SELECT num_nonnulls(payment_cap, hour_cap, day_cap, approval_from, return_hour_cap, return_day_cap) > 0 INTO limited
    FROM payment_limits ORDER BY id DESC LIMIT 1;
  IF limited AND cardinality(ids) > 1 THEN
    FOR given IN SELECT one FROM jsonb_array_elements(new_withdrawals) WITH ORDINALITY AS list (one, place) ORDER BY place LOOP
      answers := answers || save_withdrawals(jsonb_build_array(given), epoch, of_chain, of_custodian, of_name);
    END LOOP;
    RETURN answers;
  END IF;

  PERFORM FROM payout WHERE id = ANY (ids) ORDER BY id FOR UPDATE;
  IF EXISTS (SELECT FROM unnest(ids) AS asked (id) WHERE (SELECT true FROM payout p WHERE p.id = asked.id) IS NULL) THEN
    RAISE EXCEPTION 'a withdrawal for a payout that the ledger does not have' USING ERRCODE = 'no_data_found';
  END IF;
  moving := ARRAY(SELECT id FROM unnest(ids) AS asked (id)
                   WHERE (SELECT status FROM payout p WHERE p.id = asked.id) IN ('due', 'ready', 'waiting_funds'));
  IF limited AND cardinality(moving) > 0 THEN
    CASE limit_payment(ids[1])
      WHEN 'go' THEN NULL;
      WHEN 'held' THEN RETURN ARRAY['payout_moved'];
      WHEN 'later' THEN RETURN ARRAY['payments_off'];
    END CASE;
  END IF;
  UPDATE payout SET status = 'signed', reason = NULL, limited_by = NULL, waiting_since = NULL, attempts = attempts + 1,
                    enqueued_at = now(), updated_at = now()
   WHERE id = ANY (moving);
  INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch,
                          signed_ms)
  SELECT id, "payoutId", txid, decode(bytes, 'hex'), "refBlockNum", "expirationMs", fee, 'signed', epoch,
         coalesce((SELECT block_time_ms FROM chain_cursor), "expirationMs")
    FROM jsonb_to_recordset(new_withdrawals)
      AS given (id uuid, "payoutId" uuid, txid text, bytes text, "refBlockNum" int, "expirationMs" bigint, fee bigint)
   WHERE "payoutId" = ANY (moving);
  RETURN ARRAY(SELECT CASE WHEN id = ANY (moving) THEN 'saved' ELSE 'payout_moved' END
                 FROM unnest(ids) WITH ORDINALITY AS asked (id, place) ORDER BY place);
END $$;
