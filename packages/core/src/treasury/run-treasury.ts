import {
  EXPECTED_STATUSES,
  type FundingId,
  fundingSourceName,
  OPEN_FUNDING_STATUSES,
  RESERVE,
} from "../rules/top-up.ts";
import { whyPaysNothing } from "../rules/freeze.ts";
import { whyFenced } from "../rules/recovery-hold.ts";
import { type Millis, plusMs } from "@stakebts/kernel/time";
import type { FundingRecord } from "../ledger/ledger.ts";
import { behindTheChain } from "../payments/pay-payout.ts";
import { askExchange, isTimeToAsk } from "./ask-exchange.ts";
import { coverShortage } from "./cover-shortage.ts";
import { moveFunding } from "./move-top-up.ts";
import { sendReserve } from "./send-reserve.ts";
import { record, sourceOf, type TreasuryDeps } from "./treasury.ts";

/** What this process has said and asked lately. Another one begins with nothing, and at worst says and asks it again. */
export interface TreasuryMemory {
  shortage: string | undefined;
  readonly overdue: Set<string>;
  /** Host time of the last look at each request. */
  readonly lookedAtMs: Map<FundingId, number>;
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
 * It does nothing while payments are off, while the ledger is behind the chain or fenced, or while transfers wait to be
 * decided: what has arrived is known only then.
 */
export async function runTreasury(deps: TreasuryDeps, memory: TreasuryMemory): Promise<void> {
  const { ledger, wallet } = deps;
  const isFrozen = async (): Promise<boolean> =>
    whyPaysNothing(deps.frozenHere()) !== undefined || !(await ledger.payments()).on;
  if (await isFrozen()) return;
  if (whyFenced(await ledger.fenceState()) !== undefined) return;
  const cursor = await ledger.cursor();
  const head = await wallet.head(cursor?.blockNum);
  if (cursor === undefined || behindTheChain(cursor, head) !== undefined) return;
  // Nominations may be frozen for days, and bring no funds that were asked for.
  if (await ledger.hasWork(false)) return;
  const open = await ledger.fundings({ statuses: OPEN_FUNDING_STATUSES });
  for (const funding of open) {
    if (await isFrozen()) return;
    const source = sourceOf(deps, funding.source);
    if (source === undefined) await refuseUnknownSource(deps, funding);
    else if (source.type !== "exchange") await sendReserve(deps, funding, source, cursor);
    else if (isTimeToAsk(funding, memory.lookedAtMs.get(funding.id), deps.clock.nowMs())) {
      memory.lookedAtMs.set(funding.id, deps.clock.nowMs());
      await askExchange(deps, funding, source.exchange, cursor.blockTimeMs);
    }
    await tellIfOverdue(deps, memory, funding, cursor.blockTimeMs);
  }
  const result = await coverShortage(deps, cursor.blockTimeMs);
  const shortage = result.type === "short" ? result.reason : undefined;
  if (shortage !== undefined && memory.shortage === undefined)
    await record(deps, {
      event: "cover.insufficient",
      subject: deps.custodian.name,
      chainTimeMs: cursor.blockTimeMs,
      details: {
        reason: shortage,
        todo: "send funds to the hot wallet: what waits for longer than funds_wait fails",
      },
    });
  memory.shortage = shortage;
}

/** A manager has named an exchange account that nobody has set up here. */
async function refuseUnknownSource(deps: TreasuryDeps, funding: FundingRecord): Promise<void> {
  if (funding.status !== "requested") return;
  const setting =
    funding.source === RESERVE ? "STAKEBTS_RESERVE_ACCOUNT" : `STAKEBTS_EXCHANGE_${funding.source}_KEY`;
  await moveFunding(deps, funding, "refused", {
    event: "funding.rejected",
    reason: `${fundingSourceName(funding.source)} is not set up: ${setting} is missing in the payer's settings`,
  });
}

async function tellIfOverdue(
  deps: TreasuryDeps,
  { overdue }: TreasuryMemory,
  funding: FundingRecord,
  nowMs: Millis,
): Promise<void> {
  if (!(EXPECTED_STATUSES as readonly string[]).includes(funding.status) || overdue.has(funding.key)) return;
  if (nowMs < plusMs(funding.requestedMs, deps.policy.fundsWaitMs)) return;
  overdue.add(funding.key);
  await record(deps, {
    event: "funding.overdue",
    subject: funding.key,
    chainTimeMs: nowMs,
    details: {
      source: funding.source,
      amount: `${funding.amount}`,
      status: funding.status,
      venueId: funding.venueId ?? null,
      todo: "look at the source: it has not sent what was asked for",
    },
  });
}
