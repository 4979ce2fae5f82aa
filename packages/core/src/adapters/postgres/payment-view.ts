import type { Payout as PayoutModel, Withdrawal as WithdrawalModel } from "../../generated/prisma/client.ts";
import type { PayoutId } from "../../domain/payout.ts";
import type { PaymentView } from "../../ports/ledger.ts";
import type { Database } from "./client.ts";
import { toCursor, toPayout, toWithdrawal } from "./rows.ts";

/** Payout, its live withdrawal, the switch and the cursor. The payer asks this once per payment. */
export async function paymentView(db: Database, id: PayoutId): Promise<PaymentView | undefined> {
  const [payout, live, control, cursor] = await Promise.all([
    db.payout.findUnique({ where: { id } }) as Promise<PayoutModel | null>,
    db.withdrawal.findFirst({
      where: { payoutId: id, status: { in: ["signed", "broadcast"] } },
    }) as Promise<WithdrawalModel | null>,
    db.control.findUniqueOrThrow({ where: { id: 1 } }),
    db.chainCursor.findUnique({ where: { id: 1 } }),
  ]);
  if (payout === null) return undefined;
  return {
    payout: toPayout(payout),
    live: live === null ? undefined : toWithdrawal(live),
    payments: control.paymentsOn ? { on: true } : { on: false, reason: control.paymentsReason ?? "" },
    cursor: cursor === null ? undefined : toCursor(cursor),
  };
}
