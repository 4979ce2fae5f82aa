-- The nonces that the payments of a debt can have, as digits. A deposit at an exchange, whose memo is the exchange's to choose, is known
-- by them. Twin: memoNonces in packages/core/src/ledger/ids.ts, and a test compares them.
CREATE OR REPLACE FUNCTION deposit_nonces(key text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT array_agg((('x' || substr(digest, 1, 8))::bit(32)::bigint::numeric * 4294967296
                    + ('x' || substr(digest, 9, 8))::bit(32)::bigint)::text ORDER BY attempt)
    FROM (SELECT attempt, encode(sha256(convert_to(format('memo %s %s', key, attempt), 'UTF8')), 'hex') AS digest
            FROM generate_series(1, 100) AS attempt) AS digests
$$;
