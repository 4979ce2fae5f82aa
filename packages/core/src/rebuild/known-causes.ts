import type { PayoutKey } from "../rules/payout.ts";
import type { LedgerContents } from "./ledger-contents.ts";
import type { ExpectedCause } from "./difference.ts";

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
  readonly isBehind: boolean;
  /** Why a transfer was answered otherwise; what follows from it has the same cause. */
  readonly transfers: Map<string, ExpectedCause | undefined>;
  /** Outgoing transfers that name a notice or a checkpoint, as the chain has them. */
  readonly payments: Map<PayoutKey, { readonly receiver: string; readonly blockNum: number }>;
}

export async function causesIn(ledger: LedgerContents, fromBlockNum: number): Promise<KnownCauses> {
  const handled = new Set<string>();
  for await (const page of ledger.payouts())
    for (const { status, payee } of page) if (status === "cancelled") handled.add(payee);
  const imported = new Set<string>();
  for await (const page of ledger.agreements())
    for (const agreement of page)
      if (!agreement.isOpenedByTransfer || agreement.operation.blockNum < fromBlockNum)
        imported.add(agreement.nominator);
  const [skipped, settled] = await Promise.all([
    ledger.receiptsOf("transfer.skipped"),
    ledger.receiptsOf("transfer.settles"),
  ]);
  return {
    handled,
    imported,
    settledByHand: new Set(settled.map(({ details }) => String(details["payout"]))),
    skipped: new Set(skipped.map(({ subject }) => subject)),
    isBehind: ledger.hasWork,
    transfers: new Map(),
    payments: new Map(),
  };
}

/** The transfer that a debt or a row is named after. */
export function transferIn(key: string): string {
  const [, at] = /^(?:notice:)?[a-z_0-9]+:(\d+:\d+:\d+)/u.exec(key) ?? [];
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
