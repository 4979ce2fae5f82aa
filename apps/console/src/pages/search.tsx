import { Hono } from "hono";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { frameOf, textIn } from "../page.ts";
import { consolePage } from "../view/layout.tsx";
import { cell, Empty, PageTitle, Section, Table } from "../view/table.tsx";
import { Account, Facts } from "../view/values.tsx";
import type { NominatorLine } from "@stakebts/core/operators/browse/nominators";
import { column } from "@stakebts/core/operators/columns";

const CANDIDATES = 20;

/** From a name, key or id that a person has in hand to the page of it. */
export function search(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/search", async (c) => {
    const text = textIn(c, "q") ?? "";
    const found = text === "" ? undefined : await browse.findPage(text);
    if (found !== undefined) return c.redirect(found, 303);
    const name = text.toLowerCase();
    const candidates = /^[a-z][a-z0-9.-]{0,62}$/u.test(name)
      ? (await browse.nominators({ prefix: name }, { limit: CANDIDATES })).items
      : [];
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Find",
        query: text,
        children: (
          <>
            <PageTitle title={text === "" ? "Find" : <>Nothing is called “{text}”</>} />
            {candidates.length === 0 ? null : (
              <Section title="Accounts that begin so">
                <Table
                  caption="Accounts that begin so"
                  columns={[
                    cell<NominatorLine>("Account", ({ name: one }) => <Account name={one} />),
                    column.number<NominatorLine>("Agreements", ({ agreements }) => agreements),
                    column.number<NominatorLine>("To come, BTS", ({ owed }) => owed),
                  ]}
                  lines={candidates}
                  class="lines"
                />
              </Section>
            )}
            {text !== "" && candidates.length === 0 ? (
              <Empty>It may be typed wrongly, or its block is not read yet.</Empty>
            ) : null}
            <Section title="What can be found">
              <Facts
                lines={[
                  ["An account", <code>user0007</code>],
                  ["A payout, by key or id", <code>reward:60693001:3:0:1</code>],
                  ["A transaction, by its id", <code>40 digits 0-9 a-f</code>],
                  ["An operation: block, transaction, operation", <code>60693001:3:0</code>],
                  ["A block", <code>60693001</code>],
                  ["A top-up", <code>top-up:1:7</code>],
                ]}
              />
            </Section>
          </>
        ),
      }),
      text === "" ? 200 : 404,
    );
  });
  return app;
}
