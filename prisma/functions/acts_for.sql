-- May this login act for this person? The login of the command line answers for itself. The login of the console names a user of the
-- console who may do that kind of thing, so that a receipt names a user who exists. (It proves no more: a thief with the login may name
-- any of them.)
CREATE OR REPLACE FUNCTION acts_for(person text, roles text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT login_is('operator')
      OR EXISTS (SELECT FROM console_user WHERE name = person AND role = ANY (roles) AND NOT disabled)
$$;
