import { isSameAgreement } from "../rules/import-mark.ts";
import { operationId, type OperationId } from "@stakebts/kernel/operation-id";
import type { Agreement } from "../rules/terms.ts";

export type Acquaintance =
  | { readonly type: "new" }
  /** Written by this very import before. */
  | { readonly type: "same_place" }
  /** In the ledger under another name. */
  | { readonly type: "duplicate"; readonly of: OperationId }
  /** Another agreement has its place. */
  | { readonly type: "taken"; readonly by: Agreement };

/**
 * Which of the agreements does the ledger have? Each one it has is at most one of those that are offered: somebody who
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
