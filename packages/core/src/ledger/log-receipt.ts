import type { NewReceipt } from "./ledger.ts";
import type { Log } from "@stakebts/kernel/log";

/** Receipts that ask for a person. The runbook has a paragraph on each, and operators are notified of them. */
export const ASKS_FOR_A_PERSON = new Set([
  "payout.failed",
  "payout.held",
  "withdrawal.unprovable",
  "ledger.contradicted",
  "chain.disagrees",
  "node.lied",
  "nodes.disagree",
  "payee.differs",
  "custody.tripped",
  "custody.changed",
  "cover.insufficient",
  "freeze.begun",
  "freeze.too_old",
  "limit.reached",
  "funding.differs",
  "funding.overdue",
  "funding.rejected",
  "funding.stuck",
  "funding.unresolved",
  "funding.vanished",
  "treasury.short",
]);

/** What the ledger has just written down, said in the log too. */
export function logReceipt(log: Log, receipt: NewReceipt): void {
  const write = ASKS_FOR_A_PERSON.has(receipt.event) ? log.error : log.info;
  write(receipt.event, { subject: receipt.subject, ...receipt.details });
}
