import { operationId } from "@stakebts/kernel/operation-id";
import { plainText } from "@stakebts/kernel/plain-text";
import { jsonText, NOTHING } from "@stakebts/kernel/text";
import type { TopUpRecord } from "../ledger/ledger.ts";
import type {
  AgreementLine,
  AttemptLine,
  DebtLine,
  JournalLine,
  Liabilities,
  PayoutLine,
  ReceiptLine,
  StakeLine,
  StatusView,
  Sum,
  YearTotal,
} from "../ledger/view.ts";
import { topUpSourceName } from "../rules/top-up.ts";
import { column, type Columns, type Tone } from "./columns.ts";
import type { ConsoleUser } from "./console-access.ts";

// Each list that operators see, declared once: the command line and the console show the same columns under the same
// headings, and files have the same fields.

export const payoutTone = (status: string): Tone | undefined => {
  if (status === "failed" || status === "held") return "bad";
  if (status === "confirmed") return "good";
  return status === "waiting_funds" ? "notice" : undefined;
};

export const PAYOUTS = {
  key: column.id("Payout", ({ key }) => key),
  payee: column.text("Payee", ({ payee }) => payee),
  amount: column.number("BTS", ({ amount }) => amount),
  due: column.time("Due (UTC)", ({ dueMs }) => dueMs),
  status: column.state(
    "Status",
    ({ status }) => status,
    ({ status }) => payoutTone(status),
  ),
  block: column.block("Block", ({ blockProcessed }) => blockProcessed),
  reason: column.text("Reason", ({ reason }) => reason),
} as const satisfies Columns<PayoutLine>;

/** The attempts to pay one payout. */
export const ATTEMPTS = {
  txid: column.id("Attempt", ({ txid }) => txid),
  status: column.state("Status", ({ status }) => status),
  signed: column.time("Signed (UTC)", ({ createdAtMs }) => createdAtMs),
  expires: column.time("Expires (UTC)", ({ expirationMs }) => expirationMs),
  fee: column.shares("Fee", ({ feeShares }) => feeShares),
  operation: column.id("Found at", ({ operation }) => operation),
} as const satisfies Columns<AttemptLine>;

/** What is owed and not paid yet: payouts, and rows that have none. */
export const DEBTS = {
  due: column.time("Due (UTC)", ({ dueMs }) => dueMs),
  payee: column.text("Payee", ({ payee }) => payee),
  kind: column.text("Kind", ({ kind }) => kind),
  amount: column.number("BTS", ({ amount }) => amount),
} as const satisfies Columns<DebtLine>;

export const AGREEMENTS = {
  agreement: column.id("Agreement", ({ agreement }) => agreement),
  nominator: column.text("Nominator", ({ nominator }) => nominator),
  amount: column.number("BTS", ({ amount }) => amount),
  months: {
    ...column.text("Months", ({ rewardsPaid, months }) => `${rewardsPaid}/${months}`),
    kind: "number",
  },
  start: column.time("Start (UTC)", ({ startMs }) => startMs),
  end: column.time("End (UTC)", ({ endMs }) => endMs),
  status: column.state("Status", ({ status }) => status),
  paid: column.number("Paid", ({ paid }) => paid),
  owed: column.number("To come", ({ owed }) => owed),
  next: column.time("Next (UTC)", ({ nextDueMs }) => nextDueMs),
} as const satisfies Columns<AgreementLine>;

export const STAKES = {
  agreement: column.id("Agreement", ({ agreement }) => operationId(agreement)),
  nominator: column.text("Nominator", ({ nominator }) => nominator),
  type: column.text("Type", ({ type, number: month }) => (month > 0 ? `${type} ${month}` : type)),
  amount: column.number("BTS", ({ amount }) => amount),
  due: column.time("Due (UTC)", ({ dueMs }) => dueMs),
  status: column.state("Status", ({ status }) => status),
  block: column.block("Block", ({ blockProcessed }) => blockProcessed),
} as const satisfies Columns<StakeLine>;

export const RECEIPTS = {
  written: column.time("Written (UTC)", ({ createdAtMs }) => createdAtMs),
  writtenBy: column.text("By login", ({ writtenBy }) => writtenBy),
  event: column.id("Event", ({ event }) => event),
  subject: column.id("Subject", ({ subject }) => plainText(subject)),
  details: column.text("Details", ({ details }) =>
    Object.entries(details)
      .filter(([, value]) => value !== null && value !== "")
      .map(([name, value]) => `${name}=${typeof value === "string" ? value : jsonText(value)}`)
      .join(" "),
  ),
} as const satisfies Columns<ReceiptLine>;

export const TOP_UPS = {
  key: column.id("Top-up", ({ key }) => key),
  source: column.text("From", ({ source }) => topUpSourceName(source)),
  amount: column.number("BTS", ({ amount }) => amount),
  status: column.state(
    "Status",
    ({ status }) => status,
    ({ status }) => (status === "unresolved" ? "bad" : undefined),
  ),
  venueStatus: column.text("At the source", ({ venueStatus }) => venueStatus ?? NOTHING),
  requested: column.time("Requested (UTC)", ({ requestedMs }) => requestedMs),
  reason: column.text("Reason", ({ reason }) => reason),
} as const satisfies Columns<TopUpRecord>;

export const USERS = {
  name: column.id("Name", ({ name }) => name),
  role: column.text("Role", ({ role }) => role),
  state: column.state(
    "State",
    ({ disabled }) => (disabled ? "disabled" : "enabled"),
    ({ disabled }) => (disabled ? "bad" : undefined),
  ),
  added: column.time("Added (UTC)", ({ createdAtMs }) => createdAtMs),
} as const satisfies Columns<ConsoleUser>;

export const PAYOUT_COUNTS = {
  status: column.state(
    "Payouts",
    ({ status }) => status,
    ({ status }) => payoutTone(status),
  ),
  count: column.number("Count", ({ count }) => count),
  amount: column.number("BTS", ({ amount }) => amount),
} as const satisfies Columns<StatusView["payouts"][number]>;

export interface LiabilityLine {
  readonly name: string;
  readonly owed: Sum;
}
export const LIABILITIES = {
  due: column.text("Due", ({ name }) => name),
  payments: column.number("Payments", ({ owed }) => owed.count),
  amount: column.number("BTS", ({ owed }) => owed.amount),
} as const satisfies Columns<LiabilityLine>;

/** What is owed by when: each line has those above in it. */
export const liabilityLines = (owed: Liabilities): readonly LiabilityLine[] => [
  { name: "Past due", owed: owed.pastDue },
  { name: "Within 24 hours", owed: owed.within24h },
  { name: "Within 48 hours", owed: owed.within48h },
  { name: "Within 7 days", owed: owed.within7d },
  { name: "Within 30 days", owed: owed.within30d },
  { name: "In all (gross)", owed: owed.gross },
];

/** For the accountant: every payout with what the chain shows of it. The names are those of the file's columns. */
export const JOURNAL = {
  payout: column.id("Payout", ({ key }) => key),
  kind: column.text("Kind", ({ kind }) => kind),
  payee: column.text("Payee", ({ payee }) => payee),
  amount_bts: column.number("BTS", ({ amount }) => amount),
  status: column.state("Status", ({ status }) => status),
  due_utc: column.time("Due (UTC)", ({ dueMs }) => dueMs),
  paid_utc: column.time("Paid (UTC)", ({ processedMs }) => processedMs),
  block: column.block("Block", ({ blockProcessed }) => blockProcessed),
  operation: column.id("Operation", ({ operation }) => operation),
  txid: column.id("Transaction", ({ txid }) => txid),
  fee_bts: column.shares("Fee", ({ feeShares }) => feeShares),
  matches_chain: {
    head: "Matches the chain",
    kind: "state",
    text: ({ matchesChain }) => (matchesChain === undefined ? NOTHING : matchesChain ? "yes" : "no"),
    value: ({ matchesChain }) => matchesChain,
  },
  reason: column.text("Reason", ({ reason }) => reason),
} as const satisfies Columns<JournalLine>;

export const YEAR_TOTALS = {
  nominator: column.text("Nominator", ({ nominator }) => nominator),
  year: column.block("Year", ({ year }) => year),
  kind: column.text("Kind", ({ kind }) => kind),
  payments: column.number("Payments", ({ count }) => count),
  amount_bts: column.number("BTS", ({ amount }) => amount),
} as const satisfies Columns<YearTotal>;
