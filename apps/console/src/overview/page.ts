import { Hono } from "hono";
import { html } from "hono/html";
import type { DebtLine, Page, PayoutLine } from "@stakebts/core/ledger/view";
import { column } from "@stakebts/core/operators/columns";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import { DEBTS, LIABILITIES, PAYOUTS, payoutTone } from "@stakebts/core/operators/lists";
import { whyPaysNothing } from "@stakebts/core/rules/freeze";
import type { Shares } from "@stakebts/kernel/amount";
import {
  btsText,
  countText,
  durationText,
  isoText,
  numberText,
  sharesText,
  timeText,
  wholeBtsText,
} from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import type { Html } from "../form.ts";
import { badge, banner, consolePage, facts, type HtmlColumn, table } from "../html.ts";
import { type Coverage, type Figures, inReserve, LINES_MAX, readFigures, sumOf } from "./figures.ts";
import { warningsOf } from "./warnings.ts";

export function overview(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  app.get("/", async (c) => {
    const figures = await readFigures(deps);
    return c.html(overviewPage(figures, { session: c.get("session"), custodian: deps.custodian }));
  });
  return app;
}

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
          <time datetime="${isoText(figures.asOfMs)}">${timeText(figures.asOfMs)} UTC</time>, chain time
        </p>
      </div>
      ${warningsOf(figures).map(({ level, title, todo }) => banner(level, html`<strong>${title}</strong> ${todo}`))}
      ${glance(figures)} ${stopped(figures, session)} ${coverage(figures)}
      <div class="pair">
        ${debts("Past due", figures.pastDue, PAST_DUE)} ${debts("Next 7 days", figures.next, NEXT)}
      </div>
      <div class="pair">${balances(figures, custodian)} ${ledger(figures)}</div>
      <div class="pair">${nodes(figures)} ${queues(figures)}</div>`,
  });

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
    ${figure("Waits for a person", countText(waiting.count, "payout"), btsText(waiting.amount), waiting.count > 0 ? "bad" : "good")}
    ${figure("Paid in 48 hours", amount(owed.paidLast48h.amount), countText(owed.paidLast48h.count, "payment"))}
  </dl>`;
}

function stopped({ stopped: page }: Figures, session: ConsoleSession): Html {
  const decide: HtmlColumn<PayoutLine> = {
    head: "What to do",
    kind: "text",
    cell: ({ id, key, status, limitedBy }) => {
      const verb = status === "held" && limitedBy !== undefined ? "Approve" : "Requeue";
      return html`<a
        class="button"
        href="/payouts/${id}/${verb.toLowerCase()}"
        aria-label="${session.role === "operator" ? verb : "Look at"} ${key}"
        >${session.role === "operator" ? `${verb}…` : "Look"}</a
      >`;
    },
  };
  const { key, payee, amount, due, status, reason } = PAYOUTS;
  const columns = [key, payee, amount, due, status, reason, decide];
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
  const { due, payments, amount } = LIABILITIES;
  const columns: HtmlColumn<Coverage>[] = [
    due,
    payments,
    amount,
    { head: "Hot wallet", kind: "number", cell: ({ hotWalletShort }) => state(hotWalletShort) },
    { head: "All wallets", kind: "number", cell: ({ allWalletsShort }) => state(allWalletsShort) },
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
  const { due, payee, kind, amount } = DEBTS;
  const kindAndState: HtmlColumn<DebtLine> = {
    ...kind,
    cell: (line) =>
      line.status === "pending"
        ? line.kind
        : html`${line.kind} ${badge(line.status, payoutTone(line.status))}`,
  };
  const columns = [due, payee, kindAndState, amount];
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
      ["Waiting for a memo key", numberText(status.unread.reduce((sum, { count }) => sum + count, 0))],
      ["Set aside by operators", numberText(status.setAside.length)],
      ["Jobs not enqueued", numberText(status.jobsToDispatch)],
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
  const columns: HtmlColumn<Figures["queues"][number]>[] = [
    { head: "Queue", kind: "text", cell: ({ name }) => html`<a href="/queues/queue/${name}">${name}</a>` },
    column.number("Waiting", ({ counts }) => counts?.waiting),
    column.number("Active", ({ counts }) => counts?.active),
    column.number("Delayed", ({ counts }) => counts?.delayed),
    column.number("Failed", ({ counts }) => counts?.failed),
  ];
  const silent = lines.some(({ counts }) => counts === undefined);
  return section(
    "Queues",
    silent
      ? "the queue store does not answer: payments are late, never lost"
      : "jobs only wake a process up; what is owed is in the ledger",
    table("Jobs in each queue", columns, lines, { class: "lines" }),
  );
}

/** How long a list is, and where the rest of it is when it was cut. */
function restText(page: Page<unknown>, where: Html): Html | string {
  if (page.total === 0) return "";
  if (page.total <= LINES_MAX) return countText(page.total, "line");
  return html`${LINES_MAX} of ${numberText(page.total)}; ${where}`;
}

const empty = (text: string): Html => html`<p class="empty">${text}</p>`;
