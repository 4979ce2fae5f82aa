import { replayBlocks } from "../ledger/ingest-blocks.ts";
import type { Ledger, ReplayOrder } from "../ledger/ledger.ts";
import { receiptOf } from "../ledger/operator-action.ts";
import { type ReplayHistoryDeps, replayHistory } from "../ledger/read-history.ts";
import { nameOf, stepsOf } from "./import-blocks.ts";
import { ImportRefused, needPaymentsOff } from "./import-refused.ts";

const WAITS = "it waits until payments are off";

/**
 * The next step of the replay that an operator has ordered, up to a thousand blocks: what the ledger lacks is written down, and the
 * scheduler answers it as if it were live. How far it is stands in the order, so that another ingester, or this one after a crash,
 * goes on there. While payments are on it waits. Safe to repeat, and beside another ingester. Throws ChainError.
 * @returns `none`: nothing is ordered, or it waits; `step`: there is more to read; `finished`
 */
export async function carryOutReplay(deps: ReplayHistoryDeps): Promise<"none" | "step" | "finished"> {
  const { ledger, log } = deps;
  const order = await ledger.replays.open();
  if (order === undefined) return "none";
  try {
    return await nextStep(deps, order);
  } catch (error) {
    if (!(error instanceof ImportRefused)) throw error;
    if (order.remark !== WAITS) {
      await note(ledger, order, { remark: WAITS });
      log.info("replay.waits", { from: order.from, to: order.to, reason: error.message });
    }
    return "none";
  }
}

async function nextStep(deps: ReplayHistoryDeps, order: ReplayOrder): Promise<"step" | "finished"> {
  const { ledger, log } = deps;
  const [step] = stepsOf({ from: order.nextBlock, to: order.to });
  const action = { id: `replay-${order.id}`, actor: order.actor, reason: order.reason };
  if (step === undefined) {
    const found = await replayHistory(deps, order, { guard: needPaymentsOff });
    const transfersAdded = order.transfersAdded + found;
    await ledger.transaction(async (tx) => {
      const end = { nextBlock: order.to + 1, transfersAdded, remark: undefined, isOver: true };
      if (!(await tx.replays.progress(order.id, end))) return;
      const blocks = order.to - order.from + 1;
      const details = { kind: "blocks", blocks, passedOver: 0, transfersAdded };
      await tx.receipts.add([receiptOf("replay.finished", nameOf(order), action, details)]);
    });
    log.info("replay.finished", { from: order.from, to: order.to, transfersAdded });
    return "finished";
  }
  const added = await replayBlocks(deps, step, { guard: needPaymentsOff });
  await ledger.transaction(async (tx) => {
    const now = { nextBlock: step.to + 1, transfersAdded: order.transfersAdded + added };
    if (!(await tx.replays.progress(order.id, { ...now, remark: undefined, isOver: false }))) return;
    await tx.receipts.add([
      receiptOf("blocks.read", nameOf(step), action, { kind: "replay", transfersAdded: added }),
    ]);
  });
  return "step";
}

const note = (
  ledger: Ledger,
  order: ReplayOrder,
  { remark }: { readonly remark: string },
): Promise<boolean> =>
  ledger.transaction((tx) =>
    tx.replays.progress(order.id, {
      nextBlock: order.nextBlock,
      transfersAdded: order.transfersAdded,
      remark,
      isOver: false,
    }),
  );
