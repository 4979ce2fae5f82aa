import { setTimeout as delay } from "node:timers/promises";
import { Hono } from "hono";
import type { Job } from "bullmq";
import { MONEY_QUEUE } from "@stakebts/core/queue/catalog";
import { countText } from "@stakebts/kernel/text";
import { millis } from "@stakebts/kernel/time";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { frameOf } from "../page.ts";
import { payoutsOf, QUEUES } from "../queues.ts";
import { consolePage } from "../view/layout.tsx";
import { Empty, PageTitle, Section, Table } from "../view/table.tsx";
import { Facts, Id, Time } from "../view/values.tsx";
import { noSuchPage } from "./not-found.tsx";
import { payoutColumns } from "./payouts.tsx";

/** A queue store that is away answers when it is back; a page does not wait for that. */
const WAIT_MS_MAX = 1_000;

/** One job of the queue that pays: which payouts it woke the payer for, and where each stands now. */
export function jobs(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse, queues } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/jobs/:job", async (c) => {
    const frame = frameOf(c, deps);
    const queue = queues.find(({ name }) => name === MONEY_QUEUE);
    const asked = queue?.getJob(c.req.param("job")) as Promise<Job | undefined> | undefined;
    const job = await Promise.race([
      asked?.catch(() => undefined),
      delay(WAIT_MS_MAX, undefined, { ref: false }),
    ]);
    if (job === undefined) return c.html(noSuchPage(frame, "job", QUEUES), 404);
    const ids = payoutsOf(job.data);
    const lines = await browse.payoutsNamed(ids);
    return c.html(
      consolePage(frame, {
        title: `Job ${job.id ?? ""}`,
        here: QUEUES,
        live: true,
        children: (
          <>
            <PageTitle title="Job">
              A job only wakes the payer. What is owed, and what became of it, stands in the ledger.
            </PageTitle>
            <Section title="The wake-up">
              <Facts
                lines={[
                  [
                    "Job",
                    <Id
                      text={job.id ?? ""}
                      href={`${QUEUES}/queue/${MONEY_QUEUE}/${encodeURIComponent(job.id ?? "")}`}
                    />,
                  ],
                  ["Made", <Time ms={millis(job.timestamp)} />],
                  ["Done", <Time ms={job.finishedOn === undefined ? undefined : millis(job.finishedOn)} />],
                  ["For", countText(ids.length, "payout")],
                ]}
              />
            </Section>
            <Section title="Its payouts" note="as the ledger has them now">
              {lines.length === 0 ? (
                <Empty>The ledger has none of them.</Empty>
              ) : (
                <Table caption="Payouts of the job" columns={payoutColumns} lines={lines} />
              )}
            </Section>
          </>
        ),
      }),
    );
  });
  return app;
}
