import type { Log } from "@stakebts/kernel/log";
import type { NewReceipt } from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import type { MonitorLedger } from "./monitor-ledger.ts";

export interface AlertDeps {
  readonly ledger: Pick<MonitorLedger, "stopPayments">;
  readonly log: Log;
  /** Called once for each alert, after payments were switched off or could not be switched off. */
  readonly onAlert: (alert: NewReceipt) => void;
}

/** Stops payments and tells people, once for each alert. */
export async function raiseAlert(
  { ledger, log, onAlert }: AlertDeps,
  receipt: NewReceipt,
  reason: string,
): Promise<void> {
  let isNew = true;
  try {
    isNew = await ledger.stopPayments(receipt, reason);
  } finally {
    // That the ledger could not be stopped is one more reason to alert people.
    if (isNew) {
      logReceipt(log, receipt);
      onAlert(receipt);
    }
  }
}
