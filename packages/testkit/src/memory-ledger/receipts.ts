import type { LedgerTx, NewReceipt } from "@stakebts/core/ledger/ledger";
import type { NewJob } from "@stakebts/core/queue/queue";
import type { State } from "./state.ts";

export const receiptsIn = (state: State): LedgerTx["receipts"] => ({
  async add(receipts: readonly NewReceipt[], { once } = { once: false }): Promise<number> {
    const isThere = ({ event, subject }: NewReceipt): boolean =>
      state.receipts.some((old) => old.event === event && old.subject === subject);
    const fresh = once ? receipts.filter((receipt) => !isThere(receipt)) : receipts;
    state.receipts = [...state.receipts, ...fresh];
    return fresh.length;
  },
});

export const jobsIn = (state: State): LedgerTx["jobs"] => ({
  async add(jobs: readonly NewJob[]): Promise<void> {
    for (const job of jobs) if (!state.jobs.has(job.id)) state.jobs.set(job.id, { job, made: false });
  },
});
