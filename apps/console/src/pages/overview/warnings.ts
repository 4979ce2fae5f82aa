import { balanceText } from "@stakebts/core/operators/balance-text";
import { setAsideText } from "@stakebts/core/operators/set-aside";
import { whyAcceptsNothing } from "@stakebts/core/rules/freeze";
import { btsText, countText, durationText, sharesText } from "@stakebts/kernel/text";
import type { Figures } from "./figures.ts";

export interface Warning {
  readonly level: "bad" | "notice";
  readonly title: string;
  readonly todo: string;
  /** Where it is dealt with. */
  readonly href?: string;
}

/** The payer stops further behind than this; an ingester that runs is one or two blocks behind. */
const LAG_BLOCKS_MAX = 20;
const GLANCE_AGE_MS_MAX = 60_000;
const JOBS_MAX = 1_000;

/** What a person has to know before anything else on the page, the worst first. */
export function warningsOf(figures: Figures): readonly Warning[] {
  const { status, payerStartedOff, lagBlocks, glance, nowMs } = figures;
  const warnings: Warning[] = [];
  const warn = (title: string, todo: string, level: Warning["level"] = "bad", href?: string) =>
    void warnings.push({ level, title, todo, ...(href === undefined ? {} : { href }) });

  if (!status.payments.on)
    warn(
      `Payments are off: ${status.payments.reason}`,
      "Nothing is paid. When the reason is gone, let it go on.",
      "bad",
      "/freeze",
    );
  const balance = balanceText(status.balance);
  if (balance.tone === "bad")
    warn(
      `The balance differs: ${balance.text}`,
      "Funds were moved in a way that the ledger does not know, or a node lies: docs/runbook.md, Balance.",
      "bad",
      "/receipts?event=balance.*",
    );
  const notAccepting = whyAcceptsNothing(status.freezes);
  if (notAccepting !== undefined)
    warn(
      `Nominations are not answered: ${notAccepting}`,
      "They are written down, and answered in turn when it ends.",
      "bad",
      "/freeze",
    );
  for (const { publicKey, count } of status.unread)
    warn(
      `${count} transfer(s) wait for the memo key ${publicKey}, which is not configured`,
      "They are answered when it is: add it to STAKEBTS_MEMO_KEY of ingester and payer, and start them again.",
    );
  for (const aside of status.setAside)
    warn(
      `Set aside: ${setAsideText(aside)}`,
      "When its cause is gone, have it answered again.",
      "bad",
      `/set-aside?event=${encodeURIComponent(aside.event)}`,
    );
  for (const { process, source, level, reason } of status.processFreezes)
    if (!(payerStartedOff && process === "payer" && source === "environment"))
      warn(`The ${process} is frozen (${level}): ${reason}`, "It ends where it was made.");
  for (const { by, held, count, amount } of status.limited)
    if (held)
      warn(
        `${countText(count, "payout")} of ${btsText(amount)} ${count === 1 ? "waits" : "wait"} for the approval of a second person`,
        "Look at the payee and the amount, then approve.",
        "bad",
        "/limits",
      );
    else
      warn(
        `${count} payment(s) of ${btsText(amount)} wait for room under the cap per ${by === "hour_cap" ? "hour" : "day"}`,
        "They are paid when there is room, oldest first. More room: stakebts limits set",
        "notice",
        "/limits",
      );
  if (payerStartedOff)
    warn(
      "The payer was started with payments off",
      "Nothing is paid. Start it again with STAKEBTS_PAYMENTS=on.",
    );
  if (status.cursor === undefined)
    warn("The ledger is empty", "No block has been ingested yet: start the ingester.");
  if (glance === undefined)
    warn("The nodes have not been asked yet", "Load this page again in a moment.", "notice");
  else if ("problem" in glance.chain)
    warn(
      `The chain cannot be asked: ${glance.chain.problem}`,
      "Nothing can be paid meanwhile. See the nodes below.",
    );
  else if (nowMs - glance.takenAtMs > GLANCE_AGE_MS_MAX)
    warn(
      `The nodes were asked ${durationText(nowMs - glance.takenAtMs)} ago`,
      "Balance and lag below are as old.",
    );
  if (lagBlocks !== undefined && lagBlocks > LAG_BLOCKS_MAX)
    warn(
      `The ledger is ${lagBlocks} blocks behind the chain`,
      "Nothing is paid meanwhile. Is the ingester running? Is it catching up?",
    );
  const others =
    figures.stopped.sum.count - status.limited.reduce((sum, { held, count }) => sum + (held ? count : 0), 0);
  if (others > 0)
    warn(
      `${countText(others, "payout")} failed or ${others === 1 ? "is" : "are"} held`,
      "Each says why below. When the reason is gone, requeue it.",
      "bad",
      "/payouts?status=held,failed",
    );
  const day = figures.coverage.find(({ owed }) => owed === figures.owed.within24h);
  if ((day?.allWalletsShort ?? 0n) > 0n)
    warn(
      `All wallets together are short by ${sharesText(day?.allWalletsShort as never)} for the next 24 hours`,
      "Bring funds to the hot wallet.",
    );
  else if ((day?.hotWalletShort ?? 0n) > 0n)
    warn(
      `The hot wallet is short by ${sharesText(day?.hotWalletShort as never)} for the next 24 hours`,
      figures.reserve === undefined
        ? "Send funds to it; payouts wait for them."
        : "The other wallets cover it: it is fetched from them, or a person brings it.",
      figures.reserve === undefined ? "bad" : "notice",
    );
  const versions = versionsOf(figures.running);
  if (versions.length > 1)
    warn(
      `Processes run different versions: ${versions.join("; ")}`,
      "While a new version is brought in, that is as it should be. Afterwards start the older ones again from the new one.",
      "notice",
    );
  if (status.jobsToDispatch > JOBS_MAX)
    warn(
      `${status.jobsToDispatch} jobs wait to be made`,
      "Are the scheduler and the queue store running?",
      "notice",
    );
  return warnings;
}

/** Each version that runs, with its processes: `c1524c9 of ingester, payer`. A process that does not say counts as an older one. */
function versionsOf(running: Figures["running"]): readonly string[] {
  const processes = new Map<string, Set<string>>();
  for (const { process, revision = "an older one" } of running)
    processes.set(revision, (processes.get(revision) ?? new Set()).add(process));
  return [...processes].map(([revision, names]) => `${revision} of ${[...names].join(", ")}`);
}
