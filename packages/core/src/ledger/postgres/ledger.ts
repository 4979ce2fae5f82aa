import { StartupError } from "@stakebts/kernel/errors";
import { PAYABLE_STATUSES, type PayoutId } from "../../rules/payout.ts";
import type { RecoveryHoldState } from "../../rules/recovery-hold.ts";
import { inForce, type OpenFreeze } from "../../rules/freeze.ts";
import type { PaymentLimits } from "../../rules/limits.ts";
import { millis, type Millis } from "@stakebts/kernel/time";
import type { AccountId } from "@stakebts/bitshares/chain";
import type {
  Cursor,
  TopUpFilter,
  TopUpRecord,
  Ledger,
  LedgerTx,
  NewWithdrawal,
  PayoutRecord,
  PaymentsSwitch,
  PaymentView,
  WithdrawalRecord,
  WithdrawalRefusal,
} from "../ledger.ts";
import type { NewJob } from "../../queue/queue.ts";
import {
  type Database,
  type DatabaseTx,
  isNotMigrated,
  isUniqueViolation,
  isWriteConflict,
  openDatabase,
} from "../../database/client.ts";
import { debtIsNotCancelled } from "./payout-is-not-cancelled.ts";
import { recoveryHoldState } from "./recovery-hold-state.ts";
import { openFreezes, toSwitch } from "./freezes.ts";
import { limitPayment, readLimits } from "./limits.ts";
import { hasWork } from "./undecided.ts";
import { PostgresLedgerTx } from "./ledger-tx.ts";
import { readTopUps } from "./top-ups.ts";
import { paymentView } from "./payment-view.ts";
import { enqueueStalePayouts } from "./enqueue-stale-payouts.ts";
import { toCursor, toPayout, toJob } from "./rows.ts";
import { saveWithdrawal } from "./save-withdrawal.ts";

/** A apply events waits for another one; a batch of blocks writes a few thousand rows. Longer than either ever takes. */
const TRANSACTION = { timeout: 60_000, maxWait: 20_000 };
const CONFLICT_RETRIES = 5;

/**
 * The ledger in PostgreSQL.
 * @param max connections; each worker needs one per thing it does at a time
 */
export function createPostgresLedger({ url, max = 5 }: { url: string; max?: number }): Ledger {
  return new PostgresLedger(openDatabase(url, max));
}

class PostgresLedger implements Ledger {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  transaction<T>(work: (tx: LedgerTx) => Promise<T>): Promise<T> {
    return this.#transaction((tx) => work(new PostgresLedgerTx(tx)));
  }

  /** Two transactions that wrote the same rows: one of them is told to come again, and does. */
  async #transaction<T>(work: (tx: DatabaseTx) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#db.$transaction(work, TRANSACTION);
      } catch (error) {
        if (isNotMigrated(error))
          throw new StartupError("DATABASE_URL: this database has no ledger yet; run `npm run db:migrate`", {
            cause: error,
          });
        if (tries > CONFLICT_RETRIES || !isWriteConflict(error)) throw error;
      }
    }
  }

  async cursor(): Promise<Cursor | undefined> {
    const row = await this.#db.chainCursor.findUnique({ where: { id: 1 } });
    return row === null ? undefined : toCursor(row);
  }

  paymentView(id: PayoutId): Promise<PaymentView | undefined> {
    return paymentView(this.#db, id);
  }

  async payments(): Promise<PaymentsSwitch> {
    return toSwitch(await this.freezes());
  }

  async freezes(): Promise<readonly OpenFreeze[]> {
    return inForce(await openFreezes(this.#db));
  }

  limits(): Promise<PaymentLimits> {
    return readLimits(this.#db);
  }

  limitPayment(id: PayoutId): Promise<"go" | "held" | "later"> {
    return limitPayment(this.#db, id);
  }

  recoveryHoldState(): Promise<RecoveryHoldState> {
    return recoveryHoldState(this.#db);
  }

  async startWriterEpoch(): Promise<bigint> {
    const control = await this.#db.control.update({
      where: { id: 1 },
      data: { writerEpoch: { increment: 1n } },
    });
    return control.writerEpoch;
  }

  async saveWithdrawal(withdrawal: NewWithdrawal): Promise<"saved" | WithdrawalRefusal> {
    try {
      return await saveWithdrawal(this.#db, withdrawal);
    } catch (error) {
      // Two payers at the same instant: the unique index let one of them through.
      if (isUniqueViolation(error)) return "payout_moved";
      throw error;
    }
  }

  async markSent({ id }: Pick<WithdrawalRecord, "id" | "payoutId">): Promise<void> {
    await this.#db.$executeRaw`
      WITH sent AS (
        UPDATE withdrawal SET status = 'broadcast', updated_at = now()
         WHERE id = ${id}::uuid AND status = 'signed' RETURNING payout_id
      )
      UPDATE payout SET status = 'sent', updated_at = now() FROM sent WHERE id = payout_id AND status = 'signed'`;
  }

  async noteRefusal({ payoutId }: Pick<WithdrawalRecord, "payoutId">, reason: string): Promise<void> {
    await this.#db.payout.updateMany({
      where: { id: payoutId, status: { in: ["signed", "sent"] } },
      data: { reason },
    });
  }

  async openNeeds(limit: number): Promise<readonly PayoutRecord[]> {
    const rows = await this.#db.payout.findMany({
      where: { status: { in: [...PAYABLE_STATUSES] }, kind: { not: "deposit" } },
      orderBy: [{ due: "asc" }, { id: "asc" }],
      take: limit,
    });
    return rows.map(toPayout);
  }

  topUps(filter: TopUpFilter): Promise<readonly TopUpRecord[]> {
    return readTopUps(this.#db, filter);
  }

  dispatchJobs(limit: number, make: (jobs: readonly NewJob[]) => Promise<void>): Promise<number> {
    return this.#transaction(async (tx) => {
      const claimed = await tx.$queryRaw<{ id: bigint }[]>`
        SELECT id FROM outbox WHERE made_at IS NULL ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
      if (claimed.length === 0) return 0;
      const ids = claimed.map((row) => row.id);
      const rows = await tx.outbox.findMany({ where: { id: { in: ids } }, orderBy: { id: "asc" } });
      await make(rows.map(toJob));
      await tx.outbox.updateMany({ where: { id: { in: ids } }, data: { madeAt: new Date() } });
      return rows.length;
    });
  }

  enqueueStalePayouts(options: { notEnqueuedForMs: number; limit: number }): Promise<number> {
    return enqueueStalePayouts(this.#db, options);
  }

  async nextDueInstants(limit: number): Promise<readonly Millis[]> {
    const rows = await this.#db.$queryRaw<{ due: bigint }[]>`
      SELECT DISTINCT due FROM stake_row WHERE status = 'pending' AND ${debtIsNotCancelled} ORDER BY due LIMIT ${limit}`;
    return rows.map((row) => millis(Number(row.due)));
  }

  async accountsNamed(name: string): Promise<readonly AccountId[]> {
    const rows = await this.#db.transfer.findMany({
      where: { sender: name, senderId: { not: null } },
      distinct: ["senderId"],
      select: { senderId: true },
    });
    return rows.map(({ senderId }) => senderId as AccountId);
  }

  async hasWork(accepting = true): Promise<boolean> {
    const [row] = await this.#db.$queryRaw<{ work: boolean }[]>`SELECT ${hasWork(accepting)} AS work`;
    return row?.work ?? false;
  }

  close(): Promise<void> {
    return this.#db.$disconnect();
  }
}
