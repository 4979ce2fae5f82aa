import { bts } from "@stakebts/kernel/amount";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import { type Database, Prisma } from "../database/client.ts";
import type { SettlementMatch } from "../ledger/ledger.ts";
import type { PayoutId, PayoutKey } from "../rules/payout.ts";
import type { SettlementsToCheck } from "./monitor-ledger.ts";

interface Row extends OperationPosition {
  readonly payoutId: PayoutId;
  readonly key: PayoutKey;
  readonly payee: string;
  readonly amount: bigint;
  readonly matchedBy: SettlementMatch;
  readonly txids: readonly string[];
  readonly createdAt: Date;
}

/** Table settlement, as a watcher uses it. */
export const settlementsToCheck = (db: Database): SettlementsToCheck => ({
  async unchecked({ before, limit }) {
    const rest =
      before === undefined
        ? Prisma.empty
        : Prisma.sql`AND (s.created_at, s.payout_id) < (${new Date(before.createdAtMs)}::timestamptz, ${before.payoutId}::uuid)`;
    const rows = await db.$queryRaw<Row[]>`
      SELECT s.payout_id AS "payoutId", p.key, p.payee, p.amount, s.block_num AS "blockNum", s.trx_in_block AS "trxInBlock",
             s.op_in_trx AS "opInTrx", s.matched_by AS "matchedBy", s.created_at AS "createdAt",
             ARRAY(SELECT w.txid FROM withdrawal w WHERE w.payout_id = s.payout_id) AS txids
        FROM settlement s JOIN payout p ON p.id = s.payout_id
       WHERE s.checked_at IS NULL ${rest}
       ORDER BY s.created_at DESC, s.payout_id DESC LIMIT ${limit}`;
    return rows.map(({ blockNum, trxInBlock, opInTrx, createdAt, amount, ...row }) => ({
      ...row,
      amount: bts(amount),
      by: { blockNum, trxInBlock, opInTrx },
      createdAtMs: createdAt.getTime(),
    }));
  },
  async signedFor(txids) {
    if (txids.length === 0) return new Map();
    const rows = await db.$queryRaw<{ txid: string; key: PayoutKey }[]>`
      SELECT w.txid, p.key FROM withdrawal w JOIN payout p ON p.id = w.payout_id WHERE w.txid = ANY(${[...txids]}::text[])`;
    return new Map(rows.map(({ txid, key }) => [txid, key]));
  },
  async setChecked(payouts) {
    if (payouts.length > 0)
      await db.$executeRaw`
        UPDATE settlement SET checked_at = now() WHERE payout_id = ANY(${[...payouts]}::uuid[]) AND checked_at IS NULL`;
  },
});
