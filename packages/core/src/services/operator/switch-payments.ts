import type { Ledger, PaymentsSwitch } from "../../ports/ledger.ts";
import { type OperatorAction, receiptOf } from "./action.ts";

/** Throws the kill switch, or takes it back. `before` is what was found; nothing happens when that is what is wanted. */
export function switchPayments(
  { ledger }: { ledger: Ledger },
  { on, action }: { readonly on: boolean; readonly action: OperatorAction },
): Promise<{ readonly changed: boolean; readonly before: PaymentsSwitch }> {
  return ledger.transaction(async (tx) => {
    const before = await tx.payments();
    if (before.on === on) return { changed: false, before };
    await tx.setPayments(on ? { on } : { on, reason: action.reason });
    await tx.addReceipts([
      receiptOf(on ? "payments.switched_on" : "payments.switched_off", "payments", action, {
        wasOffBecause: before.on ? null : before.reason,
      }),
    ]);
    return { changed: true, before };
  });
}
