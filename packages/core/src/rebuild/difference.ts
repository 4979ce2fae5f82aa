import type { PayoutKey } from "../rules/payout.ts";
import type { LedgerContents } from "./ledger-contents.ts";

/**
 * Why a ledger may differ from what the chain alone gives:
 * - `person`: an operator held, cancelled or settled it by hand; `failed`: its attempts are used up.
 * - `notice`: about a failure, which is not on the chain. `checkpoint`: a hash chain entry of the audit log.
 * - `imported`: from before this ledger. `terms`: opened under another policy than today's.
 * - `admin`: a manager's order, which depends on when it was read and on his membership then.
 * - `history`: an executed proposal carried it out, and nodes do not tell any more.
 * - `skipped`: its block was on the skip list. `behind`: the scheduler has not got there yet.
 */
export const EXPECTED_CAUSES = [
  "person",
  "failed",
  "notice",
  "checkpoint",
  "imported",
  "terms",
  "admin",
  "history",
  "skipped",
  "behind",
] as const;
export type ExpectedCause = (typeof EXPECTED_CAUSES)[number];

export interface Difference {
  readonly about: "block" | "transfer" | "agreement" | "row" | "payout" | "payment";
  /** Operation, row id or payout key. */
  readonly subject: string;
  /** `undefined`: nothing explains it, and a person has to look. */
  readonly cause: ExpectedCause | undefined;
  readonly message: string;
  readonly todo: string | undefined;
}

export interface Comparison {
  readonly fromBlockNum: number;
  readonly toBlockNum: number;
  readonly compared: { transfers: number; agreements: number; rows: number; payouts: number };
  /** Older than the range, and not compared. */
  readonly olderAgreements: number;
  /** Agreements of other terms than those of today's policy: they keep what they were opened under. */
  readonly keptTerms: number;
  readonly serious: number;
  readonly expected: Readonly<Partial<Record<ExpectedCause, number>>>;
}

/** What a ledger knows that is not on the chain, and on whom it bears. Filled further while transfers are compared. */
export interface KnownCauses {
  /** People with a cancelled debt: what a later stop returned to them depends on it. */
  readonly handled: ReadonlySet<string>;
  /** People with agreements from before this ledger. */
  readonly imported: ReadonlySet<string>;
  /** Debts that a person has settled by a transfer that does not name them. */
  readonly settledByHand: ReadonlySet<string>;
  /** Transfers on a skip list of then. */
  readonly skipped: ReadonlySet<string>;
  /** Nodes could not tell the account's whole history. */
  readonly historyIsShort: boolean;
  readonly isBehind: boolean;
  /** Why a transfer was answered otherwise; what follows from it has the same cause. */
  readonly transfers: Map<string, ExpectedCause | undefined>;
  /** Outgoing transfers that name a notice or a checkpoint, as the chain has them. */
  readonly payments: Map<PayoutKey, { readonly receiver: string; readonly blockNum: number }>;
}

export async function causesIn(
  ledger: LedgerContents,
  chain: LedgerContents,
  fromBlockNum: number,
): Promise<KnownCauses> {
  const handled = new Set<string>();
  for await (const page of ledger.payouts())
    for (const { status, payee } of page) if (status === "cancelled") handled.add(payee);
  const imported = new Set<string>();
  for await (const page of ledger.agreements())
    for (const agreement of page)
      if (!agreement.isOpenedByTransfer || agreement.operation.blockNum < fromBlockNum)
        imported.add(agreement.nominator);
  const skipped = await ledger.receiptsOf("transfer.skipped", ["ingester", "operator"]);
  return {
    handled,
    imported,
    settledByHand: new Set(await ledger.settledByHand()),
    skipped: new Set(skipped.map(({ subject }) => subject)),
    historyIsShort: (await chain.receiptsOf("history.unread", ["ingester", "operator"])).length > 0,
    isBehind: ledger.hasWork,
    transfers: new Map(),
    payments: new Map(),
  };
}

/** The transfer that a debt or a row is named after. */
export function transferIn(key: string): string {
  const [, at] = /^(?:notice:)?[a-z_0-9]+:(\d+:\d+:\d+(?:\.\d+)?)/u.exec(key) ?? [];
  return at ?? key;
}

/** Why what belongs to this person and follows from this transfer may be otherwise. */
export function causeOf(
  { handled, imported, transfers }: KnownCauses,
  person: string,
  transfer: string,
): ExpectedCause | undefined {
  const known = transfers.get(transfer);
  if (known !== undefined) return known;
  if (imported.has(person)) return "imported";
  return handled.has(person) ? "person" : undefined;
}

/** Of what the chain gives and the ledger does not have: the same, or that the scheduler has yet to write it. */
export const causeOfAbsence = (
  causes: KnownCauses,
  person: string,
  transfer: string,
): ExpectedCause | undefined => causeOf(causes, person, transfer) ?? (causes.isBehind ? "behind" : undefined);

type Pages<T> = AsyncIterable<readonly T[]>;

/** One thing as two ledgers have it; not both are missing. */
export type Pair<T> =
  | { readonly ledger: T; readonly chain: T }
  | { readonly ledger: T; readonly chain: undefined }
  | { readonly ledger: undefined; readonly chain: T };

/** Walks through two ordered lists at once, in little memory. */
export async function* sideBySide<T>(
  ledger: Pages<T>,
  chain: Pages<T>,
  compare: (a: T, b: T) => number,
): AsyncGenerator<Pair<T>> {
  const left = flat(ledger);
  const right = flat(chain);
  let [a, b] = [await left.next(), await right.next()];
  while (a.done !== true || b.done !== true) {
    const order = a.done === true ? 1 : b.done === true ? -1 : compare(a.value, b.value);
    if (order === 0 && a.done !== true && b.done !== true) yield { ledger: a.value, chain: b.value };
    else if (order < 0 && a.done !== true) yield { ledger: a.value, chain: undefined };
    else if (b.done !== true) yield { ledger: undefined, chain: b.value };
    if (order <= 0) a = await left.next();
    if (order >= 0) b = await right.next();
  }
}

async function* flat<T>(pages: Pages<T>): AsyncGenerator<T, undefined> {
  for await (const page of pages) yield* page;
  return undefined;
}
