import type { Ledger } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";

/** In one order: a few hours of reading. */
export const REPLAY_BLOCKS_MAX = 1_000_000;

/** What became of the wish to have blocks read again, or to end that. */
export interface ReplayAnswer {
  readonly result: "done" | "unchanged" | "refused";
  readonly message: string;
}

/**
 * Has blocks read again that the ledger has passed: an ingester does it while payments are off, adds what is missing, and the scheduler
 * answers it. What there is stays as it is. `stakebts blocks replay` does the same at once, with the settings of an ingester.
 */
export async function orderReplay(
  { ledger }: { ledger: Ledger },
  { from, to, action }: { readonly from: number; readonly to: number; readonly action: OperatorAction },
): Promise<ReplayAnswer> {
  const refused = (message: string): ReplayAnswer => ({ result: "refused", message });
  if (from < 1 || to < from) return refused("the first block comes after the last one");
  if (to - from >= REPLAY_BLOCKS_MAX) return refused(`more than ${REPLAY_BLOCKS_MAX} blocks at once`);
  return ledger.transaction(async (tx) => {
    const cursor = await tx.cursor.read();
    if (cursor === undefined || to > cursor.blockNum)
      return refused(
        `the ledger stands at block ${cursor?.blockNum ?? 0}: later ones are read by themselves`,
      );
    const id = await tx.replays.order({ from, to }, receiptOf("replay.ordered", `${from}-${to}`, action));
    if (id === undefined) return refused("another replay is not over yet");
    const { payments } = await tx.control.read();
    return {
      result: "done",
      message: payments.on
        ? "is ordered; it waits until payments are off (Freeze)"
        : "is ordered; an ingester begins in a moment",
    };
  });
}

/** What was read stays. */
export function endReplay(
  { ledger }: { ledger: Ledger },
  { id, action }: { readonly id: bigint; readonly action: OperatorAction },
): Promise<ReplayAnswer> {
  return ledger.transaction(async (tx) =>
    (await tx.replays.end(id, receiptOf("replay.ended", "", action)))
      ? { result: "done", message: "is ended; what was read stays" }
      : { result: "unchanged", message: "is over already" },
  );
}
