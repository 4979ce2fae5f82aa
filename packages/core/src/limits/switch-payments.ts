import { stopsPaying } from "../rules/freeze.ts";
import type { Ledger, PaymentsSwitch } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";

/**
 * Throws the operators' switch for payments, or takes it back. `before` is what was found; nothing happens when that is what is
 * wanted. A manager's freeze, and those of processes, stay.
 */
export function switchPayments(
  { ledger }: { ledger: Ledger },
  { on, action }: { readonly on: boolean; readonly action: OperatorAction },
): Promise<{ readonly changed: boolean; readonly before: PaymentsSwitch }> {
  return ledger.transaction(async (tx) => {
    const operator = (await tx.control.lock()).freezes.find(({ source }) => source === "operator");
    const before: PaymentsSwitch =
      operator !== undefined && stopsPaying(operator.level)
        ? { on: false, reason: operator.reason }
        : { on: true };
    if (before.on === on) return { changed: false, before };
    await tx.control.set({ payments: on ? { on } : { on, reason: action.reason } });
    await tx.receipts.add([
      receiptOf(on ? "payments.switched_on" : "payments.switched_off", "payments", action, {
        wasOffBecause: before.on ? null : before.reason,
      }),
    ]);
    return { changed: true, before };
  });
}
