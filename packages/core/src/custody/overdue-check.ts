import type { ChainReader } from "@stakebts/bitshares/chain";
import { HOUR_MS, type Millis, millis } from "@stakebts/kernel/time";
import { logReceipt } from "../ledger/log-receipt.ts";
import type { NewReceipt } from "../ledger/ledger.ts";
import type { MonitorLedger } from "./monitor-ledger.ts";
import type { AlertDeps } from "./raise-alert.ts";

export interface OverdueCheckDeps extends Omit<AlertDeps, "ledger"> {
  readonly chain: Pick<ChainReader, "head">;
  readonly ledger: Pick<MonitorLedger, "overdue" | "tell">;
}

const LOOK_EVERY_MS = 60_000;
/** What was due so long ago by the time of the chain should have been answered, written as a debt, or paid. */
const OVERDUE_MS = 2 * HOUR_MS;

const TODO = {
  transfer:
    "it waits for an answer: does a scheduler run (`stakebts doctor`)? is it set aside (`stakebts status`)?",
  unread:
    "its memo is for a memo key that the ingester does not have: give it the key (docs/handbook.md, Change a key)",
  row: "it is due, and no payout was written for it: does a scheduler run (`stakebts doctor`)?",
  lost: "it counts as being paid, and no payout pays it: an intruder has written to the ledger; see `stakebts rebuild --compare`",
  payout: "it is not paid: `stakebts payouts show` says what it waits for",
} as const;
export type OverdueKind = keyof typeof TODO;

/**
 * Tells people of what is owed and does not get on. It does not ask the other processes: it looks at the ledger's rows and the time of
 * this process's own nodes. Each kind once a day: the oldest stands for all. Payments go on.
 */
export class OverdueCheck {
  readonly #deps: OverdueCheckDeps;
  #lookedMs = 0;

  constructor(deps: OverdueCheckDeps) {
    this.#deps = deps;
  }

  /** Throws ChainError. */
  async look(): Promise<void> {
    const { chain, ledger, log, onAlert } = this.#deps;
    const { headTimeMs } = await chain.head();
    if (headTimeMs - this.#lookedMs < LOOK_EVERY_MS) return;
    for (const { kind, name, dueMs } of await ledger.overdue(millis(headTimeMs - OVERDUE_MS))) {
      const receipt = overdue(kind, name, dueMs, headTimeMs);
      if (!(await ledger.tell(receipt))) continue;
      logReceipt(log, receipt);
      onAlert(receipt);
    }
    this.#lookedMs = headTimeMs;
  }
}

const overdue = (kind: OverdueKind, name: string, dueMs: Millis, nowMs: Millis): NewReceipt => ({
  event: "debt.overdue",
  subject: `${kind} on ${new Date(nowMs).toISOString().slice(0, 10)}`,
  chainTimeMs: nowMs,
  details: {
    oldest: name,
    reason: `${kind === "unread" ? "transfer" : kind === "lost" ? "row" : kind} ${name} should have got on ${Math.floor((nowMs - dueMs) / HOUR_MS)} hours ago`,
    todo: TODO[kind],
  },
});
