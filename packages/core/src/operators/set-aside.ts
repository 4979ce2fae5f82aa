import type { Ledger } from "../ledger/ledger.ts";
import type { EventSetAside } from "../ledger/view.ts";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import { timeText } from "@stakebts/kernel/text";
import type { OperatorAction } from "../ledger/operator-action.ts";

/** What became of one transfer, or of one row that is due. */
export interface SetAsideAnswer {
  readonly result: "done" | "unchanged" | "refused";
  readonly event: string;
  readonly message: string;
}

/**
 * Sets one transfer (`block:trx:op`) or one stake row (its id) aside, so that what comes after it goes on. It stays what it is, and
 * is answered in its turn when it is resumed. What depends on it waits with it: later stops of its sender.
 */
export function setAside(
  { ledger }: { ledger: Ledger },
  { event, action }: { readonly event: string; readonly action: OperatorAction },
): Promise<SetAsideAnswer> {
  return ledger.transaction(async (tx) => {
    // Between two steps: the scheduler may be at this very one.
    await tx.lockEvents();
    const { actor, reason, id } = action;
    const answer = await tx.setAside.add({ event, actor, reason, action: id });
    if (answer === "there") return { event, result: "unchanged", message: "is set aside already" };
    if (answer === "unknown")
      return {
        event,
        result: "refused",
        message: "is neither a transfer that is not decided or not read yet, nor a pending row",
      };
    return { event, result: "done", message: "is set aside; what comes after it goes on" };
  });
}

/** It is answered in its turn after all. */
export function resume(
  { ledger }: { ledger: Ledger },
  { event, action }: { readonly event: string; readonly action: OperatorAction },
): Promise<SetAsideAnswer> {
  return ledger.transaction(async (tx) => {
    await tx.lockEvents();
    const { actor, reason, id } = action;
    if (!(await tx.setAside.end({ event, actor, reason, action: id })))
      return { event, result: "unchanged", message: "is not set aside" };
    const operation = positionIn(event);
    if (operation === undefined || (await tx.transfers.find({ operations: [operation] })).length > 0)
      return { event, result: "done", message: "is answered next" };
    const { blockNum } = operation;
    const message =
      blockNum > ((await tx.cursor.read())?.blockNum ?? 0)
        ? "is written with its block"
        : `was left out of the ledger: \`stakebts blocks replay --from ${blockNum} --to ${blockNum}\` reads its block again`;
    return { event, result: "done", message };
  });
}

function positionIn(event: string): OperationPosition | undefined {
  const [blockNum, trxInBlock, opInTrx] = event.split(":").map(Number);
  return /^\d+:\d+:\d+$/u.test(event) &&
    blockNum !== undefined &&
    trxInBlock !== undefined &&
    opInTrx !== undefined
    ? { blockNum, trxInBlock, opInTrx }
    : undefined;
}

export const resumeCommand = (event: string): string => `stakebts transfers resume ${event} --reason '…'`;

/** For people. */
export const setAsideText = ({ event, actor, reason, sinceMs }: EventSetAside): string =>
  `${event} is not answered, by ${actor} since ${timeText(sinceMs)}: ${reason}`;
