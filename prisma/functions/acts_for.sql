-- May this login act for this person? The command line's answers for itself. The console's names a user of the console who may do that
-- kind of thing, so that a receipt names somebody who is there. (It proves no more: whoever has the login may name any of them.)
CREATE OR REPLACE FUNCTION acts_for(person text, roles text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT login_is('operator')
      OR EXISTS (SELECT FROM console_user WHERE name = person AND role = ANY (roles) AND NOT disabled)
$$;
