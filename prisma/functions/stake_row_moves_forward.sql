-- The status moves as STAKE_ROW_MOVES says (a test compares them pair by pair), and what is owed is not changed.
CREATE OR REPLACE FUNCTION stake_row_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (CASE OLD.status
      WHEN 'pending' THEN NEW.status IN ('processing', 'aborted')
      WHEN 'processing' THEN NEW.status IN ('confirmed', 'premature', 'pending')
      WHEN 'paid' THEN NEW.status = 'confirmed'
      ELSE false END) THEN
    RAISE EXCEPTION 'stake row % does not go from % to %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.id, OLD.nominator, OLD.digital_asset, OLD.amount, OLD.type, OLD.nonce, OLD.start, OLD.due, OLD.number,
      OLD.block_start, OLD.trx_idx, OLD.ops_idx)
     IS DISTINCT FROM
     (NEW.id, NEW.nominator, NEW.digital_asset, NEW.amount, NEW.type, NEW.nonce, NEW.start, NEW.due, NEW.number,
      NEW.block_start, NEW.trx_idx, NEW.ops_idx) THEN
    RAISE EXCEPTION 'stake row % says what is owed and is not changed', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  -- The console's login has no right to the table: it is here by `cancel_payout`.
  IF NEW.status = 'pending' AND OLD.status = 'processing' AND NOT login_is('operator') AND NOT login_is('console') THEN
    RAISE EXCEPTION 'stake row % goes back when an operator cancels its payout', OLD.id USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- A row is aborted by a stop that is being answered, made before the row fell due or after its payout was cancelled; or on its day,
  -- where it is a penalty that is waived or comes to nothing. A principal is returned, but for a penalty that takes all of it.
  IF NEW.status = 'aborted' AND OLD.status = 'pending' AND NOT (
      ((NEW.type = 'penalty' OR NEW.amount <= 0) AND NEW.due <= (SELECT block_time_ms FROM chain_cursor))
      OR EXISTS (SELECT FROM transfer t
                  WHERE t.sender = NEW.nominator AND t.status = 'undecided' AND t.request ->> 'type' IN ('open', 'stop')
                    AND t.request ->> 'type' = 'stop' AND t.direction = 'in'
                    AND (t.block_num, t.trx_in_block, t.op_in_trx) > (NEW.block_start, NEW.trx_idx, NEW.ops_idx)
                    AND (t.block_time_ms <= NEW.due
                         OR EXISTS (SELECT FROM payout_stake_row link JOIN payout p ON p.id = link.payout_id
                                     WHERE link.stake_row_id = NEW.id AND p.status = 'cancelled')))
         AND (NEW.type <> 'base_amount' OR EXISTS (
           SELECT FROM agreement a WHERE a.nominator = NEW.nominator AND (a.terms ->> 'penaltyBps')::bigint >= 10000))
      OR login_is('owner')) THEN
    RAISE EXCEPTION 'stake row % is not aborted: its nominator has made no stop that ends it', OLD.id
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER stake_row_moves_forward BEFORE UPDATE ON stake_row FOR EACH ROW EXECUTE FUNCTION stake_row_moves_forward();
