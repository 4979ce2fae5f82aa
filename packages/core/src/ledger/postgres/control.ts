import { bts } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import { millis } from "@stakebts/kernel/time";
import { type Freeze, type FreezeLevel, levelOfSwitches, whyPaysNothing } from "../../rules/freeze.ts";
import type { PaymentLimits } from "../../rules/limits.ts";
import type { RecoveryHold } from "../../rules/recovery-hold.ts";
import type {
  Control as ControlModel,
  PaymentLimits as PaymentLimitsModel,
} from "../../generated/prisma/client.ts";
import { type DatabaseTx, Prisma } from "../../database/client.ts";
import type { Control, ControlState, ControlTx, SwitchChange } from "../ledger.ts";

type LimitColumns = Pick<PaymentLimitsModel, "paymentCap" | "hourCap" | "dayCap" | "approvalFrom">;

export type ControlColumns = Omit<ControlModel, "id" | "databaseIdentity" | "createdAt" | "updatedAt"> &
  LimitColumns & {
    /** This is not the database, or not the run of its server, for which the recovery hold was last considered. */
    readonly databaseChanged: boolean;
  };

/** Select these {@link CONTROL_TABLES}. */
export const CONTROL_COLUMNS = Prisma.sql`
  control.payments_on AS "paymentsOn", control.payments_reason AS "paymentsReason",
  control.accepting_on AS "acceptingOn", control.accepting_reason AS "acceptingReason",
  control.manager_freeze AS "managerFreeze", control.manager_freeze_reason AS "managerFreezeReason",
  control.recovery_hold_until_ms AS "recoveryHoldUntilMs",
  control.recovery_hold_from_block_num AS "recoveryHoldFromBlockNum",
  control.recovery_hold_reason AS "recoveryHoldReason",
  control.database_identity IS DISTINCT FROM database_identity() AS "databaseChanged",
  control.writer_epoch AS "writerEpoch",
  control.processed_elsewhere_up_to_block_num AS "processedElsewhereUpToBlockNum",
  limits.payment_cap AS "paymentCap", limits.hour_cap AS "hourCap", limits.day_cap AS "dayCap",
  limits.approval_from AS "approvalFrom"`;
export const CONTROL_TABLES = Prisma.sql`
  control LEFT JOIN (SELECT * FROM payment_limits ORDER BY id DESC LIMIT 1) limits ON true`;

export function toControl(row: ControlColumns): ControlState {
  const freezes = toFreezes(row);
  const reason = whyPaysNothing(freezes);
  return {
    freezes,
    payments: reason === undefined ? { on: true } : { on: false, reason },
    limits: toLimits(row),
    recoveryHold: { raised: toRecoveryHold(row), databaseChanged: row.databaseChanged },
    writerEpoch: row.writerEpoch,
    processedElsewhereUpToBlockNum: row.processedElsewhereUpToBlockNum ?? 0,
  };
}

/** What the row says: the operators' two switches, and a manager's memo. */
function toFreezes(row: ControlColumns): readonly Freeze[] {
  const level = levelOfSwitches({ pays: row.paymentsOn, accepts: row.acceptingOn });
  const reasons = [
    ...(row.paymentsOn ? [] : [row.paymentsReason ?? ""]),
    ...(row.acceptingOn ? [] : [row.acceptingReason ?? ""]),
  ];
  const operator: readonly Freeze[] =
    level === undefined
      ? []
      : [{ source: "operator", level, reason: [...new Set(reasons)].join("; nominations: ") }];
  return row.managerFreeze === null
    ? operator
    : [
        ...operator,
        {
          source: "manager",
          level: row.managerFreeze as FreezeLevel,
          reason: row.managerFreezeReason ?? "",
        },
      ];
}

const orNone = (amount: bigint | null) => (amount === null ? undefined : bts(amount));

const toLimits = (row: LimitColumns): PaymentLimits => ({
  paymentCap: orNone(row.paymentCap),
  hourCap: orNone(row.hourCap),
  dayCap: orNone(row.dayCap),
  approvalFrom: orNone(row.approvalFrom),
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

/** Table control, of one row, and payment_limits, of which the newest row holds. */
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

  async set({ payments, accepting, managerFreeze }: SwitchChange): Promise<void> {
    const manager = managerFreeze === "ended" ? { level: null, reason: null } : managerFreeze;
    await this.#db.control.update({
      where: { id: 1 },
      data: {
        ...(payments === undefined
          ? {}
          : { paymentsOn: payments.on, paymentsReason: payments.on ? null : payments.reason }),
        ...(accepting === undefined
          ? {}
          : { acceptingOn: accepting.on, acceptingReason: accepting.on ? null : accepting.reason }),
        ...(manager === undefined
          ? {}
          : { managerFreeze: manager.level, managerFreezeReason: manager.reason }),
      },
    });
  }

  /** A new row, once no payer reckons with the old one any more. */
  async setLimits(
    { paymentCap, hourCap, dayCap, approvalFrom }: PaymentLimits,
    { actor, reason }: { readonly actor: string; readonly reason: string },
  ): Promise<void> {
    await this.#db.$executeRaw`SELECT FROM control WHERE id = 1 FOR NO KEY UPDATE`;
    await this.#db.paymentLimits.create({
      data: {
        paymentCap: paymentCap ?? null,
        hourCap: hourCap ?? null,
        dayCap: dayCap ?? null,
        approvalFrom: approvalFrom ?? null,
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
        FROM chain_cursor
       WHERE recovery_hold_until_ms = ${BigInt(untilMs)} AND recovery_hold_from_block_num = ${fromBlockNum}
         AND block_time_ms > recovery_hold_until_ms AND scanned_from_block_num <= recovery_hold_from_block_num`;
    return lifted === 1;
  }

  async setProcessedElsewhereUpToBlockNum(blockNum: number): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE control SET processed_elsewhere_up_to_block_num = ${blockNum}::int, updated_at = now()
       WHERE id = 1 AND COALESCE(processed_elsewhere_up_to_block_num, 0) < ${blockNum}::int`;
  }

  async startWriterEpoch(): Promise<bigint> {
    const control = await this.#db.control.update({
      where: { id: 1 },
      data: { writerEpoch: { increment: 1n } },
    });
    return control.writerEpoch;
  }
}
