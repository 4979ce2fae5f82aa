import { AssertionError, assertNever } from "@stakebts/kernel/assert";
import { type Shares, toShares } from "@stakebts/kernel/amount";
import { whyOnRecoveryHold } from "../rules/recovery-hold.ts";
import { type Freeze, whyPaysNothing } from "../rules/freeze.ts";
import { type Debt, earliestMs } from "../rules/owed.ts";
import { hasLimits } from "../rules/limits.ts";
import { PAYABLE_STATUSES, type PayoutId } from "../rules/payout.ts";
import type { Policy } from "../rules/policy.ts";
import { type Millis, plusMs } from "@stakebts/kernel/time";
import type {
  AccountId,
  BroadcastOutcome,
  ChainAccount,
  ChainHead,
  ChainReader,
  ChainWriter,
  EncryptedMemo,
  TransferFeeSchedule,
} from "@stakebts/bitshares/chain";
import type { Cursor, Ledger, PayoutRecord, WithdrawalRecord, WithdrawalRefusal } from "../ledger/ledger.ts";
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
import { type Cause, type CommonCauses } from "./common-cause.ts";
import type { DebtCheck, DebtCheckTime } from "./debt-check.ts";
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

/** How one job of the payer ended. `again`: something outside has to change first; another job follows later. */
export type PayResult =
  /** Nothing to do: paid, cancelled, or waiting for a person. */
  | { readonly type: "settled" }
  /** A withdrawal is out. The ingester will see it in a block, or see that it never will be. */
  | { readonly type: "in_flight"; readonly outcome: BroadcastOutcome }
  | { readonly type: "again"; readonly reason: string }
  | { readonly type: "waiting_funds" }
  | { readonly type: "failed"; readonly reason: string }
  /** Another payer has taken over: this process must stop signing at once. */
  | { readonly type: "superseded" };

/** Accounts of the protocol itself. Funds sent there are lost, or any account may take them. */
const RESERVED_ACCOUNTS: readonly AccountId[] = ["1.2.0", "1.2.1", "1.2.2", "1.2.3", "1.2.4", "1.2.5"];

/**
 * Pays one payout, or takes it one step further. May be called any number of times, at any moment, by several processes:
 * - a withdrawal that is out is sent again, the same bytes, which the chain accepts once;
 * - a new one is signed only for a payout that has none alive, saved first and sent afterwards;
 * - what a node answers decides nothing: the ingester does, from irreversible blocks.
 */
export async function payPayout(deps: PayDeps, id: PayoutId): Promise<PayResult> {
  const { ledger, log } = deps;
  const view = await ledger.payouts.view(id);
  if (view === undefined) {
    // A queue that is older or newer than the ledger: one of them was restored from a backup.
    log.warn("payout.unknown", { payoutId: id });
    return { type: "settled" };
  }
  const { payout } = view;
  if (view.live !== undefined)
    return { type: "in_flight", outcome: await send(deps, payout, view.live, { isFirst: false }) };
  if (!(PAYABLE_STATUSES as readonly string[]).includes(payout.status)) return { type: "settled" };
  const frozen = whyPaysNothing(deps.frozenHere());
  if (frozen !== undefined) return { type: "again", reason: frozen };
  if (!view.payments.on) return { type: "again", reason: `payments are off: ${view.payments.reason}` };
  const onRecoveryHold = whyOnRecoveryHold(view.recoveryHold);
  if (onRecoveryHold !== undefined) return { type: "again", reason: `nothing is signed: ${onRecoveryHold}` };

  const paused = await deps.causes.whyNot(payout);
  if (paused !== undefined) return { type: "again", reason: paused };

  const head = await deps.wallet.head(view.cursor?.blockNum);
  const behind = behindTheChain(view.cursor, head);
  if (behind !== undefined) return { type: "again", reason: behind };
  const account = await deps.wallet.account();
  const powerless = await checkAuthority(deps, account);
  if (powerless !== undefined) return { type: "again", reason: powerless };
  // Before funds are fetched for what may have to wait for a person.
  if (hasLimits(view.limits)) {
    const limited = await ledger.payouts.applyLimits(id);
    if (limited !== "go") return notNow(deps, id, limited);
  }
  const payee = await payeeOf(deps, payout);
  if (typeof payee === "string") return fail(deps, payout, payee, head.headTimeMs);
  // Names and ids never change. The id of a sender comes from a block, that of a payee from the word of nodes.
  const known = await ledger.transfers.accountsNamed(payout.payee);
  if (known.length > 0 && !known.includes(payee.id)) return somebodyElse(deps, payout, payee, known);
  deps.debts.knows(payee);
  const debt = await ledger.payouts.debt(id);
  if (debt === undefined)
    return {
      type: "again",
      reason: `payout ${payout.key} was there a moment ago: another copy of the ledger has taken its place`,
    };
  // By this payer's own nodes: one that is a few blocks behind the ledger's says so a moment later.
  const earliest = earliestMs(debt);
  if (earliest !== undefined && earliest > head.headTimeMs)
    return { type: "again", reason: `payout ${payout.key} is not due yet by the time of the chain` };
  const finalBlockNum = lastFinalBlockNum(head.irreversibleBlockNum);
  const at = {
    upToBlockNum: Math.max(view.cursor?.blockNum ?? 0, finalBlockNum),
    finalBlockNum,
  };
  const baseless = await whyNotOwed(deps, debt, at);
  if (baseless instanceof CauseUnread) return { type: "again", reason: baseless.message };
  if (baseless !== undefined) return contradicted(deps, payout, baseless);
  // The ledger calls those of before dead. Whoever can write that could have himself paid twice.
  const mayBePaid = await deps.debts.whyMayBePaid(debt, at);
  if (mayBePaid !== undefined) {
    const reason = `payout ${payout.key} is not signed again, although the ledger calls it unpaid: ${mayBePaid.why}`;
    return mayBePaid.isInBlock ? contradicted(deps, payout, reason) : { type: "again", reason };
  }

  const memo = deps.memos.write({
    text: payout.memo,
    toPublicKey: payee.memoKey,
    fromPublicKey: account.memoKey,
    nonce: nextMemoNonce(payout.key, payout.attempts),
  });
  const schedule = await deps.wallet.fees();
  const fee = deps.feeOf(schedule, memo);
  const amount = toShares(payout.amount);
  const dear = whyTooDear(fee, deps.policy);
  if (dear !== undefined) {
    await deps.causes.found(FEES, tooDear(dear));
    return { type: "again", reason: dear };
  }
  await deps.causes.over(FEES);
  const missing = await deps.wallet.missing(amount, fee);
  if (missing > 0n) return waitForFunds(deps, payout, missing, head.headTimeMs);

  const cursor = view.cursor as Cursor;
  const refBlockId = await deps.wallet.blockId(cursor.blockNum);
  if (refBlockId !== cursor.blockId) return anotherBlock(deps, cursor, refBlockId);

  const frozenNow = whyPaysNothing(deps.frozenHere());
  if (frozenNow !== undefined) return { type: "again", reason: frozenNow };
  const signed = deps.signer.sign({
    fromId: deps.custodian.id,
    toId: payee.id,
    amount,
    fee,
    memo,
    refBlockId,
    expirationMs: expiration(head.headTimeMs, deps.policy.expirationMs, schedule),
  });
  const withdrawal: WithdrawalRecord = {
    ...signed,
    id: withdrawalId(signed.txid),
    payoutId: payout.id,
    fee,
    status: "signed",
    writerEpoch: deps.writerEpoch,
    refusedFor: undefined,
  };
  // The point of no return. Bytes that could not be saved are dropped here and never leave the process.
  const ofLedger = ledgerAccountOf({ account: deps.custodian, chainId: deps.chainId });
  const saved = await ledger.withdrawals.save({ ...withdrawal, account: ofLedger });
  if (saved !== "saved") return notSaved(saved);
  deps.causes.signed(payout);
  deps.wallet.spent(amount, fee);
  log.info("withdrawal.signed", {
    payout: payout.key,
    payoutId: payout.id,
    txid: withdrawal.txid,
    payee: payout.payee,
  });
  return { type: "in_flight", outcome: await send(deps, payout, withdrawal, { isFirst: true }) };
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
    todo: "nothing is signed: if you have changed the active key, give the payer the new one (docs/handbook.md, Change a key); if not, somebody else has: docs/runbook.md, Loss of a key",
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

/** Somebody has written debts that nobody owes, or another account of what was sent. Nothing is paid until a person has looked. */
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
  const payout = (await ledger.payouts.view(id))?.payout;
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

/** Sends the saved bytes. Accepted, refused or unanswered: the withdrawal is alive until the chain has decided. */
async function send(
  { chain, ledger, log, wallet, causes }: PayDeps,
  payout: PayoutRecord,
  withdrawal: WithdrawalRecord,
  /** Whether it was signed just now, by this payer. */
  sent: { readonly isFirst: boolean },
): Promise<BroadcastOutcome> {
  const outcome = await chain.broadcast(withdrawal.bytes);
  await ledger.withdrawals.markSent(withdrawal);
  const commonCause = await causes.heard(payout, outcome, sent);
  const ids = { payout: payout.key, payoutId: payout.id, txid: withdrawal.txid };
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
  return outcome;
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
async function payeeOf({ payees, custodian }: PayDeps, payout: PayoutRecord): Promise<ChainAccount | string> {
  const account = await payees.find(payout.payee);
  if (account === undefined) return `account ${payout.payee} does not exist`;
  if (account.name !== payout.payee) return `account ${payout.payee} answers with the name ${account.name}`;
  if (RESERVED_ACCOUNTS.includes(account.id)) return `account ${payout.payee} belongs to the protocol`;
  if (account.id === custodian.id) return "the custodian does not pay itself";
  return account;
}

/** The payout has not failed: it is paid as soon as the nodes name the right account. */
async function somebodyElse(
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
