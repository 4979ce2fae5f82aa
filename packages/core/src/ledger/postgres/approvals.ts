import { bts } from "@stakebts/kernel/amount";
import type { PayoutId } from "../../rules/payout.ts";
import type { NewJob } from "../../queue/queue.ts";
import type { DatabaseTx } from "../../database/client.ts";
import type { ApprovalsTx, PayoutApproval, PayoutRecord } from "../ledger.ts";

export async function readApprovals(
  db: Pick<DatabaseTx, "payoutApproval">,
  payoutId: PayoutId,
): Promise<readonly PayoutApproval[]> {
  const rows = await db.payoutApproval.findMany({ where: { payoutId }, orderBy: { id: "asc" } });
  return rows.map(({ payee, amount, approver, reason }) => ({
    payee,
    amount: bts(amount),
    approver,
    reason,
  }));
}

/** Table payout_approval. Whether an approval lets a payout go is for the database's functions to say. */
export class PostgresApprovals implements ApprovalsTx {
  readonly #db: DatabaseTx;

  constructor(db: DatabaseTx) {
    this.#db = db;
  }

  async of({ id }: Pick<PayoutRecord, "id">) {
    return { given: await readApprovals(this.#db, id), requesters: await this.#requestersOf(id) };
  }

  async #requestersOf(payoutId: PayoutId): Promise<readonly string[]> {
    const rows = await this.#db.payoutRequest.findMany({ where: { payoutId }, orderBy: { id: "asc" } });
    return rows.map(({ actor }) => actor);
  }

  /** Neither when nor with which login: that the database says. */
  async add(payoutId: PayoutId, { payee, amount, approver, reason }: PayoutApproval): Promise<boolean> {
    const added = await this.#db.$executeRaw`
      INSERT INTO payout_approval (payout_id, payee, amount, approver, reason)
      VALUES (${payoutId}::uuid, ${payee}, ${amount as bigint}::bigint, ${approver}, ${reason}) ON CONFLICT DO NOTHING`;
    return added === 1;
  }

  async release(id: PayoutId, job: NewJob): Promise<boolean> {
    const [row] = await this.#db.$queryRaw<{ released: boolean }[]>`
      SELECT release_approved(${id}::uuid, ${job.id}) AS released`;
    return row?.released ?? false;
  }
}
