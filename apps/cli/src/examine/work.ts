import { resumeCommand, setAsideText } from "@stakebts/core/operators/set-aside";
import { lastFinalBlockNum } from "@stakebts/core/ledger/ingest-blocks";
import { LEDGER_LAG_BLOCKS_MAX } from "@stakebts/core/ledger/recovery-hold";
import type { StatusView } from "@stakebts/core/ledger/view";
import { freezeText, type OpenFreeze, whyAcceptsNothing } from "@stakebts/core/rules/freeze";
import { whyOnRecoveryHold } from "@stakebts/core/rules/recovery-hold";
import { plainText } from "@stakebts/kernel/plain-text";
import { durationText, sharesText, timeText } from "@stakebts/kernel/text";
import { HOUR_MS } from "@stakebts/kernel/time";
import { balances } from "../commands/balances.ts";
import { limitedTexts, limitsText } from "../commands/limits.ts";
import type { Context } from "../context.ts";
import { explain } from "../exit.ts";
import { type Finding, ok, problem, skipped } from "./finding.ts";

const JOBS_MAX = 1_000;
const UNCHAINED_AGE_MS_MAX = 900_000;
const BACKUP_AGE_MS_MAX = 24 * HOUR_MS;

/** Does the cluster do its work? Needs the database, and nodes for a part of it. */
export async function* examineWork(context: Context, before: readonly Finding[]): AsyncGenerator<Finding> {
  const failed = (name: string) =>
    before.some((finding) => finding.name === name && finding.state !== "ok") ||
    !before.some((finding) => finding.name === name);
  if (failed("database")) {
    for (const name of ["ledger", "payments", "payouts", "money"])
      yield skipped(name, "not asked: see database");
    return;
  }
  const status = await context.view.status();
  const canAskChain = !failed("account");
  yield* ledger(context, status.cursor?.blockNum, canAskChain);
  const frozen = [...status.freezes, ...status.processFreezes];
  const notAccepting = whyAcceptsNothing(frozen);
  if (status.undecidedTransfers > 0)
    yield problem(
      "transfers",
      `${status.undecidedTransfers} not decided yet`,
      notAccepting === undefined ? "is the scheduler running?" : "nominations are frozen, see there",
    );
  for (const { publicKey, count } of status.unread)
    yield problem(
      "unread",
      `${count} transfers wait for the memo key ${publicKey}, which is not configured`,
      "add it to STAKEBTS_MEMO_KEY of ingester and payer, and start them again",
    );
  for (const aside of status.setAside)
    yield problem(
      "set aside",
      plainText(setAsideText(aside)),
      `when its cause is gone: \`${resumeCommand(aside.event)}\``,
    );
  yield* freezes(frozen);
  yield* limits(status);
  if (status.jobsToDispatch > JOBS_MAX)
    yield problem(
      "jobs",
      `${status.jobsToDispatch} not enqueued yet`,
      "are the scheduler and the queue store running?",
    );
  yield* unmatchedPayments(context, status.undecidedTransfers);
  yield status.payments.on
    ? ok("payments", "on")
    : problem(
        "payments",
        `off: ${status.payments.reason}`,
        "when the reason is gone: `stakebts payments on --reason '…'`",
      );
  const { watcherPresent } = await context.view.watch();
  yield watcherPresent
    ? ok("watcher", "looks at what the custodian's keys do")
    : problem(
        "watcher",
        "none is running",
        "start one: without it a payment that is not owed goes unnoticed",
      );
  const onRecoveryHold = whyOnRecoveryHold(status.recoveryHold);
  if (onRecoveryHold !== undefined)
    yield problem(
      "recovery hold",
      `nothing is signed: ${onRecoveryHold}`,
      "wait: it ends by itself when the ingester has read far enough",
    );
  yield* backup(status, context.clock.nowMs());
  yield auditLog(status);
  const stopped = status.payouts.filter(({ status: name }) => name === "failed" || name === "held");
  const count = stopped.reduce((sum, payout) => sum + payout.count, 0);
  yield count === 0
    ? ok("payouts", "none waits for a person")
    : problem("payouts", `${count} wait for a person`, "`stakebts payouts failed` shows them");
  if (!canAskChain) {
    yield skipped("money", "not asked: see nodes and account");
    return;
  }
  const { hotWallet, within24h } = await balances(context);
  yield within24h.shortShares > 0n
    ? problem(
        "money",
        `${sharesText(hotWallet.shares)} are ${sharesText(within24h.shortShares)} too little for the next 24 hours`,
        `send funds to ${hotWallet.account}; \`stakebts forecast\` shows how much is needed when`,
      )
    : ok("money", `${sharesText(hotWallet.shares)} suffice for the next 24 hours`);
}

function* freezes(frozen: readonly OpenFreeze[]): Generator<Finding> {
  if (frozen.length === 0) yield ok("freeze", "nothing is frozen");
  for (const freeze of frozen)
    yield problem(
      "freeze",
      plainText(freezeText(freeze)),
      freeze.source === "file"
        ? "when the reason is gone: remove the file"
        : freeze.source === "environment"
          ? "when the reason is gone: change the setting, and start the process again"
          : "when the reason is gone: `stakebts unfreeze --reason '…'`",
    );
}

function* limits(status: StatusView): Generator<Finding> {
  yield ok("limits", limitsText(status.limits));
  for (const { held, by } of status.limited)
    yield problem(
      "limits",
      limitedTexts({ limited: status.limited.filter((one) => one.held === held && one.by === by) }).join(),
      held
        ? "`stakebts payouts failed` shows them, `stakebts payouts approve` lets one go"
        : "they are paid when there is room; `stakebts limits set` makes more",
    );
}

async function* ledger(
  context: Context,
  blockNum: number | undefined,
  canAskChain: boolean,
): AsyncGenerator<Finding> {
  if (blockNum === undefined) {
    yield problem("ledger", "no block has been ingested yet", "start the ingester");
    return;
  }
  if (!canAskChain) {
    yield skipped("ledger", `at block ${blockNum}; not compared with the chain`);
    return;
  }
  try {
    const head = await context.chain.head();
    const lag = lastFinalBlockNum(head.irreversibleBlockNum) - blockNum;
    if (lag > LEDGER_LAG_BLOCKS_MAX)
      yield problem(
        "ledger",
        `${lag} blocks behind the chain (${timeText(head.headTimeMs)} UTC)`,
        "is the ingester running? Nothing is paid meanwhile",
      );
    // One or two: the nodes were asked at different times.
    else if (lag < -LEDGER_LAG_BLOCKS_MAX)
      yield problem(
        "ledger",
        `at block ${blockNum}, ${-lag} ahead of the nodes (${timeText(head.headTimeMs)} UTC)`,
        "the nodes are far behind, or their chain is not the one that this ledger was made from. Name nodes that have its blocks; nothing is read or paid until then",
      );
    else yield ok("ledger", `at block ${blockNum}, ${Math.max(0, lag)} behind the chain`);
  } catch (error) {
    yield problem("ledger", explain(error).message, "see nodes");
  }
}

/** An installation may have other ways, a replica or an archive: it is not told that it has none. */
function* backup({ lastBackup }: StatusView, nowMs: number): Generator<Finding> {
  if (lastBackup === undefined) return;
  const { file, madeAtMs, verified } = lastBackup;
  const age = durationText(nowMs - madeAtMs);
  if (nowMs - madeAtMs > BACKUP_AGE_MS_MAX)
    yield problem(
      "backup",
      `the last one is ${age} old: ${file}`,
      "`stakebts backup`, or its service, is not running",
    );
  else
    yield verified
      ? ok("backup", `${file}, ${age} old, verified`)
      : problem(
          "backup",
          `${file} was not verified`,
          "make them without --no-verify, or restore one for a drill",
        );
}

/** Receipts are chained within seconds where the scheduler runs; it takes longer when there are those of years to chain. */
function auditLog({ hashChain: { chained, unchained, oldestAgeMs } }: StatusView): Finding {
  return oldestAgeMs > UNCHAINED_AGE_MS_MAX
    ? problem(
        "audit log",
        `${unchained} receipts are not chained, the oldest for ${durationText(oldestAgeMs)}`,
        "is the scheduler running? After an update it chains the older ones first: look again",
      )
    : ok("audit log", `${chained} receipts chained; \`stakebts audit verify\` goes through them`);
}

/** Shown, and enough to see what happened. */
const UNMATCHED_SHOWN = 3;

/**
 * A ledger restored from before an operator cancelled a debt owes that debt again, although what took its place was paid
 * since. The payment is on the chain and names a debt that this ledger never had: nothing else shows it.
 */
async function* unmatchedPayments({ view }: Context, undecided: number): AsyncGenerator<Finding> {
  if (undecided > 0) return; // Their debts may be about to be written.
  const unmatchedPayments = await view.paymentsWithoutDebt(UNMATCHED_SHOWN);
  if (unmatchedPayments.length === 0) return;
  const named = unmatchedPayments.map(
    ({ operation, payout, payee }) => `${payout} to ${payee} (transfer ${operation})`,
  );
  yield problem(
    "unmatched payments",
    `payments on the chain name debts that this ledger does not have: ${named.join("; ")}`,
    "leave payments off: was a payout of these accounts cancelled after the backup that was restored? Cancel it again first",
  );
}
