import type { Shares } from "@stakebts/kernel/amount";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { MemoRequest } from "./request.ts";
import type { Millis } from "@stakebts/kernel/time";

/** The only asset that counts. */
export const CORE_ASSET_ID = "1.3.0";

/** One transfer to the custodian, as the ingester wrote it down. */
export interface IncomingTransfer {
  readonly operation: OperationPosition;
  /** Timestamp of its block: the instant at which everything it causes happens. */
  readonly blockTimeMs: Millis;
  /** Account name. */
  readonly sender: string;
  /** Was the sender a lifetime member of BitShares when the transfer was read? */
  readonly senderIsLifetimeMember: boolean;
  readonly amount: Shares;
  readonly assetId: string;
  readonly request: MemoRequest;
  /** Read so long after it happened that what a manager asked for in it is history and no order. */
  readonly isReplayed: boolean;
}
