import { shares, type Shares, toShares } from "@stakebts/kernel/amount";
import { sharesText } from "@stakebts/kernel/text";
import type { Millis } from "@stakebts/kernel/time";
import type { NewReceipt } from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import type { LedgerView, Liabilities } from "../ledger/view.ts";
import type { Policy } from "../rules/policy.ts";
import { RESERVE } from "../rules/top-up.ts";
import { fundsOf, type TreasuryDeps } from "./treasury.ts";

/** What each purse holds, in shares; a text says why it cannot be said. */
export interface Balances {
  readonly hotWallet: Shares;
  readonly sources: readonly {
    readonly name: string;
    readonly balance: Shares | { readonly problem: string };
  }[];
}

export const HORIZONS = [
  { name: "24h", of: (owed: Liabilities) => owed.within24h },
  { name: "7d", of: (owed: Liabilities) => owed.within7d },
  { name: "30d", of: (owed: Liabilities) => owed.within30d },
] as const;
export type HorizonName = (typeof HORIZONS)[number]["name"];

/** What cannot be paid within a horizon out of what is there today. */
export interface Shortage {
  readonly horizon: HorizonName;
  /** The hot wallet alone, or every purse together. */
  readonly of: "hot_wallet" | "all";
  readonly shortShares: Shares;
}

/** Pure: which horizons the money does not reach, nearest first. What has to stay in the hot wallet counts as gone. */
export function shortages(
  owed: Liabilities,
  { hotWallet, sources }: Balances,
  { minimumBalance }: Pick<Policy, "minimumBalance">,
): readonly Shortage[] {
  const others = sources.reduce((sum, { balance }) => sum + (typeof balance === "bigint" ? balance : 0n), 0n);
  const found: Shortage[] = [];
  for (const { name: horizon, of } of HORIZONS) {
    const needed = toShares(of(owed).amount);
    if (needed === 0n) continue;
    const short = needed + toShares(minimumBalance) - hotWallet;
    if (short <= 0n) continue;
    found.push({ horizon, of: "hot_wallet", shortShares: shares(short) });
    if (short > others) found.push({ horizon, of: "all", shortShares: shares(short - others) });
  }
  return found;
}

/**
 * The report that operators get every few hours: what is there, what is owed by when, and a warning for each horizon that
 * the money does not reach. Into the receipts and the log, from where consoles and commands read it: only the payer can
 * ask the exchange.
 * @returns `false`: no block has been ingested yet, so that nothing is known of what is owed; ask again soon
 */
export async function reportTreasury(
  deps: Pick<
    TreasuryDeps,
    "chain" | "ledger" | "wallet" | "feeOf" | "log" | "policy" | "custodian" | "sources"
  >,
  view: Pick<LedgerView, "liabilities">,
): Promise<boolean> {
  const cursor = await deps.ledger.cursor.read();
  if (cursor === undefined) return false;
  const balances = await readBalances(deps);
  const owed = await view.liabilities(cursor.blockTimeMs);
  const receipts = [
    balancesReceipt(deps.custodian.name, balances, cursor.blockTimeMs),
    liabilitiesReceipt(deps.custodian.name, owed),
    ...shortages(owed, balances, deps.policy).map((shortage) =>
      warning(deps.custodian.name, shortage, cursor.blockTimeMs),
    ),
  ];
  await deps.ledger.transaction((tx) => tx.receipts.add(receipts));
  for (const receipt of receipts) logReceipt(deps.log, receipt);
  return true;
}

async function readBalances(
  deps: Pick<TreasuryDeps, "chain" | "wallet" | "feeOf" | "custodian" | "sources">,
): Promise<Balances> {
  const hotWallet = await deps.chain.balance(deps.custodian.id);
  const sources = [];
  for (const source of deps.sources) {
    const funds = await fundsOf(deps, source);
    const name = source.number === RESERVE ? "reserve" : `exchange${source.number}`;
    sources.push({ name, balance: "problem" in funds ? funds : funds.withdrawableShares });
  }
  return { hotWallet, sources };
}

function balancesReceipt(subject: string, { hotWallet, sources }: Balances, chainTimeMs: Millis): NewReceipt {
  const known = sources.flatMap(({ balance }) => (typeof balance === "bigint" ? [balance] : []));
  const total = known.reduce((sum, balance) => sum + balance, hotWallet as bigint);
  const each = sources.map(({ name, balance }) =>
    typeof balance === "bigint"
      ? ([`${name}Shares`, `${balance}`] as const)
      : ([`${name}Problem`, balance.problem] as const),
  );
  return {
    event: "treasury.balances",
    subject,
    chainTimeMs,
    details: { hotWalletShares: `${hotWallet}`, ...Object.fromEntries(each), totalShares: `${total}` },
  };
}

const liabilitiesReceipt = (subject: string, owed: Liabilities): NewReceipt => ({
  event: "treasury.liabilities",
  subject,
  chainTimeMs: owed.asOfMs,
  details: {
    gross: `${owed.gross.amount}`,
    within30d: `${owed.within30d.amount}`,
    within7d: `${owed.within7d.amount}`,
    within48h: `${owed.within48h.amount}`,
    within24h: `${owed.within24h.amount}`,
    pastDue: `${owed.pastDue.amount}`,
    paidLast48h: `${owed.paidLast48h.amount}`,
    nominators: owed.nominators,
  },
});

/** Tomorrow's payments need a person today; those of a month from now are for the plan. */
function warning(subject: string, { horizon, of, shortShares }: Shortage, chainTimeMs: Millis): NewReceipt {
  const whose = of === "all" ? "all purses together are" : "the hot wallet is";
  return {
    event: of === "all" && horizon === "24h" ? "treasury.short" : "treasury.low",
    subject,
    chainTimeMs,
    details: {
      horizon,
      of,
      shortShares: `${shortShares}`,
      message: `${whose} short by ${sharesText(shortShares)} of what falls due within ${horizon}`,
      todo:
        of === "all"
          ? "bring in funds before these payments are due"
          : "nothing, if a top-up is possible: `stakebts balances` shows what is where",
    },
  };
}
