import type { BroadcastOutcome, BroadcastRefusal } from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import { MINUTE_MS } from "@stakebts/kernel/time";
import type { Ledger, NewReceipt, PayoutRecord } from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import { isInFlight, type PayoutId } from "../rules/payout.ts";

/**
 * Whom a refusal concerns.
 * - `everyone`: any other payment would be refused alike.
 * - `unclear`: this payment, or everyone. What two payees meet one after the other is everyone's; it is one payee's when others are
 *   paid meanwhile.
 * - `funds`: everyone who asks for as much; the wallet is asked anew before the next.
 * - `moment`: it came too late, because this process stood still or the nodes' time went on; signed anew it may be taken at once.
 * - `unknown`: it does not say why.
 */
export type Concern = "everyone" | "unclear" | "funds" | "moment" | "unknown";

const CONCERNS = {
  insufficient_balance: "funds",
  insufficient_fee: "everyone", // the fee schedule is not what a majority has said
  missing_authority: "everyone",
  expired: "moment", // unless a node has answered before
  expiration_too_far: "everyone",
  tapos_mismatch: "everyone",
  node_cannot_broadcast: "everyone",
  unknown_account: "unclear",
  malformed: "unclear", // signatures and the size of a transaction are among it
  other: "unclear",
} as const satisfies Record<BroadcastRefusal, Concern>;

/** What is known of bytes before they are sent. */
export interface SentBefore {
  /** They were signed just now, by this payer. */
  readonly isFirst: boolean;
  /** An answer of a node to them was noted, in this process or in one before it. */
  readonly isAnswered: boolean;
}

/**
 * Whom it concerns that a transaction was refused. Nodes have said it, so that it may decide whether an attempt counts and whether
 * others are signed meanwhile, and nothing else (ADR 0006).
 * @param isAnswered what was in a block long ago, or has waited for long, is `expired` too; what no node has answered before came too late
 */
export const concernOf = (code: BroadcastRefusal, { isAnswered }: Pick<SentBefore, "isAnswered">): Concern =>
  code === "expired" && isAnswered ? "unknown" : CONCERNS[code];

/** Between two payments that are tried while everything is refused: doubled from the first to the last. Host time. */
const AGAIN_MS_MIN = 10_000;
const AGAIN_MS_MAX = 10 * MINUTE_MS;
/** For so much longer a payee whose payment was refused lets others try first. */
const OTHERS_FIRST_MS = MINUTE_MS;

/** Payees that are remembered. */
const PAYEES_MAX = 10_000;

/** Why nothing is signed, for people. */
export interface Cause {
  readonly event: "payer.paused" | "payer.key_not_in_authority";
  readonly subject: string;
  readonly reason: string;
  readonly todo: string;
}

interface Pause {
  readonly cause: Cause;
  /** The one payment that is tried. */
  probe: PayoutId;
  sinceMs: number;
  againMs: number;
  readonly refusedPayees: Set<string>;
}

/**
 * What keeps every payment alike from going out. While something does, nothing new is signed but one payment at a time, which shows
 * whether it is over; that is believed when a final block holds it. Attempts that end for such a cause count for no payout.
 * It is remembered in this process alone: after a restart one payment more is tried.
 */
export class CommonCauses {
  readonly #ledger: Ledger;
  readonly #clock: Pick<HostClock, "nowMs">;
  readonly #log: Log;
  readonly #onChange: (isPaused: boolean) => void;
  #pause: Pause | undefined;
  /** Refused for an unclear cause since a node took something last. */
  readonly #suspects = new Set<string>();
  /** How many payments were taken when they were sent first. */
  #taken = 0;
  /** That number, when a payee met an unclear refusal first: only if others are taken since, it is his alone. */
  readonly #takenBefore = new Map<string, number>();
  /** What was said and is not over, by what it is about. */
  readonly #said = new Map<string, Cause>();

  constructor(deps: {
    readonly ledger: Ledger;
    readonly clock: Pick<HostClock, "nowMs">;
    readonly log: Log;
    readonly onChange?: ((isPaused: boolean) => void) | undefined;
  }) {
    this.#ledger = deps.ledger;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#onChange = deps.onChange ?? (() => undefined);
  }

  /**
   * Which of these may be signed now: all, or the one that is tried, or none.
   * @returns their ids, and why the others have to wait; `undefined`: none has to
   */
  async choose(
    payouts: readonly Pick<PayoutRecord, "id" | "payee">[],
  ): Promise<{ readonly mayGo: ReadonlySet<PayoutId>; readonly why: string | undefined }> {
    const all = { mayGo: new Set(payouts.map(({ id }) => id)), why: undefined };
    const pause = this.#pause;
    if (pause === undefined) return all;
    const { reason } = pause.cause;
    const [probe] = await this.#ledger.payouts.find({ ids: [pause.probe] });
    if (probe?.status === "confirmed") {
      this.#pause = undefined;
      this.#suspects.clear();
      await this.over(BROADCASTS);
      return all;
    }
    if (probe !== undefined && isInFlight(probe.status))
      return {
        mayGo: new Set(),
        why: `${reason}; ${probe.key} was signed, and shows whether that is over`,
      };
    const passedMs = this.#clock.nowMs() - pause.sinceMs;
    // A clock that was set back is not waited for.
    const mayTry = ({ payee }: Pick<PayoutRecord, "payee">): boolean =>
      passedMs < 0 || passedMs >= pause.againMs + (pause.refusedPayees.has(payee) ? OTHERS_FIRST_MS : 0);
    const tried = payouts.find(mayTry);
    return {
      mayGo: new Set(tried === undefined ? [] : [tried.id]),
      why: `${reason}; one payment is tried from time to time`,
    };
  }

  /** Its bytes are saved. */
  signed({ id }: Pick<PayoutRecord, "id">): void {
    if (this.#pause === undefined) return;
    this.#pause.probe = id;
    this.#pause.sinceMs = this.#clock.nowMs();
    this.#pause.againMs = Math.min(AGAIN_MS_MAX, this.#pause.againMs * 2);
  }

  /**
   * What nodes said of a transaction.
   * @returns why the attempt does not count; `undefined`: it does, as far as this says
   */
  async heard(
    payout: Pick<PayoutRecord, "id" | "payee">,
    outcome: BroadcastOutcome,
    sent: SentBefore,
  ): Promise<string | undefined> {
    if (outcome.type === "unknown") return "unanswered";
    if (outcome.type !== "refused") {
      if (sent.isFirst) this.#taken++;
      this.#suspects.clear();
      return undefined;
    }
    const { code, message } = outcome;
    const concern = concernOf(code, sent);
    if (concern === "unknown") return undefined;
    if (concern === "funds" || concern === "moment") return code;
    // Of bytes that were signed before, with another key or another fee perhaps, it says nothing of those that would be signed now.
    if (!sent.isFirst) return concern === "everyone" ? code : undefined;
    if (concern === "unclear") this.#suspects.add(payout.payee);
    if (concern === "unclear" && this.#suspects.size < 2 && this.#pause === undefined)
      return this.#isHisAlone(payout.payee) ? undefined : code;
    await this.#begin(payout, {
      event: "payer.paused",
      subject: code,
      reason: `the nodes refuse payments for a cause that concerns all of them (${code}: ${message.slice(0, 200)})`,
      todo: "nothing is signed but one payment from time to time, and no attempt counts; it goes on by itself: docs/runbook.md, When every payment is refused",
    });
    return code;
  }

  #isHisAlone(payee: string): boolean {
    const before = this.#takenBefore.get(payee);
    if (before !== undefined) return this.#taken > before;
    if (this.#takenBefore.size >= PAYEES_MAX) this.#takenBefore.clear();
    this.#takenBefore.set(payee, this.#taken);
    return false;
  }

  async #begin({ id, payee }: Pick<PayoutRecord, "id" | "payee">, cause: Cause): Promise<void> {
    if (this.#pause !== undefined) {
      this.#pause.refusedPayees.add(payee);
      return;
    }
    this.#pause = {
      cause,
      probe: id,
      sinceMs: this.#clock.nowMs(),
      againMs: AGAIN_MS_MIN,
      refusedPayees: new Set([...this.#suspects, payee]),
    };
    await this.found(BROADCASTS, cause);
  }

  /** Says it, once until it is over or is something else. */
  async found(about: string, { event, subject, ...details }: Cause): Promise<void> {
    const cause = { event, subject, ...details };
    const before = this.#said.get(about);
    if (before?.event === event && before.subject === subject) return;
    this.#said.set(about, cause);
    this.#onChange(true);
    await this.#write({ event, subject, details });
  }

  async over(about: string): Promise<void> {
    const cause = this.#said.get(about);
    if (cause === undefined) return;
    this.#said.delete(about);
    this.#onChange(this.#said.size > 0);
    await this.#write({ event: "payer.resumed", subject: cause.subject, details: { was: cause.event } });
  }

  async #write(receipt: NewReceipt): Promise<void> {
    await this.#ledger.transaction((tx) => tx.receipts.add([receipt]));
    logReceipt(this.#log, receipt);
  }
}

const BROADCASTS = "broadcasts";
