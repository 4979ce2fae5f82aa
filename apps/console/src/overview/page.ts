import { html } from "hono/html";
import type { Shares } from "@stakebts/kernel/amount";
import { whyPaysNothing } from "@stakebts/core/rules/freeze";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import type { DebtLine, Page, PayoutLine } from "@stakebts/core/ledger/view";
import {
  btsText,
  countText,
  durationText,
  numberText,
  sharesText,
  timeText,
  wholeBtsText,
} from "@stakebts/kernel/text";
import { consolePage, type Html } from "../html/layout.ts";
import { type Column, table } from "../html/table.ts";
import { sumOf } from "../html/text.ts";
import { type Coverage, type Figures, inReserve, LINES_MAX } from "./figures.ts";
import { type Warning, warningsOf } from "./warnings.ts";

export const overviewPage = (
  figures: Figures,
  { session, custodian }: { readonly session: ConsoleSession; readonly custodian: string },
): Html =>
  consolePage({
    title: "Overview",
    session,
    custodian,
    here: "/",
    main: html`<div class="title">
        <h1>Overview</h1>
        <p class="hint">
          as of
          <time datetime="${new Date(figures.asOfMs).toISOString()}">${timeText(figures.asOfMs)} UTC</time>,
          chain time
        </p>
      </div>
      ${warningsOf(figures).map(banner)} ${glance(figures)} ${stopped(figures, session)} ${coverage(figures)}
      <div class="pair">
        ${debts("Past due", figures.pastDue, PAST_DUE)} ${debts("Next 7 days", figures.next, NEXT)}
      </div>
      <div class="pair">${balances(figures, custodian)} ${ledger(figures)}</div>
      <div class="pair">${nodes(figures)} ${queues(figures)}</div>`,
  });

const banner = ({ level, title, todo }: Warning): Html =>
  html`<p class="banner ${level}" role="${level === "bad" ? "alert" : "status"}">
    <strong>${title}</strong> ${todo}
  </p>`;

const section = (title: string, note: Html | string, body: Html): Html => {
  const id = title.toLowerCase().replace(/[^a-z0-9]+/gu, "-");
  return html`<section aria-labelledby="${id}">
    <div class="title">
      <h2 id="${id}">${title}</h2>
      <p class="hint">${note}</p>
    </div>
    ${body}
  </section>`;
};

function glance({ status, payerStartedOff, owed, hotWallet }: Figures): Html {
  const waiting = owed.stopped;
  const here = whyPaysNothing(status.processFreezes.filter(({ process }) => process === "payer"));
  const on = status.payments.on && !payerStartedOff && here === undefined;
  const figure = (name: string, value: Html | string, more: string, state = ""): Html =>
    html`<div class="figure ${state}">
      <dt>${name}</dt>
      <dd><b>${value}</b> <span>${more}</span></dd>
    </div>`;
  const amount = (value: bigint): Html => html`${numberText(value)} <abbr>BTS</abbr>`;
  return html`<dl class="figures">
    ${figure("Payments", on ? "on" : "off", on ? "the switch is on" : "nothing is paid", on ? "good" : "bad")}
    ${figure("Hot wallet", hotWallet === undefined ? "unknown" : html`${wholeBtsText(hotWallet)} <abbr>BTS</abbr>`, "on the chain")}
    ${figure("Due in 24 hours", amount(owed.within24h.amount), countText(owed.within24h.count, "payment"))}
    ${figure("Past due", amount(owed.pastDue.amount), countText(owed.pastDue.count, "payment"))}
    ${figure("Waits for a person", countText(waiting.count, "payout"), `${btsText(waiting.amount)}`, waiting.count > 0 ? "bad" : "good")}
    ${figure("Paid in 48 hours", amount(owed.paidLast48h.amount), countText(owed.paidLast48h.count, "payment"))}
  </dl>`;
}

function stopped({ stopped: page }: Figures, session: ConsoleSession): Html {
  const columns: Column<PayoutLine>[] = [
    { head: "Payout", cell: ({ key }) => html`<code class="key">${key}</code>` },
    {
      head: "Payee",
      cell: ({ payee }) => html`<span class="${payee.length <= 24 ? "key" : ""}">${payee}</span>`,
    },
    { head: "BTS", numeric: true, cell: ({ amount }) => numberText(amount) },
    { head: "Due, UTC", cell: ({ dueMs }) => time(dueMs) },
    {
      head: "Why",
      cell: ({ status, reason }) => html`${badge(status, "bad")} <span>${reason ?? "no reason noted"}</span>`,
    },
    {
      head: "What to do",
      cell: ({ id, key, status, limitedBy }) => {
        const verb = status === "held" && limitedBy !== undefined ? "Approve" : "Requeue";
        return html`<a
          class="button"
          href="/payouts/${id}/${verb.toLowerCase()}"
          aria-label="${session.role === "operator" ? verb : "Look at"} ${key}"
          >${session.role === "operator" ? `${verb}…` : "Look"}</a
        >`;
      },
    },
  ];
  return section(
    "Waits for a person",
    restText(page, html`<code>stakebts payouts failed</code> shows all`),
    page.total === 0
      ? empty("No payout failed or is held.")
      : html`<div class="scroll tall" role="region" aria-label="Payouts that failed or are held" tabindex="0">
          ${table("Payouts that failed or are held", columns, page.items)}
        </div>`,
  );
}

function coverage({ coverage: lines, minimum, reserve }: Figures): Html {
  const state = (short: Shares | undefined): Html => {
    if (short === undefined) return html`<span class="hint">not known</span>`;
    return short === 0n ? badge("covered", "good") : badge(`short by ${wholeBtsText(short)}`, "bad");
  };
  const columns: Column<Coverage>[] = [
    { head: "Due", cell: ({ name }) => name },
    { head: "Payments", numeric: true, cell: ({ owed }) => numberText(owed.count) },
    { head: "BTS", numeric: true, cell: ({ owed }) => numberText(owed.amount) },
    { head: "Hot wallet", numeric: true, cell: ({ hotWalletShort }) => state(hotWalletShort) },
    { head: "All wallets", numeric: true, cell: ({ allWalletsShort }) => state(allWalletsShort) },
  ];
  return section(
    "Liabilities and coverage",
    `Each line has those above in it. ${wholeBtsText(minimum)} BTS stay in the hot wallet.${reserve === undefined ? " What the other wallets hold is not reported yet." : ""}`,
    table("What is owed by when, and whether it is there", columns, lines),
  );
}

const PAST_DUE = { nothing: "Nothing is past due.", note: "; without those that wait for a person" };
const NEXT = { nothing: "Nothing falls due in the next 7 days.", note: "" };

function debts(
  title: string,
  page: Page<DebtLine>,
  { nothing, note }: { nothing: string; note: string },
): Html {
  const columns: Column<DebtLine>[] = [
    { head: "Due, UTC", cell: ({ dueMs }) => time(dueMs) },
    { head: "Payee", cell: ({ payee }) => payee },
    {
      head: "Kind",
      cell: ({ kind, status }) =>
        status === "pending" ? kind : html`${kind} ${badge(status.replace("_", " "))}`,
    },
    { head: "BTS", numeric: true, cell: ({ amount }) => numberText(amount) },
  ];
  return section(
    title,
    page.total === 0
      ? ""
      : html`${restText(page, html`<code>stakebts forecast</code> has them by day`)}${note}`,
    page.total === 0
      ? empty(nothing)
      : html`<div class="scroll" role="region" aria-label="${title}" tabindex="0">
          ${table(title, columns, page.items, { class: "debts" })}
        </div>`,
  );
}

function balances({ hotWallet, minimum, reserve, nowMs }: Figures, custodian: string): Html {
  const lines: (readonly [string, Html | string])[] = [
    [`Hot wallet ${custodian}`, hotWallet === undefined ? "not known" : sharesText(hotWallet)],
    ...(reserve?.purses ?? []).map(
      ({ name, balance }) =>
        [
          name,
          typeof balance === "bigint"
            ? sharesText(balance)
            : html`${badge("no answer", "bad")} ${balance.problem}`,
        ] as const,
    ),
  ];
  if (reserve === undefined) lines.push(["Reserve and exchange accounts", "not reported yet"]);
  else if (hotWallet !== undefined)
    lines.push(["Together", html`<b>${sharesText(sumOf([hotWallet, inReserve(reserve)]))}</b>`]);
  lines.push(["Stays in the hot wallet", sharesText(minimum)]);
  const note =
    reserve === undefined
      ? ""
      : `the other wallets as reported ${durationText(nowMs - reserve.reportedAtMs)} ago`;
  return section("Balances", note, facts(lines));
}

function ledger({ status, lagBlocks, owed }: Figures): Html {
  const { cursor } = status;
  return section(
    "Ledger",
    "",
    facts([
      [
        "Newest block",
        cursor === undefined
          ? "none yet"
          : `${numberText(cursor.blockNum)}, ${timeText(cursor.blockTimeMs)} UTC`,
      ],
      ["Behind the chain", lagBlocks === undefined ? "not known" : countText(lagBlocks, "block")],
      ["Agreements", numberText(status.agreements)],
      ["Nominators with something to come", numberText(owed.nominators)],
      ["Transfers not decided", numberText(status.undecidedTransfers)],
      ["Jobs not made", numberText(status.jobsToDispatch)],
    ]),
  );
}

function nodes({ glance: seen, nowMs }: Figures): Html {
  const lines = (seen?.nodes ?? []).map(
    ({ node, answer }) =>
      [
        node,
        "head" in answer
          ? html`${badge("answers", "good")} head ${numberText(answer.head.headBlockNum)}, irreversible
            ${numberText(answer.head.irreversibleBlockNum)}`
          : html`${badge("no answer", "bad")} ${answer.problem}`,
      ] as const,
  );
  return section(
    "Nodes",
    seen === undefined ? "not asked yet" : `asked ${durationText(nowMs - seen.takenAtMs)} ago`,
    facts(lines),
  );
}

function queues({ queues: lines }: Figures): Html {
  const number = (value: number | undefined): string => (value === undefined ? "?" : numberText(value));
  const columns: Column<Figures["queues"][number]>[] = [
    { head: "Queue", cell: ({ name }) => html`<a href="/queues/queue/${name}">${name}</a>` },
    { head: "Waiting", numeric: true, cell: ({ counts }) => number(counts?.waiting) },
    { head: "Active", numeric: true, cell: ({ counts }) => number(counts?.active) },
    { head: "Delayed", numeric: true, cell: ({ counts }) => number(counts?.delayed) },
    { head: "Failed", numeric: true, cell: ({ counts }) => number(counts?.failed) },
  ];
  const silent = lines.some(({ counts }) => counts === undefined);
  return section(
    "Queues",
    silent
      ? "the queue store does not answer: payments are late, never lost"
      : "bells that job; what is owed is in the ledger",
    table("Jobs in each queue", columns, lines, { class: "lines" }),
  );
}

/** How long a list is, and where the rest of it is when it was cut. */
function restText(page: Page<unknown>, where: Html): Html | string {
  if (page.total === 0) return "";
  if (page.total <= LINES_MAX) return countText(page.total, "line");
  return html`${LINES_MAX} of ${numberText(page.total)}; ${where}`;
}

const time = (ms: number): Html =>
  html`<time datetime="${new Date(ms).toISOString()}">${timeText(ms)}</time>`;
const badge = (text: string, state = ""): Html => html`<span class="badge ${state}">${text}</span>`;
const empty = (text: string): Html => html`<p class="empty">${text}</p>`;

export const facts = (lines: readonly (readonly [string, Html | string])[]): Html =>
  html`<dl class="facts">
    ${lines.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
