import { assert } from "@stakebts/kernel/assert";
import {
  type Freeze,
  type FreezeId,
  inForce,
  isLocal,
  reportedOnly,
  whyPaysNothing,
} from "@stakebts/core/rules/freeze";
import type { PaymentLimits } from "@stakebts/core/rules/limits";
import {
  isRecoveryHoldPassed,
  longerRecoveryHold,
  type RecoveryHold,
} from "@stakebts/core/rules/recovery-hold";
import type {
  Control,
  ControlState,
  ControlTx,
  FreezeEnd,
  LedgerAccount,
  NewFreeze,
} from "@stakebts/core/ledger/ledger";
import type { Clock, State } from "./state.ts";

const isSame = (one: NewFreeze, other: NewFreeze): boolean =>
  one.source === other.source &&
  one.level === other.level &&
  one.process === other.process &&
  one.reason === other.reason;

export function controlOf(state: State): ControlState {
  const freezes = inForce(state.freezes);
  const reason = whyPaysNothing(freezes);
  return {
    account: state.account,
    freezes,
    processFreezes: reportedOnly(state.freezes),
    payments: reason === undefined ? { on: true } : { on: false, reason },
    limits: state.limits,
    recoveryHold: state.recoveryHold,
    writerEpoch: state.writerEpoch,
    processedElsewhereUpToBlockNum: state.processedElsewhereUpToBlockNum,
  };
}

function addFreeze(state: State, clock: Clock, { source, level, process, reason }: NewFreeze): boolean {
  if (state.freezes.some((one) => isSame(one, { source, level, process, reason }))) return false;
  const id = ++state.freezesAdded as FreezeId;
  state.freezes = [...state.freezes, { id, source, level, process, reason, sinceMs: clock.nowMs() }];
  return true;
}

export const bindTo = (state: State, account: LedgerAccount): LedgerAccount => (state.account ??= account);

export const controlIn = (state: State, clock: Clock): ControlTx & Control => ({
  async read(): Promise<ControlState> {
    return controlOf(state);
  },

  /** Transactions run one at a time as it is. */
  async lock(): Promise<ControlState> {
    return controlOf(state);
  },

  async addFreeze(freeze: NewFreeze): Promise<boolean> {
    return addFreeze(state, clock, freeze);
  },

  async endFreeze(id: FreezeId, { still }: FreezeEnd): Promise<boolean> {
    const old = state.freezes.find((one) => one.id === id);
    if (old === undefined) return false;
    assert(still === undefined || (old.level === "all" && still !== "all"), `a part of ${old.level}`);
    state.freezes = state.freezes.filter((one) => one !== old);
    if (still !== undefined) addFreeze(state, clock, { ...old, level: still });
    return true;
  },

  async reportFreezes(process: string, found: readonly Freeze[]): Promise<void> {
    state.freezes = state.freezes.filter(
      (one) =>
        one.process !== process ||
        !isLocal(one.source) ||
        found.some((freeze) => isSame(one, { ...freeze, process })),
    );
    for (const freeze of found) addFreeze(state, clock, { ...freeze, process });
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

  async bind(account: LedgerAccount): Promise<LedgerAccount> {
    return bindTo(state, account);
  },

  async startWriterEpoch(): Promise<bigint> {
    return ++state.writerEpoch;
  },
});
