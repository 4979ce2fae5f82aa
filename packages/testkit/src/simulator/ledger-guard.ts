import type { Ledger, LedgerTx, NewWithdrawal } from "@stakebts/core/ledger/ledger";
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

  constructor(ledger: MemoryLedger, report: (what: string) => void) {
    this.#ledger = ledger;
    this.#report = report;
  }

  /** The ledger is an older one now: rows may stand where they stood then. */
  restored(): void {
    this.#rows = new Map();
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
      recordedTransfers: ledger.recordedTransfers,
      jobs: ledger.jobs,
      payouts: {
        ...ledger.payouts,
        open: async (page) => (without === "own-look" ? [] : ledger.payouts.open(page)),
        // The payer looks at what was signed before by itself, too.
        debt: async (id) => {
          const debt = await ledger.payouts.debt(id);
          return without === "one-live" && debt !== undefined ? { ...debt, attempts: [] } : debt;
        },
        view: async (id) => {
          const view = await ledger.payouts.view(id);
          if (without !== "one-live" || view?.live === undefined) return view;
          return { ...view, live: undefined, payout: { ...view.payout, status: "ready" } };
        },
      },
      withdrawals: {
        ...ledger.withdrawals,
        save: async (withdrawal) => {
          const saved = await this.#save(run, withdrawal, without);
          if (saved === "saved" && withdrawal.writerEpoch !== ledger.contents.writerEpoch)
            this.#report(`signed by a payer that is over: ${withdrawal.payoutId}`);
          this.#look();
          return saved;
        },
        markSent: async (withdrawal) => {
          for (const late of this.#saved.get(run) ?? []) await ledger.withdrawals.save(late);
          this.#saved.delete(run);
          await ledger.withdrawals.markSent(withdrawal);
          this.#look();
        },
      },
    };
    return watched;
  }

  async #save(run: ProcessRun, withdrawal: NewWithdrawal, without: Safeguard | undefined) {
    const ledger = this.#ledger;
    if (without === "save-then-send") {
      // The other safeguards hold, so that it is this one whose absence shows.
      if (withdrawal.writerEpoch !== ledger.contents.writerEpoch) return "epoch_over";
      this.#saved.set(run, [...(this.#saved.get(run) ?? []), withdrawal]);
      return "saved";
    }
    if (without === "epoch")
      return ledger.withdrawals.save({ ...withdrawal, writerEpoch: ledger.contents.writerEpoch });
    const saved = await ledger.withdrawals.save(withdrawal);
    return without === "one-live" && saved === "payout_moved" ? "saved" : saved;
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
    if (withdrawals === this.#seenWithdrawals) return;
    this.#seenWithdrawals = withdrawals;
    const alive = new Set<string>();
    for (const { payoutId, status } of withdrawals.values()) {
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
