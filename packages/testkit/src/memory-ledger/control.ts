import { type Freeze, levelOfSwitches, whyPaysNothing } from "@stakebts/core/rules/freeze";
import type { PaymentLimits } from "@stakebts/core/rules/limits";
import {
  isRecoveryHoldPassed,
  longerRecoveryHold,
  type RecoveryHold,
} from "@stakebts/core/rules/recovery-hold";
import type { Control, ControlState, ControlTx, SwitchChange } from "@stakebts/core/ledger/ledger";
import type { State } from "./state.ts";

function freezesIn({ payments, accepting, managerFreeze }: State): readonly Freeze[] {
  const level = levelOfSwitches({ pays: payments.on, accepts: accepting.on });
  const reasons = [payments, accepting].flatMap((state) => (state.on ? [] : [state.reason]));
  return [
    ...(level === undefined
      ? []
      : [{ source: "operator", level, reason: [...new Set(reasons)].join("; nominations: ") } as const]),
    ...(managerFreeze === undefined ? [] : [{ source: "manager", ...managerFreeze } as const]),
  ];
}

export function controlOf(state: State): ControlState {
  const freezes = freezesIn(state);
  const reason = whyPaysNothing(freezes);
  return {
    freezes,
    payments: reason === undefined ? { on: true } : { on: false, reason },
    limits: state.limits,
    recoveryHold: state.recoveryHold,
    writerEpoch: state.writerEpoch,
    processedElsewhereUpToBlockNum: state.processedElsewhereUpToBlockNum,
  };
}

export const controlIn = (state: State): ControlTx & Control => ({
  async read(): Promise<ControlState> {
    return controlOf(state);
  },

  /** Transactions run one at a time as it is. */
  async lock(): Promise<ControlState> {
    return controlOf(state);
  },

  async set({ payments, accepting, managerFreeze }: SwitchChange): Promise<void> {
    state.payments = payments ?? state.payments;
    state.accepting = accepting ?? state.accepting;
    if (managerFreeze !== undefined)
      state.managerFreeze = managerFreeze === "ended" ? undefined : managerFreeze;
  },

  async setLimits(limits: PaymentLimits): Promise<void> {
    state.limits = limits;
  },

  async placeRecoveryHold(recoveryHold: RecoveryHold): Promise<void> {
    state.recoveryHold = {
      raised: longerRecoveryHold(state.recoveryHold.raised, recoveryHold),
      databaseChanged: false,
    };
  },

  async liftRecoveryHold(recoveryHold: RecoveryHold): Promise<boolean> {
    const { cursor } = state;
    const { raised } = state.recoveryHold;
    if (raised?.untilMs !== recoveryHold.untilMs || raised.fromBlockNum !== recoveryHold.fromBlockNum)
      return false;
    if (cursor === undefined || !isRecoveryHoldPassed(raised, cursor)) return false;
    state.recoveryHold = { ...state.recoveryHold, raised: undefined };
    return true;
  },

  async setProcessedElsewhereUpToBlockNum(blockNum: number): Promise<void> {
    state.processedElsewhereUpToBlockNum = Math.max(state.processedElsewhereUpToBlockNum, blockNum);
  },

  async startWriterEpoch(): Promise<bigint> {
    return ++state.writerEpoch;
  },
});
