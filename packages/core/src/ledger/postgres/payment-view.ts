import type { PayoutId } from "../../rules/payout.ts";
import type {
  ChainCursor as ChainCursorModel,
  Payout as PayoutModel,
  Withdrawal as WithdrawalModel,
} from "../../generated/prisma/client.ts";
import type { DatabaseTx } from "../../database/client.ts";
import type { PaymentView } from "../ledger.ts";
import { CONTROL_COLUMNS, CONTROL_TABLES, type ControlColumns, toControl } from "./control.ts";
import { toCursor } from "./cursor.ts";
import { toPayout } from "./payout-row.ts";
import { toWithdrawal } from "./withdrawals.ts";

type Row = PayoutModel & ControlColumns & ChainCursorColumns & LiveColumns;
type ChainCursorColumns = Omit<ChainCursorModel, "id" | "createdAt" | "updatedAt" | "blockNum"> & {
  readonly blockNum: number | null;
};
type LiveColumns = Pick<
  WithdrawalModel,
  "txid" | "bytes" | "refBlockNum" | "expirationMs" | "feeShares" | "refusedFor"
> & {
  readonly liveId: string | null;
  readonly liveStatus: string;
  readonly liveEpoch: bigint;
};

/**
 * Payouts, their live withdrawals, the freezes, the limits, the recovery hold and the cursor, of one moment and in one question:
 * asked once per step of the payer.
 */
export async function paymentViews(
  db: Pick<DatabaseTx, "$queryRaw">,
  ids: readonly PayoutId[],
): Promise<readonly PaymentView[]> {
  const rows = await db.$queryRaw<Row[]>`
    SELECT payout.id, key, kind, payee, amount, memo, due, payout.status, payout.reason, attempts,
           uncounted_attempts AS "uncountedAttempts",
           waiting_since AS "waitingSince", limited_by AS "limitedBy", ${CONTROL_COLUMNS},
           chain_cursor.block_num AS "blockNum", block_id AS "blockId", block_time_ms AS "blockTimeMs",
           scanned_from_block_num AS "scannedFromBlockNum",
           live.id AS "liveId", live.status AS "liveStatus", live.writer_epoch AS "liveEpoch", live.refused_for AS "refusedFor", txid, bytes,
           ref_block_num AS "refBlockNum", expiration_ms AS "expirationMs", fee_shares AS "feeShares"
      FROM payout CROSS JOIN ${CONTROL_TABLES} LEFT JOIN chain_cursor ON true
      LEFT JOIN withdrawal live ON live.payout_id = payout.id AND live.status IN ('signed', 'broadcast')
     WHERE payout.id = ANY(${[...ids]}::uuid[])`;
  return rows.map(toView);
}

function toView(row: Row): PaymentView {
  const { payments, limits, recoveryHold } = toControl(row);
  const { blockNum, liveId, liveStatus, liveEpoch } = row;
  return {
    payout: toPayout(row),
    live:
      liveId === null
        ? undefined
        : toWithdrawal({ ...row, id: liveId, payoutId: row.id, status: liveStatus, writerEpoch: liveEpoch }),
    payments,
    limits,
    recoveryHold,
    cursor: blockNum === null ? undefined : toCursor({ ...row, id: 1, blockNum }),
  };
}
