import { type Bts, bts, MAX_SUPPLY_SHARES, SHARES_PER_BTS } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { btsText, exactTimeText, numberText } from "@stakebts/kernel/text";
import { millis } from "@stakebts/kernel/time";
import { decideDueRow } from "../rules/decide.ts";
import { type NewPayout, payoutKey, payoutMemo } from "../rules/payout.ts";
import { type AgreementTerms, type TermMonths, TERMS } from "../rules/policy.ts";
import {
  type NewStakeRow,
  STAKE_ROW_STATUSES,
  STAKE_ROW_TYPES,
  type StakeRow,
  type StakeRowId,
  stakeRowId,
  type StakeRowStatus,
  type StakeRowType,
} from "../rules/stake-row.ts";
import { type Agreement, buildStakeRows, DIGITAL_ASSET } from "../rules/terms.ts";

/** A line of v2.4's table `stakes`: with the values that SQLite found in it, which need not be of the column's type. */
export type V24Row = Readonly<Record<string, unknown>>;

export interface V24Agreement {
  readonly agreement: Agreement;
  readonly rows: readonly NewStakeRow[];
  /** Rows that v2.4 left in `processing`, as debts that wait for a person. */
  readonly undecided: readonly NewPayout[];
}

export interface V24Stakes {
  readonly agreements: readonly V24Agreement[];
  /** What is not as v2.4 writes it, and can be taken over all the same if the operator says so. */
  readonly differences: readonly { readonly at: string; readonly what: string }[];
  /** What the ledger has no place for. */
  readonly leftOut: readonly { readonly row: V24Row; readonly why: string }[];
  /** `paid` by v2.4 with no block that shows it: v2.4 wrote the word before it sent anything. */
  readonly toCheck: readonly NewStakeRow[];
}

interface ReadRow {
  readonly source: V24Row;
  readonly row: NewStakeRow;
}

const INT4_MAX = 2_147_483_647;
const BTS_MAX = MAX_SUPPLY_SHARES / SHARES_PER_BTS;

/**
 * Rebuilds agreements from the rows of v2.4, which has no table of them. Total: any rows come out as
 * agreements, differences, or rows that are left out by name.
 * @param terms what v2.4 was configured with; its rows are compared with what they give
 * @param paidByV24 rows in `processing` that a person has found to be paid
 */
export function readV24Stakes(
  source: readonly V24Row[],
  terms: AgreementTerms,
  paidByV24: ReadonlySet<string> = new Set(),
): V24Stakes {
  const differences: { at: string; what: string }[] = [];
  const leftOut: { row: V24Row; why: string }[] = [];
  const groups = new Map<string, ReadRow[]>();
  for (const line of source) {
    const row = readRow(line);
    if (typeof row === "string") {
      leftOut.push({ row: line, why: row });
      continue;
    }
    const at = operationId(row.agreement);
    const read: ReadRow = {
      source: line,
      row: row.status === "processing" && paidByV24.has(row.id) ? { ...row, status: "paid" } : row,
    };
    const group = groups.get(at);
    if (group === undefined) groups.set(at, [read]);
    else group.push(read);
  }
  const agreements: V24Agreement[] = [];
  for (const [at, group] of groups) {
    const agreement = agreementOf(group, terms);
    if (typeof agreement === "string") {
      for (const { source: row } of group) leftOut.push({ row, why: `${at}: ${agreement}` });
      continue;
    }
    const rows = group.map(({ row }) => row);
    const name = `${at} (${agreement.nominator}, ${btsText(agreement.amount)})`;
    differences.push(...differencesOf(agreement, rows).map((what) => ({ at: name, what })));
    agreements.push({ agreement, rows, undecided: undecidedPayouts(agreement, rows) });
  }
  const all = agreements.flatMap(({ rows }) => rows);
  for (const id of paidByV24)
    if (!all.some((row) => row.id === id))
      differences.push({ at: id, what: "is said to be paid, and there is no such row" });
  return {
    agreements,
    differences,
    leftOut,
    toCheck: all.filter(
      (row) =>
        row.status === "paid" &&
        (row.type === "reward" || row.type === "base_amount") &&
        (row.settlement?.blockProcessed ?? 0) === 0,
    ),
  };
}

/** One line in the ledger's words, or why it has no place there. */
function readRow(line: V24Row): NewStakeRow | string {
  const whole = (name: string, maximum: number): number | undefined => {
    const value = line[name];
    const number = typeof value === "bigint" ? Number(value) : value;
    return typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= maximum
      ? number
      : undefined;
  };
  const { nominator, type, status, digital_asset: asset } = line;
  if (typeof nominator !== "string" || !/^[a-z][a-z0-9.-]{2,62}$/u.test(nominator))
    return "the nominator is not an account name";
  if (asset !== DIGITAL_ASSET) return `the asset is not ${DIGITAL_ASSET}`;
  if (!(STAKE_ROW_TYPES as readonly unknown[]).includes(type)) return "there is no such type";
  if (!(STAKE_ROW_STATUSES as readonly unknown[]).includes(status)) return "there is no such status";
  const amount = amountOf(line["amount"], type === "penalty");
  if (amount === undefined) return "the amount is not a number of whole BTS, negative for a penalty only";
  const [blockNum, trxInBlock, opInTrx] = ["block_start", "trx_idx", "ops_idx"].map((name) =>
    whole(name, INT4_MAX),
  );
  if (blockNum === undefined || trxInBlock === undefined || opInTrx === undefined)
    return "block_start, trx_idx and ops_idx do not name a place in the chain";
  const startMs = whole("start", Number.MAX_SAFE_INTEGER);
  const dueMs = whole("due", Number.MAX_SAFE_INTEGER);
  if (startMs === undefined || dueMs === undefined) return "start or due is not a time";
  const number = whole("number", INT4_MAX);
  if (number === undefined || (type === "reward") !== number > 0)
    return "rewards are numbered from 1, everything else has 0";
  const processedMs = whole("processed", Number.MAX_SAFE_INTEGER);
  const blockProcessed = whole("block_processed", INT4_MAX);
  if (
    (status === "confirmed" || status === "premature") &&
    (processedMs === undefined || blockProcessed === undefined)
  )
    return `${status}, and no block and time say when`;
  const agreement: OperationPosition = { blockNum, trxInBlock, opInTrx };
  return {
    id: stakeRowId({ type: type as StakeRowType, number, agreement }),
    agreement,
    nominator,
    digitalAsset: DIGITAL_ASSET,
    amount,
    type: type as StakeRowType,
    number,
    startMs: millis(startMs),
    dueMs: millis(dueMs),
    status: status as StakeRowStatus,
    settlement: {
      processedMs: processedMs === undefined ? undefined : millis(processedMs),
      blockProcessed,
    },
  };
}

function amountOf(value: unknown, isPenalty: boolean): Bts | undefined {
  if (typeof value !== "bigint" && !(typeof value === "number" && Number.isSafeInteger(value)))
    return undefined;
  const amount = BigInt(value);
  if (isPenalty ? amount > 0n : amount < 0n) return undefined;
  return amount > BTS_MAX || amount < -BTS_MAX ? undefined : bts(amount);
}

/** The agreement that these rows of one place are, or why they are none. */
function agreementOf(group: readonly ReadRow[], terms: AgreementTerms): Agreement | string {
  const rows = group.map(({ row }) => row);
  const [first] = rows;
  if (first === undefined) return "no rows";
  const ids = new Set(rows.map((row) => row.id));
  if (new Set(rows.map((row) => row.nominator)).size > 1) return "rows of several nominators at one place";
  if (ids.size < rows.length) return "the same row twice";
  if (new Set(rows.map((row) => row.startMs)).size > 1) return "rows that start at several times";
  const opened = Object.values(TERMS).filter((months) => rows.some((r) => r.type === `agreement_${months}`));
  const [months] = opened;
  if (months === undefined || opened.length > 1) return "not exactly one agreement row";
  const base = rows.find((row) => row.type === "base_amount");
  if (base === undefined || base.amount <= 0n) return "no base amount";
  return {
    operation: first.agreement,
    nominator: first.nominator,
    amount: base.amount,
    months: months as TermMonths,
    startMs: first.startMs,
    terms,
  };
}

function differencesOf(agreement: Agreement, rows: readonly NewStakeRow[]): readonly string[] {
  const found = new Map<StakeRowId, NewStakeRow>(rows.map((row) => [row.id, row]));
  const differences: string[] = [];
  for (const expected of buildStakeRows(agreement)) {
    const row = found.get(expected.id);
    found.delete(expected.id);
    const name = nameOf(expected);
    if (row === undefined) differences.push(`no row for ${name}`);
    else {
      if (row.amount !== expected.amount)
        differences.push(`${name} is ${btsText(row.amount)}, expected ${numberText(expected.amount)}`);
      if (row.dueMs !== expected.dueMs)
        differences.push(`${name} is due ${timeOf(row.dueMs)}, expected ${timeOf(expected.dueMs)}`);
    }
  }
  for (const row of found.values())
    differences.push(`${nameOf(row)} is beyond its ${agreement.months} months`);
  const hasBaseInProcess = rows.some((row) => row.type === "base_amount" && row.status === "processing");
  if (!hasBaseInProcess && rows.some((row) => row.type === "penalty" && row.status === "processing"))
    differences.push("its penalty is in processing and its base amount is not: nothing will be paid for it");
  return differences;
}

const nameOf = (row: Pick<StakeRow, "type" | "number">): string =>
  row.number === 0 ? row.type : `${row.type} ${row.number}`;

const timeOf = (ms: number): string => (ms > 8_640_000_000_000_000 ? `${ms}` : exactTimeText(ms));

/**
 * What v2.4 was paying when it ended: it may be paid and it may not. As payouts they have a name under which an operator
 * can release them or take them back; held, they are not paid.
 */
function undecidedPayouts(agreement: Agreement, rows: readonly NewStakeRow[]): readonly NewPayout[] {
  const processing = rows.filter((row) => row.status === "processing");
  const exit = processing.filter((row) => row.type === "base_amount" || row.type === "penalty");
  const single = (row: StakeRow): readonly NewPayout[] => {
    const { payout } = decideDueRow({ ...row, status: "pending" });
    return payout === undefined ? [] : [payout];
  };
  const rewards = processing.filter((row) => row.type === "reward").flatMap(single);
  if (!exit.some((row) => row.type === "base_amount")) return rewards;
  if (exit.length === 1) return [...rewards, ...exit.flatMap(single)];
  const amount = bts(exit.reduce((sum, row) => sum + row.amount, 0n));
  if (amount <= 0n) return rewards;
  // An early exit of v2.4. The place of its transfer is not in the table; that of the agreement is never a stop's.
  const key = payoutKey.stop(agreement.operation);
  const stop: NewPayout = {
    key,
    kind: "stop",
    payee: agreement.nominator,
    amount,
    memo: payoutMemo("stop", key, { amount: `${amount}` }),
    dueMs: agreement.startMs,
    rows: exit.map((row) => ({ id: row.id, settlesAs: "premature" })),
  };
  return [...rewards, stop];
}
