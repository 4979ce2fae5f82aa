import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { html } from "hono/html";
import type { StatusView } from "@stakebts/core/ledger/view";
import { freezeAll, unfreeze } from "@stakebts/core/limits/freeze";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import { FREEZE_LEVELS, type FreezeLevel, freezeText, isFreezeLevel } from "@stakebts/core/rules/freeze";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";
import { csrfField, field, type Html, reasonField, reasonIn } from "./form.ts";
import { banner, consolePage, facts } from "./html.ts";

export const FREEZE = "/freeze";

const MEANING: Readonly<Record<FreezeLevel, string>> = {
  "pay-nothing": "no payer signs anything new",
  "accept-nothing": "nominations are written down and not answered",
  all: "both",
};

/** The kill switch, thrown and taken back, by the same services as the command line. */
export function freeze(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { view, log, custodian } = deps;
  const page = async (session: ConsoleSession, said: Html | string = ""): Promise<Html> =>
    consolePage({
      title: "Freeze",
      session,
      custodian,
      here: FREEZE,
      main: html`<div class="column">${said} ${body(await view.status(), session)}</div>`,
    });

  const app = new Hono<ConsoleEnv>();
  app.get(FREEZE, async (c) => c.html(await page(c.get("session"))));
  app.post(FREEZE, async (c) => {
    const session = c.get("session");
    const form = await c.req.parseBody();
    const given = reasonIn(form);
    const [level, what] = [field(form, "level"), field(form, "do")];
    if (!isFreezeLevel(level) || (what !== "freeze" && what !== "unfreeze"))
      return c.html(await page(session, banner("bad", "Choose what to freeze, or what to let go on.")), 400);
    if ("problem" in given) return c.html(await page(session, banner("bad", given.problem)), 400);
    const action = { id: randomUUID(), actor: session.user, reason: given.reason };
    const { changed } = await (what === "freeze" ? freezeAll : unfreeze)(deps, { level, action });
    log.warn(`console.${what}`, { user: session.user, level, changed });
    const done = changed ? `Done: ${what} ${level}.` : "Nothing was changed: it was so before.";
    return c.html(await page(session, banner("good", done)));
  });
  return app;
}

function body({ freezes, processFreezes }: StatusView, session: ConsoleSession): Html {
  const all = [...freezes, ...processFreezes];
  return html`<h1>${all.length === 0 ? "Nothing is frozen" : "Frozen"}</h1>
    ${all.map((one) => banner("bad", freezeText(one)))}
    <section>${facts(FREEZE_LEVELS.map((level) => [level, MEANING[level]] as const))}</section>
    ${
      session.role !== "operator"
        ? html`<p>Freezing needs the role operator.</p>`
        : html`${form(session, "freeze", "Freeze")}
            ${freezes.length === 0 ? "" : form(session, "unfreeze", "Let it go on")}
            <p>What a process finds frozen in its file or its environment ends there.</p>`
    }
    <p><a href="/">Back to the overview</a></p>`;
}

const form = (session: ConsoleSession, what: "freeze" | "unfreeze", title: string): Html =>
  html`<h2>${title}</h2>
    <form method="post" action="${FREEZE}" class="stack">
      ${csrfField(session)}
      <input type="hidden" name="do" value="${what}" />
      <label for="${what}-level">What</label>
      <select id="${what}-level" name="level">
        ${[...FREEZE_LEVELS].reverse().map((level) => html`<option value="${level}">${level}: ${MEANING[level]}</option>`)}
      </select>
      ${reasonField(`${what}-reason`)}
      <button>${title}</button>
    </form>`;
