import { btsText } from "@stakebts/kernel/text";
import type { MonitorLedger } from "./monitor-ledger.ts";
import { type AlertDeps, raiseAlert } from "./raise-alert.ts";

export interface ImportCheckDeps extends AlertDeps {
  readonly ledger: Pick<MonitorLedger, "stopPayments" | "imports">;
}

const AGREEMENTS_PER_STEP = 1_000;

/**
 * No transfer on the chain vouches for an agreement that was imported, so that neither payer nor watcher can tell one from an invention.
 * What is imported stops payments until people have looked at it: a second pair of eyes, even if a thief has the operator's login.
 */
export class ImportCheck {
  readonly #deps: ImportCheckDeps;

  constructor(deps: ImportCheckDeps) {
    this.#deps = deps;
  }

  async look(): Promise<void> {
    const { imports } = this.#deps.ledger;
    const found = await imports.unchecked(AGREEMENTS_PER_STEP);
    const [first] = found;
    if (first === undefined) return;
    const total = found.reduce((sum, { amount }) => sum + amount, 0n);
    const logins = [...new Set(found.map(({ writtenBy }) => writtenBy))].join(", ");
    const reason = `${found.length} agreements of ${btsText(total)} in all were imported by ${logins}: no transfer on the chain vouches for them`;
    await raiseAlert(
      this.#deps,
      {
        event: "agreements.imported",
        subject: first.name,
        details: {
          reason,
          agreements: found.length,
          amount: `${total}`,
          logins,
          todo: "payments are off: if it was one of you, let another person compare them with their source (`stakebts agreements`, `stakebts liabilities`), and then resume; if it was not, change that password",
        },
      },
      reason,
    );
    await imports.setChecked(found);
  }
}
