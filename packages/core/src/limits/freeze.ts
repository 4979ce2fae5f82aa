import {
  type Freeze,
  type FreezeLevel,
  levelOf,
  type OpenFreeze,
  stopsSomeOf,
  whatIsLeft,
} from "../rules/freeze.ts";
import type { Ledger, LedgerTx } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";

export interface FreezeAnswer {
  readonly changed: boolean;
  /** What was in force before. Processes may have freezes of their own, which end where they were made. */
  readonly before: readonly OpenFreeze[];
  readonly after: readonly OpenFreeze[];
}

/** Stops payments, nominations or both, beside what is stopped already. Nothing happens when an operator has stopped all of it. */
export function freezeAll(
  { ledger }: { ledger: Ledger },
  { level, action }: { readonly level: FreezeLevel; readonly action: OperatorAction },
): Promise<FreezeAnswer> {
  return ledger.transaction(async (tx) => {
    const { freezes: before } = await tx.control.lock();
    const changed = await addOperatorFreeze(tx, before, { level, action });
    return changed ? told(tx, before, action, "freeze.begun") : { changed, before, after: before };
  });
}

/** Ends every freeze in force, no matter who has added it: `level` says what of it, without one all. */
export function unfreeze(
  { ledger }: { ledger: Ledger },
  { level = "all", action }: { readonly level?: FreezeLevel; readonly action: OperatorAction },
): Promise<FreezeAnswer> {
  return ledger.transaction(async (tx) => {
    const { freezes: before } = await tx.control.lock();
    const changed = await endFreezes(tx, before, { level, action });
    return changed ? told(tx, before, action, "freeze.ended") : { changed, before, after: before };
  });
}

/** @returns whether it stops anything that no operator has stopped before */
export function addOperatorFreeze(
  tx: LedgerTx,
  before: readonly Freeze[],
  { level, action }: { readonly level: FreezeLevel; readonly action: OperatorAction },
): Promise<boolean> {
  const old = levelOf(before.filter(({ source }) => source === "operator"));
  const isNew = old === undefined || whatIsLeft(level, old) !== undefined;
  return isNew
    ? tx.control.addFreeze({ source: "operator", level, reason: action.reason })
    : Promise.resolve(false);
}

/** Of each of these freezes, what this level stops. @returns whether anything has ended */
export async function endFreezes(
  tx: LedgerTx,
  freezes: readonly OpenFreeze[],
  { level, action }: { readonly level: FreezeLevel; readonly action: OperatorAction },
): Promise<boolean> {
  let changed = false;
  for (const freeze of freezes.filter((one) => stopsSomeOf(one.level, level))) {
    const { actor, reason } = action;
    const still = whatIsLeft(freeze.level, level);
    changed = (await tx.control.endFreeze(freeze.id, { still, actor, reason })) || changed;
  }
  return changed;
}

async function told(
  tx: LedgerTx,
  before: readonly OpenFreeze[],
  action: OperatorAction,
  event: "freeze.begun" | "freeze.ended",
): Promise<FreezeAnswer> {
  const { freezes: after } = await tx.control.read();
  await tx.receipts.add([
    receiptOf(event, "operator", action, {
      level: levelOf(after) ?? "none",
      was: levelOf(before) ?? "none",
      wasBecause: before.map(({ source, reason }) => `${source}: ${reason}`).join("; and ") || null,
    }),
  ]);
  return { changed: true, before, after };
}
