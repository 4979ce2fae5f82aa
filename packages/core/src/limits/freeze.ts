import { type Freeze, type FreezeLevel, levelOf, stopsAccepting, stopsPaying } from "../rules/freeze.ts";
import type { Ledger, LedgerTx } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";

export interface FreezeAnswer {
  readonly changed: boolean;
  /** What the ledger knew of before. Processes may have freezes of their own, which end where they were made. */
  readonly before: readonly Freeze[];
  readonly after: readonly Freeze[];
}

const operatorLevel = (freezes: readonly Freeze[]): FreezeLevel | undefined =>
  freezes.find(({ source }) => source === "operator")?.level;

/** Stops payments, nominations or both, beside what is stopped already. Nothing happens when all of it is. */
export function freezeAll(
  { ledger }: { ledger: Ledger },
  { level, action }: { readonly level: FreezeLevel; readonly action: OperatorAction },
): Promise<FreezeAnswer> {
  return ledger.transaction(async (tx) => {
    const { freezes: before } = await tx.control.lock();
    const old = operatorLevel(before);
    const state = { on: false, reason: action.reason } as const;
    const pays = stopsPaying(level) && !(old !== undefined && stopsPaying(old));
    const accepts = stopsAccepting(level) && !(old !== undefined && stopsAccepting(old));
    if (!pays && !accepts) return { changed: false, before, after: before };
    await tx.control.set({ ...(pays ? { payments: state } : {}), ...(accepts ? { accepting: state } : {}) });
    return told(tx, before, action, "freeze.begun");
  });
}

/** Ends every freeze that the ledger knows of, a manager's too: `level` says what of it, without one all. */
export function unfreeze(
  { ledger }: { ledger: Ledger },
  { level = "all", action }: { readonly level?: FreezeLevel; readonly action: OperatorAction },
): Promise<FreezeAnswer> {
  return ledger.transaction(async (tx) => {
    const { freezes: before } = await tx.control.lock();
    const manager = before.find(({ source }) => source === "manager");
    await tx.control.set({
      ...(stopsPaying(level) ? { payments: { on: true } } : {}),
      ...(stopsAccepting(level) ? { accepting: { on: true } } : {}),
      ...(manager === undefined ? {} : { managerFreeze: without(manager, level) }),
    });
    const { freezes: after } = await tx.control.read();
    if (levelOf(before) === levelOf(after) && before.length === after.length)
      return { changed: false, before, after };
    return told(tx, before, action, "freeze.ended");
  });
}

function without({ level, reason }: Freeze, ended: FreezeLevel): Pick<Freeze, "level" | "reason"> | "ended" {
  if (ended === "all" || level === ended) return "ended";
  if (level !== "all") return { level, reason };
  return { level: ended === "pay-nothing" ? "accept-nothing" : "pay-nothing", reason };
}

async function told(
  tx: LedgerTx,
  before: readonly Freeze[],
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
