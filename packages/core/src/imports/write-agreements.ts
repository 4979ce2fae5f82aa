import { type Bts, bts } from "@stakebts/kernel/amount";
import { operationId, type OperationId } from "@stakebts/kernel/operation-id";
import { btsText } from "@stakebts/kernel/text";
import type { Millis } from "@stakebts/kernel/time";
import { identified } from "../ledger/ids.ts";
import type { Ledger, LedgerTx, NewAgreement } from "../ledger/ledger.ts";
import { isSameAgreement } from "../rules/import-mark.ts";
import type { NewPayout } from "../rules/payout.ts";
import type { NewStakeRow } from "../rules/stake-row.ts";
import type { Agreement } from "../rules/terms.ts";
import { ImportRefused, needPaymentsOff, type OnProgress } from "./import-refused.ts";

export type Acquaintance =
  | { readonly type: "new" }
  /** Written by this very import before. */
  | { readonly type: "same_place" }
  /** In the ledger under another name. */
  | { readonly type: "duplicate"; readonly of: OperationId }
  /** Another agreement has its place. */
  | { readonly type: "taken"; readonly by: Agreement };

/**
 * Which of the agreements does the ledger have? Each one it has is at most one of those that are offered: an account that
 * staked twice on one day has two.
 */
export function compareWithLedger(
  offered: readonly Agreement[],
  existing: readonly Agreement[],
): readonly Acquaintance[] {
  const byPlace = new Map(existing.map((agreement) => [operationId(agreement.operation), agreement]));
  const free = new Map<string, Agreement[]>();
  for (const agreement of existing) {
    const of = free.get(agreement.nominator);
    if (of === undefined) free.set(agreement.nominator, [agreement]);
    else of.push(agreement);
  }
  const take = (agreement: Agreement): void => {
    free.set(
      agreement.nominator,
      (free.get(agreement.nominator) ?? []).filter((other) => other !== agreement),
    );
  };
  const answers = offered.map((agreement): Acquaintance => {
    const there = byPlace.get(operationId(agreement.operation));
    if (there === undefined) return { type: "new" };
    if (!isSameAgreement(there, agreement)) return { type: "taken", by: there };
    take(there);
    return { type: "same_place" };
  });
  return answers.map((answer, index) => {
    const agreement = offered[index] as Agreement;
    if (answer.type !== "new") return answer;
    const [nearest] = (free.get(agreement.nominator) ?? [])
      .filter((other) => isSameAgreement(other, agreement))
      .toSorted((a, b) => Math.abs(a.startMs - agreement.startMs) - Math.abs(b.startMs - agreement.startMs));
    if (nearest === undefined) return answer;
    take(nearest);
    return { type: "duplicate", of: operationId(nearest.operation) };
  });
}

/** An agreement as an import offers it to the ledger. */
export interface OfferedAgreement extends NewAgreement {
  /** Debts that may have been paid already: written as held. */
  readonly undecided: readonly NewPayout[];
}

export interface PlannedAgreement {
  readonly offered: OfferedAgreement;
  readonly acquaintance: Acquaintance;
  /** Rewards and base amount that are owed as soon as it is in the ledger. */
  readonly overdue: { readonly rows: number; readonly amount: Bts };
}

/** About four thousand rows in one transaction: a second's work. */
const AGREEMENTS_PER_TRANSACTION = 500;
export const HELD_REASON = "v2.4 left it in processing: see on the chain whether it was paid";

/** What the ledger makes of these agreements. Writes nothing. */
export async function planAgreements(
  { ledger }: { readonly ledger: Ledger },
  offers: readonly OfferedAgreement[],
  asOfMs: Millis,
): Promise<readonly PlannedAgreement[]> {
  const planned: PlannedAgreement[] = [];
  for (const chunk of chunksByNominator(offers)) {
    const acquaintances = await ledger.transaction((tx) => compare(tx, chunk));
    for (const [index, offered] of chunk.entries()) {
      const due = overdueRows(offered.rows, asOfMs);
      planned.push({
        offered,
        acquaintance: acquaintances[index] as Acquaintance,
        overdue: { rows: due.length, amount: bts(due.reduce((sum, row) => sum + row.amount, 0n)) },
      });
    }
  }
  return planned;
}

export const overdueRows = (rows: readonly NewStakeRow[], asOfMs: Millis): readonly NewStakeRow[] =>
  rows.filter(
    (row) =>
      row.status === "pending" &&
      (row.type === "reward" || row.type === "base_amount") &&
      row.dueMs <= asOfMs,
  );

export interface WrittenAgreements {
  readonly agreements: number;
  readonly rows: number;
  readonly held: number;
}

/**
 * Writes those that the ledger does not have, some hundred in a transaction, each with all that belongs to it or not at
 * all. What is there stays as it is, so that after a crash the same call goes on where it was.
 * Errors: {@link ImportRefused}, when payments are on or an agreement's place is taken by another one.
 */
export async function writeAgreements(
  { ledger }: { readonly ledger: Ledger },
  offers: readonly OfferedAgreement[],
  onProgress: OnProgress,
): Promise<WrittenAgreements> {
  const total = { agreements: 0, rows: 0, held: 0 };
  let done = 0;
  for (const chunk of chunksByNominator(offers)) {
    const written = await ledger.transaction(async (tx) => {
      await needPaymentsOff(tx);
      await tx.lockEvents(); // A apply events could open one of them from its transfer between our look and our write.
      const acquaintances = await compare(tx, chunk);
      const fresh = await tx.agreements.insert(
        chunk.filter((_, index) => acquaintances[index]?.type === "new"),
        { imported: true },
      );
      for (const { undecided } of fresh as readonly OfferedAgreement[]) await hold(tx, undecided);
      return fresh as readonly OfferedAgreement[];
    });
    for (const { rows, undecided } of written) {
      total.agreements++;
      total.rows += rows.length;
      total.held += undecided.length;
    }
    done += chunk.length;
    onProgress(done, offers.length);
  }
  return total;
}

async function compare(tx: LedgerTx, offers: readonly OfferedAgreement[]): Promise<readonly Acquaintance[]> {
  const existing = await tx.agreements.find({
    nominators: [...new Set(offers.map(({ agreement }) => agreement.nominator))],
  });
  const acquaintances = compareWithLedger(
    offers.map(({ agreement }) => agreement),
    existing,
  );
  const taken = acquaintances.find((acquaintance) => acquaintance.type === "taken");
  if (taken?.type === "taken")
    throw new ImportRefused(
      `the place ${operationId(taken.by.operation)} is taken by another agreement of ${taken.by.nominator}, ${btsText(taken.by.amount)} for ${taken.by.months} months`,
      "compare the two; one of them is not what it says",
    );
  return acquaintances;
}

async function hold(tx: LedgerTx, undecided: readonly NewPayout[]): Promise<void> {
  const payouts = undecided.map(identified);
  await tx.payouts.insert(payouts);
  for (const payout of payouts) await tx.payouts.move(payout.id, ["due"], "held", { reason: HELD_REASON });
}

/** All agreements of one nominator in one chunk: only together can they be told from those that the ledger has. */
function* chunksByNominator(offers: readonly OfferedAgreement[]): Generator<readonly OfferedAgreement[]> {
  const byNominator = new Map<string, OfferedAgreement[]>();
  for (const offer of offers) {
    const of = byNominator.get(offer.agreement.nominator);
    if (of === undefined) byNominator.set(offer.agreement.nominator, [offer]);
    else of.push(offer);
  }
  let chunk: OfferedAgreement[] = [];
  for (const of of byNominator.values()) {
    chunk.push(...of);
    if (chunk.length < AGREEMENTS_PER_TRANSACTION) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
