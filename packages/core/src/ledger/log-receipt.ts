import type { NewReceipt } from "./ledger.ts";
import type { Log } from "@stakebts/kernel/log";

/** Receipts that ask for a person. The runbook has a row on each, and operators are notified of them. */
export const NEEDS_ATTENTION = new Set([
  "payout.failed",
  "payer.key_not_in_authority",
  "payer.paused",
  "memo_key.not_configured",
  "payout.held",
  "payout.cancel_asked",
  "payout.not_payable",
  "withdrawal.unprovable",
  "ledger.contradicted",
  "compare.differs",
  "audit.differs",
  "chain.disagrees",
  "event.set_aside",
  "event.unanswerable",
  "node.lied",
  "nodes.disagree",
  "payee.differs",
  "process.broken",
  "queue.not_served",
  "settlement.unexplained",
  "incoming.differs",
  "agreements.imported",
  "debt.overdue",
  "balance.missing",
  "balance.surplus",
  "history.gap",
  "history.unread",
  "spend.unexplained",
  "authority.changed",
  "top_up.insufficient",
  "freeze.begun",
  "freeze.too_old",
  "limit.reached",
  "top_up.differs",
  "top_up.overdue",
  "top_up.rejected",
  "top_up.stuck",
  "top_up.unresolved",
  "top_up.vanished",
  "treasury.short",
]);

/** What the ledger has just written down, said in the log too. */
export function logReceipt(log: Log, receipt: NewReceipt): void {
  const write = NEEDS_ATTENTION.has(receipt.event) ? log.error : log.info;
  write(receipt.event, { subject: receipt.subject, ...receipt.details });
}
