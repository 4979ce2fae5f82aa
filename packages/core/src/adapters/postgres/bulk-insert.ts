import type { NewReceipt, NewTransfer } from "../../ports/ledger.ts";
import type { Ring } from "../../ports/queue.ts";
import type { DatabaseTx } from "./client.ts";
import { fromRing, fromTransfer } from "./rows.ts";

// Rows by the hundred, as one JSON parameter each: while catching up a batch of blocks brings thousands, and a client
// that binds every column of every row is what takes the time then.

/**
 * Postgres keeps neither the NUL character nor half a surrogate pair in text. Both can come in a memo or in a node's
 * message; U+FFFD stands for what was not text anyway.
 */
const storable = (_key: string, value: unknown): unknown => {
  if (typeof value === "bigint") return `${value}`;
  return typeof value === "string" ? value.replace(/\0|\p{Surrogate}/gu, "\u{FFFD}") : value;
};
const json = (rows: readonly unknown[]): string => JSON.stringify(rows, storable);

/** Writes those that are not there yet, and returns them. */
export async function insertTransfers(
  db: DatabaseTx,
  transfers: readonly NewTransfer[],
): Promise<readonly NewTransfer[]> {
  const written = await db.$queryRaw<{ at: string }[]>`
    INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, txid, sender, receiver,
                          sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, memo_text,
                          request, payout_key, memo_nonce, replayed, status)
    SELECT "blockNum", "trxInBlock", "opInTrx", "blockTimeMs", direction, txid, sender, receiver,
           "senderIsLifetimeMember", "amountShares", "assetId", "feeShares", "memoStatus", "memoText",
           request, "payoutKey", "memoNonce", replayed, status
      FROM jsonb_to_recordset(${json(transfers.map(fromTransfer))}::jsonb) AS new (
             "blockNum" int, "trxInBlock" int, "opInTrx" int, "blockTimeMs" bigint, direction text, txid text,
             sender text, receiver text, "senderIsLifetimeMember" boolean, "amountShares" bigint, "assetId" text,
             "feeShares" bigint, "memoStatus" text, "memoText" text, request jsonb, "payoutKey" text,
             "memoNonce" text, replayed boolean, status text)
        ON CONFLICT DO NOTHING
    RETURNING block_num || ':' || trx_in_block || ':' || op_in_trx AS at`;
  const isNew = new Set(written.map((row) => row.at));
  return transfers.filter(({ operation: { blockNum, trxInBlock, opInTrx } }) =>
    isNew.delete(`${blockNum}:${trxInBlock}:${opInTrx}`),
  );
}

export async function insertReceipts(db: DatabaseTx, receipts: readonly NewReceipt[]): Promise<void> {
  await db.$executeRaw`
    INSERT INTO receipt (event, subject, chain_time_ms, details)
    SELECT event, subject, "chainTimeMs", details
      FROM jsonb_to_recordset(${json(receipts)}::jsonb)
        AS new (event text, subject text, "chainTimeMs" bigint, details jsonb)`;
}

export async function insertRings(db: DatabaseTx, rings: readonly Ring[]): Promise<void> {
  await db.$executeRaw`
    INSERT INTO outbox (ring_id, kind, data, delay_ms)
    SELECT "ringId", kind, data, "delayMs"
      FROM jsonb_to_recordset(${json(rings.map(fromRing))}::jsonb)
        AS new ("ringId" text, kind text, data jsonb, "delayMs" bigint)
        ON CONFLICT DO NOTHING`;
}
