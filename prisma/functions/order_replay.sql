-- An operator wants blocks read again that the cursor has passed; an ingester does it while payments are off. Nothing of it is believed
-- but the numbers: the ingester reads the blocks from its nodes. Returns its number; null: one is open already.
CREATE OR REPLACE FUNCTION order_replay(first integer, last integer, details jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  number bigint;
BEGIN
  PERFORM needs_person(details, ARRAY['operator']);
  IF first < 1 OR last < first OR last - first >= 1000000 OR last > coalesce((SELECT block_num FROM chain_cursor), 0) THEN
    RAISE EXCEPTION 'blocks % to % are not at most a million that the cursor has passed', first, last USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO replay_order (from_block, to_block, next_block, actor, reason)
  VALUES (first, last, first, details ->> 'actor', details ->> 'reason') ON CONFLICT DO NOTHING RETURNING id INTO number;
  IF number IS NOT NULL THEN
    INSERT INTO receipt (event, subject, details)
    VALUES ('replay.ordered', format('%s-%s', first, last), details || jsonb_build_object('blocks', last - first + 1));
  END IF;
  RETURN number;
END $$;
