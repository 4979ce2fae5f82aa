-- Sets one event aside: an incoming transfer that is not decided (its place), one of a block that the ledger has yet to read, whose
-- row the database refuses, or a stake row that is pending (its id). It is not answered, or not written, until an operator resumes it,
-- and what comes after it goes on. 'set_aside', 'there' (it is set aside already) or 'unknown' (there is nothing of this name that
-- waits). Only people may: it can keep a debt from falling due. The receipt is written here, so that a thief with a login that
-- may do this cannot leave it out: people are told of each. The caller holds the lock of events, so that it comes between two steps.
CREATE OR REPLACE FUNCTION set_event_aside(of_event text, by_whom text, why text, action text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  details jsonb := jsonb_strip_nulls(jsonb_build_object('actor', by_whom, 'reason', why, 'action', action));
BEGIN
  PERFORM needs_person(details, ARRAY['operator']);
  IF is_set_aside(of_event) THEN RETURN 'there'; END IF;
  IF NOT EXISTS (SELECT FROM transfer WHERE status = 'undecided' AND operation_name(block_num, trx_in_block, op_in_trx) = of_event)
     AND NOT EXISTS (SELECT FROM stake_row WHERE id = of_event AND status = 'pending')
     AND NOT (of_event ~ '^[0-9]{1,9}:[0-9]{1,9}:[0-9]{1,9}([.][0-9]{1,5})?$'
              AND split_part(of_event, ':', 1)::int > coalesce((SELECT block_num FROM chain_cursor), 0)) THEN
    RETURN 'unknown';
  END IF;
  INSERT INTO event_set_aside (event, actor, reason) VALUES (of_event, by_whom, why);
  INSERT INTO receipt (event, subject, details)
  VALUES ('event.set_aside', of_event, details || jsonb_build_object('todo',
            format('when its cause is gone: stakebts transfers resume %s --reason ''…''', of_event)));
  RETURN 'set_aside';
END $$;
