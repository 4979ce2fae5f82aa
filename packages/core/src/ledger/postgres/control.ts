import { bts } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import { millis } from "@stakebts/kernel/time";
import { type Freeze, type FreezeId, inForce, reportedOnly, whyPaysNothing } from "../../rules/freeze.ts";
import type { PaymentLimits } from "../../rules/limits.ts";
import type { RecoveryHold } from "../../rules/recovery-hold.ts";
import type {
  Control as ControlModel,
  LedgerAccount as LedgerAccountModel,
  PaymentLimits as PaymentLimitsModel,
} from "../../generated/prisma/client.ts";
import { type DatabaseTx, Prisma } from "../../database/client.ts";
import type { AccountId } from "@stakebts/bitshares/chain";
import type { Control, ControlState, ControlTx, FreezeEnd, LedgerAccount, NewFreeze } from "../ledger.ts";
import { addFreeze, endFreeze, type FreezeRow, OPEN_FREEZES, reportFreezes, toFreeze } from "./freezes.ts";

type LimitColumns = Pick<
  PaymentLimitsModel,
  "paymentCap" | "hourCap" | "dayCap" | "approvalFrom" | "returnHourCap" | "returnDayCap"
>;

type AccountColumns = {
  readonly [C in "chainId" | "custodianId" | "custodianName"]: LedgerAccountModel[C] | null;
};

export type ControlColumns = Omit<ControlModel, "id" | "databaseIdentity" | "createdAt" | "updatedAt"> &
  LimitColumns &
  AccountColumns & {
    readonly openFreezes: readonly FreezeRow[];
    /** This is not the database, or not the run of its server, for which the recovery hold was last considered. */
    readonly databaseChanged: boolean;
  };

/** Select these {@link CONTROL_TABLES}. */
export const CONTROL_COLUMNS = Prisma.sql`
  ${OPEN_FREEZES} AS "openFreezes",
  control.recovery_hold_until_ms AS "recoveryHoldUntilMs",
  control.recovery_hold_from_block_num AS "recoveryHoldFromBlockNum",
  control.recovery_hold_reason AS "recoveryHoldReason",
  control.database_identity IS DISTINCT FROM (SELECT database_identity()) AS "databaseChanged",
  control.writer_epoch AS "writerEpoch",
  control.processed_elsewhere_up_to_block_num AS "processedElsewhereUpToBlockNum",
  limits.payment_cap AS "paymentCap", limits.hour_cap AS "hourCap", limits.day_cap AS "dayCap",
  limits.approval_from AS "approvalFrom",
  limits.return_hour_cap AS "returnHourCap", limits.return_day_cap AS "returnDayCap",
  ledger_account.chain_id AS "chainId", custodian_id AS "custodianId", custodian_name AS "custodianName"`;
export const CONTROL_TABLES = Prisma.sql`
  control LEFT JOIN (SELECT * FROM payment_limits ORDER BY id DESC LIMIT 1) limits ON true LEFT JOIN ledger_account ON true`;

export function toControl(row: ControlColumns): ControlState {
  const open = row.openFreezes.map(toFreeze);
  const freezes = inForce(open);
  const reason = whyPaysNothing(freezes);
  return {
    account: toAccount(row),
    freezes,
    processFreezes: reportedOnly(open),
    payments: reason === undefined ? { on: true } : { on: false, reason },
    limits: toLimits(row),
    recoveryHold: { raised: toRecoveryHold(row), databaseChanged: row.databaseChanged },
    writerEpoch: row.writerEpoch,
    processedElsewhereUpToBlockNum: row.processedElsewhereUpToBlockNum ?? 0,
  };
}

const toAccount = ({ chainId, custodianId, custodianName }: AccountColumns): LedgerAccount | undefined =>
  chainId === null || custodianId === null || custodianName === null
    ? undefined
    : { chainId, custodianId: custodianId as AccountId, custodianName };

export async function bindLedger(
  db: Pick<DatabaseTx, "$queryRaw">,
  { chainId, custodianId, custodianName }: LedgerAccount,
): Promise<LedgerAccount> {
  const [row] = await db.$queryRaw<AccountColumns[]>`
    SELECT chain_id AS "chainId", custodian_id AS "custodianId", custodian_name AS "custodianName"
      FROM bind_ledger(${chainId}, ${custodianId}, ${custodianName})`;
  const bound = row === undefined ? undefined : toAccount(row);
  assert(bound !== undefined, "a ledger that was bound is of an account");
  return bound;
}

const orNone = (amount: bigint | null) => (amount === null ? undefined : bts(amount));

const toLimits = (row: LimitColumns): PaymentLimits => ({
  paymentCap: orNone(row.paymentCap),
  hourCap: orNone(row.hourCap),
  dayCap: orNone(row.dayCap),
  approvalFrom: orNone(row.approvalFrom),
  returnHourCap: orNone(row.returnHourCap),
  returnDayCap: orNone(row.returnDayCap),
});

const toRecoveryHold = ({
  recoveryHoldUntilMs,
  recoveryHoldFromBlockNum,
  recoveryHoldReason,
}: ControlColumns): RecoveryHold | undefined =>
  recoveryHoldUntilMs === null
    ? undefined
    : {
        untilMs: millis(Number(recoveryHoldUntilMs)),
        fromBlockNum: recoveryHoldFromBlockNum ?? 0,
        reason: recoveryHoldReason ?? "",
      };

export async function readControl(db: Pick<DatabaseTx, "$queryRaw">): Promise<ControlState> {
  const [row] = await db.$queryRaw<ControlColumns[]>`
    SELECT ${CONTROL_COLUMNS} FROM ${CONTROL_TABLES} WHERE control.id = 1`;
  assert(row !== undefined, "the control row is missing");
  return toControl(row);
}

/** Table control, of one row, the freezes in ledger_freeze, and payment_limits, of which the newest row holds. */
export class PostgresControl implements ControlTx, Control {
  readonly #db: DatabaseTx;

  constructor(db: DatabaseTx) {
    this.#db = db;
  }

  read(): Promise<ControlState> {
    return readControl(this.#db);
  }

  async lock(): Promise<ControlState> {
    await this.#db.$executeRaw`SELECT FROM control WHERE id = 1 FOR UPDATE`;
    return this.read();
  }

  addFreeze(freeze: NewFreeze): Promise<boolean> {
    return addFreeze(this.#db, freeze);
  }

  endFreeze(id: FreezeId, end: FreezeEnd): Promise<boolean> {
    return endFreeze(this.#db, id, end);
  }

  reportFreezes(process: string, found: readonly Freeze[]): Promise<void> {
    return reportFreezes(this.#db, process, found);
  }

  /** A new row, once no payer reckons with the old one any more. */
  async setLimits(
    { paymentCap, hourCap, dayCap, approvalFrom, returnHourCap, returnDayCap }: PaymentLimits,
    { actor, reason }: { readonly actor: string; readonly reason: string },
  ): Promise<void> {
    await this.#db.$executeRaw`SELECT FROM control WHERE id = 1 FOR NO KEY UPDATE`;
    await this.#db.paymentLimits.create({
      data: {
        paymentCap: paymentCap ?? null,
        hourCap: hourCap ?? null,
        dayCap: dayCap ?? null,
        approvalFrom: approvalFrom ?? null,
        returnHourCap: returnHourCap ?? null,
        returnDayCap: returnDayCap ?? null,
        actor,
        reason,
      },
    });
  }

  async placeRecoveryHold({ untilMs, fromBlockNum, reason }: RecoveryHold): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE control
         SET recovery_hold_until_ms = greatest(recovery_hold_until_ms, ${BigInt(untilMs)}),
             recovery_hold_from_block_num = least(recovery_hold_from_block_num, ${fromBlockNum}),
             recovery_hold_reason = ${reason}, database_identity = database_identity(), updated_at = now()
       WHERE id = 1`;
  }

  async liftRecoveryHold({ untilMs, fromBlockNum }: RecoveryHold): Promise<boolean> {
    const lifted = await this.#db.$executeRaw`
      UPDATE control
         SET recovery_hold_until_ms = NULL, recovery_hold_from_block_num = NULL, recovery_hold_reason = NULL, updated_at = now()
       WHERE recovery_hold_until_ms = ${BigInt(untilMs)} AND recovery_hold_from_block_num = ${fromBlockNum}
         AND recovery_hold_is_passed(recovery_hold_until_ms, recovery_hold_from_block_num)`;
    return lifted === 1;
  }

  async setProcessedElsewhereUpToBlockNum(blockNum: number): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE control SET processed_elsewhere_up_to_block_num = ${blockNum}::int, updated_at = now()
       WHERE id = 1 AND COALESCE(processed_elsewhere_up_to_block_num, 0) < ${blockNum}::int`;
  }

  bind(account: LedgerAccount): Promise<LedgerAccount> {
    return bindLedger(this.#db, account);
  }

  async startWriterEpoch(): Promise<bigint> {
    const control = await this.#db.control.update({
      where: { id: 1 },
      data: { writerEpoch: { increment: 1n } },
    });
    return control.writerEpoch;
  }
}
