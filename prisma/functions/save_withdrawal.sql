-- One withdrawal, for payers of the version before.
CREATE OR REPLACE FUNCTION save_withdrawal(new_id uuid, of_payout uuid, new_txid text, new_bytes bytea, new_ref_block_num int,
                                           new_expiration_ms bigint, new_fee_shares bigint, epoch bigint,
                                           of_chain text, of_custodian text, of_name text)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN (save_withdrawals(jsonb_build_array(jsonb_build_object(
            'id', new_id, 'payoutId', of_payout, 'txid', new_txid, 'bytes', encode(new_bytes, 'hex'), 'refBlockNum', new_ref_block_num,
            'expirationMs', new_expiration_ms, 'fee', new_fee_shares)), epoch, of_chain, of_custodian, of_name))[1];
END $$;
