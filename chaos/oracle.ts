import { auditPayments, type AuditTerms, type Intention, reckon } from "@stakebts/testkit/simulator/auditor";
import type { ChainWatch } from "./chain-watch.ts";

/** What the chain holds against what nominators have sent, by the simulator's auditor, who knows nothing of the product. */
export interface Verdict {
  readonly payouts: number;
  readonly paidTwice: readonly string[];
  /** Paid and not owed, to another account, of another amount, too early. */
  readonly wrong: readonly string[];
  /** Names of debts that are due and not in a final block. */
  readonly unpaid: ReadonlySet<string>;
  /** Due later. */
  readonly notDue: number;
}

/** @param stoppedByProposal those whose payments are held against bounds, see `auditPayments` */
export function judge(
  watch: ChainWatch,
  intentions: ReadonlyMap<string, Intention>,
  terms: AuditTerms,
  stoppedByProposal: ReadonlySet<AuditTerms["custodian"]>,
): Verdict {
  const expected = reckon(watch.blocks, intentions, terms);
  const { wrong, settled } = auditPayments(expected, terms, stoppedByProposal);
  const open = [...expected.debts.values()].filter(({ key }) => !settled.has(key));
  const due = open.filter(({ dueMs }) => dueMs <= watch.finalTimeMs);
  return {
    payouts: expected.outgoing.length,
    paidTwice: wrong.filter((what) => what.startsWith("paid twice")),
    wrong: wrong.filter((what) => !what.startsWith("paid twice")),
    unpaid: new Set(due.map(({ key }) => key)),
    notDue: open.length - due.length,
  };
}
