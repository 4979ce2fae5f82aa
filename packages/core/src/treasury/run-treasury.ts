import {
  EXPECTED_STATUSES,
  type TopUpId,
  topUpSourceName,
  OPEN_TOP_UP_STATUSES,
  RESERVE,
} from "../rules/top-up.ts";
import { whyPaysNothing } from "../rules/freeze.ts";
import { whyOnRecoveryHold } from "../rules/recovery-hold.ts";
import { type Millis, plusMs } from "@stakebts/kernel/time";
import type { TopUpRecord } from "../ledger/ledger.ts";
import { behindTheChain } from "../payments/pay-payouts.ts";
import { askExchange, isTimeToAsk } from "./ask-exchange.ts";
import { topUpShortage } from "./top-up-shortage.ts";
import { moveTopUp } from "./move-top-up.ts";
import { sendReserve } from "./send-reserve.ts";
import { record, sourceOf, type TreasuryDeps } from "./treasury.ts";

/** What this process has said and asked lately. Another one begins with nothing, and at worst says and asks it again. */
export interface TreasuryMemory {
  shortage: string | undefined;
  readonly overdue: Set<string>;
  /** Host time of the last look at each request. */
  readonly lookedAtMs: Map<TopUpId, number>;
}
export const newTreasuryMemory = (): TreasuryMemory => ({
  shortage: undefined,
  overdue: new Set(),
  lookedAtMs: new Map(),
});

/**
 * One turn of the treasury: every request for funds one step further, and new ones when payouts wait for funds. Safe to
 * call at any time and to stop anywhere; payments go on meanwhile.
 *
 * It does nothing while payments are off, while the ledger is behind the chain or on recovery hold, or while transfers wait to be
 * decided: what has arrived is known only then.
 */
export async function runTreasury(deps: TreasuryDeps, memory: TreasuryMemory): Promise<void> {
  const { ledger, wallet } = deps;
  const isFrozen = async (): Promise<boolean> =>
    whyPaysNothing(deps.frozenHere()) !== undefined || !(await ledger.control.read()).payments.on;
  if (await isFrozen()) return;
  if (whyOnRecoveryHold((await ledger.control.read()).recoveryHold) !== undefined) return;
  const cursor = await ledger.cursor.read();
  const head = await wallet.head(cursor?.blockNum);
  if (cursor === undefined || behindTheChain(cursor, head) !== undefined) return;
  // Nominations may be frozen for days, and bring no funds that were asked for.
  if (await ledger.hasWork(false)) return;
  const open = await ledger.topUps.find({ statuses: OPEN_TOP_UP_STATUSES });
  for (const topUp of open) {
    if (await isFrozen()) return;
    const source = sourceOf(deps, topUp.source);
    if (source === undefined) await refuseUnknownSource(deps, topUp);
    else if (source.type !== "exchange") await sendReserve(deps, topUp, source, cursor);
    else if (isTimeToAsk(topUp, memory.lookedAtMs.get(topUp.id), deps.clock.nowMs())) {
      memory.lookedAtMs.set(topUp.id, deps.clock.nowMs());
      await askExchange(deps, topUp, source.exchange, cursor.blockTimeMs);
    }
    await tellIfOverdue(deps, memory, topUp, cursor.blockTimeMs);
  }
  const result = await topUpShortage(deps, cursor.blockTimeMs);
  const shortage = result.type === "short" ? result.reason : undefined;
  if (shortage !== undefined && memory.shortage === undefined)
    await record(deps, {
      event: "top_up.insufficient",
      subject: deps.custodian.name,
      chainTimeMs: cursor.blockTimeMs,
      details: {
        reason: shortage,
        todo: "send funds to the hot wallet: what waits for longer than funds_wait fails",
      },
    });
  memory.shortage = shortage;
}

/** A manager has named an exchange account that is not set up here. */
async function refuseUnknownSource(deps: TreasuryDeps, topUp: TopUpRecord): Promise<void> {
  if (topUp.status !== "requested") return;
  const setting =
    topUp.source === RESERVE ? "STAKEBTS_RESERVE_ACCOUNT" : `STAKEBTS_EXCHANGE_${topUp.source}_KEY`;
  await moveTopUp(deps, topUp, "refused", {
    event: "top_up.rejected",
    reason: `${topUpSourceName(topUp.source)} is not set up: ${setting} is missing in the payer's settings`,
  });
}

async function tellIfOverdue(
  deps: TreasuryDeps,
  { overdue }: TreasuryMemory,
  topUp: TopUpRecord,
  nowMs: Millis,
): Promise<void> {
  if (!(EXPECTED_STATUSES as readonly string[]).includes(topUp.status) || overdue.has(topUp.key)) return;
  if (nowMs < plusMs(topUp.requestedMs, deps.policy.fundsWaitMs)) return;
  overdue.add(topUp.key);
  await record(deps, {
    event: "top_up.overdue",
    subject: topUp.key,
    chainTimeMs: nowMs,
    details: {
      source: topUp.source,
      amount: `${topUp.amount}`,
      status: topUp.status,
      venueId: topUp.venueId ?? null,
      todo: "look at the source: it has not sent what was asked for",
    },
  });
}
