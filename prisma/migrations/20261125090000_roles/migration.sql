-- One database role for each kind of process, and the few writes that a process may ask for without having the right to
-- the table: as functions that look at the ledger before they write. ADR 0020. Who may do what is not here but in
-- packages/core/src/adapters/postgres/rights.ts, and is set anew after every migration and every restore.
-- By hand: Prisma knows neither roles nor functions. Lock: none, nothing that is there is changed. A program of the version
-- before goes on with the owner's login, which may do everything as before.
-- Back: drop the functions and the trigger named here; the roles may stay, or go with DROP OWNED BY … and DROP ROLE.

-- Roles belong to the whole server: another database, or another migration at this moment, may have made them. A user
-- who may not create roles is told so by `stakebts db migrate`, and everything else is done all the same.
-- Returns the roles that are not there.
CREATE FUNCTION ensure_process_roles() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  role text;
  missing text[] := '{}';
BEGIN
  FOREACH role IN ARRAY ARRAY['stakebts_backup', 'stakebts_console', 'stakebts_ingester', 'stakebts_operator',
                              'stakebts_payer', 'stakebts_scheduler', 'stakebts_watcher'] LOOP
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
      END IF;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN missing := missing || role;
    END;
  END LOOP;
  RETURN missing;
END $$;
SELECT ensure_process_roles();

-- One debt of 1 BTS, to the payee of a payout that has failed and about that payout. It is the only debt that ingester
-- and payer may write down. false: it is there already.
CREATE FUNCTION create_notice(new_id uuid, new_key text, new_payee text, new_amount bigint, new_memo text, new_due bigint)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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

-- Payouts that are paid, with the rows that each settles. Only by a payment that the ledger has from the chain: a
-- withdrawal of this payout that is confirmed in that block, or an outgoing transfer in it of that amount to the payee.
-- What is confirmed already stays as it is; what an operator cancelled stays cancelled. Neither is counted.
CREATE FUNCTION confirm_payouts(ids uuid[], blocks int[], times bigint[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  unpaid text;
  confirmed bigint;
BEGIN
  SELECT p.key INTO unpaid
    FROM unnest(ids, blocks) AS f (id, block_num) JOIN payout p ON p.id = f.id
   WHERE p.status NOT IN ('confirmed', 'cancelled')
     AND NOT EXISTS (SELECT FROM withdrawal w
                      WHERE w.payout_id = p.id AND w.status = 'confirmed' AND w.block_num = f.block_num)
     AND NOT EXISTS (SELECT FROM transfer t
                      WHERE t.block_num = f.block_num AND t.direction = 'out' AND t.receiver = p.payee
                        AND t.asset_id = '1.3.0' AND t.amount_shares = p.amount * 100000)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'payout % is not confirmed: the ledger knows no payment of it in that block', unpaid
      USING ERRCODE = 'check_violation';
  END IF;
  WITH found AS (
    SELECT * FROM unnest(ids, blocks, times) AS f (id, block_num, time_ms)
  ), moved AS (
    UPDATE payout SET status = 'confirmed', reason = NULL, block_processed = f.block_num, processed = f.time_ms,
                      updated_at = now()
      FROM found f
     WHERE payout.id = f.id AND payout.status NOT IN ('confirmed', 'cancelled')
    RETURNING payout.id, f.block_num, f.time_ms
  ), settled AS (
    UPDATE stake_row SET status = link.settles_as, block_processed = moved.block_num, processed = moved.time_ms
      FROM payout_stake_row link JOIN moved ON moved.id = link.payout_id
     WHERE stake_row.id = link.stake_row_id AND stake_row.status IN ('processing', 'paid')
  )
  SELECT count(*) INTO confirmed FROM moved;
  RETURN confirmed;
END $$;

-- A payout that waits for a person goes back to the payer, with its job and its receipt, for one more attempt. The
-- service looks first and answers in words (services/operator/requeue-payout.ts); this is what the database grants
-- whoever asks: nothing while an attempt is alive or the recovery hold is up, and nothing for a debt whose payment the ledger
-- knows. despite: block:trx:op of a transfer that names the payout and pays something else.
-- false: somebody else moved it, or what is known of it has changed.
CREATE FUNCTION requeue_payout(of_payout uuid, was text, job_id text, event text, details jsonb, despite text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  debt payout%ROWTYPE;
BEGIN
  IF event NOT IN ('payout.requeued', 'payout.released')
     OR coalesce(details ->> 'actor', '') = '' OR coalesce(details ->> 'reason', '') = '' THEN
    RAISE EXCEPTION 'a payout is requeued by somebody and for a reason' USING ERRCODE = 'check_violation';
  END IF;
  -- The apply events's: an ingester that finds the payment by its key takes it too.
  PERFORM pg_advisory_xact_lock(7270001);
  SELECT * INTO debt FROM payout WHERE id = of_payout FOR UPDATE;
  IF NOT FOUND OR debt.status <> was OR was NOT IN ('failed', 'held') THEN RETURN false; END IF;
  IF EXISTS (SELECT FROM control
              WHERE recovery_hold_until_ms IS NOT NULL OR database_identity IS DISTINCT FROM database_identity())
     OR EXISTS (SELECT FROM withdrawal WHERE payout_id = of_payout AND status <> 'expired')
     OR EXISTS (SELECT FROM transfer t
                 WHERE t.direction = 'out'
                   AND (t.payout_key = debt.key OR t.txid IN (SELECT txid FROM withdrawal WHERE payout_id = of_payout))
                   AND (despite IS DISTINCT FROM format('%s:%s:%s', t.block_num, t.trx_in_block, t.op_in_trx)
                        OR (t.receiver = debt.payee AND t.amount_shares = debt.amount * 100000))) THEN
    RETURN false;
  END IF;
  UPDATE payout SET status = 'ready', reason = NULL, waiting_since = NULL, updated_at = now() WHERE id = of_payout;
  INSERT INTO outbox (job_id, kind, data, delay_ms)
  VALUES (requeue_payout.job_id, 'payout.pay', jsonb_build_object('payoutId', of_payout), 0)
  ON CONFLICT DO NOTHING;
  INSERT INTO receipt (event, subject, details)
  VALUES (requeue_payout.event, debt.key,
          requeue_payout.details || jsonb_build_object('payoutId', of_payout, 'payee', debt.payee,
            'amount', debt.amount::text, 'was', debt.status, 'because', debt.reason, 'despite', despite));
  RETURN true;
END $$;

-- A payout that a limit holds goes back to the payer, with its job, once a second person has approved it (is_approved).
-- false: no limit holds it, or nobody has.
CREATE FUNCTION release_approved(of_payout uuid, job_id text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  debt payout%ROWTYPE;
BEGIN
  PERFORM FROM control WHERE id = 1 FOR NO KEY UPDATE; -- No payer reckons with it meanwhile.
  SELECT * INTO debt FROM payout WHERE id = of_payout FOR UPDATE;
  IF NOT FOUND OR debt.status <> 'held' OR debt.limited_by IS NULL OR NOT is_approved(debt) THEN RETURN false; END IF;
  UPDATE payout SET status = 'ready', reason = NULL, waiting_since = NULL, updated_at = now() WHERE id = of_payout;
  INSERT INTO outbox (job_id, kind, data, delay_ms)
  VALUES (release_approved.job_id, 'payout.pay', jsonb_build_object('payoutId', of_payout), 0) ON CONFLICT DO NOTHING;
  RETURN true;
END $$;

-- Any process that finds something wrong may stop payments. That they go on is for people: whoever may freeze nominations
-- (the command line, the console, the owner) may say so.
CREATE FUNCTION people_switch_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT has_column_privilege('control', 'accepting_on', 'UPDATE') THEN
    RAISE EXCEPTION 'payments are switched on by people, and % is a process', current_user
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER people_switch_on BEFORE UPDATE ON control FOR EACH ROW
  WHEN (NEW.payments_on AND NOT OLD.payments_on) EXECUTE FUNCTION people_switch_on();
