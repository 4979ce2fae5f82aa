import type { PaymentLimits } from "../rules/limits.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";

const text = (limits: PaymentLimits): Record<string, string | null> =>
  Object.fromEntries(
    Object.entries(limits).map(([name, amount]) => [name, amount === undefined ? null : `${amount}`]),
  );

/** From now on these limits hold; those that are not named stay. `before` is what held until now. */
export function setLimits(
  { ledger }: { ledger: Ledger },
  { change, action }: { readonly change: Partial<PaymentLimits>; readonly action: OperatorAction },
): Promise<{ readonly changed: boolean; readonly before: PaymentLimits; readonly after: PaymentLimits }> {
  return ledger.transaction(async (tx) => {
    await tx.control.lock(); // No payer and no other operator in between.
    const { limits: before } = await tx.control.read();
    const after = { ...before, ...change };
    const [was, is] = [text(before), text(after)];
    if (Object.keys(is).every((name) => was[name] === is[name])) return { changed: false, before, after };
    await tx.control.setLimits(after, action);
    const old = Object.fromEntries(Object.entries(was).map(([name, amount]) => [`${name}Was`, amount]));
    await tx.receipts.add([receiptOf("limits.set", "limits", action, { ...is, ...old })]);
    return { changed: true, before, after };
  });
}
