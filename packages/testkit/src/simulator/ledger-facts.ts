import { type Bts, bts } from "@stakebts/kernel/amount";
import { DAY_MS, HOUR_MS, type Millis } from "@stakebts/kernel/time";
import type { Liabilities } from "@stakebts/core/ledger/view";
import type { ProcessRun } from "./event-loop.ts";
import type { Simulation } from "./simulation.ts";

/** What the liveness ping and the treasury's report ask of the ledger, as the view of PostgreSQL answers it. */
export function ledgerFacts(simulation: Simulation, run: ProcessRun) {
  const { ledger } = simulation;
  const facts = {
    async watch() {
      const { cursor } = ledger.contents;
      const due = openDebts(simulation).filter(({ stopped }) => !stopped);
      return {
        cursor,
        recoveryHold: (await ledger.control.read()).recoveryHold,
        freezes: (await ledger.control.read()).freezes,
        processFreezes: [],
        payerLeads: simulation.payerLock?.run.over === false,
        oldestUnpaidMs: due.length === 0 ? undefined : (Math.min(...due.map(({ dueMs }) => dueMs)) as Millis),
      };
    },
    async liabilities(asOfMs: Millis): Promise<Liabilities> {
      const debts = openDebts(simulation);
      const within = (durationMs: number) => sum(debts.filter(({ dueMs }) => dueMs <= asOfMs + durationMs));
      return {
        asOfMs,
        gross: sum(debts),
        within30d: within(30 * DAY_MS),
        within7d: within(7 * DAY_MS),
        within48h: within(48 * HOUR_MS),
        within24h: within(24 * HOUR_MS),
        pastDue: within(0),
        stopped: sum(debts.filter(({ stopped }) => stopped)),
        paidLast48h: sum([]),
        cancelled: sum([]),
        nominators: new Set(debts.map(({ payee }) => payee)).size,
      };
    },
  };
  return simulation.port(run, "view", facts, () => simulation.databaseFaults);
}

interface OpenDebt {
  readonly payee: string;
  readonly amount: Bts;
  readonly dueMs: number;
  /** It waits for a person. */
  readonly stopped: boolean;
}

/** Payouts that are neither paid nor cancelled, and rows that have none yet. */
function openDebts({ ledger }: Simulation): readonly OpenDebt[] {
  const { payouts, rows } = ledger.contents;
  const debts: OpenDebt[] = [];
  for (const { status, payee, amount, dueMs } of payouts.values())
    if (status !== "confirmed" && status !== "cancelled")
      debts.push({ payee, amount, dueMs, stopped: status === "held" || status === "failed" });
  for (const { status, type, nominator, amount, dueMs } of rows.values())
    if (status === "pending" && (type === "reward" || type === "base_amount"))
      debts.push({ payee: nominator, amount, dueMs, stopped: false });
  return debts;
}

const sum = (debts: readonly OpenDebt[]) => ({
  count: debts.length,
  amount: bts(debts.reduce((total, { amount }) => total + amount, 0n)),
});
