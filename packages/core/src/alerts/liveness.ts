import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import type { Millis } from "@stakebts/kernel/time";
import type { Cursor } from "../ledger/ledger.ts";
import type { WatchView } from "../ledger/view.ts";
import { whyPaysNothing } from "../rules/freeze.ts";
import { isOnRecoveryHold, type RecoveryHoldState } from "../rules/recovery-hold.ts";
import type { SendOutcome } from "./channel.ts";

/** Why liveness is not reported. A closed set, because a metric has one series for each. */
export const LIVENESS_PROBLEMS = [
  "ledger_unreadable",
  "no_block_yet",
  "ledger_behind",
  "recovery_hold",
  "payments_off",
  "payer_away",
  "payout_overdue",
] as const;
export type LivenessProblem = (typeof LIVENESS_PROBLEMS)[number];

export interface LivenessFacts {
  readonly cursor: Pick<Cursor, "blockTimeMs"> | undefined;
  /** A ledger that may have forgotten payments signs nothing. */
  readonly recoveryHold: RecoveryHoldState;
  readonly paymentsOn: boolean;
  /** Does a payer hold the lock that makes it the leader? */
  readonly payerLeads: boolean;
  /** When the oldest debt fell due that should have been paid by itself; chain time. */
  readonly oldestUnpaidMs: Millis | undefined;
}

/** Irreversible blocks are about a minute old; a maintenance of the chain takes a few more. */
export const LEDGER_AGE_MS_MAX = 600_000;

/**
 * Pure: do payments get on? `undefined` when they do, or when nothing is due; otherwise the first reason that they do not.
 * @param nowMs host time, to compare with the chain's; `undefined` where the chain's time runs at a rate of its own
 */
export function livenessProblem(
  { cursor, recoveryHold, paymentsOn, payerLeads, oldestUnpaidMs }: LivenessFacts,
  { nowMs, overdueMsMax }: { nowMs: number | undefined; overdueMsMax: number },
): LivenessProblem | undefined {
  if (cursor === undefined) return "no_block_yet";
  if (nowMs !== undefined && nowMs - cursor.blockTimeMs > LEDGER_AGE_MS_MAX) return "ledger_behind";
  if (isOnRecoveryHold(recoveryHold)) return "recovery_hold";
  if (!paymentsOn) return "payments_off";
  if (!payerLeads) return "payer_away";
  const overdueMs = oldestUnpaidMs === undefined ? 0 : cursor.blockTimeMs - oldestUnpaidMs;
  return overdueMs > overdueMsMax ? "payout_overdue" : undefined;
}

export interface LivenessPingDeps {
  readonly view: {
    watch(): Promise<Omit<LivenessFacts, "paymentsOn"> & Pick<WatchView, "freezes" | "processFreezes">>;
  };
  readonly clock: Pick<HostClock, "nowMs">;
  readonly log: Log;
  /** Tells the dead man's switch that all is well; `undefined` when there is none to tell. */
  readonly ping: (() => Promise<SendOutcome>) | undefined;
  /** Called at every beat with the reason of a silence, or with what became of the ping. */
  readonly onPing: (silence: LivenessProblem | undefined, pinged: SendOutcome | undefined) => void;
  /** The time of the chain is the time of the host, as on every real network. */
  readonly chainKeepsTime: boolean;
  readonly overdueMsMax: number;
}

/**
 * A dead man's switch: a service outside expects a ping every minute and raises an alert when none comes. The ping is sent only
 * while payments get on, so that everything that stops payments is noticed, foreseen or not.
 */
export class LivenessPing {
  readonly #deps: LivenessPingDeps;
  #silence: LivenessProblem | undefined;
  #reached = true;

  constructor(deps: LivenessPingDeps) {
    this.#deps = deps;
  }

  async beat(): Promise<LivenessProblem | undefined> {
    const { view, clock, chainKeepsTime, overdueMsMax, ping, onPing } = this.#deps;
    let signs;
    try {
      signs = await view.watch();
    } catch (error) {
      this.#say("ledger_unreadable");
      onPing("ledger_unreadable", undefined);
      throw error;
    }
    const silence = livenessProblem(
      { ...signs, paymentsOn: whyPaysNothing([...signs.freezes, ...signs.processFreezes]) === undefined },
      { nowMs: chainKeepsTime ? clock.nowMs() : undefined, overdueMsMax },
    );
    this.#say(silence);
    const pinged = silence === undefined ? await ping?.() : undefined;
    if (pinged !== undefined) this.#sayWhetherHeard(pinged);
    onPing(silence, pinged);
    return silence;
  }

  #say(silence: LivenessProblem | undefined): void {
    const { log } = this.#deps;
    if (silence === this.#silence) return;
    this.#silence = silence;
    if (silence === undefined) log.info("liveness.reported");
    else log.warn("liveness.withheld", { reason: silence, todo: "docs/runbook.md, liveness.withheld" });
  }

  #sayWhetherHeard(pinged: SendOutcome): void {
    const { log } = this.#deps;
    if (!pinged.ok && this.#reached) log.warn("liveness.not_delivered", { problem: pinged.problem });
    this.#reached = pinged.ok;
  }
}
