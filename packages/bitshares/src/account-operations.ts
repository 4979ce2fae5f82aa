import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";
import type { AccountId, ChainBlock, ChainTransfer } from "./chain.ts";

/** An operation that needs the authority of an account, or takes its money. */
export interface AccountOperation {
  readonly position: OperationPosition;
  /** `undefined` when its transaction cannot be serialized here; this product signs no such transaction. */
  readonly txid: string | undefined;
  /** As the chain calls it: `transfer`, `account_update`. */
  readonly name: string;
  /** The block that its transaction refers to: the newest before its own whose number ends in the same 16 bits. */
  readonly refBlockNum: number;
  /** Of a transfer or a claim. */
  readonly transfer: Omit<ChainTransfer, "txid"> | undefined;
}

export interface AccountBlock extends Omit<ChainBlock, "transfers" | "payments"> {
  readonly operations: readonly AccountOperation[];
}

/** One entry of an account's history, in a block or carried out by the chain. */
export interface AccountHistoryEntry {
  /** Of the operation; of what the chain carried out itself, its own place (virtualPosition in the kernel). */
  readonly position: OperationPosition;
  /** As the chain calls it: `transfer`, `account_update`. */
  readonly name: string;
  /** Does it need the account's authority, or take its money? */
  readonly isActing: boolean;
  /** Of a transfer or a claim. */
  readonly transfer: Omit<ChainTransfer, "txid"> | undefined;
}

/** What nodes keep of an account besides blocks: an approved proposal is carried out without a transaction of its own. */
export interface AccountHistoryReader {
  /** Blocks `from`…`to`, newest first; the nodes agree. Throws ChainError, also where nodes keep no history, or too short a one. */
  accountHistory(request: {
    account: AccountId;
    from: number;
    to: number;
    /** Time of block `to`: spares the nodes what came later, where it is long ago. */
    toMs?: Millis | undefined;
  }): Promise<readonly AccountHistoryEntry[]>;
}

/** How far the chain is at this moment: `head` of a chain may be of a moment ago. */
export interface NewestBlockReader {
  /** A majority of the nodes has no later block. Throws ChainError. */
  newestBlockNum(): Promise<number>;
}

/** A transfer that an operation of a proposal is. */
export interface ProposedTransfer {
  /** Among the operations of the proposal, from 0 on. */
  readonly proposedOp: number;
  readonly transfer: Omit<ChainTransfer, "txid" | "trxInBlock" | "opInTrx">;
}

export interface ProposalOnChain {
  /** To the account, in their order; none where the place holds no proposal. */
  readonly transfers: readonly ProposedTransfer[];
  /** What the other place is: an approval of some proposal, the end of its block, or neither. */
  readonly executedBy: "approval" | "end_of_block" | "nothing";
}

/** What proposals say, in the blocks where they were made. */
export interface ProposalReader {
  /**
   * The proposal that the operation at this place made, and what stands at the place where it is said to have been executed; a majority
   * agrees. Throws ChainError.
   */
  proposal(request: {
    at: OperationPosition;
    executedAt: OperationPosition;
    account: AccountId;
  }): Promise<ProposalOnChain>;
}

/** A way past a block that no node can deliver. */
export interface UndeliveredBlockReader {
  /**
   * The block as a majority of all configured nodes describe it: by its header, and by the transactions in it that the account's
   * history names. No node says what else it holds.
   * Throws ChainError; "inconsistent_chain" when no majority says the same.
   */
  undelivered(request: {
    blockNum: number;
    account: AccountId;
  }): Promise<{ readonly block: ChainBlock; readonly operations: AccountBlock }>;
}

/** The chain as a watcher of one account reads it. Throws ChainError, as ChainReader does. */
export interface AccountOperationReader {
  /**
   * Blocks `from`…`to` with all that the account's authority does in them.
   * @param isReversible the nodes are not asked to agree, because they need not: one of them may be on a branch
   */
  accountBlocks(request: {
    from: number;
    to: number;
    account: AccountId;
    /** Public keys of the account's authorities: what they sign where no account is named is its act too. */
    keys?: readonly string[] | undefined;
    isReversible: boolean;
  }): Promise<readonly AccountBlock[]>;
  /** Who may act for the account, and its memo key, as one text that changes whenever any of it does. */
  authorityOf(account: AccountId): Promise<string>;
}
