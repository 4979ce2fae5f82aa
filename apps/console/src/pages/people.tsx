import { Hono } from "hono";
import type { ProcessStart } from "@stakebts/core/operators/browse/history";
import { CONSOLE_ROLES, type ConsoleRole, type ConsoleUser } from "@stakebts/core/operators/console-access";
import { USERS } from "@stakebts/core/operators/lists";
import { plainText } from "@stakebts/kernel/plain-text";
import { jsonText } from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { frameOf, LINES, textIn } from "../page.ts";
import { consolePage } from "../view/layout.tsx";
import { cell, Empty, PageTitle, Section, Table } from "../view/table.tsx";
import { Facts, Id, Time } from "../view/values.tsx";
import { ReceiptTable } from "./receipts.tsx";

const ROLE_TEXT: Readonly<Record<ConsoleRole, string>> = {
  viewer: "looks at everything",
  approver: "looks, and approves what a limit holds",
  operator: "looks, approves, requeues and freezes",
};

export function users(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  app.get("/users", async (c) => {
    const [found, done] = await Promise.all([
      deps.access.users(),
      deps.browse.receipts({ event: "console.*" }, { limit: LINES }),
    ]);
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Users",
        here: "/users",
        children: (
          <>
            <PageTitle title="Users">
              changed with <code>stakebts users</code>
            </PageTitle>
            <Section title="Who may sign in">
              <Table
                caption="Users"
                columns={[
                  cell<ConsoleUser>(
                    "Name",
                    ({ name }) => <Id text={name} href={`/receipts?actor=${encodeURIComponent(name)}`} />,
                    "id",
                  ),
                  USERS.role,
                  USERS.state,
                  USERS.added,
                ]}
                lines={found}
              />
            </Section>
            <Section title="What each role may do">
              <Facts lines={CONSOLE_ROLES.map((role) => [role, ROLE_TEXT[role]])} />
            </Section>
            <Section title="Signed in, refused, changed" note="newest first">
              <ReceiptTable lines={done.items} />
            </Section>
          </>
        ),
      }),
    );
  });
  return app;
}

/** Of each process as it was started last. Secrets were hidden before the receipt was written. */
export function settings(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  app.get("/settings", async (c) => {
    const starts = await deps.browse.lastStarts();
    const wanted = textIn(c, "process");
    const chosen = starts.find(({ process }) => process === wanted) ?? starts[0];
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Settings",
        here: "/settings",
        children: (
          <>
            <PageTitle title="Settings">
              in effect since the last start; secrets are never written down
            </PageTitle>
            <nav class="days" aria-label="Processes">
              {starts.map(({ process }) => (
                <a
                  href={`/settings?process=${encodeURIComponent(process)}`}
                  aria-current={process === chosen?.process ? "page" : undefined}
                >
                  <strong>{process}</strong>
                </a>
              ))}
            </nav>
            {chosen === undefined ? (
              <Empty>No process has started yet.</Empty>
            ) : (
              <ProcessSettings start={chosen} />
            )}
          </>
        ),
      }),
    );
  });
  return app;
}

const ProcessSettings = ({ start }: { readonly start: ProcessStart }) => (
  <Section
    title={start.process}
    note={
      <>
        started <Time ms={start.startedAtMs} />
      </>
    }
  >
    <Facts
      lines={Object.entries(start.settings).map(([name, value]) => [
        name,
        <code>{plainText(typeof value === "string" ? value : jsonText(value))}</code>,
      ])}
    />
  </Section>
);
