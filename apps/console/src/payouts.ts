import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import type { OperatorAction, PayoutAnswer } from "@stakebts/core/ledger/operator-action";
import type { PayoutStory } from "@stakebts/core/ledger/view";
import { approvePayout } from "@stakebts/core/limits/approve-payout";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import { ledgerCaughtUp } from "@stakebts/core/operators/payment-evidence";
import { requeuePayout } from "@stakebts/core/operators/requeue-payout";
import type { PayoutId } from "@stakebts/core/rules/payout";
import { btsText, NOTHING, timeText } from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";
import { csrfField, formOf, type Html, reasonField, reasonIn } from "./form.ts";
import { banner, consolePage, facts } from "./html.ts";

/** The ingester is a block or two behind the chain; it gets this long to be no further behind than that. */
const CATCH_UP_MS_MAX = 15_000;

/** A decision about one payout that waits for a person, by the same service as the command line, with who and why. */
interface Decision {
  readonly title: string;
  readonly isPossible: (payout: PayoutStory) => boolean;
  readonly question: string;
  readonly notPossible: string;
  readonly needsRole: string;
  readonly explanation: string;
  readonly carryOut: (
    deps: ConsoleDeps,
    payout: PayoutStory,
    action: OperatorAction,
  ) => Promise<PayoutAnswer>;
}

const DECISIONS: Readonly<Record<"requeue" | "approve", Decision>> = {
  requeue: {
    title: "Requeue",
    isPossible: ({ status }) => status === "failed" || status === "held",
    question: "Requeue this payout?",
    notPossible: "This payout does not wait for a person",
    needsRole: "Requeueing needs the role operator.",
    explanation:
      "The payer makes one more attempt. The chain is looked at first: a payout that turns out to be paid is confirmed and not paid again, one that may still reach the chain is left alone, and while the ledger is behind nothing is requeued.",
    carryOut: async (deps, { id }, action) => {
      const ledger = await ledgerCaughtUp(deps, CATCH_UP_MS_MAX);
      const answer = await requeuePayout(deps, { id, verb: "requeue", action, ledger });
      if (answer.result !== "done") await noteNotDone(deps, answer, action);
      return answer;
    },
  },
  /** A second person lets a payout go that a limit holds. */
  approve: {
    title: "Approve",
    isPossible: ({ status, limitedBy }) => status === "held" && limitedBy !== undefined,
    question: "Let this payout go?",
    notPossible: "This payout does not wait for an approval",
    needsRole: "Approving needs the role operator.",
    explanation:
      "It is held because it is large. The approval is good for this payee, this amount and every attempt. A person who has requeued or released it cannot approve it.",
    carryOut: (deps, { id }, action) => approvePayout(deps, { id, action }),
  },
};

/** What was done has its receipt from the service; what was wanted and not done gets this one. */
async function noteNotDone(
  { ledger }: Pick<ConsoleDeps, "ledger">,
  { payout, result, message }: PayoutAnswer,
  { actor, reason, id }: OperatorAction,
): Promise<void> {
  const details = { result, message, actor, reason, action: id };
  await ledger.transaction((tx) =>
    tx.receipts.add([{ event: "console.requeue_not_done", subject: payout, details }]),
  );
}

export function payoutDecisions(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { view, ledger, log, custodian } = deps;
  const page = (session: ConsoleSession, title: string, main: Html): Html =>
    consolePage({ title, session, custodian, main: html`<div class="column">${main}</div>` });
  const story = async (id: string): Promise<PayoutStory | undefined> =>
    z.uuid().safeParse(id).success ? view.payout(id as PayoutId) : undefined;

  const app = new Hono<ConsoleEnv>();
  for (const [verb, decision] of Object.entries(DECISIONS)) {
    const { title, carryOut } = decision;
    const path = (payout: PayoutStory): string => `/payouts/${payout.id}/${verb}`;
    app.get(`/payouts/:id/${verb}`, async (c) => {
      const payout = await story(c.req.param("id"));
      const session = c.get("session");
      if (payout === undefined) return c.html(page(session, "No such payout", NO_SUCH_PAYOUT), 404);
      return c.html(page(session, title, question(decision, payout, { session, path: path(payout) })));
    });
    app.post(`/payouts/:id/${verb}`, async (c) => {
      const payout = await story(c.req.param("id"));
      const session = c.get("session");
      if (payout === undefined) return c.html(page(session, "No such payout", NO_SUCH_PAYOUT), 404);
      const given = reasonIn(await formOf(c));
      if ("problem" in given) {
        const asked = question(decision, payout, { session, path: path(payout), problem: given.problem });
        return c.html(page(session, title, asked), 400);
      }
      const action = { id: randomUUID(), actor: session.user, reason: given.reason };
      const answer = await carryOut(deps, payout, action);
      log.info(`console.${verb}`, { payout: payout.key, user: session.user, result: answer.result });
      const { payments } = await ledger.control.read();
      const main = outcome(payout, answer, payments.on ? undefined : payments.reason);
      return c.html(page(session, title, main), answer.result === "refused" ? 409 : 200);
    });
  }
  return app;
}

const NO_SUCH_PAYOUT = html`<h1>There is no such payout</h1>
  <p><a href="/">Overview</a></p>`;

const factsOf = (payout: PayoutStory): Html =>
  facts([
    ["Payout", html`<code>${payout.key}</code>`],
    ["Payee", payout.payee],
    ["Amount", btsText(payout.amount)],
    ["Due", `${timeText(payout.dueMs)} UTC`],
    ["Status", payout.status],
    ["Reason", payout.reason ?? NOTHING],
    ["Attempts", String(payout.attempts)],
    ...payout.approvals.map(({ approver, reason }) => ["Approved", `by ${approver}: ${reason}`] as const),
    ...payout.withdrawals.map(
      ({ txid, status }) => ["Transaction", html`<code>${txid}</code> ${status}`] as const,
    ),
  ]);

function question(
  decision: Decision,
  payout: PayoutStory,
  asked: { readonly session: ConsoleSession; readonly path: string; readonly problem?: string },
): Html {
  const isPossible = decision.isPossible(payout);
  return html`<h1>${isPossible ? decision.question : decision.notPossible}</h1>
    <section>${factsOf(payout)}</section>
    ${
      !isPossible
        ? html`<p>It is ${payout.status}.</p>`
        : asked.session.role !== "operator"
          ? html`<p>${decision.needsRole}</p>`
          : form(decision, payout, asked)
    }
    <p><a href="/">Back to the overview</a></p>`;
}

const form = (
  { title, explanation }: Decision,
  payout: PayoutStory,
  { session, path, problem }: Parameters<typeof question>[2],
): Html =>
  html`<p>${explanation}</p>
    ${problem === undefined ? "" : banner("bad", problem)}
    <form method="post" action="${path}" class="stack">
      ${csrfField(session)} ${reasonField("reason", true)}
      <button>${title} ${btsText(payout.amount)} to ${payout.payee}</button>
    </form>`;

const TITLES = { done: "Done", unchanged: "Nothing to do", refused: "Refused" } as const;

const outcome = (payout: PayoutStory, answer: PayoutAnswer, offBecause: string | undefined): Html =>
  html`<h1>${TITLES[answer.result]}</h1>
    <p class="banner ${answer.result === "refused" ? "bad" : "good"}" role="status">
      <code>${payout.key}</code>: ${answer.message}
    </p>
    ${answer.todo === undefined ? "" : html`<p>${answer.todo}</p>`}
    ${
      offBecause !== undefined && answer.status === "ready"
        ? banner("bad", `Payments are off (${offBecause}): nothing is paid until they are on.`)
        : ""
    }
    <p><a href="/">Back to the overview</a></p>`;
