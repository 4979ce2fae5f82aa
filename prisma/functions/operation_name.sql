-- The name of a place in the chain, block:trx:op, and block:trx:op.v of what the chain carried out itself. Twin: operationId in
-- packages/kernel/src/operation-id.ts, and a test compares them.
CREATE OR REPLACE FUNCTION operation_name(block int, trx int, op int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT block::text || ':' || trx::text || ':' || CASE WHEN block = 0 OR op < 65536 THEN op::text ELSE (op % 65536)::text || '.' || (op / 65536)::text END
$$;
