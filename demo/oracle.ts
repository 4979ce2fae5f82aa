import type pg from "pg";
import type { SeenTransfer } from "./chain-audit.ts";
import { fullTermBts, MONTH_SECONDS, SENDINGS, STOP, stoppedBts } from "./scenario.ts";

const SHARES_PER_BTS = 100_000n;

/** Nothing is open any more: every row has its final word and every payout is confirmed. */
export async function settle(db: pg.Client): Promise<boolean> {
  const { rows } = await db.query<{ open: string }>(
    `SELECT (SELECT count(*) FROM stake_row WHERE status IN ('pending', 'processing', 'paid'))
          + (SELECT count(*) FROM payout WHERE status <> 'confirmed')
          + (SELECT count(*) FROM transfer WHERE status = 'undecided') AS open`,
  );
  return rows[0]?.open === "0";
}

/** What each nominator is owed for what he sent, found on the chain, by the rules of the programme. */
export function owedByRules(
  transfers: readonly SeenTransfer[],
  custodian: string,
): Map<string, { sharesOwed: bigint; payments: number }> {
  const owed = new Map<string, { sharesOwed: bigint; payments: number }>();
  const add = (name: string, bts: bigint, payments: number) => {
    const before = owed.get(name) ?? { sharesOwed: 0n, payments: 0 };
    owed.set(name, {
      sharesOwed: before.sharesOwed + bts * SHARES_PER_BTS,
      payments: before.payments + payments,
    });
  };
  const stop = transfers.find(
    (t) => t.from === STOP.from && t.to === custodian && t.amountShares === STOP.carriesBts * SHARES_PER_BTS,
  );
  if (stop === undefined) throw new Error("the stop is not on the chain");
  for (const { from, amountBts, expect } of SENDINGS) {
    const sent = transfers.find(
      (t) => t.from === from && t.to === custodian && t.amountShares === amountBts * SHARES_PER_BTS,
    );
    if (sent === undefined) throw new Error(`${from}'s ${amountBts} BTS are not on the chain`);
    if (expect.type === "refund") add(from, expect.backBts, 1);
    else if (expect.type === "agreement" && from === STOP.from) {
      const fullMonths = Math.floor((stop.timeSeconds - sent.timeSeconds) / MONTH_SECONDS);
      add(from, stoppedBts(amountBts, fullMonths), 1 + fullMonths + 1);
      add(from, STOP.carriesBts, 1);
    } else if (expect.type === "agreement")
      add(from, fullTermBts(amountBts, expect.months), 1 + expect.months + 1);
  }
  return owed;
}

/** What left the custodian for each account. */
export function paidOnChain(
  transfers: readonly SeenTransfer[],
  custodian: string,
): Map<string, { shares: bigint; payments: number }> {
  const paid = new Map<string, { shares: bigint; payments: number }>();
  for (const { from, to, amountShares } of transfers) {
    if (from !== custodian) continue;
    const before = paid.get(to) ?? { shares: 0n, payments: 0 };
    paid.set(to, { shares: before.shares + amountShares, payments: before.payments + 1 });
  }
  return paid;
}
