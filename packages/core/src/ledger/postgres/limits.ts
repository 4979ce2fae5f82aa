import { bts } from "@stakebts/kernel/amount";
import { NO_LIMITS, type PaymentLimits } from "../../rules/limits.ts";
import type { PayoutId, PayoutKey } from "../../rules/payout.ts";
import type { PaymentLimits as PaymentLimitsModel } from "../../generated/prisma/client.ts";
import type { PayoutApproval } from "../ledger.ts";
import type { Database, DatabaseTx } from "../../database/client.ts";

export type LimitColumns = Pick<PaymentLimitsModel, "paymentCap" | "hourCap" | "dayCap" | "approvalFrom">;

const orNone = (amount: bigint | null) => (amount === null ? undefined : bts(amount));

export const toLimits = (row: LimitColumns): PaymentLimits => ({
  paymentCap: orNone(row.paymentCap),
  hourCap: orNone(row.hourCap),
  dayCap: orNone(row.dayCap),
  approvalFrom: orNone(row.approvalFrom),
});

export async function readLimits(db: Pick<Database, "paymentLimits">): Promise<PaymentLimits> {
  const row = await db.paymentLimits.findFirst({ orderBy: { id: "desc" } });
  return row === null ? NO_LIMITS : toLimits(row);
}

/** A new row, once no payer reckons with the old one any more. */
export async function insertLimits(
  db: DatabaseTx,
  limits: PaymentLimits,
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<void> {
  await db.$executeRaw`SELECT FROM control WHERE id = 1 FOR NO KEY UPDATE`;
  const { paymentCap, hourCap, dayCap, approvalFrom } = limits;
  await db.paymentLimits.create({
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

export async function insertApproval(
  db: DatabaseTx,
  payoutId: PayoutId,
  approval: PayoutApproval,
): Promise<boolean> {
  const { count } = await db.payoutApproval.createMany({
    data: { payoutId, ...approval },
    skipDuplicates: true,
  });
  return count === 1;
}

export async function readApprovals(
  db: Pick<Database, "payoutApproval">,
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

export async function requestersOf(db: DatabaseTx, key: PayoutKey): Promise<readonly string[]> {
  const rows = await db.receipt.findMany({
    where: { subject: key, event: { in: ["payout.requeued", "payout.released"] } },
    orderBy: { id: "asc" },
  });
  return rows.flatMap(({ details }) => {
    const { actor } = details as { actor?: unknown };
    return typeof actor === "string" ? [actor] : [];
  });
}

/** Under the locks of `save_withdrawal`, and with the same answer. */
export async function limitPayment(
  db: Pick<Database, "$queryRaw">,
  id: PayoutId,
): Promise<"go" | "held" | "later"> {
  const [row] = await db.$queryRaw<{ answer: "go" | "held" | "later" }[]>`
    SELECT limit_payment(${id}::uuid) AS answer`;
  return row?.answer ?? "later";
}
