import type { Shares } from "@stakebts/kernel/amount";
import { type Disposition, ServiceError } from "@stakebts/kernel/errors";
import type { Millis } from "@stakebts/kernel/time";

/** `1.2.N` */
export type AccountId = `1.2.${string}`;

/** `1.12.N` */
export type PermissionId = `1.12.${string}`;

/** How far the chain is: as one node says (object 2.1.0), or as a majority of the configured nodes claims. */
export interface ChainHead {
  readonly headBlockNum: number;
  readonly headBlockId: string;
  /** Timestamp of the head block: the only "now" that expirations are measured against. */
  readonly headTimeMs: Millis;
  /** `last_irreversible_block_num`. A node may step back a few blocks across a fork switch. */
  readonly irreversibleBlockNum: number;
  /**
   * How far the chain may be all the same: of several nodes the others say no more than a majority of them claims, and this
   * is what no majority denies. Missing: no more than the rest says. `headTimeMs` is at most a day later than that of the
   * head; what must not end too early counts from it.
   */
  readonly latest?: { readonly headTimeMs: Millis; readonly irreversibleBlockNum: number };
}

/** An encrypted memo exactly as it stands in an operation. */
export interface EncryptedMemo {
  readonly from: string;
  readonly to: string;
  /** Decimal text: an unsigned 64-bit number. */
  readonly nonce: string;
  readonly messageHex: string;
}

/**
 * Operation 0, or 27 where `permissionId` is set: the same movement of money, drawn by the account that receives it and
 * signed by that one alone. The only operations this product reads and writes.
 */
export interface ChainTransfer {
  readonly trxInBlock: number;
  readonly opInTrx: number;
  readonly fromId: AccountId;
  readonly toId: AccountId;
  readonly amount: Shares;
  readonly assetId: string;
  readonly feeAmount: Shares;
  readonly feeAssetId: string;
  readonly memo: EncryptedMemo | undefined;
  /** The withdraw permission by which `toId`, which also paid the fee, drew the money; `undefined` when `fromId` sent it. */
  readonly permissionId: PermissionId | undefined;
  /**
   * Id of the transaction that carries it: 40 hex digits. `undefined` when the transaction holds operations that cannot
   * be serialized here; then it is not one of ours, which hold one transfer each.
   */
  readonly txid: string | undefined;
}

/** One block, reduced to what the ledger needs. */
export interface ChainBlock {
  readonly blockNum: number;
  /** Computed from the signed header, never taken from the node's word. */
  readonly blockId: string;
  readonly previousId: string;
  readonly timeMs: Millis;
  /** Every transfer that has `account` (of the request) on either side, in chain order. */
  readonly transfers: readonly ChainTransfer[];
  /**
   * Every transaction that holds one transfer or claim and nothing else, as ours do, between any two accounts: what is not
   * among them was not in the block.
   */
  readonly payments: readonly ChainPayment[];
  /** Memo keys that `account` gives itself in this block. Missing: none. */
  readonly memoKeys?: readonly string[];
}

export interface ChainPayment {
  readonly txid: string;
  readonly trxInBlock: number;
}

export interface ChainAccount {
  readonly id: AccountId;
  readonly name: string;
  readonly memoKey: string;
  readonly activeKeys: readonly string[];
  /** Weight that signatures must reach, and the weight of each of `activeKeys` (same order). */
  readonly activeThreshold: number;
  readonly activeWeights: readonly number[];
  readonly lifetimeMember: boolean;
}

/** Fee of a transfer: `fee` + ⌊packed memo bytes × pricePerKbyte / 1024⌋, then × scale / 10 000, in shares of the core asset. */
export interface TransferFeeSchedule {
  readonly fee: bigint;
  readonly pricePerKbyte: bigint;
  readonly scale: bigint;
  /** What stands in the place of the two for a claim of a withdraw permission. */
  readonly claim: { readonly fee: bigint; readonly pricePerKbyte: bigint };
  /** `maximum_time_until_expiration` of the chain. */
  readonly maximumTimeUntilExpirationMs: number;
}

/** The schedule with the prices of a claim in their place: its fee follows from them as that of a transfer does. */
export const pricesOfClaims = (schedule: TransferFeeSchedule): TransferFeeSchedule => ({
  ...schedule,
  ...schedule.claim,
});

/** Object 1.12.N as it stands: one account lets another draw up to a limit from it in each period. */
export interface WithdrawPermission {
  readonly id: PermissionId;
  /** Who gives. */
  readonly fromId: AccountId;
  /** Who may draw. */
  readonly authorizedId: AccountId;
  /** In each period, in units of the asset. */
  readonly limit: Shares;
  readonly assetId: string;
  readonly periodMs: number;
  /** Start of the period of the last claim; of the first period before there was one. */
  readonly periodStartMs: Millis;
  readonly expirationMs: Millis;
  /** Drawn in the period that began at `periodStartMs`. */
  readonly claimed: Shares;
}

export interface BalanceBounds {
  readonly atLeast: Shares;
  readonly atMost: Shares;
}

/**
 * The chain read through one or several nodes.
 * Every call has a deadline and moves on to the next healthy node; what it throws in the end is a {@link ChainError}.
 */
export interface ChainReader {
  chainId(): Promise<string>;
  /** As far as a majority of the configured nodes claims it to be. */
  head(): Promise<ChainHead>;
  /**
   * Blocks `from`…`to` (inclusive, pipelined) with the transfers that touch `account`.
   * Shape: exactly `to - from + 1` blocks, linked and in order; a block that the node does not have yet, or a link that
   * does not hold, is a ChainError. The caller asks for irreversible blocks only.
   * With `heldBytesMax` the first of them, at least one: no more are read when what those hold comes to about so much memory.
   */
  blocks(request: {
    from: number;
    to: number;
    account: AccountId;
    heldBytesMax?: number;
  }): Promise<readonly ChainBlock[]>;
  /** How many blocks are to be asked for in one call, of at most `max`: fewer when the nodes limit requests. Missing: `max`. */
  blocksAtOnce?(max: number): Promise<number>;
  /** Id of an irreversible block, on which a majority of the configured nodes agrees. */
  blockId(blockNum: number): Promise<string>;
  /** By name or id; `undefined` in the place of one that does not exist. Names and ids are immutable. */
  accounts(namesOrIds: readonly string[]): Promise<readonly (ChainAccount | undefined)[]>;
  /**
   * Core asset held by the account, head state plus what the answering nodes have pending: what a majority of the configured
   * nodes says is there, or more.
   */
  balance(account: AccountId): Promise<Shares>;
  /** The same with the other bound: a majority says `atMost` or less. The two differ while nodes are a block apart. */
  balanceBounds(account: AccountId): Promise<BalanceBounds>;
  /** `undefined`: there is none, which is also how the chain shows one that has expired or was revoked. Else as `balance`. */
  permission(id: PermissionId): Promise<WithdrawPermission | undefined>;
  /** May change at any maintenance block: ask again from time to time. */
  transferFees(): Promise<TransferFeeSchedule>;
  close(): Promise<void>;
}

/**
 * What one node said of one transaction. None of them proves that the transaction is not, or will not be, in a block:
 * only an irreversible block past its expiration does (ADR 0006).
 */
export type BroadcastOutcome =
  | { readonly type: "accepted" }
  /** The node has it already, pending or included: as good as accepted. */
  | { readonly type: "duplicate" }
  | {
      readonly type: "refused";
      readonly code: BroadcastRefusal;
      /** May the same bytes be accepted later or elsewhere, as far as this reason goes? */
      readonly disposition: Disposition;
      readonly message: string;
    }
  /** Deadline, disconnect, no node: may or may not have been accepted. */
  | { readonly type: "unknown"; readonly message: string };

export const BROADCAST_REFUSALS = [
  "insufficient_balance",
  "insufficient_fee",
  "missing_authority",
  "expired",
  "expiration_too_far",
  "tapos_mismatch",
  "unknown_account",
  "malformed",
  "node_cannot_broadcast",
  "other",
] as const;
export type BroadcastRefusal = (typeof BROADCAST_REFUSALS)[number];

export interface ChainWriter {
  /** Sends the signed bytes to one node after another until one has taken them. Never throws for what a node says. */
  broadcast(signedTransaction: Uint8Array): Promise<BroadcastOutcome>;
}

/** What a node did that no honest node does, or what nodes could not agree on. */
export type NodeTrouble =
  | { readonly type: "lie"; readonly node: string; readonly what: string }
  /** It is open which node is right: nothing is believed of it. `said` names each node and its answer. */
  | { readonly type: "dispute"; readonly what: string; readonly said: string; readonly needed: number };

/** A node, or all of them, could not be asked or answered nonsense. `retry` when another try may help. */
export class ChainError extends ServiceError {
  override readonly name = "ChainError";
  readonly code: ChainErrorCode;
  constructor(code: ChainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const CHAIN_ERRORS = [
  /** No configured node can be reached, or none is usable: every one is stale, lagging or on another chain. */
  "no_usable_node",
  "deadline",
  "disconnected",
  /** The node refused the question (limits, permissions, no such object type). */
  "node_refused",
  /** An answer that does not have the documented shape. */
  "malformed_answer",
  /** Blocks that do not link, or a block that is not there although the node called it irreversible. */
  "inconsistent_chain",
  "wrong_chain",
] as const;
export type ChainErrorCode = (typeof CHAIN_ERRORS)[number];
