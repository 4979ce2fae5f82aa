import type { Command } from "commander";
import type { ChainHead } from "@stakebts/bitshares/chain";
import { lastFinalBlockNum } from "@stakebts/core/ledger/ingest-blocks";
import { NIGHTLY_CHECKS } from "@stakebts/core/ledger/nightly-checks";
import type { StatusView } from "@stakebts/core/ledger/view";
import { balanceText } from "@stakebts/core/operators/balance-text";
import { setAsideText } from "@stakebts/core/operators/set-aside";
import { PAYOUT_COUNTS } from "@stakebts/core/operators/lists";
import { freezeText, whyAcceptsNothing } from "@stakebts/core/rules/freeze";
import { PAYOUT_STATUSES } from "@stakebts/core/rules/payout";
import { whyOnRecoveryHold } from "@stakebts/core/rules/recovery-hold";
import { plainText } from "@stakebts/kernel/plain-text";
import { btsText, durationText, numberText, timeText } from "@stakebts/kernel/text";
import type { Context, Run } from "../context.ts";
import { EXIT, explain } from "../exit.ts";
import { examples, jsonOption } from "../options.ts";
import { factPrinter, printJson, printTable } from "../print.ts";
import { limitedTexts, limitsText } from "./limits.ts";

export function addStatus(program: Command, run: Run): void {
  program
    .command("status")
    .description("The custodian at a glance: where the ledger stands, whether it pays, what waits.")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        ["status", "for people"],
        ["status --json | jq .payments", "for programs"],
        ["liabilities", "what is owed by when"],
      ),
    )
    .action(
      run(async (context, options: { json: boolean }) => {
        const [status, chain] = await Promise.all([context.view.status(), chainOf(context)]);
        const owed = await context.view.liabilities(context.nowOf(status.cursor));
        if (options.json) printJson(context.terminal, { ...status, chain, owed });
        else show(context, status, chain, owed);
        return EXIT.ok;
      }),
    );
}

type ChainView = { readonly head: ChainHead } | { readonly problem: string };

/** The ledger can be asked when no node can. */
async function chainOf(context: Context): Promise<ChainView> {
  if (!context.hasChain) return { problem: "not asked: STAKEBTS_NODES is not set" };
  try {
    return { head: await context.chain.head() };
  } catch (error) {
    return { problem: explain(error).message };
  }
}

function show(
  context: Context,
  status: StatusView,
  chain: ChainView,
  owed: Awaited<ReturnType<Context["view"]["liabilities"]>>,
): void {
  const { terminal } = context;
  const { paint } = terminal;
  const line = factPrinter(terminal, 13);
  line("console", context.linkTo("/"));
  const { cursor, payments } = status;
  line("payments", payments.on ? paint("green", "on") : paint("red", plainText(`off: ${payments.reason}`)));
  const notAccepting = whyAcceptsNothing(status.freezes);
  if (notAccepting !== undefined)
    line("nominations", paint("red", plainText(`not answered: ${notAccepting}`)));
  for (const freeze of [...status.freezes, ...status.processFreezes])
    line("frozen", paint("red", plainText(freezeText(freeze))));
  for (const { publicKey, count } of status.unread)
    line("unread", paint("red", `${count} transfers wait for the memo key ${publicKey}`));
  for (const aside of status.setAside) line("set aside", paint("red", plainText(setAsideText(aside))));
  line("limits", limitsText(status.limits));
  for (const text of limitedTexts(status)) line("limited", paint("yellow", text));
  const onRecoveryHold = whyOnRecoveryHold(status.recoveryHold);
  if (onRecoveryHold !== undefined) line("recovery hold", paint("yellow", plainText(onRecoveryHold)));
  line(
    "ledger",
    cursor === undefined
      ? paint("yellow", "empty: no block has been ingested yet")
      : `block ${cursor.blockNum}, ${timeText(cursor.blockTimeMs)} UTC, read from block ${cursor.scannedFromBlockNum} on`,
  );
  line("chain", "head" in chain ? lagText(chain.head, cursor?.blockNum) : chain.problem);
  const balance = balanceText(status.balance);
  line(
    "balance",
    balance.tone === "good" ? balance.text : paint(balance.tone === "bad" ? "red" : "yellow", balance.text),
  );
  line("agreements", `${status.agreements} in all, ${owed.nominators} nominator(s) with something to come`);
  line("owed", `${btsText(owed.gross.amount)}, of it past due ${numberText(owed.pastDue.amount)}`);
  line("due in 24 h", `${btsText(owed.within24h.amount)} in ${owed.within24h.count} payment(s)`);
  line("paid in 48 h", `${btsText(owed.paidLast48h.amount)} in ${owed.paidLast48h.count} payment(s)`);
  if (status.oldestOpen !== undefined)
    line("oldest debt", `${status.oldestOpen.key}, due ${timeText(status.oldestOpen.dueMs)}`);
  line(
    "backup",
    status.lastBackup === undefined
      ? "none by `stakebts backup`"
      : `${timeText(status.lastBackup.madeAtMs)} UTC, ${status.lastBackup.verified ? "verified" : "not verified"}`,
  );
  line(
    "checks",
    NIGHTLY_CHECKS.map((check) => {
      const passed = status.checksPassed.find((one) => one.check === check);
      return `${check} ${passed === undefined ? "never passed" : `passed ${timeText(passed.atMs)} UTC`}`;
    }).join(", "),
  );
  const { chained, unchained, oldestAgeMs } = status.hashChain;
  line(
    "audit log",
    `${chained} chained${unchained === 0 ? "" : `, ${unchained} wait, the oldest for ${durationText(oldestAgeMs)}`}`,
  );
  if (status.undecidedTransfers > 0) line("transfers", `${status.undecidedTransfers} not decided yet`);
  if (status.jobsToDispatch > 0) line("jobs", `${status.jobsToDispatch} not enqueued yet`);
  terminal.out("");
  const counts = PAYOUT_STATUSES.flatMap(
    (name) => status.payouts.find((payout) => payout.status === name) ?? [],
  );
  if (counts.length === 0) {
    terminal.out("no payouts yet");
    return;
  }
  printTable(terminal, PAYOUT_COUNTS, counts);
}

/** The watcher notes it once an hour, and when a difference begins or ends. */
function lagText(head: ChainHead, blockNum: number | undefined): string {
  const lag = blockNum === undefined ? undefined : lastFinalBlockNum(head.irreversibleBlockNum) - blockNum;
  const behind =
    lag === undefined
      ? ""
      : lag === 0
        ? ", the ledger is up to date"
        : `, the ledger is ${Math.abs(lag)} block(s) ${lag > 0 ? "behind" : "ahead of these nodes"}`;
  return `head ${head.headBlockNum}, irreversible ${head.irreversibleBlockNum}${behind}`;
}
