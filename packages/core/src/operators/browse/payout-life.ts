import { type OperationId, operationId, operationPosition } from "@stakebts/kernel/operation-id";
import type { Database } from "../../database/client.ts";
import { payoutStory } from "../../ledger/postgres/payout-lists.ts";
import type { PayoutStory } from "../../ledger/view.ts";
import type { PayoutId } from "../../rules/payout.ts";
import type { CancelAsked } from "../../ledger/ledger.ts";
import { readCancelAsked } from "../../ledger/postgres/payouts.ts";
import { findTransfer, type TransferLine } from "./transfers.ts";

/** One payout from its cause to its payment. */
export interface PayoutLife extends PayoutStory {
  /** The transfer without which there would be no debt. */
  readonly cause: TransferLine | undefined;
  /** Its agreement, where it has one. */
  readonly agreement: OperationId | undefined;
  /** Who gave it back to the payer, and when (host time): he does not approve it. */
  readonly requests: readonly { readonly actor: string; readonly atMs: number }[];
  /** Who wants it cancelled; not what a release has ended. */
  readonly cancelAsked: readonly CancelAsked[];
  /** By which transfer it is settled, and how the two were matched. */
  readonly settlement: { readonly operation: OperationId; readonly matchedBy: string } | undefined;
  /** A node refused the withdrawal for this, by its transaction id. */
  readonly refusals: ReadonlyMap<string, string>;
  /** Its job is written and not yet enqueued. */
  readonly isJobWaiting: boolean;
}

/** Where the transfer that caused it stands: the key says so. */
export const causeOf = (key: string): OperationId | undefined => {
  const [, place] = /^(?:notice:)?\w+:(\d+:\d+:\d+(?:\.\d+)?)(?::\d+)?$/u.exec(key) ?? [];
  return place === undefined || operationPosition(place) === undefined ? undefined : (place as OperationId);
};

export async function payoutLife(db: Database, id: PayoutId): Promise<PayoutLife | undefined> {
  const story = await payoutStory(db, id);
  if (story === undefined) return undefined;
  const at = causeOf(story.key);
  const position = at === undefined ? undefined : operationPosition(at);
  const [cause, agreement, requests, cancelAsked, settlement, withdrawals, [job]] = await Promise.all([
    position === undefined ? undefined : findTransfer(db, position),
    position === undefined
      ? null
      : db.agreement.findUnique({
          where: {
            blockStart_trxIdx_opsIdx: {
              blockStart: position.blockNum,
              trxIdx: position.trxInBlock,
              opsIdx: position.opInTrx,
            },
          },
          select: { nominator: true },
        }),
    db.payoutRequest.findMany({ where: { payoutId: id }, orderBy: { id: "asc" } }),
    readCancelAsked(db, id),
    db.settlement.findUnique({ where: { payoutId: id } }),
    db.withdrawal.findMany({ where: { payoutId: id }, select: { txid: true, refusedFor: true } }),
    db.$queryRaw<{ waits: boolean }[]>`
      SELECT EXISTS (SELECT FROM outbox WHERE job_id LIKE ${`payout-${id}-%`}) AS waits`,
  ]);
  return {
    ...story,
    cause,
    agreement: agreement === null ? undefined : at,
    requests: requests.map(({ actor, createdAt }) => ({ actor, atMs: createdAt.getTime() })),
    cancelAsked,
    settlement:
      settlement === null
        ? undefined
        : { operation: operationId(settlement), matchedBy: settlement.matchedBy },
    refusals: new Map(
      withdrawals.flatMap(({ txid, refusedFor }) =>
        refusedFor === null ? [] : [[txid, refusedFor] as const],
      ),
    ),
    isJobWaiting: job?.waits ?? false,
  };
}
