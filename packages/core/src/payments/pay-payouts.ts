import { assert, AssertionError, assertNever } from "@stakebts/kernel/assert";
import { type Shares, shares, toShares } from "@stakebts/kernel/amount";
import { whyOnRecoveryHold } from "../rules/recovery-hold.ts";
import { type Freeze, whyPaysNothing } from "../rules/freeze.ts";
import { type Debt, earliestMs } from "../rules/owed.ts";
import { hasLimits } from "../rules/limits.ts";
import { PAYABLE_STATUSES, type PayoutId } from "../rules/payout.ts";
import type { Policy } from "../rules/policy.ts";
import { exactTimeText } from "@stakebts/kernel/text";
import { type Millis, plusMs } from "@stakebts/kernel/time";
import {
  type AccountId,
  type BroadcastOutcome,
  type ChainAccount,
  ChainError,
  type ChainHead,
  type ChainReader,
  type ChainWriter,
  type EncryptedMemo,
  type TransferFeeSchedule,
} from "@stakebts/bitshares/chain";
import type {
  Cursor,
  Ledger,
  PaymentView,
  PayoutRecord,
  WithdrawalRecord,
  WithdrawalRefusal,
} from "../ledger/ledger.ts";
import type { Log } from "@stakebts/kernel/log";
import type { MemoWriter, Signer } from "@stakebts/bitshares/signing";
import type { HotWallet } from "./hot-wallet.ts";
import { CauseUnread } from "../ledger/cause-reader.ts";
import { whyNoAuthority } from "../ledger/find-custodian.ts";
import type { MemoKeys } from "../ledger/memo-keys.ts";
import { ledgerAccountOf } from "../ledger/bind-ledger.ts";
import { nextMemoNonce, withdrawalId } from "../ledger/ids.ts";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import { createNotices } from "../ledger/create-notice.ts";
import type { AccountCache } from "./account-cache.ts";
import type { Cause, CommonCauses, SentBefore } from "./common-cause.ts";
import type { DebtCheck, DebtCheckTime } from "./debt-check.ts";
import { ALONE, type StepTurn } from "./step-turns.ts";
import { LEDGER_LAG_BLOCKS_MAX } from "../ledger/recovery-hold.ts";

export interface PayDeps {
  readonly chain: ChainReader & ChainWriter;
  readonly ledger: Ledger;
  readonly signer: Signer;
  readonly memos: MemoWriter;
  readonly wallet: HotWallet;
  readonly payees: Pick<AccountCache, "find">;
  /** Nothing is signed on the ledger's word alone. */
  readonly debts: DebtCheck;
  readonly causes: CommonCauses;
  readonly memoKeys: MemoKeys;
  readonly log: Log;
  readonly policy: Policy;
  readonly custodian: { readonly id: AccountId; readonly name: string };
  readonly chainId: string;
  /**
   * What this process finds frozen in its environment and its file, now. Then it signs nothing, even if the ledger allows it.
   * Bytes that are signed already still go out.
   */
  readonly frozenHere: () => readonly Freeze[];
  /** Fee of a transfer with this memo, in shares: arithmetic of the chain (ports/chain, TransferFeeSchedule). */
  readonly feeOf: (schedule: TransferFeeSchedule, memo: EncryptedMemo | undefined) => Shares;
  /** The epoch that this payer was given when it became the only one. */
  readonly writerEpoch: bigint;
}

/** How a step of the payer ended for one payout. `again`: something outside has to change first; another job follows later. */
export type PayResult =
  /** Nothing to do: paid, cancelled, or waiting for a person. */
  | { readonly type: "settled" }
  /** A withdrawal is out. The ingester will see it in a block, or see that it never will be. */
  | { readonly type: "in_flight"; readonly outcome: BroadcastOutcome }
  | { readonly type: "again"; readonly reason: string }
  | { readonly type: "waiting_funds" }
  | { readonly type: "failed"; readonly reason: string }
  /** Something went wrong that concerns this one alone, and is to be thrown when the others are done with. */
  | { readonly type: "trouble"; readonly error: unknown }
  /** Another payer has taken over: this process must stop signing at once. */
  | { readonly type: "superseded" };

/** Accounts of the protocol itself. Funds sent there are lost, or any account may take them. */
const RESERVED_ACCOUNTS: readonly AccountId[] = ["1.2.0", "1.2.1", "1.2.2", "1.2.3", "1.2.4", "1.2.5"];

/** What became of each payout of a step. */
export type PayResults = ReadonlyMap<PayoutId, PayResult>;

/** Signed bytes of a payout that are saved, and may go out. */
interface Outgoing {
  readonly payout: PayoutRecord;
  readonly withdrawal: WithdrawalRecord;
  readonly before: SentBefore;
}

/** What may be signed now, as far as payee, debt and limits go. */
interface Payable {
  readonly payout: PayoutRecord;
  readonly payee: ChainAccount;
}

/**
 * Pays payouts, in this order, or takes them one step further. May be called any number of times, at any moment, by several processes:
 * - a withdrawal that is out is sent again, the same bytes, which the chain accepts once;
 * - a new one is signed only for a payout that has none alive; all of the step are saved first, and sent afterwards;
 * - what a node answers decides nothing: the ingester does, from irreversible blocks.
 * A payout that cannot go leaves the step and does not hold the others up.
 * @param turn of this step among others: the next one begins when this one's bytes are saved
 */
export async function payPayouts(
  deps: PayDeps,
  ids: readonly PayoutId[],
  turn: StepTurn = ALONE,
): Promise<PayResults> {
  const { ledger, log } = deps;
  const results = new Map<PayoutId, PayResult>();
  const views = new Map((await ledger.payouts.views(ids)).map((view) => [view.payout.id, view]));
  const toSend: Outgoing[] = [];
  const toSign: PaymentView[] = [];
  for (const id of new Set(ids)) {
    const view = views.get(id);
    if (view?.live !== undefined)
      toSend.push({
        payout: view.payout,
        withdrawal: view.live,
        before: { isFirst: false, isAnswered: view.live.status !== "signed" },
      });
    else if (view !== undefined && (PAYABLE_STATUSES as readonly string[]).includes(view.payout.status))
      toSign.push(view);
    else results.set(id, { type: "settled" });
    // A queue that is older or newer than the ledger: one of them was restored from a backup.
    if (view === undefined) log.warn("payout.unknown", { payoutId: id });
  }
  toSend.push(...(await signAll(deps, toSign, results)));
  turn.saved(toSend.length);
  await turn.before;
  for (const [id, outcome] of await sendAll(deps, toSend)) results.set(id, { type: "in_flight", outcome });
  return results;
}

/** @returns what was signed and saved. What becomes of the others is noted in the results. */
async function signAll(
  deps: PayDeps,
  views: readonly PaymentView[],
  results: Map<PayoutId, PayResult>,
): Promise<readonly Outgoing[]> {
  // Of the ledger all are of one moment.
  const [first] = views;
  if (first === undefined) return [];
  const none = (reason: string): readonly Outgoing[] => {
    for (const { payout } of views)
      if (!results.has(payout.id)) results.set(payout.id, { type: "again", reason });
    return [];
  };
  const frozen = whyPaysNothing(deps.frozenHere());
  if (frozen !== undefined) return none(frozen);
  if (!first.payments.on) return none(`payments are off: ${first.payments.reason}`);
  const onRecoveryHold = whyOnRecoveryHold(first.recoveryHold);
  if (onRecoveryHold !== undefined) return none(`nothing is signed: ${onRecoveryHold}`);
  // Over a slow line each question takes as long as a hundred at once: what will be asked for is asked for now. It fails, if at all, there.
  const asked = ahead(deps.wallet.account());
  void ahead(deps.wallet.fees());
  void ahead(deps.wallet.missing(shares(0n), shares(0n)));
  const head = await deps.wallet.head(first.cursor?.blockNum);
  const behind = behindTheChain(first.cursor, head);
  if (behind !== undefined) return none(behind);
  const cursor = first.cursor as Cursor;
  const account = await asked;
  const powerless = await checkAuthority(deps, account);
  if (powerless !== undefined) return none(powerless);
  const { mayGo, why } = await deps.causes.choose(views.map(({ payout }) => payout));
  const chosen = views.filter(({ payout }) => mayGo.has(payout.id));
  if (why !== undefined && chosen.length < views.length) {
    for (const { payout } of views)
      if (!mayGo.has(payout.id)) results.set(payout.id, { type: "again", reason: why });
    if (chosen.length === 0) return [];
  }

  const [payable, schedule, refBlockId] = await Promise.all([
    findPayable(deps, chosen, { head, cursor }, results),
    deps.wallet.fees(),
    deps.wallet.blockId(cursor.blockNum),
  ]);
  const isAnother = refBlockId !== cursor.blockId;
  const signed: Outgoing[] = [];
  let spentShares = shares(0n);
  for (const { payout, payee } of payable)
    await note(results, payout.id, async () => {
      const memo = deps.memos.write({
        text: payout.memo,
        toPublicKey: payee.memoKey,
        fromPublicKey: account.memoKey,
        nonce: nextMemoNonce(payout.key, payout.attempts),
      });
      const fee = deps.feeOf(schedule, memo);
      const amount = toShares(payout.amount);
      const dear = whyTooDear(fee, deps.policy);
      if (dear !== undefined) {
        await deps.causes.found(FEES, tooDear(dear));
        return { type: "again", reason: dear };
      }
      await deps.causes.over(FEES);
      const missing = await deps.wallet.missing(shares(spentShares + amount), fee);
      if (missing > 0n) return waitForFunds(deps, payout, missing, head.headTimeMs);
      if (isAnother) return anotherBlock(deps, cursor, refBlockId);
      const frozenNow = whyPaysNothing(deps.frozenHere());
      if (frozenNow !== undefined) return { type: "again", reason: frozenNow };
      const bytes = deps.signer.sign({
        fromId: deps.custodian.id,
        toId: payee.id,
        amount,
        fee,
        memo,
        refBlockId,
        expirationMs: expiration(head.headTimeMs, deps.policy.expirationMs, schedule),
      });
      const withdrawal: WithdrawalRecord = {
        ...bytes,
        id: withdrawalId(bytes.txid),
        payoutId: payout.id,
        fee,
        status: "signed",
        writerEpoch: deps.writerEpoch,
        refusedFor: undefined,
      };
      signed.push({ payout, withdrawal, before: { isFirst: true, isAnswered: false } });
      spentShares = shares(spentShares + amount + fee);
      return undefined;
    });
  return saveAll(deps, signed, results);
}

function ahead<T>(asked: Promise<T>): Promise<T> {
  asked.catch(() => undefined);
  return asked;
}

/** The point of no return. Bytes that could not be saved are dropped here and never leave the process. */
async function saveAll(
  deps: PayDeps,
  signed: readonly Outgoing[],
  results: Map<PayoutId, PayResult>,
): Promise<readonly Outgoing[]> {
  const { ledger, log, wallet, custodian, chainId } = deps;
  if (signed.length === 0) return [];
  const account = ledgerAccountOf({ account: custodian, chainId });
  const answers = await ledger.withdrawals.save(signed.map(({ withdrawal }) => ({ ...withdrawal, account })));
  return signed.filter(({ payout, withdrawal }, i) => {
    const answer = answers[i];
    assert(answer !== undefined, `an answer for withdrawal ${withdrawal.id}`);
    if (answer !== "saved") {
      results.set(payout.id, notSaved(answer));
      return false;
    }
    deps.causes.signed(payout);
    wallet.spent(toShares(payout.amount), withdrawal.fee);
    log.info("withdrawal.signed", {
      payout: payout.key,
      payoutId: payout.id,
      txid: withdrawal.txid,
      payee: payout.payee,
    });
    return true;
  });
}

/** Notes how it ended for one payout; `undefined`: it goes on. What fails for one alone does not end the step. */
async function note(
  results: Map<PayoutId, PayResult>,
  id: PayoutId,
  work: () => Promise<PayResult | undefined>,
): Promise<void> {
  const result = await work().catch((error: unknown): PayResult => ({ type: "trouble", error }));
  if (result !== undefined) results.set(id, result);
}

/** Those that the limits let go, and of which payee and debt are what the ledger says. */
async function findPayable(
  deps: PayDeps,
  views: readonly PaymentView[],
  { head, cursor }: { readonly head: ChainHead; readonly cursor: Cursor },
  results: Map<PayoutId, PayResult>,
): Promise<readonly Payable[]> {
  const { ledger } = deps;
  // Before funds are fetched for what may have to wait for a person.
  for (const { payout, limits } of views)
    if (hasLimits(limits))
      await note(results, payout.id, async () => {
        const limited = await ledger.payouts.applyLimits(payout.id);
        return limited === "go" ? undefined : notNow(deps, payout.id, limited);
      });
  const left = views.flatMap(({ payout }) => (results.has(payout.id) ? [] : [payout]));
  if (left.length === 0) return [];
  const finalBlockNum = lastFinalBlockNum(head.irreversibleBlockNum);
  const at = { upToBlockNum: Math.max(cursor.blockNum, finalBlockNum), finalBlockNum };
  const [payees, known, debts] = await Promise.all([
    // What nodes contradict each other about may be one account, changed by a stranger just now: then each is asked for alone.
    deps.payees.find(left.map(({ payee }) => payee)).catch((error: unknown) => {
      if (!(error instanceof ChainError)) throw error;
      return undefined;
    }),
    ledger.transfers.accountsNamed(left.map(({ payee }) => payee)),
    // Over a slow line causes are read while payees are: together they take as long as one of them.
    ledger.payouts.debts(left.map(({ id }) => id)).then((found) => {
      deps.debts.readAhead([...found.values()], at);
      return found;
    }),
  ]);
  const payable: Payable[] = [];
  await Promise.all(
    left.map((payout) =>
      note(results, payout.id, async () => {
        const found = payees ?? (await deps.payees.find([payout.payee]));
        const payee = payeeOf(deps, payout, found.get(payout.payee));
        if (typeof payee === "string") return fail(deps, payout, payee, head.headTimeMs);
        deps.debts.knows(payee);
        // Names and ids never change. The id of a sender comes from a block, that of a payee from the word of nodes.
        const senders = known.get(payout.payee) ?? [];
        if (senders.length > 0 && !senders.includes(payee.id))
          return anotherAccountOfThatName(deps, payout, payee, senders);
        const problem = await whyNotPay(deps, payout, debts.get(payout.id), { ...at, head });
        if (problem === undefined) payable.push({ payout, payee });
        return problem;
      }),
    ),
  );
  const places = new Map(left.map(({ id }, place) => [id, place]));
  const placeOf = ({ payout }: Payable): number => places.get(payout.id) ?? 0;
  return payable.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/**
 * Five times as far as the ledger may be ahead of this payer's nodes while anything is paid ({@link LEDGER_LAG_BLOCKS_MAX}). A thief
 * who puts the ledger's clock forward, or writes a debt before its day, keeps a stop from ending it: the stop finds it due already.
 */
const AHEAD_MS_MAX = 5 * 60_000;

/** Does the debt follow from the chain, is it due, and is no transaction for it in a block or on its way? */
async function whyNotPay(
  deps: PayDeps,
  payout: PayoutRecord,
  debt: Debt | undefined,
  at: DebtCheckTime & { readonly head: ChainHead },
): Promise<PayResult | undefined> {
  if (debt === undefined)
    return {
      type: "again",
      reason: `payout ${payout.key} was there a moment ago: another copy of the ledger has taken its place`,
    };
  // By this payer's own nodes: one that is a few blocks behind the ledger's says so a moment later.
  const earliest = earliestMs(debt);
  if (earliest !== undefined && earliest > at.head.headTimeMs + AHEAD_MS_MAX)
    return contradicted(
      deps,
      payout,
      `payout ${payout.key} is due by the ledger, and falls due at ${exactTimeText(earliest)} by the chain, where it is ${exactTimeText(at.head.headTimeMs)}`,
    );
  if (earliest !== undefined && earliest > at.head.headTimeMs)
    return { type: "again", reason: `payout ${payout.key} is not due yet by the time of the chain` };
  const baseless = await whyNotOwed(deps, debt, at);
  if (baseless instanceof CauseUnread) return { type: "again", reason: baseless.message };
  if (baseless !== undefined) return contradicted(deps, payout, baseless);
  // The ledger calls earlier withdrawals dead. An attacker who can write that could be paid twice.
  const mayBePaid = await deps.debts.whyMayBePaid(debt, at);
  if (mayBePaid === undefined) return undefined;
  const reason = `payout ${payout.key} is not signed again, although the ledger calls it unpaid: ${mayBePaid.why}`;
  return mayBePaid.isInBlock ? contradicted(deps, payout, reason) : { type: "again", reason };
}

const FEES = "fees";
const AUTHORITY = "authority";

const tooDear = (reason: string): Cause => ({
  event: "payer.paused",
  subject: "max_network_fee",
  reason,
  todo: "nothing is signed; if the chain has changed its fees, raise max_network_fee in the policy file and start the payer again",
});

/** Does the payer's key move the custodian's funds, as the chain is now? Why not, said once until it does again. */
export async function checkAuthority(
  { causes, signer }: Pick<PayDeps, "causes" | "signer">,
  account: ChainAccount,
): Promise<string | undefined> {
  const problem = whyNoAuthority(account, signer.publicKey);
  if (problem === undefined) {
    await causes.over(AUTHORITY);
    return undefined;
  }
  await causes.found(AUTHORITY, {
    event: "payer.key_not_in_authority",
    subject: account.name,
    reason: problem,
    todo: "nothing is signed: if you have changed the active key, give the payer the new one (docs/handbook.md, Change a key); if not, another person has: docs/runbook.md, Loss of a key",
  });
  return problem;
}

/** As the debt check says; a cause that this process has no memo key for is told to people, and waits. */
async function whyNotOwed(
  { debts, ledger, log, memoKeys }: PayDeps,
  debt: Debt,
  at: DebtCheckTime,
): Promise<string | CauseUnread | undefined> {
  try {
    return await debts.whyNotOwed(debt, at);
  } catch (error) {
    if (!(error instanceof CauseUnread)) throw error;
    const alarms = memoKeys.alarms(
      [error.publicKey],
      "the payer pays nothing that follows from memos for it",
    );
    if (alarms.length > 0) await ledger.transaction((tx) => tx.receipts.add(alarms));
    memoKeys.told(alarms);
    for (const alarm of alarms) logReceipt(log, alarm);
    return error;
  }
}

/** The ledger holds debts that are not owed, or other transfers than the chain. Nothing is paid until a person has looked. */
async function contradicted(
  { ledger, log }: PayDeps,
  { key, payee }: PayoutRecord,
  reason: string,
): Promise<PayResult> {
  const todo =
    "payments are off, and nothing was signed: find out which process wrote it, then cancel it and switch them on again";
  const receipt = { event: "ledger.contradicted", subject: key, details: { reason, payee, todo } };
  const isNew = await ledger.transaction(async (tx) => {
    const freeze = { source: "process", process: "payer", level: "pay-nothing", reason } as const;
    if (!(await tx.control.addFreeze(freeze))) return false;
    await tx.receipts.add([receipt]);
    return true;
  });
  if (isNew) logReceipt(log, receipt);
  return { type: "again", reason };
}

/** Held for a person, of which the ledger has a receipt; or there is no room for it in an hour or a day. */
async function notNow({ ledger, log }: PayDeps, id: PayoutId, limited: "held" | "later"): Promise<PayResult> {
  const [payout] = await ledger.payouts.find({ ids: [id] });
  const reason = payout?.reason ?? "a limit was reached";
  if (limited === "later") return { type: "again", reason };
  log.error("payout.held", {
    payout: payout?.key,
    payoutId: id,
    payee: payout?.payee,
    reason,
    todo: "look at it, then approve it: docs/runbook.md, Limits",
  });
  return { type: "settled" };
}

/** Sends the saved bytes, all at once. Accepted, refused or unanswered: a withdrawal is alive until the chain has decided. */
async function sendAll(
  { chain, ledger, log, wallet, causes }: PayDeps,
  outgoing: readonly Outgoing[],
): Promise<readonly (readonly [PayoutId, BroadcastOutcome])[]> {
  const outcomes = await Promise.all(
    outgoing.map(async (sent) => ({
      ...sent,
      outcome: await chain.broadcast(sent.withdrawal.bytes),
    })),
  );
  for (const { payout, withdrawal, before, outcome } of outcomes) {
    const ids = { payout: payout.key, payoutId: payout.id, txid: withdrawal.txid };
    const commonCause = await causes.heard(payout, outcome, before);
    switch (outcome.type) {
      case "accepted":
        log.info("withdrawal.sent", ids);
        break;
      case "duplicate":
        log.debug("withdrawal.sent_again", ids);
        break;
      case "refused":
        // The wallet or the fees were not what we thought: ask the chain anew before the next payment.
        wallet.forget();
        log.warn("withdrawal.refused", { ...ids, code: outcome.code, message: outcome.message });
        await ledger.withdrawals.noteRefusal(withdrawal, {
          reason: `${outcome.code}: ${outcome.message}`.slice(0, 500),
          commonCause,
        });
        break;
      case "unknown":
        await ledger.withdrawals.noteRefusal(withdrawal, { reason: undefined, commonCause });
        log.warn("withdrawal.unanswered", { ...ids, message: outcome.message });
        break;
      default:
        assertNever(outcome);
    }
  }
  // Last: an attempt whose answers are not all noted counts for nothing (expire-withdrawals.ts).
  await ledger.withdrawals.markSent(outgoing.map(({ withdrawal }) => withdrawal));
  return outcomes.map(({ payout, outcome }) => [payout.id, outcome]);
}

/**
 * A ledger that has not seen the newest blocks may not know what has been paid in them. Nodes that have not seen the blocks
 * that the ledger has are of an older time, or pretend to be, and so is the time that an expiration would be counted from.
 */
export function behindTheChain(cursor: Cursor | undefined, head: ChainHead): string | undefined {
  if (cursor === undefined) return "no block has been ingested yet";
  const { irreversibleBlockNum, headTimeMs, latest = head } = head;
  const apart = latest.irreversibleBlockNum - irreversibleBlockNum;
  if (apart > LEDGER_LAG_BLOCKS_MAX)
    return `the nodes are ${apart} blocks apart, and too few answer to say which of them are right`;
  if (headTimeMs < cursor.blockTimeMs)
    return "the nodes say that it is earlier than in the ledger's last block";
  const lag = lastFinalBlockNum(irreversibleBlockNum) - cursor.blockNum;
  if (lag < -LEDGER_LAG_BLOCKS_MAX) return `the nodes are ${-lag} blocks behind the ledger`;
  return lag > LEDGER_LAG_BLOCKS_MAX ? `the ledger is ${lag} blocks behind the chain` : undefined;
}

/**
 * The ledger stands at a block that the nodes do not have there. A signature that refers to it would be good on another chain
 * than theirs, or on none; which of the two is right, a person has to find out.
 */
export async function anotherBlock(
  { ledger, log }: Pick<PayDeps, "ledger" | "log">,
  { blockNum, blockId }: Cursor,
  nodesHave: string,
): Promise<{ readonly type: "again"; readonly reason: string }> {
  const reason = `the ledger has block ${blockNum} as ${blockId}, and a majority of the nodes as ${nodesHave}`;
  const todo =
    "nothing is signed: compare the nodes with each other, and correct STAKEBTS_NODES or the ledger";
  const receipt = {
    event: "chain.disagrees",
    subject: `${blockNum}`,
    details: { ledgerHas: blockId, nodesHave, todo },
  };
  if ((await ledger.transaction((tx) => tx.receipts.add([receipt], { once: true }))) > 0)
    logReceipt(log, receipt);
  return { type: "again", reason };
}

/** A fee is burnt. A fee above the limit means that a node lies, or that the chain has changed its fees: a person looks at it. */
export const whyTooDear = (
  fee: Shares,
  { maxNetworkFee }: Pick<Policy, "maxNetworkFee">,
): string | undefined =>
  fee > toShares(maxNetworkFee)
    ? `the nodes ask ${fee} shares for a transfer, and the policy's max_network_fee is ${maxNetworkFee} BTS`
    : undefined;

/** The account to pay, or why it can never be paid. */
function payeeOf(
  { custodian }: PayDeps,
  payout: PayoutRecord,
  account: ChainAccount | undefined,
): ChainAccount | string {
  if (account === undefined) return `account ${payout.payee} does not exist`;
  if (account.name !== payout.payee) return `account ${payout.payee} answers with the name ${account.name}`;
  if (RESERVED_ACCOUNTS.includes(account.id)) return `account ${payout.payee} belongs to the protocol`;
  if (account.id === custodian.id) return "the custodian does not pay itself";
  return account;
}

/** The payout has not failed: it is paid as soon as the nodes name the right account. */
async function anotherAccountOfThatName(
  { ledger, log }: PayDeps,
  { key, payee }: PayoutRecord,
  { id }: ChainAccount,
  known: readonly AccountId[],
): Promise<PayResult> {
  const reason = `the nodes give ${id} for ${payee}, who has sent from ${known.join(", ")}`;
  const todo = "not paid: a node lies; compare them, and correct STAKEBTS_NODES";
  const receipt = { event: "payee.differs", subject: key, details: { reason, todo } };
  if ((await ledger.transaction((tx) => tx.receipts.add([receipt], { once: true }))) > 0)
    logReceipt(log, receipt);
  return { type: "again", reason };
}

/** Whole seconds; never more than the chain allows, less a margin for nodes whose head is behind. */
export function expiration(headTimeMs: Millis, lifeMs: number, schedule: TransferFeeSchedule): Millis {
  const longestMs = Math.floor(schedule.maximumTimeUntilExpirationMs * 0.9);
  return plusMs(headTimeMs, Math.floor(Math.min(lifeMs, longestMs) / 1000) * 1000);
}

function notSaved(refusal: WithdrawalRefusal): PayResult {
  switch (refusal) {
    case "epoch_over":
      return { type: "superseded" };
    case "payout_moved":
      return { type: "settled" };
    case "another_account":
      throw new AssertionError("the ledger is of another account than the one that this payer pays from");
    case "payments_off":
      return {
        type: "again",
        reason: "payments were switched off, the recovery hold was raised, or a limit was reached",
      };
    default:
      return assertNever(refusal);
  }
}

async function waitForFunds(
  deps: PayDeps,
  payout: PayoutRecord,
  missing: Shares,
  nowMs: Millis,
): Promise<PayResult> {
  const { ledger, log, policy } = deps;
  if (payout.waitingSinceMs !== undefined && nowMs >= plusMs(payout.waitingSinceMs, policy.fundsWaitMs))
    return fail(deps, payout, `no funds arrived within ${policy.fundsWaitMs / 3_600_000} h`, nowMs);
  if (payout.status === "waiting_funds") return { type: "waiting_funds" };
  const reason = `the hot wallet is short by ${missing} shares`;
  await ledger.transaction(async (tx) => {
    await tx.payouts.move(payout.id, ["due"], "ready");
    const moved = await tx.payouts.move(payout.id, ["ready"], "waiting_funds", {
      reason,
      waitingSinceMs: nowMs,
    });
    if (!moved) return;
    await tx.receipts.add([
      { event: "payout.waits_for_funds", subject: payout.key, chainTimeMs: nowMs, details: { reason } },
    ]);
  });
  log.warn("payout.waits_for_funds", { payout: payout.key, payoutId: payout.id, missingShares: missing });
  return { type: "waiting_funds" };
}

/** Final until a person requeues it. The nominator gets one notice. */
async function fail(deps: PayDeps, payout: PayoutRecord, reason: string, nowMs: Millis): Promise<PayResult> {
  const { ledger, log, policy } = deps;
  await ledger.transaction(async (tx) => {
    await tx.payouts.move(payout.id, ["due"], "ready");
    if (!(await tx.payouts.move(payout.id, ["ready", "waiting_funds"], "failed", { reason }))) return;
    await createNotices(tx, [payout], policy, nowMs);
    await tx.receipts.add([
      { event: "payout.failed", subject: payout.key, chainTimeMs: nowMs, details: { reason } },
    ]);
  });
  log.error("payout.failed", {
    payout: payout.key,
    payoutId: payout.id,
    payee: payout.payee,
    reason,
    todo: "find out why, then requeue or cancel it",
  });
  return { type: "failed", reason };
}
