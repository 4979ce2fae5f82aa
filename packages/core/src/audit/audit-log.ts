import type { OperationId } from "@stakebts/kernel/operation-id";
import type { PayoutKey } from "../rules/payout.ts";
import type { Millis } from "@stakebts/kernel/time";

// Receipts chained into a chain of hashes (ADR 0018). Host time throughout, unless chain time is said.

export interface Receipt {
  readonly id: bigint;
  readonly event: string;
  readonly subject: string;
  readonly chainTimeMs: Millis | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly createdAtMs: number;
  /** The login, as the database knows it. */
  readonly writtenBy: string;
  /** Of one that says that the ledger begins anew: may its login say so? */
  readonly isByOperator?: boolean | undefined;
}

export interface HashChainEntry {
  /** Its place in the log, from 1 on without a gap. */
  readonly seq: number;
  readonly receiptId: bigint;
  /** SHA-256, 64 hexadecimal digits. */
  readonly hash: string;
  readonly chainedAtMs: number;
}

export interface ChainedReceipt {
  readonly entry: HashChainEntry;
  /** `undefined`: it is gone. */
  readonly receipt: Receipt | undefined;
}

/** A payment on the chain that carries the head of a log. */
export interface Checkpoint {
  readonly payout: PayoutKey;
  readonly operation: OperationId;
  /** Of its block. */
  readonly chainTimeMs: Millis;
  readonly seq: number;
  readonly hash: string;
  /** This ledger has that payout with this very memo: it made the checkpoint itself. */
  readonly isOwn: boolean;
}

/** The log at one moment. */
export interface AuditLogContents {
  readonly nowMs: number;
  readonly head: HashChainEntry | undefined;
  /** In the order of the log. */
  chained(fromSeq: number): AsyncIterable<readonly ChainedReceipt[]>;
  /** By id. */
  unchained(): AsyncIterable<readonly Receipt[]>;
  /** In chain order. */
  checkpoints(): Promise<readonly Checkpoint[]>;
}

export interface AuditLog {
  /**
   * Seals up to `limit` receipts that are not chained, those of the lowest ids; only one process does at a time, and another
   * one gets 0. One that appears among receipts of more than LATE_MS ago is passed over: no transaction takes that
   * long, so it was slipped in.
   */
  appendEntries(
    limit: number,
    entry: (
      last: HashChainEntry | undefined,
      receipts: readonly Receipt[],
      chainedAtMs: number,
    ) => readonly HashChainEntry[],
  ): Promise<number>;
  head(): Promise<HashChainEntry | undefined>;
  look<T>(work: (contents: AuditLogContents) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
