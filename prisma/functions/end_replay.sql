-- An operator ends a replay before its last block; what was read stays. Returns false: it is over already.
CREATE OR REPLACE FUNCTION end_replay(of_order bigint, details jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  old replay_order%ROWTYPE;
BEGIN
  PERFORM needs_person(details, ARRAY['operator']);
  UPDATE replay_order SET ended_at = now(), ended_by = details ->> 'actor', remark = details ->> 'reason'
   WHERE id = of_order AND ended_at IS NULL RETURNING * INTO old;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO receipt (event, subject, details)
  VALUES ('replay.ended', format('%s-%s', old.from_block, old.to_block),
          details || jsonb_build_object('readUpTo', old.next_block - 1, 'transfersAdded', old.transfers_added));
  RETURN true;
END $$;
