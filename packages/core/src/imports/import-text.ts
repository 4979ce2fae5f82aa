import { createHash } from "node:crypto";
import { type Bts, bts } from "@stakebts/kernel/amount";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import { btsText, dayText } from "@stakebts/kernel/text";
import { type Millis, millis, plusMs, SECOND_MS } from "@stakebts/kernel/time";
import type { Ledger } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";
import { DAYS_PAID_BY_HAND, type MonthPaid, monthsPaidOn, withMonthsPaid } from "../rules/import-mark.ts";
import { type AgreementTerms, type Policy, type TermMonths, TERMS } from "../rules/policy.ts";
import { type Agreement, buildStakeRows } from "../rules/terms.ts";
import { needPaymentsOff, type OnProgress } from "./import-refused.ts";
import { type OfferedAgreement, writeAgreements, type WrittenAgreements } from "./write-agreements.ts";

/** One line of the text in which agreements were kept before v2.4. */
export interface AgreementLine {
  /** Of the text, from 1. */
  readonly line: number;
  readonly nominator: string;
  readonly startMs: Millis;
  readonly amount: Bts;
  readonly months: TermMonths;
  readonly monthsPaid: number;
}

export interface LineProblem {
  readonly line: number;
  readonly problem: string;
}

const FORMAT = "username start_ms amount months months_paid";
/** BitShares: names of 3 to 63 characters, begun with a letter. */
const ACCOUNT_NAME = /^[a-z][a-z0-9.-]{2,62}$/u;
/** The first block of BitShares 2.0. A time before it is a number of seconds or a slip. */
const BEGINNING_MS = Date.parse("2015-10-13T14:12:24Z");
/** The year 2100. */
const END_MS = 4_102_444_800_000;
const MONTHS: readonly number[] = Object.values(TERMS);

/**
 * Reads `username start_ms amount months months_paid`, with tabs or blanks between them; blank lines and `#` comments are
 * passed over. Total: of any text, each line is an agreement or a named problem.
 */
export function parseAgreementLines(
  text: string,
  { acceptedAmounts }: Pick<Policy, "acceptedAmounts">,
): { readonly lines: readonly AgreementLine[]; readonly problems: readonly LineProblem[] } {
  const lines: AgreementLine[] = [];
  const problems: LineProblem[] = [];
  const seen = new Map<string, number>();
  for (const [index, raw] of text
    .replace(/^\u{FEFF}/u, "")
    .split(/\r\n|\n|\r/u)
    .entries()) {
    const line = index + 1;
    const content = raw.replace(/#.*$/su, "").trim();
    if (content === "") continue;
    const read = readLine(line, content.split(/\s+/u), acceptedAmounts);
    if ("problem" in read) {
      problems.push(read);
      continue;
    }
    const name = [read.nominator, read.startMs, read.amount, read.months].join(" ");
    const before = seen.get(name);
    if (before === undefined) {
      seen.set(name, line);
      lines.push(read);
    } else
      problems.push({
        line,
        problem: `is the same agreement as line ${before}; two that began at the same instant can be told apart only by their transfers: import their blocks`,
      });
  }
  return { lines, problems };
}

function readLine(
  line: number,
  fields: readonly string[],
  acceptedAmounts: readonly Bts[],
): AgreementLine | LineProblem {
  const [nominator = "", start = "", amount = "", months = "", monthsPaid = ""] = fields;
  const no = (problem: string): LineProblem => ({ line, problem });
  if (fields.length !== 5) return no(`has ${fields.length} field(s), expected 5: ${FORMAT}`);
  if (!ACCOUNT_NAME.test(nominator)) return no(`"${shown(nominator)}" is not an account name`);
  const startMs = wholeNumber(start);
  if (startMs === undefined) return no(`start "${shown(start)}" is not a number of milliseconds since 1970`);
  if (startMs < BEGINNING_MS)
    return no(`start ${startMs} is ${dateOf(startMs)}, before BitShares: are these seconds? Expected ms`);
  if (startMs > END_MS) return no(`start ${startMs} is ${dateOf(startMs)}: expected ms since 1970`);
  const bought = wholeNumber(amount);
  if (bought === undefined) return no(`amount "${shown(amount)}" is not a number of whole BTS`);
  if (!acceptedAmounts.includes(bts(BigInt(bought))))
    return no(
      `${btsText(BigInt(bought))} is not an accepted amount; if it was one, add it to accepted_amounts of the policy`,
    );
  const term = wholeNumber(months);
  if (term === undefined || !MONTHS.includes(term))
    return no(`months "${shown(months)}": expected ${MONTHS.join(", ")}`);
  const paid = wholeNumber(monthsPaid);
  if (paid === undefined || paid > term)
    return no(`months paid "${shown(monthsPaid)}": expected 0 to ${term}`);
  return {
    line,
    nominator,
    startMs: millis(startMs),
    amount: bts(BigInt(bought)),
    months: term as TermMonths,
    monthsPaid: paid,
  };
}

const wholeNumber = (text: string): number | undefined =>
  /^[0-9]{1,15}$/u.test(text) ? Number(text) : undefined;

const shown = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

const dateOf = (ms: number): string => (ms > 8_640_000_000_000_000 ? "no date" : dayText(ms));

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
 * The place of an agreement whose transfer was not named: block 0, which no chain has, the second in which it began,
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
