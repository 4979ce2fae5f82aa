import { operationId } from "@stakebts/kernel/operation-id";
import type { NewAgreement, NewReceipt, NewTransfer } from "../ledger.ts";
import type { NewJob } from "../../queue/queue.ts";
import type { DatabaseTx } from "../../database/client.ts";
import { fromAgreement, fromJob, fromStakeRow, fromTransfer } from "./rows.ts";

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
    INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, txid, sender, receiver, sender_id,
                          sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, memo_text,
                          request, payout_key, import_mark, memo_nonce, replayed, status)
    SELECT "blockNum", "trxInBlock", "opInTrx", "blockTimeMs", direction, txid, sender, receiver, "senderId",
           "senderIsLifetimeMember", "amountShares", "assetId", "feeShares", "memoStatus", "memoText",
           request, "payoutKey", "importMark", "memoNonce", replayed, status
      FROM jsonb_to_recordset(${json(transfers.map(fromTransfer))}::jsonb) AS new (
             "blockNum" int, "trxInBlock" int, "opInTrx" int, "blockTimeMs" bigint, direction text, txid text,
             sender text, receiver text, "senderId" text, "senderIsLifetimeMember" boolean, "amountShares" bigint, "assetId" text,
             "feeShares" bigint, "memoStatus" text, "memoText" text, request jsonb, "payoutKey" text,
             "importMark" jsonb, "memoNonce" text, replayed boolean, status text)
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

/**
 * Adds those whose event and subject are not there yet. `|| ''` keeps the index on events out of it: all of them have one,
 * and each would be compared with all.
 */
export function insertReceiptsOnce(db: DatabaseTx, receipts: readonly NewReceipt[]): Promise<number> {
  return db.$executeRaw`
    INSERT INTO receipt (event, subject, chain_time_ms, details)
    SELECT event, subject, "chainTimeMs", details
      FROM jsonb_to_recordset(${json(receipts)}::jsonb)
        AS new (event text, subject text, "chainTimeMs" bigint, details jsonb)
     WHERE NOT EXISTS (SELECT FROM receipt old WHERE old.subject = new.subject AND old.event || '' = new.event)`;
}

/** Writes the agreements whose place is free, with their rows, and returns them. */
export async function insertAgreements(
  db: DatabaseTx,
  agreements: readonly NewAgreement[],
): Promise<readonly NewAgreement[]> {
  const written = await db.$queryRaw<{ at: string }[]>`
    INSERT INTO agreement (block_start, trx_idx, ops_idx, nominator, amount, months, start, terms)
    SELECT "blockStart", "trxIdx", "opsIdx", nominator, amount, months, start, terms
      FROM jsonb_to_recordset(${json(agreements.map(({ agreement }) => fromAgreement(agreement)))}::jsonb) AS new (
             "blockStart" int, "trxIdx" int, "opsIdx" int, nominator text, amount bigint, months int, start bigint,
             terms jsonb)
        ON CONFLICT DO NOTHING
    RETURNING block_start || ':' || trx_idx || ':' || ops_idx AS at`;
  const isNew = new Set(written.map((row) => row.at));
  const fresh = agreements.filter(({ agreement }) => isNew.delete(operationId(agreement.operation)));
  const rows = fresh.flatMap((one) => one.rows.map(fromStakeRow));
  if (rows.length > 0)
    await db.$executeRaw`
    INSERT INTO stake_row (id, nominator, digital_asset, amount, type, nonce, start, due, processed, status,
                           block_start, trx_idx, ops_idx, block_processed, number)
    SELECT id, nominator, "digitalAsset", amount, type, nonce, start, due, processed, status,
           "blockStart", "trxIdx", "opsIdx", "blockProcessed", number
      FROM jsonb_to_recordset(${json(rows)}::jsonb) AS new (
             id text, nominator text, "digitalAsset" text, amount bigint, type text, nonce bigint, start bigint,
             due bigint, processed bigint, status text, "blockStart" int, "trxIdx" int, "opsIdx" int,
             "blockProcessed" int, number int)`;
  return fresh;
}

export async function insertJobs(db: DatabaseTx, jobs: readonly NewJob[]): Promise<void> {
  await db.$executeRaw`
    INSERT INTO outbox (job_id, kind, data, delay_ms)
    SELECT "jobId", kind, data, "delayMs"
      FROM jsonb_to_recordset(${json(jobs.map(fromJob))}::jsonb)
        AS new ("jobId" text, kind text, data jsonb, "delayMs" bigint)
        ON CONFLICT DO NOTHING`;
}
