import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import type { OperatorAction, PayoutAnswer } from "@stakebts/core/ledger/operator-action";
import type { PayoutLine } from "@stakebts/core/ledger/view";
import { approvePayout } from "@stakebts/core/limits/approve-payout";
import type { PayoutLife } from "@stakebts/core/operators/browse/payout-life";
import type { PayoutSearch } from "@stakebts/core/operators/browse/payouts";
import { askToCancel, cancelPayout } from "@stakebts/core/operators/cancel-payout";
import { pathTo } from "@stakebts/core/operators/console-paths";
import { payoutTone } from "@stakebts/core/operators/lists";
import { holdPayout } from "@stakebts/core/operators/hold-payout";
import { actionsOn, type PayoutAction } from "@stakebts/core/operators/next-step";
import { ledgerCaughtUp } from "@stakebts/core/operators/payment-evidence";
import { requeuePayout } from "@stakebts/core/operators/requeue-payout";
import { PAYOUT_KINDS, type PayoutStatus } from "@stakebts/core/rules/payout";
import { plainText } from "@stakebts/kernel/plain-text";
import { btsText, countText, NOTHING, numberText } from "@stakebts/kernel/text";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { field, formOf, type Html, reasonIn } from "../form.ts";
import { amountIn, dayEndIn, dayIn, frameOf, someIn, textIn, urlOf } from "../page.ts";
import { CsrfField, ReasonField, TypedField } from "../view/form.tsx";
import { consolePage, type Frame } from "../view/layout.tsx";
import { cell, Empty, PageTitle, Section, Table } from "../view/table.tsx";
import { Account, Banner, Bts, Facts, Payout, Status, Time, Transaction } from "../view/values.tsx";
import { noSuchPage } from "./not-found.tsx";
import { payoutIdOf, stateOf } from "./payout-state.ts";

/** The ingester is a block or two behind the chain; it gets this long to be no further behind than that. */
const CATCH_UP_MS_MAX = 15_000;
/** At once, from one page. */
const MANY_MAX = 200;

/** A decision about one payout, by the same service as the command line, with who and why. */
interface Decision {
  readonly title: string;
  readonly question: string;
  readonly notPossible: string;
  readonly explanation: string;
  /** It moves money, or takes a debt back: the amount is typed. */
  readonly typed: boolean;
  /** Said on the button before amount and payee. */
  readonly button: string;
  readonly carryOut: (deps: ConsoleDeps, payout: PayoutLife, action: OperatorAction) => Promise<PayoutAnswer>;
}

const DECISIONS: Readonly<Record<PayoutAction, Decision>> = {
  requeue: {
    title: "Requeue",
    question: "Requeue this payout?",
    notPossible: "This payout cannot be requeued now",
    explanation:
      "The payer makes one more attempt. The chain is looked at first: a payout that turns out to be paid is confirmed and not paid again, one that may still reach the chain is left alone, and while the ledger is behind nothing is requeued.",
    typed: true,
    button: "Requeue",
    carryOut: async (deps, { id }, action) => {
      const ledger = await ledgerCaughtUp(deps, CATCH_UP_MS_MAX);
      const answer = await requeuePayout(deps, { id, verb: "requeue", action, ledger });
      if (answer.result !== "done") await noteNotDone(deps, answer, action);
      return answer;
    },
  },
  release: {
    title: "Release",
    question: "Give this payout back to the payer?",
    notPossible: "This payout cannot be released now",
    explanation:
      "The payer makes one more attempt, as after a requeue. It ends what was asked for: a cancellation has to be asked for again.",
    typed: true,
    button: "Release",
    carryOut: async (deps, { id }, action) => {
      const ledger = await ledgerCaughtUp(deps, CATCH_UP_MS_MAX);
      const answer = await requeuePayout(deps, { id, verb: "release", action, ledger });
      if (answer.result !== "done") await noteNotDone(deps, answer, action);
      return answer;
    },
  },
  hold: {
    title: "Hold",
    question: "Keep this payout from being paid?",
    notPossible: "This payout cannot be held now",
    explanation:
      "The payer leaves it alone until an operator releases it. What is signed already cannot be held. To stop everything at once, freeze.",
    typed: false,
    button: "Hold",
    carryOut: (deps, { id }, action) => holdPayout(deps, { id, action }),
  },
  "ask-to-cancel": {
    title: "Ask to cancel",
    question: "Ask to cancel this payout for good?",
    notPossible: "The cancellation of this payout cannot be asked for now",
    explanation:
      "It is held from now on, and people are told. A second person may cancel it an hour later, and it is never paid then. Until then, releasing it ends this.",
    typed: false,
    button: "Ask to cancel",
    carryOut: (deps, { id }, action) => askToCancel(deps, { id, action }),
  },
  cancel: {
    title: "Cancel",
    question: "Cancel this payout for good?",
    notPossible: "This payout cannot be cancelled now",
    explanation:
      "This is final: it is never paid. The chain is looked at first, and nothing is cancelled that may have been paid. The rows of a reward or a base amount stay open until a stop settles them; those of a stop are due on their own day again.",
    typed: true,
    button: "Cancel",
    carryOut: async (deps, { id }, action) => {
      const ledger = await ledgerCaughtUp(deps, CATCH_UP_MS_MAX);
      return cancelPayout(deps, { id, action, ledger, secondPerson: true });
    },
  },
  /** A second person lets a payout go that a limit holds. */
  approve: {
    title: "Approve",
    question: "Let this payout go?",
    notPossible: "This payout does not wait for an approval",
    explanation:
      "It is held because it is large. The approval is good for this payee, this amount and every attempt. A person who has requeued or released it cannot approve it.",
    typed: true,
    button: "Approve",
    carryOut: (deps, { id }, action) => approvePayout(deps, { id, action }),
  },
};

/** What was done has its receipt from the service; what was wanted and not done gets this one. */
async function noteNotDone(
  { ledger }: Pick<ConsoleDeps, "ledger">,
  { payout, result, message }: PayoutAnswer,
  { actor, reason, id }: OperatorAction,
): Promise<void> {
  const details = { result, message, actor, reason, action: id };
  await ledger.transaction((tx) =>
    tx.receipts.add([{ event: "console.requeue_not_done", subject: payout, details }]),
  );
}

/** What a person types to say that this is what he means. */
const typedOf = ({ amount }: { readonly amount: bigint }): string => `${amount}`;
const isTyped = (form: Record<string, unknown>, expected: string): boolean =>
  field(form, "typed").replaceAll(/[,\s]/gu, "") === expected;

export function payoutDecisions(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { browse, ledger, log } = deps;
  const lifeOf = async (text: string): Promise<PayoutLife | undefined> => {
    const id = payoutIdOf(text);
    return id === undefined ? undefined : browse.payout(id);
  };

  const app = new Hono<ConsoleEnv>();
  requeueMany(app, deps);
  for (const [name, decision] of Object.entries(DECISIONS)) {
    const action = name as PayoutAction;
    const path = `/payouts/:payout/${action}`;
    const asked = (frame: Frame, payout: PayoutLife, problem?: string): Html =>
      consolePage(frame, {
        title: `${decision.title} ${payout.key}`,
        here: "/payouts",
        children: (
          <Question decision={decision} action={action} payout={payout} frame={frame} problem={problem} />
        ),
      });
    app.get(path, async (c) => {
      const payout = await lifeOf(c.req.param("payout") ?? "");
      const frame = frameOf(c, deps);
      if (payout === undefined) return c.html(noSuchPage(frame, "payout", "/payouts"), 404);
      return c.html(asked(frame, payout));
    });
    app.post(path, async (c) => {
      const payout = await lifeOf(c.req.param("payout") ?? "");
      const frame = frameOf(c, deps);
      if (payout === undefined) return c.html(noSuchPage(frame, "payout", "/payouts"), 404);
      const form = await formOf(c);
      const given = reasonIn(form);
      if ("problem" in given) return c.html(asked(frame, payout, given.problem), 400);
      if (decision.typed && !isTyped(form, typedOf(payout)))
        return c.html(asked(frame, payout, `Nothing was done. Type ${typedOf(payout)} to confirm.`), 400);
      const { user } = frame.session;
      const answer = await decision.carryOut(deps, payout, {
        id: randomUUID(),
        actor: user,
        reason: given.reason,
      });
      log.info(`console.${action}`, { payout: payout.key, user, result: answer.result });
      const { payments } = await ledger.control.read();
      const offBecause = payments.on ? undefined : payments.reason;
      return c.html(
        consolePage(frame, {
          title: decision.title,
          here: "/payouts",
          children: <Outcome payout={payout} answer={answer} offBecause={offBecause} />,
        }),
        answer.result === "refused" ? 409 : 200,
      );
    });
  }
  return app;
}

const PayoutFacts = ({ payout }: { readonly payout: PayoutLife }) => (
  <Facts
    lines={[
      ["Payout", <Payout payoutKey={payout.key} />],
      ["Payee", <Account name={payout.payee} />],
      ["Amount", <Bts amount={payout.amount} />],
      ["Due", <Time ms={payout.dueMs} />],
      ["Status", <Status text={payout.status} tone={payoutTone(payout.status)} />],
      ["Reason", plainText(payout.reason ?? NOTHING)],
      ["Attempts", String(payout.attempts)],
      ...payout.approvals.map(
        ({ approver, reason }) => ["Approved", plainText(`by ${approver}: ${reason}`)] as const,
      ),
      ...payout.cancelAsked.map(
        ({ actor, reason }) => ["To be cancelled", plainText(`says ${actor}: ${reason}`)] as const,
      ),
      ...payout.withdrawals.map(
        ({ txid, status }) =>
          [
            "Transaction",
            <>
              <Transaction txid={txid} /> {status}
            </>,
          ] as const,
      ),
    ]}
  />
);

const Question = ({
  decision,
  action,
  payout,
  frame,
  problem,
}: {
  readonly decision: Decision;
  readonly action: PayoutAction;
  readonly payout: PayoutLife;
  readonly frame: Frame;
  readonly problem: string | undefined;
}) => {
  const { session } = frame;
  const whyNot = actionsOn(stateOf(payout), { name: session.user, role: session.role }).find(
    (one) => one.action === action,
  )?.whyNot;
  return (
    <div class="column">
      <h1>{whyNot === undefined ? decision.question : decision.notPossible}</h1>
      <section>
        <PayoutFacts payout={payout} />
      </section>
      {whyNot !== undefined ? (
        <p>It {whyNot.replace(/^it /u, "")}.</p>
      ) : (
        <>
          <p>{decision.explanation}</p>
          {problem === undefined ? null : <Banner tone="bad">{problem}</Banner>}
          <form method="post" action={`${pathTo.payout(payout.key)}/${action}`} class="stack">
            <CsrfField session={session} />
            <ReasonField autofocus />
            {decision.typed ? <TypedField expected={typedOf(payout)} /> : null}
            <button>
              {decision.button} {btsText(payout.amount)} to {payout.payee}
            </button>
          </form>
        </>
      )}
      <p>
        <a href={pathTo.payout(payout.key)}>Back to the payout</a>
      </p>
    </div>
  );
};

const TITLES = { done: "Done", unchanged: "Nothing to do", refused: "Refused" } as const;

const Outcome = ({
  payout,
  answer,
  offBecause,
}: {
  readonly payout: PayoutLife;
  readonly answer: PayoutAnswer;
  readonly offBecause: string | undefined;
}) => (
  <div class="column">
    <h1>{TITLES[answer.result]}</h1>
    <div class={`banner ${answer.result === "refused" ? "bad" : "good"}`} role="status">
      <code>{payout.key}</code>: {plainText(answer.message)}
    </div>
    {answer.todo === undefined ? null : <p>{answer.todo}</p>}
    {offBecause !== undefined && answer.status === "ready" ? (
      <Banner tone="bad">Payments are off ({offBecause}): nothing is paid until they are on.</Banner>
    ) : null}
    <p>
      <a href={pathTo.payout(payout.key)}>Back to the payout</a> · <a href="/">Overview</a>
    </p>
  </div>
);

type Previewed = PayoutAnswer & { readonly line: PayoutLine };

const STOPPED: readonly PayoutStatus[] = ["failed", "held"];

/** All that failed or is held of a filtered list: what would become of each is shown first. */
function requeueMany(app: Hono<ConsoleEnv>, deps: ConsoleDeps): void {
  const { browse, log } = deps;
  const searchOf = (c: Context<ConsoleEnv>): PayoutSearch => ({
    statuses: someIn(c, "status", STOPPED) ?? STOPPED,
    kinds: someIn(c, "kind", PAYOUT_KINDS),
    payee: textIn(c, "payee"),
    dueFromMs: dayIn(c, "from"),
    dueToMs: dayEndIn(c, "to"),
    amountFrom: amountIn(c, "min"),
    amountTo: amountIn(c, "max"),
  });
  const preview = async (c: Context<ConsoleEnv>, problem?: string): Promise<Html> => {
    const frame = frameOf(c, deps);
    const search = searchOf(c);
    const [page, sum] = await Promise.all([
      browse.payouts(search, { limit: MANY_MAX }),
      browse.sumPayouts(search, MANY_MAX),
    ]);
    const action = { id: randomUUID(), actor: frame.session.user, reason: "preview" };
    const caughtUp = await ledgerCaughtUp(deps, 0);
    const lines: Previewed[] = [];
    for (const line of page.items)
      lines.push({
        ...(await requeuePayout(deps, {
          id: line.id,
          verb: "requeue",
          action,
          ledger: caughtUp,
          dryRun: true,
        })),
        line,
      });
    const possible = lines.filter(({ result }) => result === "done");
    const total = possible.reduce((all, { line }) => all + line.amount, 0n);
    return consolePage(frame, {
      title: "Requeue several",
      here: "/payouts",
      children: (
        <>
          <PageTitle title="Requeue several payouts">
            {countText(possible.length, "payout")} of <Bts amount={total} />
          </PageTitle>
          {problem === undefined ? null : <Banner tone="bad">{problem}</Banner>}
          {sum.more ? (
            <Banner tone="notice">
              There are more: the newest {numberText(MANY_MAX)} are shown and done. Repeat it for the rest, or
              choose fewer by a filter.
            </Banner>
          ) : null}
          <Section title="What would happen" note="nothing has been done yet">
            {lines.length === 0 ? (
              <Empty>Nothing of this filter failed or is held.</Empty>
            ) : (
              <Table
                caption="What would happen"
                columns={[
                  cell<Previewed>("Payout", ({ line }) => <Payout payoutKey={line.key} />, "id"),
                  cell<Previewed>("Payee", ({ line }) => <Account name={line.payee} />),
                  cell<Previewed>("BTS", ({ line }) => numberText(line.amount), "number"),
                  cell<Previewed>("Reason", ({ line }) => plainText(line.reason ?? "")),
                  cell<Previewed>("Would be", ({ result, message }) => (
                    <>
                      <Status
                        text={result === "done" ? "requeued" : result}
                        tone={result === "done" ? "good" : result === "refused" ? "bad" : undefined}
                      />{" "}
                      {plainText(message)}
                    </>
                  )),
                ]}
                lines={lines}
              />
            )}
          </Section>
          {possible.length === 0 ? null : (
            <form method="post" action={`/payouts/requeue${urlOf(c).search}`} class="stack">
              <CsrfField session={frame.session} />
              <ReasonField />
              <TypedField expected={`${total}`} />
              <button>
                Requeue {countText(possible.length, "payout")} of {btsText(total)}
              </button>
            </form>
          )}
          <p>
            <a href={`/payouts${urlOf(c).search}`}>Back to the list</a>
          </p>
        </>
      ),
    });
  };
  app.get("/payouts/requeue", async (c) => c.html(await preview(c)));
  app.post("/payouts/requeue", async (c) => {
    const form = await formOf(c);
    const given = reasonIn(form);
    if ("problem" in given) return c.html(await preview(c, given.problem), 400);
    const frame = frameOf(c, deps);
    const page = await browse.payouts(searchOf(c), { limit: MANY_MAX });
    const { user } = frame.session;
    const action = { id: randomUUID(), actor: user, reason: given.reason };
    const ledger = await ledgerCaughtUp(deps, CATCH_UP_MS_MAX);
    const wanted: PayoutLine[] = [];
    for (const line of page.items) {
      const dry = await requeuePayout(deps, { id: line.id, verb: "requeue", action, ledger, dryRun: true });
      if (dry.result === "done") wanted.push(line);
    }
    const total = wanted.reduce((all, { amount }) => all + amount, 0n);
    // What was shown is what is done: a set that has grown meanwhile has another sum.
    if (!isTyped(form, `${total}`))
      return c.html(
        await preview(c, `Nothing was done. Type ${total} to confirm; the set may have changed meanwhile.`),
        400,
      );
    const answers: PayoutAnswer[] = [];
    for (const { id } of wanted)
      answers.push(await requeuePayout(deps, { id, verb: "requeue", action, ledger }));
    const done = answers.filter(({ result }) => result === "done").length;
    log.info("console.requeue_many", { user, wanted: wanted.length, done });
    return c.html(
      consolePage(frame, {
        title: "Requeue several",
        here: "/payouts",
        children: (
          <>
            <h1>Done</h1>
            <Banner tone={done === answers.length ? "good" : "notice"}>
              {countText(done, "payout")} of {numberText(answers.length)} requeued.
            </Banner>
            <Section title="Each of them">
              <Table
                caption="What became of each"
                columns={[
                  cell<PayoutAnswer>("Payout", ({ payout }) => <Payout payoutKey={payout} />, "id"),
                  cell<PayoutAnswer>("Result", ({ result, message }) => (
                    <>
                      <Status text={result} tone={result === "done" ? "good" : "bad"} /> {plainText(message)}
                    </>
                  )),
                ]}
                lines={answers}
              />
            </Section>
            <p>
              <a href={`/payouts${urlOf(c).search}`}>Back to the list</a>
            </p>
          </>
        ),
      }),
    );
  });
}
