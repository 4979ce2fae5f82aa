import { lastFinalBlockNum } from "@stakebts/core/ledger/ingest-blocks";
import type { Cursor } from "@stakebts/core/ledger/ledger";
import type {
  DebtLine,
  LedgerView,
  Liabilities,
  Page,
  PayoutLine,
  ReceiptLine,
  StatusView,
  Sum,
} from "@stakebts/core/ledger/view";
import { type LiabilityLine, liabilityLines } from "@stakebts/core/operators/lists";
import { type Shares, shares, toShares } from "@stakebts/kernel/amount";
import { DAY_MS, type Millis, millis, plusMs } from "@stakebts/kernel/time";
import type { ChainGlance } from "../chain-watch.ts";
import type { ConsoleDeps } from "../console.ts";
import { type QueueCounts, queueCounts } from "../queues.ts";

/** Lines of each list: what does not fit is counted, and the command line shows all of it. */
export const LINES_MAX = 50;

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

export interface Figures {
  readonly nowMs: number;
  /** Chain time: what "due" is measured against. */
  readonly asOfMs: Millis;
  readonly status: StatusView;
  readonly owed: Liabilities;
  readonly coverage: readonly Coverage[];
  readonly glance: ChainGlance | undefined;
  readonly hotWallet: Shares | undefined;
  readonly minimum: Shares;
  readonly reserve: ReserveReport | undefined;
  /** Blocks between the ledger and the chain; `undefined` when one of them is not known. */
  readonly lagBlocks: number | undefined;
  readonly payerStartedOff: boolean;
  readonly stopped: Page<PayoutLine>;
  readonly pastDue: Page<DebtLine>;
  readonly next: Page<DebtLine>;
  readonly queues: readonly QueueCounts[];
}

export async function readFigures(deps: ConsoleDeps): Promise<Figures> {
  const { view, ledger, clock, policy, queues } = deps;
  const nowMs = clock.nowMs();
  const asOfMs = (await ledger.cursor.read())?.blockTimeMs ?? millis(nowMs);
  const newest = async (event: string, subject?: string): Promise<ReceiptLine | undefined> =>
    (await view.receipts({ event, subject, limit: 1 })).items[0];
  const [status, owed, stopped, pastDue, next, balances, payer, counts] = await Promise.all([
    view.status(),
    view.liabilities(asOfMs),
    view.payouts({ statuses: ["failed", "held"], limit: LINES_MAX }),
    view.debts({ dueUpToMs: asOfMs, limit: LINES_MAX }),
    view.debts({ dueAfterMs: asOfMs, dueUpToMs: plusMs(asOfMs, 7 * DAY_MS), limit: LINES_MAX }),
    newest("treasury.balances"),
    newest("process.started", "payer"),
    queueCounts(queues),
  ]);
  const glance = deps.glance();
  const chain = glance !== undefined && "head" in glance.chain ? glance.chain : undefined;
  const reserve = balances === undefined ? undefined : reserveReport(balances);
  const minimum = toShares(policy.minimumBalance);
  const hotWallet = chain?.hotWallet;
  return {
    nowMs,
    asOfMs,
    status,
    owed,
    coverage: coverage(owed, { hotWallet, reserve, minimum }),
    glance,
    hotWallet,
    minimum,
    reserve,
    lagBlocks: chain === undefined ? undefined : lagOf(status.cursor, chain.head.irreversibleBlockNum),
    payerStartedOff: payer?.details["STAKEBTS_PAYMENTS"] === '"off"',
    stopped,
    pastDue,
    next,
    queues: counts,
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
