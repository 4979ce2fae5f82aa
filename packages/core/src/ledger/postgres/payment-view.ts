import type { PayoutId } from "../../rules/payout.ts";
import type {
  ChainCursor as ChainCursorModel,
  Payout as PayoutModel,
  Withdrawal as WithdrawalModel,
} from "../../generated/prisma/client.ts";
import type { PaymentView } from "../ledger.ts";
import type { Database } from "../../database/client.ts";
import { type FreezeRow, openFreezesJson, toFreeze, toSwitch } from "./freezes.ts";
import { toLimits } from "./limits.ts";
import { toCursor, toRecoveryHold, toPayout, toWithdrawal } from "./rows.ts";

interface ViewRow {
  readonly payout_id: string;
  readonly key: string;
  readonly kind: string;
  readonly payee: string;
  readonly amount: bigint;
  readonly memo: string;
  readonly due: bigint;
  readonly status: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly waiting_since: bigint | null;
  readonly limited_by: string | null;
  readonly freezes: readonly FreezeRow[];
  readonly payment_cap: bigint | null;
  readonly hour_cap: bigint | null;
  readonly day_cap: bigint | null;
  readonly approval_from: bigint | null;
  readonly recovery_hold_until_ms: bigint | null;
  readonly recovery_hold_from_block_num: number | null;
  readonly recovery_hold_reason: string | null;
  readonly database_changed: boolean;
  readonly cursor_block_num: number | null;
  readonly block_id: string;
  readonly block_time_ms: bigint;
  readonly scanned_from_block_num: number;
  readonly withdrawal_id: string | null;
  readonly txid: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ref_block_num: number;
  readonly expiration_ms: bigint;
  readonly fee_shares: bigint;
  readonly withdrawal_status: string;
  readonly writer_epoch: bigint;
}

/** Payout, its live withdrawal, the freezes, the limits, the recovery hold and the cursor, of one moment and in one question: asked once per payment. */
export async function paymentView(db: Database, id: PayoutId): Promise<PaymentView | undefined> {
  const [row] = await db.$queryRaw<ViewRow[]>`
    SELECT payout.id AS payout_id, key, kind, payee, amount, memo, due, payout.status, payout.reason, attempts, waiting_since,
           limited_by, ${openFreezesJson} AS freezes,
           payment_cap, hour_cap, day_cap, approval_from, recovery_hold_until_ms, recovery_hold_from_block_num, recovery_hold_reason,
           database_identity IS DISTINCT FROM database_identity() AS database_changed,
           chain_cursor.block_num AS cursor_block_num, block_id, block_time_ms, scanned_from_block_num,
           live.id AS withdrawal_id, txid, bytes, ref_block_num, expiration_ms, fee_shares,
           live.status AS withdrawal_status, live.writer_epoch
      FROM payout CROSS JOIN control LEFT JOIN chain_cursor ON true
      LEFT JOIN (SELECT * FROM payment_limits ORDER BY id DESC LIMIT 1) limits ON true
      LEFT JOIN withdrawal live ON live.payout_id = payout.id AND live.status IN ('signed', 'broadcast')
     WHERE payout.id = ${id}::uuid`;
  if (row === undefined) return undefined;
  return {
    payout: toPayout({
      ...row,
      id: row.payout_id,
      waitingSince: row.waiting_since,
      limitedBy: row.limited_by,
    } as unknown as PayoutModel),
    live: row.withdrawal_id === null ? undefined : toWithdrawal(liveIn(row)),
    payments: toSwitch(row.freezes.map(toFreeze)),
    limits: toLimits({
      paymentCap: row.payment_cap,
      hourCap: row.hour_cap,
      dayCap: row.day_cap,
      approvalFrom: row.approval_from,
    }),
    cursor: row.cursor_block_num === null ? undefined : toCursor(cursorIn(row)),
    recoveryHold: {
      raised: toRecoveryHold({
        recoveryHoldUntilMs: row.recovery_hold_until_ms,
        recoveryHoldFromBlockNum: row.recovery_hold_from_block_num,
        recoveryHoldReason: row.recovery_hold_reason,
      }),
      databaseChanged: row.database_changed,
    },
  };
}

const liveIn = (row: ViewRow): WithdrawalModel =>
  ({
    id: row.withdrawal_id,
    payoutId: row.payout_id,
    txid: row.txid,
    bytes: row.bytes,
    refBlockNum: row.ref_block_num,
    expirationMs: row.expiration_ms,
    feeShares: row.fee_shares,
    status: row.withdrawal_status,
    writerEpoch: row.writer_epoch,
  }) as WithdrawalModel;

const cursorIn = (row: ViewRow): ChainCursorModel =>
  ({
    blockNum: row.cursor_block_num,
    blockId: row.block_id,
    blockTimeMs: row.block_time_ms,
    scannedFromBlockNum: row.scanned_from_block_num,
  }) as ChainCursorModel;
