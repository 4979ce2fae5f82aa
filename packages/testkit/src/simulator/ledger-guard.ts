import type { Ledger, LedgerTx, NewWithdrawal, WithdrawalRefusal } from "@stakebts/core/ledger/ledger";
import { signedTransaction } from "./fake-keys.ts";
import type { MemoryLedger } from "../memory-ledger.ts";
import type { Safeguard } from "./safeguards.ts";
import type { ProcessRun } from "./event-loop.ts";

/** A row's way forward. Only a cancelled payout gives rows back. */
const RANKS: Readonly<Record<string, number>> = {
  pending: 0,
  paid: 0,
  processing: 1,
  confirmed: 2,
  premature: 2,
  aborted: 2,
};

/** Looks at the ledger after each change, and at who signs. */
export class LedgerGuard {
  readonly #ledger: MemoryLedger;
  readonly #report: (what: string) => void;
  #rows = new Map<string, string>();
  #seenRows: unknown;
  #seenWithdrawals: unknown;
  readonly #saved = new Map<ProcessRun, NewWithdrawal[]>();

  readonly #whyMayNotSign: (publicKey: string) => string | undefined;
  /** Withdrawals that were noted as refused for a cause that concerns everyone. */
  readonly #excused = new Set<string>();
  /** Withdrawals of which no answer was noted. */
  readonly #unanswered = new Set<string>();
  #seenPayouts: unknown;

  constructor(
    ledger: MemoryLedger,
    {
      report,
      whyMayNotSign,
    }: {
      readonly report: (what: string) => void;
      readonly whyMayNotSign: (publicKey: string) => string | undefined;
    },
  ) {
    this.#ledger = ledger;
    this.#report = report;
    this.#whyMayNotSign = whyMayNotSign;
  }

  /** The ledger is an older one now: rows may stand where they stood then. */
  restored(): void {
    this.#rows = new Map();
    this.#excused.clear();
    this.#unanswered.clear();
  }

  /** The ledger as one process sees it, if need be without one of the safeguards. */
  watched(run: ProcessRun, without: Safeguard | undefined): Ledger {
    const ledger = this.#ledger;
    const watched: Ledger = {
      transaction: async (work) => {
        const done = await ledger.transaction((tx) =>
          work(without === "due-first" ? transfersFirst(tx) : tx),
        );
        this.#look();
        return done;
      },
      hasWork: (accepting) => ledger.hasWork(accepting),
      close: () => ledger.close(),
      cursor: ledger.cursor,
      transfers: ledger.transfers,
      rows: ledger.rows,
      topUps: ledger.topUps,
      control: ledger.control,
      passedBlocks: ledger.passedBlocks,
      memoKeys: ledger.memoKeys,
      recordedTransfers: ledger.recordedTransfers,
      replays: ledger.replays,
      jobs: ledger.jobs,
      payouts: {
        ...ledger.payouts,
        open: async (page) => (without === "own-look" ? [] : ledger.payouts.open(page)),
        // The payer looks at what was signed before by itself, too.
        debts: async (ids) => {
          const debts = await ledger.payouts.debts(ids);
          if (without !== "one-live") return debts;
          return new Map([...debts].map(([id, debt]) => [id, { ...debt, attempts: [] }]));
        },
        views: async (ids) => {
          const views = await ledger.payouts.views(ids);
          if (without !== "one-live") return views;
          return views.map((view) =>
            view.live === undefined
              ? view
              : { ...view, live: undefined, payout: { ...view.payout, status: "ready" } },
          );
        },
      },
      withdrawals: {
        ...ledger.withdrawals,
        save: async (withdrawals) => {
          const answers = await this.#save(run, withdrawals, without);
          for (const [i, { writerEpoch, payoutId, bytes }] of withdrawals.entries()) {
            if (answers[i] !== "saved") continue;
            const { signedBy = "" } = signedTransaction(bytes);
            const mayNot = this.#whyMayNotSign(signedBy);
            if (mayNot !== undefined) this.#report(`signed without authority: ${mayNot}`);
            if (writerEpoch !== ledger.contents.writerEpoch)
              this.#report(`signed by a payer that is over: ${payoutId}`);
          }
          this.#look();
          return answers;
        },
        noteRefusal: async (withdrawal, refusal) => {
          const isLive = ["signed", "broadcast"].includes(
            ledger.contents.withdrawals.get(withdrawal.id)?.status ?? "",
          );
          if (isLive && refusal.commonCause !== undefined) this.#excused.add(withdrawal.id);
          await ledger.withdrawals.noteRefusal(
            withdrawal,
            without === "common-cause" ? { ...refusal, commonCause: undefined } : refusal,
          );
        },
        markSent: async (withdrawals) => {
          await ledger.withdrawals.save(this.#saved.get(run) ?? []);
          this.#saved.delete(run);
          await ledger.withdrawals.markSent(withdrawals);
          this.#look();
        },
      },
    };
    return watched;
  }

  async #save(
    run: ProcessRun,
    withdrawals: readonly NewWithdrawal[],
    without: Safeguard | undefined,
  ): Promise<readonly ("saved" | WithdrawalRefusal)[]> {
    const ledger = this.#ledger;
    const { writerEpoch } = ledger.contents;
    if (without === "save-then-send") {
      // The other safeguards hold, so that it is this one whose absence shows.
      const good = withdrawals.filter((withdrawal) => withdrawal.writerEpoch === writerEpoch);
      this.#saved.set(run, [...(this.#saved.get(run) ?? []), ...good]);
      return withdrawals.map((withdrawal) => (good.includes(withdrawal) ? "saved" : "epoch_over"));
    }
    if (without === "epoch")
      return ledger.withdrawals.save(withdrawals.map((withdrawal) => ({ ...withdrawal, writerEpoch })));
    const answers = await ledger.withdrawals.save(withdrawals);
    return without === "one-live"
      ? answers.map((answer) => (answer === "payout_moved" ? "saved" : answer))
      : answers;
  }

  #look(): void {
    const { rows, withdrawals, payouts } = this.#ledger.contents;
    if (rows !== this.#seenRows) {
      this.#seenRows = rows;
      for (const [id, { status }] of rows) {
        const before = this.#rows.get(id);
        if (before === status) continue;
        this.#rows.set(id, status);
        if (before === undefined || (RANKS[status] as number) > (RANKS[before] as number)) continue;
        const isGivenBack =
          before === "processing" &&
          status === "pending" &&
          [...payouts.values()].some((p) => p.status === "cancelled" && p.rows.some((row) => row.id === id));
        if (!isGivenBack) this.#report(`a row went back: ${id} from ${before} to ${status}`);
      }
    }
    if (payouts !== this.#seenPayouts) {
      this.#seenPayouts = payouts;
      for (const { id, key, status, reason } of payouts.values()) {
        if (status !== "failed" || reason?.startsWith("attempt ") !== true) continue;
        const last = [...withdrawals.values()].findLast(({ payoutId }) => payoutId === id);
        if (last !== undefined && (this.#excused.has(last.id) || this.#unanswered.has(last.id)))
          this.#report(`failed for a cause that concerns everyone: ${key}: ${reason}`);
      }
    }
    if (withdrawals === this.#seenWithdrawals) return;
    this.#seenWithdrawals = withdrawals;
    const alive = new Set<string>();
    for (const { id, payoutId, status } of withdrawals.values()) {
      if (status === "signed") this.#unanswered.add(id);
      if (status === "broadcast") this.#unanswered.delete(id);
      if (status === "expired") continue;
      if (alive.has(payoutId)) this.#report(`two withdrawals of one payout are not dead: ${payoutId}`);
      alive.add(payoutId);
    }
  }
}

/** While a transfer waits to be answered nothing is due. */
const transfersFirst = (tx: LedgerTx): LedgerTx => ({
  ...tx,
  rows: {
    ...tx.rows,
    find: async (query) =>
      "dueUpToMs" in query && (await tx.transfers.oldestUndecided()) !== undefined ? [] : tx.rows.find(query),
  },
});
