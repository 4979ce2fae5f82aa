-- Is it proved, as far as the ledger goes, that nothing was sent for this debt: no withdrawal that may still reach the chain, and no
-- transfer that is its payment? Twin: weighEvidence in packages/core/src/rules/payment-evidence.ts, and a test compares them.
-- `despite` is block:trx:op of a transfer that names the payout and pays something else.
CREATE OR REPLACE FUNCTION nothing_was_sent(debt payout, despite text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT NOT EXISTS (SELECT FROM withdrawal WHERE payout_id = debt.id AND status <> 'expired')
     AND NOT EXISTS (SELECT FROM transfer t
                      WHERE t.direction = 'out'
                        AND (t.payout_key = debt.key OR t.txid IN (SELECT txid FROM withdrawal WHERE payout_id = debt.id)
                             OR (debt.kind = 'deposit' AND t.memo_nonce = ANY (deposit_nonces(debt.key))))
                        AND (despite IS DISTINCT FROM operation_name(t.block_num, t.trx_in_block, t.op_in_trx)
                             OR (t.receiver = debt.payee AND t.amount_shares = debt.amount * 100000)))
$$;
