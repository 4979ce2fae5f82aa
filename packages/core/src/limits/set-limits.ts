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
    await tx.lockFreezes(); // No payer and no other operator in between.
    const before = await tx.limits();
    const after = { ...before, ...change };
    const [was, is] = [text(before), text(after)];
    if (Object.keys(is).every((name) => was[name] === is[name])) return { changed: false, before, after };
    await tx.setLimits(after, action);
    const old = Object.fromEntries(Object.entries(was).map(([name, amount]) => [`${name}Was`, amount]));
    await tx.addReceipts([receiptOf("limits.set", "limits", action, { ...is, ...old })]);
    return { changed: true, before, after };
  });
}
