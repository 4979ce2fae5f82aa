import { whyPaysNothing } from "../rules/freeze.ts";
import type { HostClock } from "@stakebts/kernel/clock";
import type { WatchView } from "../ledger/view.ts";
import type { Log } from "@stakebts/kernel/log";
import type { SendOutcome } from "./notification.ts";
import { type LivenessFacts, type LivenessProblem, livenessProblem } from "./liveness.ts";

export interface LivenessPingDeps {
  readonly view: {
    watch(): Promise<Omit<LivenessFacts, "paymentsOn"> & Pick<WatchView, "freezes" | "processFreezes">>;
  };
  readonly clock: Pick<HostClock, "nowMs">;
  readonly log: Log;
  /** Tells the dead man's switch that all is well; `undefined` when there is none to tell. */
  readonly ping: (() => Promise<SendOutcome>) | undefined;
  /** Told of every beat: why there was none, or that there was. */
  readonly onPing: (silence: LivenessProblem | undefined, pinged: SendOutcome | undefined) => void;
  /** The time of the chain is the time of the host, as on every real network. */
  readonly chainKeepsTime: boolean;
  readonly overdueMsMax: number;
}

/**
 * A dead man's switch: somebody outside expects to hear from us every minute and raises the alert when they do not. They
 * hear from us only while payments get on, so that whatever stops payments is noticed, also what nobody has thought of.
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
