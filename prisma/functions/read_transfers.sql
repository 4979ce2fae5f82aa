-- Memos that were read at last, because the memo key that was missing is there now: [{blockNum, trxInBlock, opInTrx, memoStatus, memoText,
-- request, payoutKey, replayed, direction}]. Only of transfers that are unread, and nothing else of them: what is decided stays so.
-- Returns the places of those that were unread until now.
CREATE OR REPLACE FUNCTION read_transfers(memos jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  IF NOT (login_is('ingester') OR login_is('operator')) THEN
    RAISE EXCEPTION 'memos are read by ingesters, and % is none', session_user USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN QUERY
    UPDATE transfer
       SET status = CASE transfer.direction WHEN 'in' THEN 'undecided' ELSE 'decided' END,
           memo_status = new."memoStatus", memo_text = new."memoText", payout_key = new."payoutKey", replayed = new.replayed,
           request = CASE transfer.direction WHEN 'in' THEN new.request END,
           sender_is_lifetime_member = new."senderIsLifetimeMember"
      FROM jsonb_to_recordset(memos) AS new ("blockNum" int, "trxInBlock" int, "opInTrx" int, "memoStatus" text, "memoText" text,
                                             request jsonb, "payoutKey" text, replayed boolean, "senderIsLifetimeMember" boolean)
     WHERE (block_num, trx_in_block, op_in_trx) = ("blockNum", "trxInBlock", "opInTrx") AND transfer.status = 'unread'
    RETURNING block_num || ':' || trx_in_block || ':' || op_in_trx;
END $$;
