import type { Ledger } from "@stakebts/core/ledger/ledger";

/** What every ledger does. A fake that services are tested with earns trust by doing all of it too. */
export interface LedgerCheck {
  readonly name: string;
  run(ledger: Ledger): Promise<void>;
}
