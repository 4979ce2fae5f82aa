import type {
  Control,
  CursorReader,
  Ledger,
  LedgerTx,
  Payouts,
  TopUpReader,
  Withdrawals,
} from "@stakebts/core/ledger/ledger";
import { decidable } from "./twins/undecided.ts";
import type { PayoutId } from "@stakebts/core/rules/payout";
import type { NewJob } from "@stakebts/core/queue/queue";
import { agreementsIn, isDue, rowsIn } from "./memory-ledger/agreements.ts";
import { controlIn } from "./memory-ledger/control.ts";
import { cursorIn } from "./memory-ledger/cursor.ts";
import { approvalsIn } from "./memory-ledger/limits.ts";
import { payoutsIn } from "./memory-ledger/payouts.ts";
import { jobsIn, receiptsIn } from "./memory-ledger/receipts.ts";
import { type Clock, copy, emptyState, type State } from "./memory-ledger/state.ts";
import { openReplayIn, replaysIn } from "./memory-ledger/replays.ts";
import { topUpsIn } from "./memory-ledger/top-ups.ts";
import { setAsideIn } from "./memory-ledger/set-aside.ts";
import { memoKeysIn } from "./memory-ledger/memo-keys.ts";
import { passedBlocksIn } from "./memory-ledger/passed-blocks.ts";
import { recordedTransfersIn } from "./memory-ledger/recorded-transfers.ts";
import { transfersIn, undecidedIn, waitingIn } from "./memory-ledger/transfers.ts";
import { withdrawalsIn } from "./memory-ledger/withdrawals.ts";

/**
 * The ledger in memory, for tests of services: the same rules and recovery holds as the one in PostgreSQL, which both prove by
 * the same conformance suite. One transaction at a time; an exception puts everything back.
 */
export class MemoryLedger implements Ledger {
  #state: State = emptyState();
  #last: Promise<unknown> = Promise.resolve();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  transaction<T>(work: (tx: LedgerTx) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const before = this.#state;
      this.#state = copy(before);
      try {
        return await work(ledgerTx(this.#state, this.#clock));
      } catch (error) {
        this.#state = before;
        throw error;
      }
    });
  }

  /** `false`: this alert was given before. */
  addWatcherNote(note: State["watcherNotes"][number]): Promise<boolean> {
    return this.#inTurn(async (state) => {
      const isThere =
        note.kind === "alert" &&
        state.watcherNotes.some(({ kind, subject }) => kind === "alert" && subject === note.subject);
      if (!isThere) state.watcherNotes = [...state.watcherNotes, note];
      return !isThere;
    });
  }

  /** By a watcher. */
  setChecked(payouts: readonly PayoutId[]): Promise<void> {
    return this.#inTurn(async ({ settlements }) => {
      for (const id of payouts) {
        const settlement = settlements.get(id);
        if (settlement !== undefined) settlements.set(id, { ...settlement, isChecked: true });
      }
    });
  }

  /** For assertions in tests: what the ledger holds now. */
  get contents(): Readonly<State> {
    return this.#state;
  }

  /** A copy to come back to, as a dump of the database is. */
  backup(): unknown {
    return copy(this.#state);
  }

  /** Another database, with the rows of the backup. */
  restore(backup: unknown): void {
    this.rewind(backup);
    this.#state.recoveryHold = { ...this.#state.recoveryHold, databaseChanged: true };
  }

  /** Older rows in the same database, where nothing but the rows themselves shows it. */
  rewind(backup: unknown): void {
    this.#state = copy(backup as State);
  }

  // What only reads looks at what there is now; what writes waits for its turn.

  readonly cursor: CursorReader = { read: () => cursorIn(this.#state).read() };

  readonly transfers: Ledger["transfers"] = {
    accountsNamed: (names) => transfersIn(this.#state).accountsNamed(names),
    unread: (page) => transfersIn(this.#state).unread(page),
    incoming: (page) => transfersIn(this.#state).incoming(page),
  };

  readonly rows: Ledger["rows"] = {
    nextDueInstants: (limit) => rowsIn(this.#state).nextDueInstants(limit),
  };

  readonly payouts: Payouts = {
    find: (query) => payoutsIn(this.#state, this.#clock).find(query),
    open: (page) => payoutsIn(this.#state, this.#clock).open(page),
    debts: (ids) => payoutsIn(this.#state, this.#clock).debts(ids),
    views: (ids) => payoutsIn(this.#state, this.#clock).views(ids),
    applyLimits: (id) => this.#inTurn((state) => payoutsIn(state, this.#clock).applyLimits(id)),
    enqueueStale: (options) => this.#inTurn((state) => payoutsIn(state, this.#clock).enqueueStale(options)),
  };

  readonly withdrawals: Withdrawals = {
    save: (withdrawals) => this.#inTurn((state) => withdrawalsIn(state, this.#clock).save(withdrawals)),
    markSent: (withdrawals) =>
      this.#inTurn((state) => withdrawalsIn(state, this.#clock).markSent(withdrawals)),
    noteRefusal: (withdrawal, reason) =>
      this.#inTurn((state) => withdrawalsIn(state, this.#clock).noteRefusal(withdrawal, reason)),
  };

  readonly topUps: TopUpReader = { find: (filter) => topUpsIn(this.#state, this.#clock).find(filter) };

  readonly control: Control = {
    read: () => controlIn(this.#state, this.#clock).read(),
    bind: (account) => this.#inTurn((state) => controlIn(state, this.#clock).bind(account)),
    startWriterEpoch: () => this.#inTurn((state) => controlIn(state, this.#clock).startWriterEpoch()),
  };

  readonly passedBlocks: Ledger["passedBlocks"] = passedBlocksIn(() => this.#state);

  readonly memoKeys: Ledger["memoKeys"] = memoKeysIn(() => this.#state);
  readonly recordedTransfers: Ledger["recordedTransfers"] = recordedTransfersIn(() => this.#state);
  readonly replays: Ledger["replays"] = { open: () => Promise.resolve(openReplayIn(this.#state)) };

  readonly jobs: Ledger["jobs"] = {
    dispatch: (limit, make) => this.#dispatch(limit, make),
  };

  async #dispatch(limit: number, make: (jobs: readonly NewJob[]) => Promise<void>): Promise<number> {
    const claimed = [...this.#state.jobs.values()].filter(({ made }) => !made).slice(0, limit);
    if (claimed.length === 0) return 0;
    await make(claimed.map(({ job }) => job));
    await this.#inTurn(async (state) => {
      for (const { job } of claimed) state.jobs.set(job.id, { job, made: true });
    });
    return claimed.length;
  }

  async hasWork(accepting = true): Promise<boolean> {
    const { cursor, rows } = this.#state;
    if (decidable(undecidedIn(this.#state), waitingIn(this.#state, accepting)).length > 0) return true;
    return (
      cursor !== undefined && [...rows.values()].some((row) => isDue(this.#state, row, cursor.blockTimeMs))
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #inTurn<T>(work: (state: State) => Promise<T>): Promise<T> {
    const run = this.#last.then(() => work(this.#state));
    this.#last = run.catch(() => undefined);
    return run;
  }
}

const ledgerTx = (state: State, clock: Clock): LedgerTx => ({
  /** Transactions run one at a time as it is. */
  lockEvents: () => Promise.resolve(),
  cursor: cursorIn(state),
  transfers: transfersIn(state),
  agreements: agreementsIn(state),
  rows: rowsIn(state),
  payouts: payoutsIn(state, clock),
  withdrawals: withdrawalsIn(state, clock),
  topUps: topUpsIn(state, clock),
  control: controlIn(state, clock),
  approvals: approvalsIn(state),
  replays: replaysIn(state, clock),
  passedBlocks: passedBlocksIn(() => state),
  memoKeys: memoKeysIn(() => state),
  recordedTransfers: recordedTransfersIn(() => state),
  balanceAdjustments: {
    add: async ({ amountShares }) => {
      const id = BigInt(state.adjustments.length + 1);
      state.adjustments = [...state.adjustments, { id, amount: amountShares }];
    },
  },
  setAside: setAsideIn(state),
  jobs: jobsIn(state),
  receipts: receiptsIn(state),
});
