import { stopsPaying, whyPaysNothing } from "../rules/freeze.ts";
import type { Ledger, PaymentsSwitch } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";
import { addOperatorFreeze, endFreezes } from "./freeze.ts";

/**
 * `payments off` is a freeze of the level `pay-nothing` by an operator. `payments on` ends, for payments, the freezes of operators
 * and those that processes have added in doubt; a manager's stays, and so does what a process has in its environment or file.
 * `before` is what of that was found; nothing happens when that is what is wanted.
 */
export function switchPayments(
  { ledger }: { ledger: Ledger },
  { on, action }: { readonly on: boolean; readonly action: OperatorAction },
): Promise<{ readonly changed: boolean; readonly before: PaymentsSwitch }> {
  return ledger.transaction(async (tx) => {
    const { freezes: all } = await tx.control.lock();
    const own = all.filter(({ source, level }) => source !== "manager" && stopsPaying(level));
    const reason = whyPaysNothing(own);
    const before: PaymentsSwitch = reason === undefined ? { on: true } : { on: false, reason };
    const changed = on
      ? await endFreezes(tx, own, { level: "pay-nothing", action })
      : await addOperatorFreeze(tx, all, { level: "pay-nothing", action });
    if (changed)
      await tx.receipts.add([
        receiptOf(on ? "payments.switched_on" : "payments.switched_off", "payments", action, {
          wasOffBecause: reason ?? null,
        }),
      ]);
    return { changed, before };
  });
}
