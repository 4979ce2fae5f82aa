import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Child } from "hono/jsx";
import type { GlanceView } from "@stakebts/core/ledger/view";
import { freezeAll, unfreeze } from "@stakebts/core/limits/freeze";
import type { ConsoleSession } from "@stakebts/core/operators/console-access";
import { FREEZE_LEVELS, type FreezeLevel, freezeText, isFreezeLevel } from "@stakebts/core/rules/freeze";
import { plainText } from "@stakebts/kernel/plain-text";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { field, formOf, type Html, reasonIn } from "../form.ts";
import { frameOf } from "../page.ts";
import { CsrfField, ReasonField, TypedField } from "../view/form.tsx";
import { consolePage, type Frame } from "../view/layout.tsx";
import { Section } from "../view/table.tsx";
import { Banner, Facts, Time } from "../view/values.tsx";

export const FREEZE = "/freeze";
/** Money moves again when it ends: this is typed. Stopping must be quick. */
const UNFREEZE_WORD = "unfreeze";

const MEANING: Readonly<Record<FreezeLevel, string>> = {
  "pay-nothing": "no payer signs anything new",
  "accept-nothing": "nominations are written down and not answered",
  all: "both",
};

/** The kill switch, thrown and taken back, by the same services as the command line. */
export function freeze(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { view, log } = deps;
  const page = async (frame: Frame, said?: Child): Promise<Html> =>
    consolePage(frame, {
      title: "Freeze",
      here: FREEZE,
      children: (
        <div class="column">
          {said}
          <Body glance={await view.glance()} session={frame.session} />
        </div>
      ),
    });

  const app = new Hono<ConsoleEnv>();
  app.get(FREEZE, async (c) => c.html(await page(frameOf(c, deps))));
  app.post(FREEZE, async (c) => {
    const frame = frameOf(c, deps);
    const { user } = frame.session;
    const form = await formOf(c);
    const given = reasonIn(form);
    const [level, what] = [field(form, "level"), field(form, "do")];
    const refuse = async (problem: string) =>
      c.html(await page(frame, <Banner tone="bad">{problem}</Banner>), 400);
    if (!isFreezeLevel(level) || (what !== "freeze" && what !== "unfreeze"))
      return refuse("Choose what to freeze, or what to let go on.");
    if ("problem" in given) return refuse(given.problem);
    if (what === "unfreeze" && field(form, "typed").trim().toLowerCase() !== UNFREEZE_WORD)
      return refuse(`Nothing was changed. Type ${UNFREEZE_WORD} to confirm.`);
    const action = { id: randomUUID(), actor: user, reason: given.reason };
    const { changed } = await (what === "freeze" ? freezeAll : unfreeze)(deps, { level, action });
    log.warn(`console.${what}`, { user, level, changed });
    const done = changed ? `Done: ${what} ${level}.` : "Nothing was changed: it was so before.";
    return c.html(await page(frame, <Banner tone="good">{done}</Banner>));
  });
  return app;
}

const Body = ({
  glance: { freezes, processFreezes },
  session,
}: {
  readonly glance: GlanceView;
  readonly session: ConsoleSession;
}) => {
  const all = [...freezes, ...processFreezes];
  return (
    <>
      <h1>{all.length === 0 ? "Nothing is frozen" : "Frozen"}</h1>
      {all.map((one) => (
        <Banner tone="bad">
          <strong>{plainText(freezeText(one))}</strong>
          since <Time ms={one.sinceMs} /> UTC
        </Banner>
      ))}
      <Section title="What can be frozen">
        <Facts lines={FREEZE_LEVELS.map((level) => [level, MEANING[level]])} />
      </Section>
      {session.role !== "operator" ? (
        <p>Freezing needs the role operator.</p>
      ) : (
        <>
          <FreezeForm session={session} what="freeze" title="Freeze" />
          {freezes.length === 0 ? null : (
            <FreezeForm session={session} what="unfreeze" title="Let it go on" />
          )}
          <p>What a process finds frozen in its file or its environment ends there.</p>
        </>
      )}
    </>
  );
};

const FreezeForm = ({
  session,
  what,
  title,
}: {
  readonly session: ConsoleSession;
  readonly what: "freeze" | "unfreeze";
  readonly title: string;
}) => (
  <>
    <h2>{title}</h2>
    <form method="post" action={FREEZE} class="stack">
      <CsrfField session={session} />
      <input type="hidden" name="do" value={what} />
      <label for={`${what}-level`}>What</label>
      <select id={`${what}-level`} name="level">
        {[...FREEZE_LEVELS].reverse().map((level) => (
          <option value={level}>
            {level}: {MEANING[level]}
          </option>
        ))}
      </select>
      <ReasonField id={`${what}-reason`} />
      {what === "unfreeze" ? <TypedField expected={UNFREEZE_WORD} id="unfreeze-typed" /> : null}
      <button>{title}</button>
    </form>
  </>
);
