-- Throws unless the details name a person for whom this login may act, and a reason. Both end in the receipt.
CREATE OR REPLACE FUNCTION needs_person(details jsonb, roles text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(details ->> 'actor', '') = '' OR coalesce(details ->> 'reason', '') = '' THEN
    RAISE EXCEPTION 'this is done by a named person and for a reason' USING ERRCODE = 'check_violation';
  END IF;
  IF NOT acts_for(details ->> 'actor', roles) THEN
    RAISE EXCEPTION '% is no user of the console who may do this', details ->> 'actor' USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;
