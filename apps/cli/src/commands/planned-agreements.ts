import { operationId } from "@stakebts/kernel/operation-id";
import type { PlannedAgreement } from "@stakebts/core/imports/write-agreements";
import type { Terminal } from "../terminal.ts";
import { btsText, printTable, timeText } from "../print.ts";

const SHOWN_MAX = 100;

const dayText = (ms: number | undefined): string => (ms === undefined ? "?" : timeText(ms).slice(0, 10));

const monthsPaid = ({ offered }: PlannedAgreement) =>
  offered.rows.filter((row) => row.type === "reward" && row.status === "paid");

const stateOf = ({ acquaintance }: PlannedAgreement): string => {
  switch (acquaintance.type) {
    case "new":
      return "new";
    case "same_place":
      return "in the ledger";
    case "duplicate":
      return `in the ledger as ${acquaintance.of}`;
    case "taken":
      return "its place is taken";
  }
};

export const newOnes = (planned: readonly PlannedAgreement[]): readonly PlannedAgreement[] =>
  planned.filter(({ acquaintance }) => acquaintance.type === "new");

export const overdueOf = (planned: readonly PlannedAgreement[]): { rows: number; amount: bigint } =>
  newOnes(planned).reduce(
    (sum, { overdue }) => ({ rows: sum.rows + overdue.rows, amount: sum.amount + overdue.amount }),
    { rows: 0, amount: 0n },
  );

export const agreementJson = (planned: PlannedAgreement): unknown => {
  const { agreement, undecided } = planned.offered;
  return {
    agreement: operationId(agreement.operation),
    nominator: agreement.nominator,
    amount: agreement.amount,
    months: agreement.months,
    startMs: agreement.startMs,
    state: stateOf(planned),
    monthsPaid: monthsPaid(planned).map(({ number, settlement }) => ({
      number,
      paidMs: settlement?.processedMs,
    })),
    overdue: planned.overdue,
    undecided: undecided.map(({ key, amount }) => ({ payout: key, amount })),
  };
};

export function printAgreements(terminal: Terminal, planned: readonly PlannedAgreement[]): void {
  printTable<PlannedAgreement>(
    terminal,
    [
      { head: "NOMINATOR", cell: ({ offered }) => offered.agreement.nominator },
      { head: "AMOUNT", align: "right", cell: ({ offered }) => btsText(offered.agreement.amount) },
      { head: "MONTHS", align: "right", cell: ({ offered }) => `${offered.agreement.months}` },
      { head: "START", cell: ({ offered }) => timeText(offered.agreement.startMs) },
      {
        head: "MONTHS PAID",
        cell: (one) =>
          monthsPaid(one)
            .map(({ number, settlement }) => `${number} on ${dayText(settlement?.processedMs)}`)
            .join(", ") || "none",
      },
      { head: "OWED AT ONCE", align: "right", cell: ({ overdue }) => btsText(overdue.amount) },
      { head: "STATE", cell: stateOf },
    ],
    planned.slice(0, SHOWN_MAX),
  );
  if (planned.length > SHOWN_MAX)
    terminal.note(`${SHOWN_MAX} of ${planned.length}; --dry-run --json shows all`);
}
