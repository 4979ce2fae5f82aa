-- The status moves as PAYOUT_MOVES says (a test compares them pair by pair), and what is owed to whom is not changed.
-- A condition that reads a table is an IF of its own within another: PL/pgSQL starts a query for it even where AND would not get there.
CREATE OR REPLACE FUNCTION payout_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (CASE OLD.status
      WHEN 'due' THEN NEW.status IN ('ready', 'signed', 'confirmed', 'held', 'cancelled')
      WHEN 'ready' THEN NEW.status IN ('signed', 'waiting_funds', 'confirmed', 'held', 'failed', 'cancelled')
      WHEN 'signed' THEN NEW.status IN ('sent', 'confirmed', 'ready', 'held', 'failed')
      WHEN 'sent' THEN NEW.status IN ('confirmed', 'ready', 'held', 'failed')
      WHEN 'waiting_funds' THEN NEW.status IN ('ready', 'signed', 'confirmed', 'held', 'failed', 'cancelled')
      WHEN 'held' THEN NEW.status IN ('ready', 'confirmed', 'failed', 'cancelled')
      WHEN 'failed' THEN NEW.status IN ('ready', 'confirmed', 'cancelled')
      ELSE false END) THEN
    RAISE EXCEPTION 'payout % does not go from % to %', OLD.key, OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.id, OLD.key, OLD.kind, OLD.payee, OLD.amount, OLD.memo, OLD.due)
     IS DISTINCT FROM (NEW.id, NEW.key, NEW.kind, NEW.payee, NEW.amount, NEW.memo, NEW.due) THEN
    RAISE EXCEPTION 'payout % is a debt and is not changed', OLD.key USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.status = 'confirmed' THEN
    IF NOT EXISTS (SELECT FROM settlement WHERE payout_id = NEW.id AND block_num = NEW.block_processed) THEN
      RAISE EXCEPTION 'payout % is confirmed by the transfer that settles it, and has none', OLD.key
        USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  -- A live withdrawal may still reach the chain: until it is dead the payout can only be confirmed.
  IF NEW.status IN ('ready', 'failed', 'held', 'cancelled') AND OLD.status IN ('signed', 'sent') THEN
    IF EXISTS (SELECT FROM withdrawal WHERE payout_id = OLD.id AND status IN ('signed', 'broadcast')) THEN
      RAISE EXCEPTION 'payout % has a live withdrawal', OLD.key USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  -- Each process has moves of its own. Others could make a debt vanish, or let go what a person has held.
  IF NEW.status <> OLD.status AND (NEW.status IN ('cancelled', 'held', 'failed', 'waiting_funds')
                                   OR (NEW.status = 'ready' AND OLD.status IN ('held', 'failed'))) THEN
    IF NOT (CASE
        -- The console's has no right to the table: it is here by a function that checks.
        WHEN NEW.status = 'cancelled' THEN login_is('operator') OR login_is('console')
        WHEN NEW.status = 'held' THEN
          login_is('operator') OR login_is('console') OR login_is('payer')
          OR (OLD.status = 'due' AND login_is('scheduler'))
        WHEN NEW.status = 'failed' THEN
          login_is('operator') OR login_is('payer') OR (OLD.status IN ('signed', 'sent') AND login_is('ingester'))
        WHEN NEW.status = 'waiting_funds' THEN login_is('operator') OR login_is('payer')
        ELSE login_is('operator') OR login_is('console') END) THEN
      RAISE EXCEPTION 'payout % goes from % to % by another login than that of %', OLD.key, OLD.status, NEW.status, session_user
        USING ERRCODE = 'insufficient_privilege';
    END IF;
  END IF;
  -- What moved is worth looking at soon again.
  IF NEW.status <> OLD.status THEN NEW.enqueued_again := 0; END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER payout_moves BEFORE UPDATE ON payout FOR EACH ROW EXECUTE FUNCTION payout_moves();
