import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import type { PayoutId } from "@stakebts/core/rules/payout";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import type { PayoutStory } from "@stakebts/core/ledger/view";
import { approvePayout } from "@stakebts/core/limits/approve-payout";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";
import { consolePage, csrfField, type Html } from "./html/layout.ts";
import { btsText } from "./html/text.ts";
import { reasonField, reasonIn } from "./reason.ts";
import { factsOf, noSuchPayout, outcome } from "./requeue.ts";

/** A second person lets a payout go that a limit holds, by the same service as the command line. */
export function approve(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { view, ledger, log, custodian } = deps;
  const page = (session: ConsoleSession, main: Html): Html =>
    consolePage({ title: "Approve", session, custodian, main: html`<div class="column">${main}</div>` });
  const story = async (id: string): Promise<PayoutStory | undefined> =>
    z.uuid().safeParse(id).success ? view.payout(id as PayoutId) : undefined;

  const app = new Hono<ConsoleEnv>();
  app.get("/payouts/:id/approve", async (c) => {
    const payout = await story(c.req.param("id"));
    const session = c.get("session");
    if (payout === undefined) return c.html(page(session, noSuchPayout), 404);
    return c.html(page(session, question(payout, session)));
  });
  app.post("/payouts/:id/approve", async (c) => {
    const payout = await story(c.req.param("id"));
    const session = c.get("session");
    if (payout === undefined) return c.html(page(session, noSuchPayout), 404);
    const given = reasonIn(await c.req.parseBody());
    if ("problem" in given) return c.html(page(session, question(payout, session, given.problem)), 400);
    const action = { id: randomUUID(), actor: session.user, reason: given.reason };
    const answer = await approvePayout(deps, { id: payout.id, action });
    log.info("console.approve", { payout: payout.key, user: session.user, result: answer.result });
    const { payments } = await ledger.control.read();
    const main = outcome(payout, answer, payments.on ? undefined : payments.reason);
    return c.html(page(session, main), answer.result === "refused" ? 409 : 200);
  });
  return app;
}

function question(payout: PayoutStory, session: ConsoleSession, problem?: string): Html {
  const may = payout.status === "held" && payout.limitedBy !== undefined;
  return html`<h1>${may ? "Let this payout go?" : "This payout does not wait for an approval"}</h1>
    <section>${factsOf(payout)}</section>
    ${
      !may
        ? html`<p>It is ${payout.status}.</p>`
        : session.role !== "operator"
          ? html`<p>Approving needs the role operator.</p>`
          : html`<p>
                It is held because it is large. The approval is good for this payee, this amount and every
                attempt. Whoever has requeued or released it cannot approve it.
              </p>
              ${problem === undefined ? "" : html`<p class="banner bad" role="alert">${problem}</p>`}
              <form method="post" action="/payouts/${payout.id}/approve" class="stack">
                ${csrfField(session)} ${reasonField()}
                <button>Approve ${btsText(payout.amount)} BTS to ${payout.payee}</button>
              </form>`
    }
    <p><a href="/">Back to the overview</a></p>`;
}
