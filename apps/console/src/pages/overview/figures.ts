import { lastFinalBlockNum } from "@stakebts/core/ledger/ingest-blocks";
import type { Cursor } from "@stakebts/core/ledger/ledger";
import type {
  GlanceView,
  LedgerView,
  Liabilities,
  PayoutLine,
  ReceiptLine,
  Sum,
  WatchView,
} from "@stakebts/core/ledger/view";
import type { OpenDebt } from "@stakebts/core/operators/browse/debts";
import type { ProcessStart, RunningProcess } from "@stakebts/core/operators/browse/history";
import type { KeysetPage } from "@stakebts/core/operators/browse/keyset";
import type { CountedSum } from "@stakebts/core/operators/browse/payouts";
import { type LiabilityLine, liabilityLines } from "@stakebts/core/operators/lists";
import { type Shares, shares, toShares } from "@stakebts/kernel/amount";
import { DAY_MS, type Millis, millis, plusMs } from "@stakebts/kernel/time";
import type { ChainGlance } from "../../chain-watch.ts";
import type { ConsoleDeps } from "../../console.ts";
import { type QueueCounts, queueCounts } from "../../queues.ts";
import type { Remembered } from "../../remembered.ts";
import type { Sums } from "../../sums.ts";

/** Lines of each list: what does not fit is counted, and has a page of its own. */
export const LINES_MAX = 20;
const COUNTED_MAX = 10_000;

/** What one horizon needs, and whether it is there. */
export interface Coverage extends LiabilityLine {
  /** What is missing, 0 for enough; `undefined` when the balance is not known. */
  readonly hotWalletShort: Shares | undefined;
  readonly allWalletsShort: Shares | undefined;
}

export interface Purse {
  readonly name: string;
  readonly balance: Shares | { readonly problem: string };
}

/** What there is beside the hot wallet, as the payer reported it last. */
export interface ReserveReport {
  readonly purses: readonly Purse[];
  /** Host time. */
  readonly reportedAtMs: number;
}

export interface DebtList {
  readonly page: KeysetPage<OpenDebt>;
  readonly sum: CountedSum;
}

export interface Figures {
  readonly nowMs: number;
  /** Chain time: what "due" is measured against. */
  readonly asOfMs: Millis;
  readonly status: GlanceView;
  readonly watch: WatchView;
  readonly sums: Sums;
  /** Host time at which the sums were made. */
  readonly sumsAtMs: number;
  readonly owed: Liabilities;
  readonly coverage: readonly Coverage[];
  readonly glance: ChainGlance | undefined;
  readonly hotWallet: Shares | undefined;
  readonly minimum: Shares;
  readonly reserve: ReserveReport | undefined;
  /** Blocks between the ledger and the chain; `undefined` when one of them is not known. */
  readonly lagBlocks: number | undefined;
  readonly payerStartedOff: boolean;
  readonly stopped: { readonly page: KeysetPage<PayoutLine>; readonly sum: CountedSum };
  readonly pastDue: DebtList;
  readonly next: DebtList;
  readonly queues: readonly QueueCounts[];
  readonly starts: readonly ProcessStart[];
  readonly running: readonly RunningProcess[];
}

export async function readFigures(deps: ConsoleDeps, remembered: Remembered<Sums>): Promise<Figures> {
  const { view, browse, ledger, clock, policy, queues } = deps;
  const nowMs = clock.nowMs();
  const asOfMs = (await ledger.cursor.read())?.blockTimeMs ?? millis(nowMs);
  const waiting = { statuses: ["failed", "held"] } as const;
  const debts = async (search: { fromMs?: Millis; toMs: Millis }): Promise<DebtList> => {
    const [page, sum] = await Promise.all([
      browse.debts(search, { limit: LINES_MAX }),
      browse.sumDebts(search, COUNTED_MAX),
    ]);
    return { page, sum };
  };
  const [
    status,
    watch,
    { value: sums, atMs: sumsAtMs },
    stopped,
    sum,
    pastDue,
    next,
    reserve,
    starts,
    running,
    counts,
  ] = await Promise.all([
    view.glance(),
    view.watch(),
    remembered.get(),
    browse.payouts(waiting, { limit: LINES_MAX }),
    browse.sumPayouts(waiting, COUNTED_MAX),
    debts({ toMs: plusMs(asOfMs, 1) }),
    debts({ fromMs: plusMs(asOfMs, 1), toMs: plusMs(asOfMs, 7 * DAY_MS) }),
    readReserve(deps),
    browse.lastStarts(),
    browse.runningProcesses(),
    queueCounts(queues),
  ]);
  const { owed } = sums;
  const glance = deps.glance();
  const chain = glance !== undefined && "head" in glance.chain ? glance.chain : undefined;
  const minimum = toShares(policy.minimumBalance);
  const hotWallet = chain?.hotWallet;
  const payer = starts.find(({ process }) => process === "payer");
  return {
    nowMs,
    asOfMs,
    status,
    watch,
    sums,
    sumsAtMs,
    owed,
    coverage: coverage(owed, { hotWallet, reserve, minimum }),
    glance,
    hotWallet,
    minimum,
    reserve,
    lagBlocks: chain === undefined ? undefined : lagOf(status.cursor, chain.head.irreversibleBlockNum),
    payerStartedOff: payer?.settings["STAKEBTS_PAYMENTS"] === '"off"',
    stopped: { page: stopped, sum },
    pastDue,
    next,
    queues: counts,
    starts,
    running,
  };
}

const lagOf = (cursor: Cursor | undefined, irreversibleBlockNum: number): number | undefined =>
  cursor === undefined ? undefined : Math.max(0, lastFinalBlockNum(irreversibleBlockNum) - cursor.blockNum);

function coverage(
  owed: Awaited<ReturnType<LedgerView["liabilities"]>>,
  {
    hotWallet,
    reserve,
    minimum,
  }: {
    readonly hotWallet: Shares | undefined;
    readonly reserve: ReserveReport | undefined;
    readonly minimum: Shares;
  },
): readonly Coverage[] {
  const all =
    hotWallet === undefined || reserve === undefined ? undefined : sumOf([hotWallet, inReserve(reserve)]);
  const short = (sum: Sum, balance: Shares | undefined): Shares | undefined => {
    if (balance === undefined) return undefined;
    const missing = toShares(sum.amount) + (sum.amount === 0n ? 0n : minimum) - balance;
    return shares(missing > 0n ? missing : 0n);
  };
  return liabilityLines(owed).map((line) => ({
    ...line,
    hotWalletShort: short(line.owed, hotWallet),
    allWalletsShort: short(line.owed, all),
  }));
}

export async function readReserve({
  browse,
}: Pick<ConsoleDeps, "browse">): Promise<ReserveReport | undefined> {
  const [newest] = (await browse.receipts({ event: "treasury.balances" }, { limit: 1 })).items;
  return newest === undefined ? undefined : reserveReport(newest);
}

/**
 * `reserveShares`, `exchange1Shares` …, or `…Problem` in the words of the source that could not say. What else the receipt
 * holds is not for this page.
 */
function reserveReport({ details, createdAtMs }: ReceiptLine): ReserveReport {
  const purses = Object.entries(details).flatMap(([key, value]): readonly Purse[] => {
    const [, name, number, what] = /^(?:(reserve)|exchange(\d+))(Shares|Problem)$/u.exec(key) ?? [];
    if (what === undefined || typeof value !== "string") return [];
    const called = name === undefined ? `Exchange account ${number}` : "Reserve account";
    if (what === "Problem") return [{ name: called, balance: { problem: value } }];
    return /^\d{1,19}$/u.test(value) ? [{ name: called, balance: shares(BigInt(value)) }] : [];
  });
  return { purses: purses.toSorted((a, b) => (a.name < b.name ? -1 : 1)), reportedAtMs: createdAtMs };
}

/** Those that could not be asked count for nothing. */
export const inReserve = ({ purses }: ReserveReport): Shares =>
  sumOf(purses.flatMap(({ balance }) => (typeof balance === "bigint" ? [balance] : [])));

export const sumOf = (amounts: readonly Shares[]): Shares =>
  shares(amounts.reduce((sum: bigint, amount) => sum + amount, 0n));
