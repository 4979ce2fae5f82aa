import type { FenceState } from "../domain/fence.ts";
import type { OperationPosition } from "../domain/operation-id.ts";
import type { CustodyDeed, KnownOfDeed } from "../domain/tripwire.ts";
import type { AccountId, ChainBlock, ChainTransfer } from "./chain.ts";
import type { Cursor, NewReceipt, PaymentsSwitch } from "./ledger.ts";

/** An operation that needs the authority of an account, or takes its money. */
export interface CustodyAct {
  readonly operation: OperationPosition;
  /** `undefined` when its transaction cannot be serialized here; then it is none of ours. */
  readonly txid: string | undefined;
  /** As the chain calls it: `transfer`, `account_update`. */
  readonly name: string;
  /** The block that its transaction refers to: the newest before its own whose number ends in the same 16 bits. */
  readonly refBlockNum: number;
  /** Of a transfer or a claim. */
  readonly transfer: Omit<ChainTransfer, "txid"> | undefined;
}

export interface CustodyBlock extends Omit<ChainBlock, "transfers"> {
  readonly acts: readonly CustodyAct[];
}

/** The chain as a watcher of one account reads it. Throws ChainError, as ChainReader does. */
export interface CustodyChain {
  /**
   * Blocks `from`…`to` with all that the account's authority does in them.
   * @param isReversible the nodes are not asked to agree, because they need not: one of them may be on a branch
   */
  custodyBlocks(request: {
    from: number;
    to: number;
    account: AccountId;
    isReversible: boolean;
  }): Promise<readonly CustodyBlock[]>;
  /** Who may act for the account, and its memo key, as one text that changes whenever any of it does. */
  authorityOf(account: AccountId): Promise<string>;
}

export interface DeedToLookUp {
  readonly operation: OperationPosition;
  readonly txid: string | undefined;
  readonly deed: CustodyDeed;
}

/**
 * What a watcher does with the ledger. It reads; the only things that it can write are receipts and the end of payments.
 */
export interface CustodyLedger {
  knownOf(deeds: readonly DeedToLookUp[]): Promise<readonly KnownOfDeed[]>;
  fenceState(): Promise<FenceState>;
  /** Has it ever signed a payment, as far as it knows? */
  hasWithdrawals(): Promise<boolean>;
  cursor(): Promise<Cursor | undefined>;
  /** The newest receipt of one of these kinds. */
  lastReceipt(
    events: readonly string[],
  ): Promise<{ readonly subject: string; readonly details: Readonly<Record<string, unknown>> } | undefined>;
  readonly addReceipts: (receipts: readonly NewReceipt[]) => Promise<void>;
  payments(): Promise<PaymentsSwitch>;
  /**
   * Switches payments off and says why; `false` when this receipt is there already: it was dealt with, and whoever switched
   * payments on since is not overruled.
   */
  stopPayments(receipt: NewReceipt, reason: string): Promise<boolean>;
  close(): Promise<void>;
}
