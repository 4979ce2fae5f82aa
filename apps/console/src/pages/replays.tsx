import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Child } from "hono/jsx";
import type { ReplayOrder } from "@stakebts/core/ledger/ledger";
import { endReplay, orderReplay, REPLAY_BLOCKS_MAX } from "@stakebts/core/operators/order-replay";
import { plainText } from "@stakebts/kernel/plain-text";
import { durationText, numberText } from "@stakebts/kernel/text";
import { millis } from "@stakebts/kernel/time";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { field, formOf, type Html, reasonIn } from "../form.ts";
import { frameOf } from "../page.ts";
import { CsrfField, ReasonField, TypedField } from "../view/form.tsx";
import { consolePage, type Frame } from "../view/layout.tsx";
import { cell, Empty, PageTitle, Section, Table } from "../view/table.tsx";
import { Banner, Block, Facts, Time } from "../view/values.tsx";

const REPLAYS = "/replays";
const SHOWN = 20;

/** Blocks that are read again by an ingester, and how far it is. */
export function replays(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse, clock, ledger, log } = deps;
  const page = async (frame: Frame, said?: Child): Promise<Html> => {
    const [orders, cursor, { payments }] = await Promise.all([
      browse.replays(SHOWN),
      ledger.cursor.read(),
      ledger.control.read(),
    ]);
    const shown = { orders, lastBlock: cursor?.blockNum ?? 0, paymentsOn: payments.on, nowMs: clock.nowMs() };
    return consolePage(frame, {
      title: "Replay",
      here: REPLAYS,
      live: true,
      children: <Body frame={frame} said={said} {...shown} />,
    });
  };

  const app = new Hono<ConsoleEnv>();
  app.get(REPLAYS, async (c) => c.html(await page(frameOf(c, deps))));
  app.post(REPLAYS, async (c) => {
    const frame = frameOf(c, deps);
    const form = await formOf(c);
    const given = reasonIn(form);
    const refuse = async (problem: string, status: 400 | 409 = 400) =>
      c.html(await page(frame, <Banner tone="bad">{problem}</Banner>), status);
    if ("problem" in given) return refuse(given.problem);
    const { user } = frame.session;
    const action = { id: randomUUID(), actor: user, reason: given.reason };
    const ended = field(form, "end");
    if (ended !== "") {
      if (!/^\d{1,18}$/u.test(ended)) return refuse("There is no such replay.");
      const { message, result } = await endReplay(deps, { id: BigInt(ended), action });
      log.warn("console.replay_ended", { user, replay: ended, result });
      return c.html(await page(frame, <Banner tone="good">The replay {message}.</Banner>));
    }
    const [from, to] = [blockIn(form, "from"), blockIn(form, "to")];
    if (from === undefined || to === undefined) return refuse("Two block numbers are needed.");
    if (field(form, "typed").replaceAll(/[,\s]/gu, "") !== "replay")
      return refuse("Nothing was done. Type replay to confirm.");
    const { message, result } = await orderReplay(deps, { from, to, action });
    log.warn("console.replay_ordered", { user, from, to, result });
    if (result === "refused") return refuse(`Nothing was done: ${message}.`, 409);
    return c.html(await page(frame, <Banner tone="good">The replay {message}.</Banner>));
  });
  return app;
}

const blockIn = (form: Record<string, unknown>, name: string): number | undefined => {
  const text = field(form, name).replaceAll(/[,\s]/gu, "");
  return /^[1-9]\d{0,8}$/u.test(text) ? Number(text) : undefined;
};

const blocksOf = ({ from, to }: ReplayOrder): number => to - from + 1;
const doneOf = ({ from, nextBlock }: ReplayOrder): number => nextBlock - from;

/** By how fast it was until now; `undefined` before anything is read. Host time. */
export function endsAtMs(order: ReplayOrder, nowMs: number): number | undefined {
  const done = doneOf(order);
  if (order.startedAtMs === undefined || done === 0) return undefined;
  const left = blocksOf(order) - done;
  return nowMs + Math.round(((nowMs - order.startedAtMs) / done) * left);
}

const Body = ({
  frame: { session },
  orders,
  lastBlock,
  paymentsOn,
  nowMs,
  said,
}: {
  readonly frame: Frame;
  readonly orders: readonly ReplayOrder[];
  readonly lastBlock: number;
  readonly paymentsOn: boolean;
  readonly nowMs: number;
  readonly said: Child;
}) => {
  const open = orders.find(({ endedAtMs }) => endedAtMs === undefined);
  const isOperator = session.role === "operator";
  return (
    <>
      <PageTitle title="Replay">
        Blocks that the ledger has passed are read again. What it has stays as it is; what it has missed is
        added and answered.
      </PageTitle>
      {said}
      {open === undefined ? null : (
        <Section title="Being read again">
          <Progress order={open} paymentsOn={paymentsOn} nowMs={nowMs} />
          {!isOperator ? null : (
            <details id="end">
              <summary>End it</summary>
              <form method="post" action={REPLAYS} class="stack">
                <CsrfField session={session} />
                <input type="hidden" name="end" value={`${open.id}`} />
                <ReasonField id="end-reason" />
                <button>End it here</button>
              </form>
            </details>
          )}
        </Section>
      )}
      {open !== undefined ? null : !isOperator ? (
        <p>A replay needs the role operator.</p>
      ) : (
        <Section title="Read blocks again" note={`the ledger stands at block ${lastBlock}`}>
          {paymentsOn ? (
            <Banner tone="notice">
              Payments are on. The replay waits until they are off (<a href="/freeze">Freeze</a>), so that
              nothing that it finds is paid before a person has looked at it.
            </Banner>
          ) : null}
          <form method="post" action={REPLAYS} class="stack">
            <CsrfField session={session} />
            <label for="from">First block</label>
            <input id="from" name="from" inputmode="numeric" autocomplete="off" required />
            <label for="to">Last block, at most {numberText(REPLAY_BLOCKS_MAX)} in all</label>
            <input id="to" name="to" inputmode="numeric" autocomplete="off" required />
            <ReasonField />
            <TypedField expected="replay" />
            <button>Read them again</button>
          </form>
        </Section>
      )}
      <Section title="Before" note="newest first">
        {orders.every(({ endedAtMs }) => endedAtMs === undefined) ? (
          <Empty>No blocks were read again from here.</Empty>
        ) : (
          <Table
            caption="Replays before"
            columns={[
              cell<ReplayOrder>("Blocks", ({ from, to }) => (
                <>
                  <Block blockNum={from} /> to <Block blockNum={to} />
                </>
              )),
              cell<ReplayOrder>(
                "Ordered (UTC)",
                ({ orderedAtMs }) => <Time ms={millis(orderedAtMs)} />,
                "time",
              ),
              cell<ReplayOrder>("By", ({ actor, reason }) => plainText(`${actor}: ${reason}`)),
              cell<ReplayOrder>("Added", ({ transfersAdded }) => numberText(transfersAdded), "number"),
              cell<ReplayOrder>("End", (order) =>
                order.endedBy === undefined
                  ? "all was read"
                  : plainText(`ended by ${order.endedBy} at block ${order.nextBlock}: ${order.remark ?? ""}`),
              ),
            ]}
            lines={orders.filter(({ endedAtMs }) => endedAtMs !== undefined)}
          />
        )}
      </Section>
    </>
  );
};

const Progress = ({
  order,
  paymentsOn,
  nowMs,
}: {
  readonly order: ReplayOrder;
  readonly paymentsOn: boolean;
  readonly nowMs: number;
}) => {
  const [done, all, ends] = [doneOf(order), blocksOf(order), endsAtMs(order, nowMs)];
  return (
    <>
      <p class="lead">
        {numberText(done)} of {numberText(all)} blocks,{" "}
        {paymentsOn
          ? "and it waits until payments are off."
          : ends === undefined
            ? "an ingester begins in a moment."
            : done === all
              ? "nearly over."
              : `about ${durationText(ends - nowMs)} to go.`}
      </p>
      <progress value={done} max={all} aria-label="Blocks read again">
        {numberText(done)} of {numberText(all)}
      </progress>
      <Facts
        lines={[
          [
            "Blocks",
            <>
              <Block blockNum={order.from} /> to <Block blockNum={order.to} />
            </>,
          ],
          ["Ordered by", plainText(`${order.actor}: ${order.reason}`)],
          ["Begun", <Time ms={order.startedAtMs} />],
          ["Over at about (UTC)", <Time ms={paymentsOn ? undefined : ends} />],
          ["Transfers added", numberText(order.transfersAdded)],
        ]}
      />
    </>
  );
};
