import type { LedgerView } from "@stakebts/core/ledger/view";
import { monthStart } from "@stakebts/core/operators/browse/history";
import { DAY_MS, millis, plusMs } from "@stakebts/kernel/time";
import type { ConsoleDeps } from "./console.ts";
import { Remembered } from "./remembered.ts";

/** How far pictures and forecasts look ahead, and back. */
export const AHEAD_DAYS = 365;
const BACK_MONTHS = 11;
const BALANCE_STEP_MS = DAY_MS;

/** What is found out by going through the whole ledger. */
export interface Sums {
  /** Chain time of the ledger when they were made. */
  readonly asOfMs: number;
  readonly owed: Awaited<ReturnType<LedgerView["liabilities"]>>;
  readonly days: Awaited<ReturnType<LedgerView["dueByDay"]>>;
  readonly stakes: Awaited<ReturnType<ConsoleDeps["browse"]["openStakes"]>>;
  readonly paid: Awaited<ReturnType<ConsoleDeps["browse"]["paidByMonth"]>>;
  readonly balances: Awaited<ReturnType<ConsoleDeps["browse"]["balanceReports"]>>;
}

export function rememberSums({
  view,
  browse,
  ledger,
  clock,
  sumsAgeMsMax,
}: Pick<ConsoleDeps, "view" | "browse" | "ledger" | "clock" | "sumsAgeMsMax">): Remembered<Sums> {
  const find = async (): Promise<Sums> => {
    const asOfMs = (await ledger.cursor.read())?.blockTimeMs ?? millis(clock.nowMs());
    const [owed, days, stakes, paid, balances] = await Promise.all([
      view.liabilities(asOfMs),
      view.dueByDay(plusMs(asOfMs, AHEAD_DAYS * DAY_MS)),
      browse.openStakes(),
      browse.paidByMonth(monthStart(asOfMs, BACK_MONTHS)),
      browse.balanceReports({ fromMs: clock.nowMs() - AHEAD_DAYS * DAY_MS, stepMs: BALANCE_STEP_MS }),
    ]);
    return { asOfMs, owed, days, stakes, paid, balances };
  };
  return new Remembered(find, { ageMsMax: sumsAgeMsMax, nowMs: () => clock.nowMs() });
}
