-- Is a payout of this kind money that goes back to its sender? It has windows of its own. Twin: laneOf in packages/testkit/src/twins/limit-payment.ts.
CREATE OR REPLACE FUNCTION is_returned(kind text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT kind IN ('refund', 'base', 'stop')
$$;
