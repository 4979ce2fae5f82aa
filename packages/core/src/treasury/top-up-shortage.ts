import { bts, shares, type Shares, toShares } from "@stakebts/kernel/amount";
import { sharesText } from "@stakebts/kernel/text";
import {
  decideTopUp,
  EXPECTED_STATUSES,
  expectedShares,
  OPEN_TOP_UP_STATUSES,
  type SourceFunds,
  topUpKey,
  topUpMemo,
  topUpSourceName,
} from "../rules/top-up.ts";
import { MINUTE_MS, type Millis } from "@stakebts/kernel/time";
import type { EncryptedMemo } from "@stakebts/bitshares/chain";
import { PAYABLE_STATUSES, TOPPED_UP_KINDS } from "../rules/payout.ts";
import { type NewReceipt, whyNotPay } from "../ledger/ledger.ts";
import { topUpId } from "../ledger/ids.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import { fundsOf, type TreasuryDeps } from "./treasury.ts";

/** The oldest of the payouts that are looked at; what comes after them is topped up when they are paid. */
const NEEDS_MAX = 10_000;
/** A source that has refused is not asked again for this long. Host time. */
const REST_MS = 5 * MINUTE_MS;

/** What came of looking for a shortage. `short`: nothing can be asked for, although payouts wait. */
export type TopUpResult =
  | { readonly type: "enough" }
  | { readonly type: "asked"; readonly amount: bigint }
  | { readonly type: "on_its_way" }
  | { readonly type: "short"; readonly reason: string };

/**
 * Asks sources of funds for what the hot wallet lacks, when payouts wait for it. The shortage is one sum over all of them,
 * less what is on its way already; each source has one request open at the most. Only writes requests down.
 */
export async function topUpShortage(deps: TreasuryDeps, chainNowMs: Millis): Promise<TopUpResult> {
  const { chain, ledger, policy, wallet } = deps;
  // The balance first: a payout that is paid in between is missing in the needs and not yet in the balance, which asks
  // for too little. The other way round it would be in both, and ask for too much.
  // And the greater of two: a shortage that one node invents draws nothing from any source.
  const { atMost: balance } = await chain.balanceBounds(deps.custodian.id);
  const open = await ledger.payouts.find({
    statuses: PAYABLE_STATUSES,
    kinds: TOPPED_UP_KINDS,
    limit: NEEDS_MAX,
  });
  if (!open.some(({ status }) => status === "waiting_funds")) return { type: "enough" };
  const schedule = await wallet.fees();
  const needs = open.map(({ amount, memo }) =>
    shares(toShares(amount) + deps.feeOf(schedule, memoLike(memo))),
  );
  const topUps = await ledger.topUps.find({ statuses: OPEN_TOP_UP_STATUSES });
  const expected = expectedShares(
    topUps.filter(({ status }) => (EXPECTED_STATUSES as readonly string[]).includes(status)),
  );
  const spendable = shares(balance - toShares(policy.minimumBalance));
  const total = shares(needs.reduce((sum, need) => sum + need, 0n) - spendable - expected);
  if (total <= 0n) return { type: expected > 0n ? "on_its_way" : "enough" };
  const busy = new Set(topUps.filter(isCover).map(({ source }) => source));
  const { sources, unusable } = await askSources(deps, busy);
  const wanted = decideTopUp(
    { needs, spendableShares: spendable, expectedShares: expected, sources },
    policy,
  );
  if (wanted.length === 0)
    return expected > 0n
      ? { type: "on_its_way" }
      : { type: "short", reason: whyNothing(total, { sources, unusable }) };
  return writeDown(deps, wanted, { total, chainNowMs });
}

const isCover = ({ kind }: { readonly kind: string }): boolean => kind === "shortage";

interface SourcesAnswer {
  /** Those that can be asked for funds now. */
  readonly sources: readonly SourceFunds[];
  /** For people: which others there are, and why not. */
  readonly unusable: readonly string[];
}

async function askSources(deps: TreasuryDeps, busy: ReadonlySet<number>): Promise<SourcesAnswer> {
  const sources: SourceFunds[] = [];
  const unusable: string[] = [];
  for (const source of deps.sources) {
    const name = topUpSourceName(source.number);
    if (busy.has(source.number)) {
      unusable.push(`${name} has been asked already`);
      continue;
    }
    if (await rests(deps, source.number)) {
      unusable.push(`${name} has refused, and is asked again in a few minutes`);
      continue;
    }
    const funds = await fundsOf(deps, source);
    if ("problem" in funds) {
      deps.log.warn("top_up.source_unavailable", { source: source.number, message: funds.problem });
      unusable.push(`${name}: ${funds.problem}`);
      continue;
    }
    if (!funds.withdrawalsOpen) {
      deps.log.warn("top_up.source_closed", { source: source.number });
      unusable.push(`${name} gives nothing at present`);
      continue;
    }
    sources.push({ ...funds, source: source.number });
  }
  return { sources, unusable };
}

async function rests({ ledger, clock }: TreasuryDeps, source: SourceFunds["source"]): Promise<boolean> {
  const [last] = await ledger.topUps.find({ statuses: ["refused"], sources: [source], limit: 1 });
  if (last === undefined) return false;
  const sinceMs = clock.nowMs() - last.changedAtMs;
  return sinceMs >= 0 && sinceMs < REST_MS;
}

async function writeDown(
  { ledger, log, writerEpoch }: TreasuryDeps,
  wanted: ReturnType<typeof decideTopUp>,
  { total, chainNowMs }: { total: Shares; chainNowMs: Millis },
): Promise<TopUpResult> {
  const receipts: NewReceipt[] = [];
  let amount = 0n;
  await ledger.transaction(async (tx) => {
    receipts.length = 0;
    amount = 0n;
    if (whyNotPay(await tx.control.lock(), writerEpoch) !== undefined) return;
    for (const { source, amount: asked } of wanted) {
      const key = topUpKey.shortage(
        source,
        (await tx.topUps.count({ kinds: ["shortage"], sources: [source] })) + 1,
      );
      const id = topUpId(key);
      const topUp = {
        key,
        id,
        kind: "shortage",
        source,
        amount: asked,
        memo: topUpMemo(id),
        requestedMs: chainNowMs,
      } as const;
      if (!(await tx.topUps.insert(topUp))) continue;
      amount += asked;
      receipts.push({
        event: "top_up.requested",
        subject: key,
        chainTimeMs: chainNowMs,
        details: { source, amount: `${asked}`, shortShares: `${total}`, clientId: id },
      });
    }
    await tx.receipts.add(receipts);
  });
  for (const receipt of receipts) logReceipt(log, receipt);
  return amount > 0n ? { type: "asked", amount: bts(amount) } : { type: "on_its_way" };
}

function whyNothing(total: Shares, { sources, unusable }: SourcesAnswer): string {
  const short = `payouts wait for ${sharesText(total)} more than there is`;
  const count = sources.length + unusable.length;
  if (count === 0) return `${short}, and no source of top-ups is configured`;
  const together = sources.reduce((sum, { withdrawableShares }) => sum + withdrawableShares, 0n);
  return [
    `${short}, and of ${count} source(s) of top-ups ${sources.length} can be used, with ${sharesText(shares(together))} together`,
    ...unusable,
  ].join("; ");
}

/** A memo of the same length as the encrypted text: all that its fee depends on. */
function memoLike(text: string): EncryptedMemo {
  const checksumAndText = 4 + Buffer.byteLength(text);
  const padded = (Math.floor(checksumAndText / 16) + 1) * 16;
  return { from: "", to: "", nonce: "0", messageHex: "00".repeat(padded) };
}
