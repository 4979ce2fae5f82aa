import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Child } from "hono/jsx";
import type { EventSetAside } from "@stakebts/core/ledger/view";
import { pathTo } from "@stakebts/core/operators/console-paths";
import { resume, setAside } from "@stakebts/core/operators/set-aside";
import { operationPosition } from "@stakebts/kernel/operation-id";
import { plainText } from "@stakebts/kernel/plain-text";
import { millis } from "@stakebts/kernel/time";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { field, formOf, type Html, reasonIn } from "../form.ts";
import { frameOf, textIn } from "../page.ts";
import { CsrfField, ReasonField } from "../view/form.tsx";
import { consolePage, type Frame } from "../view/layout.tsx";
import { cell, Empty, PageTitle, Section, Table } from "../view/table.tsx";
import { Banner, Id, Time } from "../view/values.tsx";

export const SET_ASIDE = "/set-aside";
/** A transfer's place, or the id of a stake row. */
const EVENT = /^[a-z0-9_:.]{3,80}$/u;

/** A transfer has a page, and so has the agreement of a row. */
export const pathOfEvent = (event: string): string => {
  if (operationPosition(event) !== undefined) return pathTo.transfer(event);
  return pathTo.agreement(event.split(":").slice(2).join(":"));
};

/** What is not answered until an operator resumes it, by the same service as the command line. */
export function setAsidePages(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse, log } = deps;
  const page = async (
    frame: Frame,
    { event, said, live = false }: { event?: string | undefined; said?: Child; live?: boolean },
  ): Promise<Html> => {
    const open = await browse.setAside();
    return consolePage(frame, {
      title: "Set aside",
      here: SET_ASIDE,
      live,
      children: <Body frame={frame} open={open} event={event} said={said} />,
    });
  };

  const app = new Hono<ConsoleEnv>();
  app.get(SET_ASIDE, async (c) => {
    const event = textIn(c, "event");
    return c.html(await page(frameOf(c, deps), { event, live: event === undefined }));
  });
  app.post(SET_ASIDE, async (c) => {
    const frame = frameOf(c, deps);
    const form = await formOf(c);
    const [event, what] = [field(form, "event").trim(), field(form, "do")];
    const given = reasonIn(form);
    const refuse = async (problem: string, status: 400 | 409) =>
      c.html(await page(frame, { event, said: <Banner tone="bad">{problem}</Banner> }), status);
    if (!EVENT.test(event) || (what !== "set-aside" && what !== "resume"))
      return refuse("Name a transfer (block:transaction:operation) or a stake row.", 400);
    if ("problem" in given) return refuse(given.problem, 400);
    const { user } = frame.session;
    const action = { id: randomUUID(), actor: user, reason: given.reason };
    const answer = await (what === "set-aside" ? setAside : resume)(deps, { event, action });
    log.warn(`console.${what.replaceAll("-", "_")}`, { user, event, result: answer.result });
    const text = `${event} ${answer.message}.`;
    if (answer.result === "refused") return refuse(text, 409);
    const tone = answer.result === "done" ? "good" : "notice";
    return c.html(await page(frame, { said: <Banner tone={tone}>{plainText(text)}</Banner> }));
  });
  return app;
}

const Body = ({
  frame: { session },
  open,
  event,
  said,
}: {
  readonly frame: Frame;
  readonly open: readonly EventSetAside[];
  readonly event: string | undefined;
  readonly said: Child;
}) => {
  const isOpen = event !== undefined && open.some((one) => one.event === event);
  return (
    <>
      <PageTitle title="Set aside">
        A transfer or a due row that cannot be answered stops all that come after it. Set aside, it waits
        alone.
      </PageTitle>
      {said}
      {session.role !== "operator" ? (
        <p>Setting aside, and answering again, need the role operator.</p>
      ) : event === undefined ? null : (
        <Section title={isOpen ? "Answer it again?" : "Set this aside?"}>
          <p>
            <Id text={event} href={pathOfEvent(event)} />{" "}
            {isOpen
              ? "is answered in its turn, as if nothing had happened. What it owes is owed then."
              : "is not answered until an operator resumes it, and later stops of the same sender wait with it. People are told."}
          </p>
          <form method="post" action={SET_ASIDE} class="stack">
            <CsrfField session={session} />
            <input type="hidden" name="event" value={event} />
            <input type="hidden" name="do" value={isOpen ? "resume" : "set-aside"} />
            <ReasonField autofocus />
            <button>{isOpen ? "Answer it again" : "Set it aside"}</button>
          </form>
        </Section>
      )}
      <Section title="What is set aside now">
        {open.length === 0 ? (
          <Empty>Nothing.</Empty>
        ) : (
          <Table
            caption="What is set aside"
            columns={[
              cell<EventSetAside>(
                "Event",
                (one) => <Id text={one.event} href={pathOfEvent(one.event)} />,
                "id",
              ),
              cell<EventSetAside>("By", ({ actor }) => actor),
              cell<EventSetAside>("Since (UTC)", ({ sinceMs }) => <Time ms={millis(sinceMs)} />, "time"),
              cell<EventSetAside>("Why", ({ reason }) => plainText(reason)),
              cell<EventSetAside>("", (one) =>
                session.role === "operator" ? (
                  <a href={`${SET_ASIDE}?event=${encodeURIComponent(one.event)}`}>Answer it again…</a>
                ) : null,
              ),
            ]}
            lines={open}
          />
        )}
      </Section>
      {session.role !== "operator" || event !== undefined ? null : (
        <Section title="Set another one aside">
          <form method="get" action={SET_ASIDE} class="stack">
            <label for="event">A transfer (block:transaction:operation) or the id of a stake row</label>
            <input id="event" name="event" autocomplete="off" spellcheck={false} required />
            <button>Look at it</button>
          </form>
        </Section>
      )}
    </>
  );
};
