import type { Bts } from "@stakebts/kernel/amount";
import type { PlannedTransfer } from "@stakebts/core/imports/plan-blocks";
import { btsText, printTable, safeText, sharesText, timeText } from "../print.ts";
import type { Terminal } from "../terminal.ts";

const SHOWN_MAX = 200;

export const newTransfers = (planned: readonly PlannedTransfer[]): readonly PlannedTransfer[] =>
  planned.filter(({ known }) => !known);

export const owedBy = (planned: readonly PlannedTransfer[]): bigint =>
  planned.reduce((sum: bigint, { owedAtOnce }: { owedAtOnce: Bts }) => sum + owedAtOnce, 0n);

export function printTransfers(terminal: Terminal, planned: readonly PlannedTransfer[]): void {
  if (planned.length === 0) {
    terminal.out("no transfer of the custodian is in these blocks");
    return;
  }
  printTable<PlannedTransfer>(
    terminal,
    [
      { head: "TRANSFER", cell: ({ operation }) => operation },
      { head: "TIME", cell: ({ timeMs }) => timeText(timeMs) },
      {
        head: "ACCOUNT",
        cell: ({ direction, account }) => `${direction === "in" ? "from" : "to"} ${account}`,
      },
      { head: "AMOUNT", align: "right", cell: ({ amount }) => sharesText(amount) },
      { head: "OUTCOME", cell: ({ known, outcome }) => (known ? "in the ledger" : (outcome ?? "recorded")) },
      {
        head: "MONTHS PAID",
        cell: ({ monthsPaid }) =>
          monthsPaid
            .map(({ number, paidMs }) => `${number} on ${timeText(paidMs).slice(0, 10)}`)
            .join(", ") || "–",
      },
      { head: "OWED AT ONCE", align: "right", cell: ({ owedAtOnce }) => btsText(owedAtOnce) },
      { head: "WHY", cell: ({ reason }) => safeText(reason) },
    ],
    planned.slice(0, SHOWN_MAX),
  );
  if (planned.length > SHOWN_MAX)
    terminal.note(`${SHOWN_MAX} of ${planned.length}; --dry-run --json shows all`);
  terminal.out("");
  terminal.out(
    `${newTransfers(planned).length} new transfer(s), ${planned.length - newTransfers(planned).length} in the ledger already; owed at once: ${btsText(owedBy(planned))} BTS`,
  );
}
