import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import { serveStatic } from "@hono/node-server/serve-static";
import { setTimeout as delay } from "node:timers/promises";
import type { Queue } from "bullmq";
import { type Context, Hono, type Next } from "hono";
import { setCookie } from "hono/cookie";
import { timeout } from "hono/timeout";
import { MONEY_QUEUE } from "@stakebts/core/queue/catalog";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";

export const QUEUES = "/queues";

/** A queue store that is away answers when it is back, and a browser asks again every few seconds. */
const WAIT_MS_MAX = 10_000;

/**
 * Bull Board behind the console's own login. Operators may let jobs of the other queues run again and nothing else; the
 * queue that pays is there to be looked at. A job is a wake-up and carries an id, so no button here could pay twice: what is
 * to be done is in the ledger, and a payout is tried again by requeueing it, where the chain is looked at first.
 */
export function queueBoard({
  queues,
  ledger,
  browse,
  log,
  origin,
}: Pick<ConsoleDeps, "queues" | "ledger" | "browse" | "log" | "origin">): Hono<ConsoleEnv> {
  const forViewers = new Hono().route(
    QUEUES,
    board(queues, () => true),
  );
  const app = new Hono<ConsoleEnv>();
  app.use(timeout(WAIT_MS_MAX));
  app.use(async (c, next) => {
    const { role, csrfToken } = c.get("session");
    if (role === "operator") await next();
    else c.res = await forViewers.fetch(c.req.raw, c.env);
    const type = c.res.headers.get("content-type") ?? "";
    if (c.req.method === "GET" && c.res.status === 200 && type.startsWith("application/json")) {
      c.res = new Response(JSON.stringify(await withPayouts(browse, await c.res.json())), c.res);
      c.res.headers.delete("content-length");
    }
    if (!type.startsWith("text/html")) return;
    c.res = new Response(withoutForeignLinks(await c.res.text()), c.res);
    // Bull Board's client sends this back in a header, as axios does by default.
    const secure = origin?.startsWith("https:") ?? false;
    setCookie(c, "XSRF-TOKEN", csrfToken, { path: QUEUES, sameSite: "Strict", secure });
  });

  const allowed = new WeakSet<Request>();
  const retry = async (c: Context<ConsoleEnv>, next: Next): Promise<Response | void> => {
    const { queue = "", ...jobs } = c.req.param() as Record<string, string>;
    if (queue === MONEY_QUEUE)
      return refuse(c, `the queue ${MONEY_QUEUE} is read-only: requeue the payout on its page instead`);
    allowed.add(c.req.raw);
    await next();
    const { user } = c.get("session");
    const { status } = c.res;
    log.info("console.jobs_retried", { queue, ...jobs, user, status });
    const details = { ...jobs, actor: user, status };
    await ledger.transaction((tx) =>
      tx.receipts.add([{ event: "console.jobs_retried", subject: `queue ${queue}`, details }]),
    );
  };
  app.put("/api/queues/:queue/:job/retry", retry);
  app.put("/api/queues/:queue/retry/:state", retry);
  app.on(["POST", "PUT", "PATCH", "DELETE"], "/*", async (c, next) => {
    if (!allowed.has(c.req.raw)) return refuse(c, "queues are not changed here: only retrying is possible");
    return next();
  });
  const isReadOnly = (queue: Queue): boolean => queue.name === MONEY_QUEUE;
  app.route("/", board(queues, isReadOnly));
  return app;

  function refuse(c: Context<ConsoleEnv>, error: string): Response {
    const { user } = c.get("session");
    log.warn("console.refused", { method: c.req.method, path: c.req.path, user, message: error });
    return c.json({ error }, 403);
  }
}

function board(queues: readonly Queue[], isReadOnly: (queue: Queue) => boolean): Hono {
  const adapter = new HonoAdapter(serveStatic).setBasePath(QUEUES);
  createBullBoard({
    queues: queues.map(
      (queue) =>
        new BullMQAdapter(queue, {
          readOnlyMode: isReadOnly(queue),
          ...(queue.name === MONEY_QUEUE ? { externalJobUrl } : {}),
        }),
    ),
    serverAdapter: adapter,
    options: {
      uiConfig: {
        boardTitle: "StakeBTS queues",
        miscLinks: [{ text: "Overview", url: "/" }],
        hideDocsLink: true,
      },
    },
  });
  return adapter.registerPlugin();
}

/** Which payouts a job wakes the payer for. */
export const payoutsOf = (data: unknown): readonly string[] => {
  const { payoutId, also } = (data ?? {}) as { payoutId?: unknown; also?: unknown };
  const ids = [payoutId, ...(Array.isArray(also) ? (also as unknown[]) : [])];
  return ids.filter((id): id is string => typeof id === "string" && UUID.test(id));
};
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;

/** The link of a job in Bull Board: to its payout, or to the list of those that it woke the payer for. */
function externalJobUrl({ id, data }: { id?: string | number | undefined | null; data: unknown }) {
  const [one, ...others] = payoutsOf(data);
  if (one !== undefined && others.length === 0) return { displayText: "Payout", href: `/payouts/${one}` };
  return { displayText: "Payouts", href: `/jobs/${encodeURIComponent(`${id ?? ""}`)}` };
}

/** Of one job, in Bull Board; the job's own page has all. */
const SHOWN_PAYOUTS_MAX = 20;

/** A job carries ids. People look for keys, and for what came of them: as the ledger has it now, with where to read on. */
async function withPayouts(
  browse: Pick<ConsoleDeps["browse"], "payoutsNamed">,
  answer: unknown,
): Promise<unknown> {
  const { queues, job } = answer as { queues?: { jobs?: ShownJob[] }[]; job?: ShownJob };
  const jobs = [...(queues ?? []).flatMap((queue) => queue.jobs ?? []), ...(job === undefined ? [] : [job])];
  const shown = new Map(jobs.map((one) => [one, payoutsOf(one.data).slice(0, SHOWN_PAYOUTS_MAX)]));
  const ids = [...new Set([...shown.values()].flat())];
  if (ids.length === 0) return answer;
  const lines = new Map((await browse.payoutsNamed(ids)).map((line) => [line.id as string, line]));
  for (const [one, own] of shown) {
    if (own.length === 0) continue;
    const more = payoutsOf(one.data).length - own.length;
    one.data = {
      ...(one.data as object),
      payouts: own.map((id) => {
        const line = lines.get(id);
        return line === undefined
          ? "not in the ledger"
          : `${line.key}: ${line.amount} BTS to ${line.payee}, ${line.status} (/payouts/${line.key})`;
      }),
      ...(more > 0 ? { more } : {}),
    };
  }
  return answer;
}

interface ShownJob {
  data: unknown;
}

/** Bull Board asks another host for fonts; every machine has others. */
const withoutForeignLinks = (page: string): string => page.replace(/<link\s[^>]*href="https?:[^>]*>/gu, "");

/** A queue store that is away answers when it is back; a page does not wait for that. */
const COUNT_MS_MAX = 1_000;

export interface QueueCounts {
  readonly name: string;
  /** `undefined`: the store did not answer. */
  readonly counts:
    | { readonly waiting: number; readonly active: number; readonly delayed: number; readonly failed: number }
    | undefined;
}

export const queueCounts = (queues: readonly Queue[]): Promise<readonly QueueCounts[]> =>
  Promise.all(queues.map(async (queue) => ({ name: queue.name, counts: await countsOf(queue) })));

async function countsOf(queue: Queue): Promise<QueueCounts["counts"]> {
  const counted = queue
    .getJobCounts("waiting", "prioritized", "active", "delayed", "failed")
    .catch(() => undefined);
  const counts = await Promise.race([counted, delay(COUNT_MS_MAX, undefined, { ref: false })]);
  if (counts === undefined) return undefined;
  const count = (...states: readonly string[]): number =>
    states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  return {
    waiting: count("waiting", "prioritized"),
    active: count("active"),
    delayed: count("delayed"),
    failed: count("failed"),
  };
}

export interface PayoutJob {
  readonly queue: string;
  readonly id: string;
  readonly state: string;
}

/** Newest jobs of each state that are looked through. */
const LOOKED_AT_MAX = 200;

/** The jobs of one payout that the queue remembers; `undefined` when its store does not answer. */
export async function jobsOfPayout(
  queues: readonly Queue[],
  payoutId: string,
): Promise<readonly PayoutJob[] | undefined> {
  const queue = queues.find(({ name }) => name === MONEY_QUEUE);
  if (queue === undefined) return [];
  const states = ["active", "waiting", "prioritized", "delayed", "failed", "completed"] as const;
  const found = Promise.all(
    states.map(async (state) => {
      const jobs = await queue.getJobs([state], 0, LOOKED_AT_MAX - 1);
      return jobs.flatMap((job) =>
        payoutsOf(job?.data).includes(payoutId) && job.id !== undefined
          ? [{ queue: queue.name, id: job.id, state }]
          : [],
      );
    }),
  )
    .then((lists) => lists.flat())
    .catch(() => undefined);
  return Promise.race([found, delay(COUNT_MS_MAX, undefined, { ref: false })]);
}
