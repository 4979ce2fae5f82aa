import { createHash } from "node:crypto";
import type { AgreementLine } from "./agreement-lines.ts";
import { DAYS_PAID_BY_HAND, type MonthPaid, monthsPaidOn, withMonthsPaid } from "../rules/import-mark.ts";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { AgreementTerms } from "../rules/policy.ts";
import { type Agreement, buildStakeRows } from "../rules/terms.ts";
import { plusMs, SECOND_MS } from "@stakebts/kernel/time";
import type { Ledger } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";
import { needPaymentsOff, type OnProgress } from "./import-refused.ts";
import { type OfferedAgreement, writeAgreements, type WrittenAgreements } from "./write-agreements.ts";

/**
 * Writes the agreements of a list, with receipts of the beginning and the end.
 * Errors: as {@link writeAgreements}.
 */
export async function importText(
  deps: { readonly ledger: Ledger },
  { source, agreements }: { readonly source: string; readonly agreements: readonly OfferedAgreement[] },
  action: OperatorAction,
  onProgress: OnProgress,
): Promise<WrittenAgreements> {
  const { ledger } = deps;
  const offered = { kind: "text", agreements: agreements.length };
  await ledger.transaction(async (tx) => {
    await needPaymentsOff(tx);
    await tx.receipts.add([receiptOf("import.started", source, action, offered)]);
  });
  const written = await writeAgreements(deps, agreements, onProgress);
  const done = { kind: "text", ...written };
  await ledger.transaction((tx) => tx.receipts.add([receiptOf("import.finished", source, action, done)]));
  return written;
}

/** The agreement of one line, its rows as a live one has them, the first `months_paid` rewards settled. */
export function agreementOfLine(line: AgreementLine, terms: AgreementTerms): OfferedAgreement {
  const { nominator, amount, months, startMs } = line;
  const agreement: Agreement = {
    operation: placeOfLine(line),
    nominator,
    amount,
    months,
    startMs,
    terms,
  };
  return {
    agreement,
    rows: withMonthsPaid(buildStakeRows(agreement), monthsPaidOf(agreement, line.monthsPaid)),
    undecided: [],
  };
}

/** Paid on the n-th of the days on which it was done by hand; beyond them, for want of better, when it was due. */
function monthsPaidOf(agreement: Agreement, count: number): readonly MonthPaid[] {
  const byHand = monthsPaidOn(DAYS_PAID_BY_HAND, agreement);
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    const { startMs, terms } = agreement;
    return byHand[index] ?? { number, paidMs: plusMs(startMs, number * terms.monthMs) };
  });
}

/**
 * The place of an agreement whose transfer nobody has named: block 0, which no chain has, the second in which it began,
 * and 31 bits that follow from what it is. The same line has the same place each time, and a payout key can carry it.
 */
function placeOfLine({ nominator, startMs, amount, months }: AgreementLine): OperationPosition {
  const digest = createHash("sha256").update(`${nominator} ${startMs} ${amount} ${months}`).digest();
  return {
    blockNum: 0,
    trxInBlock: Math.floor(startMs / SECOND_MS) % 2 ** 31,
    opInTrx: digest.readUInt32BE() >>> 1,
  };
}
