import { bts } from "@stakebts/kernel/amount";
import type { PayoutId, PayoutKey } from "../../rules/payout.ts";
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

  async of({ id, key }: Pick<PayoutRecord, "id" | "key">) {
    return { given: await readApprovals(this.#db, id), requesters: await this.#requestersOf(key) };
  }

  async #requestersOf(key: PayoutKey): Promise<readonly string[]> {
    const rows = await this.#db.receipt.findMany({
      where: { subject: key, event: { in: ["payout.requeued", "payout.released"] } },
      orderBy: { id: "asc" },
    });
    return rows.flatMap(({ details }) => {
      const { actor } = details as { actor?: unknown };
      return typeof actor === "string" ? [actor] : [];
    });
  }

  async add(payoutId: PayoutId, approval: PayoutApproval): Promise<boolean> {
    const { count } = await this.#db.payoutApproval.createMany({
      data: { payoutId, ...approval },
      skipDuplicates: true,
    });
    return count === 1;
  }

  async release(id: PayoutId, job: NewJob): Promise<boolean> {
    const [row] = await this.#db.$queryRaw<{ released: boolean }[]>`
      SELECT release_approved(${id}::uuid, ${job.id}) AS released`;
    return row?.released ?? false;
  }
}
