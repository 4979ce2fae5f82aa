import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import type { PayoutId } from "@stakebts/core/rules/payout";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import type { PayoutStory } from "@stakebts/core/ledger/view";
import { ledgerCaughtUp } from "@stakebts/core/operators/ledger-caught-up";
import type { OperatorAction, PayoutAnswer } from "@stakebts/core/ledger/operator-action";
import { requeuePayout } from "@stakebts/core/operators/requeue-payout";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";
import { field, formOf } from "./guard.ts";
import { consolePage, csrfField, type Html } from "./html/layout.ts";
import { btsText, timeText } from "./html/text.ts";
import { facts } from "./overview/page.ts";

const REASON_LENGTH_MAX = 500;
/** The ingester is a block or two behind the chain; it gets this long to be no further behind than that. */
const CATCH_UP_MS_MAX = 15_000;

/** One more attempt for a payout that failed or is held, by the same service as the command line, with who and why. */
export function requeue(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { view, ledger, log, custodian } = deps;
  const page = (session: ConsoleSession, title: string, main: Html): Html =>
    consolePage({ title, session, custodian, main: html`<div class="column">${main}</div>` });
  const story = async (id: string): Promise<PayoutStory | undefined> =>
    z.uuid().safeParse(id).success ? view.payout(id as PayoutId) : undefined;

  const app = new Hono<ConsoleEnv>();
  app.get("/payouts/:id/requeue", async (c) => {
    const payout = await story(c.req.param("id"));
    const session = c.get("session");
    if (payout === undefined) return c.html(page(session, "No such payout", noSuchPayout), 404);
    return c.html(page(session, "Requeue", question(payout, session)));
  });
  app.post("/payouts/:id/requeue", async (c) => {
    const payout = await story(c.req.param("id"));
    const session = c.get("session");
    if (payout === undefined) return c.html(page(session, "No such payout", noSuchPayout), 404);
    const reason = field(await formOf(c), "reason").trim();
    if (reason === "" || reason.length > REASON_LENGTH_MAX) {
      const problem = `A reason of 1 to ${REASON_LENGTH_MAX} characters is needed; it ends in the receipt.`;
      return c.html(page(session, "Requeue", question(payout, session, problem)), 400);
    }
    const action = { id: randomUUID(), actor: session.user, reason };
    const caughtUp = await ledgerCaughtUp(deps, CATCH_UP_MS_MAX);
    const answer = await requeuePayout(deps, { id: payout.id, verb: "requeue", action, ledger: caughtUp });
    if (answer.result !== "done") await noteNotDone(answer, action);
    log.info("console.requeue", { payout: payout.key, user: session.user, result: answer.result });
    const { payments } = await ledger.control.read();
    const main = outcome(payout, answer, payments.on ? undefined : payments.reason);
    return c.html(page(session, "Requeue", main), answer.result === "refused" ? 409 : 200);
  });
  return app;

  /** What was done has its receipt from the service; what was wanted and not done gets this one. */
  async function noteNotDone(
    { payout, result, message }: PayoutAnswer,
    action: OperatorAction,
  ): Promise<void> {
    const { actor, reason, id } = action;
    const details = { result, message, actor, reason, action: id };
    await ledger.transaction((tx) =>
      tx.receipts.add([{ event: "console.requeue_not_done", subject: payout, details }]),
    );
  }
}

export const noSuchPayout = html`<h1>There is no such payout</h1>
  <p><a href="/">Overview</a></p>`;

export const factsOf = (payout: PayoutStory): Html =>
  facts([
    ["Payout", html`<code>${payout.key}</code>`],
    ["Payee", payout.payee],
    ["Amount", `${btsText(payout.amount)} BTS`],
    ["Due", `${timeText(payout.dueMs)} UTC`],
    ["Status", payout.status],
    ["Why", payout.reason ?? "–"],
    ["Attempts", String(payout.attempts)],
    ...payout.approvals.map(({ approver, reason }) => ["Approved", `by ${approver}: ${reason}`] as const),
    ...payout.withdrawals.map(
      ({ txid, status }) => ["Transaction", html`<code>${txid}</code> ${status}`] as const,
    ),
  ]);

function question(payout: PayoutStory, session: ConsoleSession, problem?: string): Html {
  const may = payout.status === "failed" || payout.status === "held";
  return html`<h1>${may ? "Requeue this payout?" : "This payout does not wait for anybody"}</h1>
    <section>${factsOf(payout)}</section>
    ${
      !may
        ? html`<p>It is ${payout.status}.</p>`
        : session.role !== "operator"
          ? html`<p>Requeueing needs the role operator.</p>`
          : form(payout, session, problem)
    }
    <p><a href="/">Back to the overview</a></p>`;
}

const form = (payout: PayoutStory, session: ConsoleSession, problem: string | undefined): Html =>
  html`<p>
      The payer makes one more attempt. The chain is looked at first: a payout that turns out to be paid is
      confirmed and not paid again, one that may still reach the chain is left alone, and while the ledger is
      behind nothing is requeued.
    </p>
    ${problem === undefined ? "" : html`<p class="banner bad" role="alert">${problem}</p>`}
    <form method="post" action="/payouts/${payout.id}/requeue" class="stack">
      ${csrfField(session)}
      <label for="reason">Why? It ends in the receipt, with your name.</label>
      <textarea
        id="reason"
        name="reason"
        rows="3"
        maxlength="${REASON_LENGTH_MAX}"
        required
        autofocus
      ></textarea>
      <button>Requeue ${btsText(payout.amount)} BTS to ${payout.payee}</button>
    </form>`;

const TITLES = { done: "Done", unchanged: "Nothing to do", refused: "Refused" } as const;

export const outcome = (payout: PayoutStory, answer: PayoutAnswer, offBecause: string | undefined): Html =>
  html`<h1>${TITLES[answer.result]}</h1>
    <p class="banner ${answer.result === "refused" ? "bad" : "good"}" role="status">
      <code>${payout.key}</code>: ${answer.message}
    </p>
    ${answer.todo === undefined ? "" : html`<p>${answer.todo}</p>`}
    ${
      offBecause !== undefined && answer.status === "ready"
        ? html`<p class="banner bad" role="alert">
            Payments are off (${offBecause}): nothing is paid until they are on.
          </p>`
        : ""
    }
    <p><a href="/">Back to the overview</a></p>`;
