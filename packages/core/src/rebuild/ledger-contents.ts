import type { ProcessRole } from "../database/rights.ts";
import type { Bts, Shares } from "@stakebts/kernel/amount";
import type { TransferOutcome } from "../rules/decide.ts";
import type { OperationId } from "@stakebts/kernel/operation-id";
import type { PayoutKey, PayoutKind, PayoutStatus } from "../rules/payout.ts";
import type { StakeRow, StakeRowId } from "../rules/stake-row.ts";
import type { Agreement } from "../rules/terms.ts";
import type { Millis } from "@stakebts/kernel/time";
import type { Cursor, NewTransfer } from "../ledger/ledger.ts";

// Everything in a ledger that follows from the chain, to be held against another one. Reading only, of one moment, in
// pages, in an order that does not depend on which ledger it is.

export interface TransferFact extends Omit<NewTransfer, "importMark" | "isReplayed"> {
  readonly outcome: TransferOutcome | undefined;
  readonly reason: string | undefined;
  /** An import found it: it was answered before. */
  readonly isImported: boolean;
}

export interface AgreementFact extends Agreement {
  /** By a transfer of this ledger, and not by an import. */
  readonly isOpenedByTransfer: boolean;
}

export interface RowFact extends StakeRow {
  readonly blockProcessed: number | undefined;
}

export interface PayoutFact {
  readonly key: PayoutKey;
  readonly kind: PayoutKind;
  readonly payee: string;
  readonly amount: Bts;
  readonly memo: string;
  readonly dueMs: Millis;
  readonly status: PayoutStatus;
  readonly reason: string | undefined;
  /** The final block of its payment. */
  readonly blockProcessed: number | undefined;
  /** Rows that it settles, in order. */
  readonly rows: readonly { readonly id: StakeRowId; readonly settlesAs: string }[];
}

/** A payment on the chain that names a debt. */
export interface PaymentFact {
  readonly operation: OperationId;
  readonly payout: PayoutKey;
  readonly receiver: string;
  readonly amount: Shares;
}

export interface LedgerContents {
  readonly cursor: Cursor | undefined;
  readonly processedElsewhereUpToBlockNum: number;
  /** Transfers wait to be answered, or rows that are due for their debts. */
  readonly hasWork: boolean;
  readonly counts: {
    readonly transfers: number;
    readonly agreements: number;
    readonly rows: number;
    readonly payouts: number;
    /** What is not on the chain and compared with nothing. */
    readonly topUps: number;
    readonly receipts: number;
  };
  /** In chain order, of this block and later ones. */
  transfers(fromBlockNum: number): AsyncIterable<readonly TransferFact[]>;
  /** In the order of their places in the chain. */
  agreements(): AsyncIterable<readonly AgreementFact[]>;
  /** By id, byte by byte. */
  rows(): AsyncIterable<readonly RowFact[]>;
  /** By key, byte by byte. */
  payouts(): AsyncIterable<readonly PayoutFact[]>;
  /** Payments that name a debt which the ledger does not have; notices of a debt that it has, and checkpoints, are none. */
  unmatchedPayments(): Promise<readonly PaymentFact[]>;
  /** Payments that name a debt which an earlier payment names too. */
  repeatedPayments(): Promise<readonly PaymentFact[]>;
  /** Keys of payouts that an operator has settled by a transfer that does not name them. */
  settledByHand(): Promise<readonly string[]>;
  /** What receipts of this event are about, with the details of each; of those alone that the login of one of these has written. */
  receiptsOf(
    event: string,
    by: readonly ProcessRole[],
  ): Promise<readonly { readonly subject: string; readonly details: Readonly<Record<string, unknown>> }[]>;
}

/** A ledger that can be looked at as a whole, at one moment. */
export interface WholeLedger {
  look<T>(work: (contents: LedgerContents) => Promise<T>): Promise<T>;
}
