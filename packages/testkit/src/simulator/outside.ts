import { shares, toShares } from "@stakebts/kernel/amount";
import type { PayoutId } from "@stakebts/core/rules/payout";
import { cancelPayout } from "@stakebts/core/operators/cancel-payout";
import { giveUpTopUp } from "@stakebts/core/operators/give-up-top-up";
import { holdPayout } from "@stakebts/core/operators/hold-payout";
import { ledgerCaughtUp } from "@stakebts/core/operators/payment-evidence";
import type { OperatorAction } from "@stakebts/core/ledger/operator-action";
import { requeuePayout } from "@stakebts/core/operators/requeue-payout";
import { switchPayments } from "@stakebts/core/limits/switch-payments";
import type { Intention } from "./auditor.ts";
import { MEMO_KEY } from "./fake-keys.ts";
import { keepAlive, rebuilder } from "./processes.ts";
import type { ProcessRun } from "./event-loop.ts";
import type { Safeguard } from "./safeguards.ts";
import { CUSTODIAN, EXCHANGE, MANAGER, type Simulation } from "./simulation.ts";

// All that is not the product: the chain, its nodes, the exchange, nominators and managers, operators, and the restore of
// a backup.

const BLOCK_MS = 3_000;
const SHARES = 100_000n;

/** Does something now and then, until the faults end. */
function nowAndThen(simulation: Simulation, { everyMs }: { everyMs: number }, act: () => void): void {
  const again = (): void =>
    simulation.eventLoop.after(simulation.prng.next() * 2 * everyMs, () => {
      if (simulation.isOver) return;
      act();
      again();
    });
  again();
}

export function startChain(simulation: Simulation): void {
  const { chain, prng, eventLoop } = simulation;
  let lag = prng.int(1, 8);
  const next = (): void => {
    const { faultProfile } = simulation;
    if (prng.chance(faultProfile.forks)) {
      const { head, irreversibleBlockNum } = chain;
      chain.fork(prng.int(1, Math.max(1, head.blockNum - irreversibleBlockNum)));
      eventLoop.note("chain", `forks after block ${chain.head.blockNum}`);
      for (const { txid, expirationMs } of chain.pending)
        if (expirationMs !== undefined && prng.chance(0.3)) chain.forget(txid);
    }
    const congestion = simulation.isOver ? 0 : 0.2;
    const timeMs = Math.max(
      chain.head.timeMs + BLOCK_MS,
      Math.floor(simulation.chainNowMs / BLOCK_MS) * BLOCK_MS,
    );
    const block = chain.produce(timeMs, () => !prng.chance(congestion));
    for (const { txid, toId } of block.transactions)
      eventLoop.note("chain", `block ${block.blockNum} holds ${txid.slice(0, 8)} to ${toId}`);
    if (simulation.isOver) lag = Math.min(lag, 4);
    else if (prng.chance(0.05)) lag = prng.int(1, 20);
    const before = chain.irreversibleBlockNum;
    chain.makeIrreversible(chain.head.blockNum - lag);
    for (let num = before + 1; num <= chain.irreversibleBlockNum; num++)
      for (const { toId, amount } of chain.block(num)?.transactions ?? [])
        if (toId === EXCHANGE) simulation.exchange.deposit(amount);
    eventLoop.after(BLOCK_MS, next);
  };
  next();
  // Months pass while the chain stands still, and fees change.
  const monthMs = simulation.policy.terms.monthMs;
  nowAndThen(simulation, { everyMs: 120_000 }, () => {
    const kind = prng.next();
    if (kind < 0.4) simulation.chainAheadMs += Math.floor(prng.next() * 2 * monthMs);
    else if (kind < 0.5) chain.feeShares = BigInt(prng.int(500, 5_000));
    else if (kind < 0.8) simulation.nodes.lags = Array.from({ length: prng.int(1, 4) }, () => prng.int(0, 3));
    else if (kind < 0.9) simulation.nodes.lags = [prng.int(0, 30), prng.int(0, 30)];
    else simulation.hostSkewMs = prng.pick([0, -7_200_000, 3_600_000, 60_000]);
  });
}

const MEMOS: readonly { readonly memo: string; readonly means: Intention }[] = [
  { memo: "three_months", means: { type: "open", months: 3 } },
  { memo: "three_months", means: { type: "open", months: 3 } },
  { memo: '{"type":"six_months"}', means: { type: "open", months: 6 } },
  { memo: " 'twelve_months' ", means: { type: "open", months: 12 } },
  { memo: "stop", means: { type: "stop" } },
  { memo: "stop", means: { type: "stop" } },
  { memo: '"stop"', means: { type: "stop" } },
  { memo: '"si x_ mon ths"', means: { type: "open", months: 6 } },
  { memo: "Three_Months", means: { type: "nonsense" } },
  { memo: "stop please", means: { type: "nonsense" } },
  { memo: '{"type":"loan_to_bmg"}', means: { type: "loan" } },
];

export function startNominators(simulation: Simulation): void {
  const { prng, nominators } = simulation;
  let left = prng.int(4, 16);
  nowAndThen(simulation, { everyMs: prng.pick([10_000, 45_000]) }, () => {
    if (left-- <= 0) return;
    const { id } = prng.pick(nominators);
    const { memo, means } = prng.pick(MEMOS);
    const amount =
      means.type === "open"
        ? BigInt(prng.pick([25_000, 25_000, 50_000, 100_000, 25_001])) * SHARES + BigInt(prng.int(0, 99_999))
        : BigInt(prng.pick([1, 3, 55, 60, 61, 500])) * SHARES;
    const oddity = prng.next();
    if (oddity < 0.05)
      simulation.sendByOthers(id, amount, { memo, means: { type: "nonsense" }, assetId: "1.3.7" });
    else if (oddity < 0.1)
      simulation.sendByOthers(id, amount, { isUnreadable: oddity < 0.07, means: { type: "nonsense" } });
    else simulation.sendByOthers(id, amount, { memo, means });
  });
  // Accounts with several signatures pay by proposals. What they ask for does not depend on what comes first.
  nowAndThen(simulation, { everyMs: 150_000 }, () =>
    simulation.sendByOthers(prng.pick(nominators).id, BigInt(prng.int(61, 500)) * SHARES, {
      memo: "from the board",
      means: { type: "nonsense" },
      isProposed: true,
    }),
  );
  // What nominators send, managers put to work elsewhere: the hot wallet is rarely full.
  nowAndThen(simulation, { everyMs: prng.pick([40_000, 200_000]) }, () => {
    const amountBts = prng.pick([400, 401, 1_000, 20_000, 50_000, 90_000]);
    const order = (type: string) => JSON.stringify({ type, amount: amountBts, api: 1 });
    const kind = prng.next();
    if (kind < 0.6)
      simulation.sendByOthers(MANAGER, SHARES, {
        memo: order("bmg_to_bittrex"),
        means: { type: "order", depositBts: amountBts > 400 ? BigInt(amountBts) : undefined },
      });
    else if (kind < 0.8)
      simulation.sendByOthers(MANAGER, SHARES, {
        memo: order("bittrex_to_bmg"),
        means: { type: "order", depositBts: undefined },
      });
    else
      simulation.sendByOthers(MANAGER, BigInt(prng.int(100, 5_000)) * SHARES, {
        memo: "loan_to_bmg",
        means: { type: "loan" },
      });
  });
}

/** Without the safeguard of its key a thief robs the custodian, once; without that of a login, one of the custodian's creditors. */
export function startThief(simulation: Simulation): void {
  if (simulation.without === "login-kept" || simulation.without === "settlement-check")
    startForger(simulation);
  if (simulation.without !== "key-kept") return;
  simulation.eventLoop.after(simulation.prng.int(60_000, 240_000), () =>
    simulation.sendByOthers(CUSTODIAN, SHARES, {
      to: simulation.prng.pick(simulation.nominators).id,
      means: { type: "nonsense" },
    }),
  );
}

const KEY_SAFEGUARDS = [
  "memo-key",
  "common-cause",
  "authority-check",
] as const satisfies readonly Safeguard[];

/**
 * The custodian's keys are changed, in any order: on the chain, and with his processes, from which an older one may be taken too
 * early. And for a while every node refuses every transaction.
 */
export function startRotations(simulation: Simulation): void {
  const { prng, keys, chain, eventLoop, nodes, without } = simulation;
  // Without another safeguard nothing shall hide that it is missing.
  if (without !== undefined && !(KEY_SAFEGUARDS as readonly string[]).includes(without)) return;
  if (!prng.chance(0.5)) return;
  let number = 1;
  /** Made, and not on the chain yet. */
  const made: { memo?: string | undefined; active?: string | undefined } = {};
  nowAndThen(simulation, { everyMs: prng.pick([60_000, 200_000]) }, () => {
    const kind = prng.int(0, 7);
    if (kind === 0) made.memo ??= `${MEMO_KEY} ${++number}`;
    if (kind === 1) made.active ??= `custodian key ${++number}`;
    if (kind === 2 && made.memo !== undefined) {
      keys.memo = made.memo;
      keys.memoEver = [...keys.memoEver, made.memo];
      chain.giveMemoKey(made.memo);
      eventLoop.note("custodian", `has the memo key ${made.memo}`);
      made.memo = undefined;
    }
    if (kind === 3 && made.active !== undefined) {
      keys.active = made.active;
      keys.activeChangedAtMs = eventLoop.nowMs;
      chain.activeKeys.set(CUSTODIAN, made.active);
      eventLoop.note("custodian", `has the active key ${made.active}`);
      made.active = undefined;
    }
    const newest = made.memo === undefined ? [] : [made.memo];
    if (kind === 4) simulation.giveKeys({ memo: [...newest, ...simulation.everyMemoKey] });
    if (kind === 5 && !simulation.hasLostLedger) simulation.giveKeys({ memo: [...newest, keys.memo] });
    if (kind === 6) simulation.giveKeys({ active: made.active ?? keys.active });
    if (kind === 7) {
      nodes.refusesAll = prng.pick(["other", "node_cannot_broadcast", "insufficient_fee"] as const);
      eventLoop.note("nodes", `refuse everything: ${nodes.refusesAll}`);
      eventLoop.after(prng.next() * 600_000, () => (nodes.refusesAll = undefined));
    }
  });
}

/** With the login of an ingester: an invented transfer pays a debt, once. */
function startForger(simulation: Simulation): void {
  const { ledger, eventLoop, prng } = simulation;
  const forge = async (): Promise<void> => {
    const { cursor, payouts } = ledger.contents;
    const open = [...payouts.values()].filter(({ status }) => status === "due" || status === "ready");
    if (cursor === undefined || open.length === 0) {
      eventLoop.after(5_000, () => void forge());
      return;
    }
    const { id, key, payee, amount } = prng.pick(open);
    eventLoop.note("thief", `calls ${key} paid`);
    const by = { blockNum: cursor.blockNum, trxInBlock: 99, opInTrx: 0 };
    await ledger.transaction(async (tx) => {
      await tx.transfers.insert([
        {
          operation: by,
          blockTimeMs: cursor.blockTimeMs,
          direction: "out",
          txid: undefined,
          sender: "custodian",
          receiver: payee,
          senderIsLifetimeMember: false,
          amount: toShares(amount),
          assetId: "1.3.0",
          fee: shares(1_000n),
          memoStatus: "text",
          memoText: undefined,
          request: undefined,
          payoutKey: key,
          memoNonce: undefined,
          isReplayed: false,
        },
      ]);
      await tx.payouts.confirm([{ payoutId: id, by }]);
    });
  };
  eventLoop.after(prng.int(60_000, 240_000), () => void forge());
}

/** What the exchange has accepted it sends, keeps or cancels, sooner or later. */
export function startExchange(simulation: Simulation): void {
  const { exchange, prng } = simulation;
  const again = (): void => simulation.eventLoop.after(prng.next() * 60_000, settle);
  const settle = (): void => {
    const pending = exchange.withdrawals.filter(({ state }) => state === "pending");
    const isFair = simulation.isOver || !prng.chance(simulation.faultProfile.exchange);
    const end = isFair ? "completed" : prng.pick(["completed", "cancelled", "stuck"] as const);
    if (pending.length > 0) {
      exchange.settle(end);
      simulation.eventLoop.note("exchange", `${pending.length} withdrawal(s) ${end}`);
      if (end === "completed")
        for (const { amountShares, memo } of pending)
          simulation.sendByOthers(EXCHANGE, amountShares, {
            ...(memo === undefined || (!isFair && prng.chance(0.3)) ? {} : { memo }),
            means: { type: "treasury" },
          });
    }
    if (!simulation.isOver && prng.chance(simulation.faultProfile.exchange)) {
      const kind = prng.int(0, 4);
      if (kind === 0) exchange.loseAnswers(prng.int(1, 2));
      else if (kind === 1) exchange.loseRequests(prng.int(1, 2));
      else if (kind === 2) exchange.failFinds(prng.int(1, 3));
      else if (kind === 3)
        exchange.refuseNext({
          reason: prng.pick(["throttled", "other", "insufficient_funds"]),
          permanent: false,
        });
      else exchange.closeWithdrawals(prng.chance(0.5));
    }
    again();
  };
  again();
}

/** An operator who types commands at bad moments. */
export async function operator(simulation: Simulation, run: ProcessRun): Promise<void> {
  const { prng, eventLoop } = simulation;
  const clock = simulation.hostClock(run);
  for (let number = 1; !simulation.isOver; number++) {
    await eventLoop.pause(run, prng.next() * 60_000);
    if (simulation.isOver) return;
    const action: OperatorAction = {
      id: `${eventLoop.nowMs}-${number}`,
      actor: "operator",
      reason: "the simulator wants it",
    };
    await command(simulation, run, { action, clock }).catch((error: unknown) =>
      eventLoop.note(run.process, `gives up: ${String(error)}`),
    );
  }
}

async function command(
  simulation: Simulation,
  run: ProcessRun,
  { action, clock }: { action: OperatorAction; clock: ReturnType<Simulation["hostClock"]> },
): Promise<void> {
  const { prng } = simulation;
  const ledger = simulation.ledgerPort(run);
  const chain = simulation.nodes;
  const payouts = [...simulation.ledger.contents.payouts.values()];
  const topUps = [...simulation.ledger.contents.topUps.values()];
  const kind = prng.int(0, 7);
  if (kind === 0) return void (await switchPayments({ ledger }, { on: false, action }));
  if (kind === 1 || kind === 2) return void (await switchPayments({ ledger }, { on: true, action }));
  if (kind === 3 && topUps.length > 0)
    return void (await giveUpTopUp({ ledger }, { id: prng.pick(topUps).id, action }));
  if (kind === 4) return simulation.queue.flush();
  if (payouts.length === 0) return;
  const { id, key, kind: debt, payee: payeeName } = prng.pick(payouts);
  if (prng.chance(0.3)) return void (await holdPayout({ ledger }, { id, action }));
  const caughtUp = await ledgerCaughtUp({ ledger, chain, clock }, 2_000);
  if (prng.chance(0.5))
    return void (await requeuePayout(
      { ledger },
      { id, action, verb: prng.chance(0.5) ? "requeue" : "release", ledger: caughtUp },
    ));
  const isPrincipal = debt === "base" || debt === "stop";
  // A ledger that has forgotten this owes the principal again, though a later stop may have returned it: known, and left
  // to people (ADR 0012, docs/simulator.md).
  if (isPrincipal && simulation.restoresToCome > 0) return;
  simulation.cancelled.add(key);
  const payee = simulation.accounts.find(({ name }) => name === payeeName);
  if (isPrincipal && payee !== undefined) simulation.handled.add(payee.id);
  await cancelPayout({ ledger }, { id, action, ledger: caughtUp });
}

/** An operator types the command, again and again until it says that it is done. */
function rebuild(simulation: Simulation): void {
  if (simulation.isBeingRebuilt) return; // The one who is at it begins again.
  simulation.isBeingRebuilt = true;
  keepAlive(
    simulation,
    "rebuild",
    (run) => rebuilder(simulation, run),
    () => simulation.isBeingRebuilt,
  );
}

/**
 * A backup now and then, and one of them comes back; or none does, and everything is read from the chain again, by
 * ingesters or by the command.
 */
export function startBackups(simulation: Simulation): void {
  const { prng, eventLoop, ledger } = simulation;
  const empty = ledger.backup();
  let backups: unknown[] = [];
  simulation.restoresToCome = prng.chance(0.5) ? 0 : prng.int(1, 3);
  // An ingester stops when the ledger that it reads on from is gone; the next one begins with an empty one.
  const killIngesters = (): void => {
    for (const run of simulation.ingesters) run.over = true;
  };
  const comeBack = (backup: unknown): void => {
    simulation.hasForgotten = true;
    if (simulation.without === "recovery-hold") {
      ledger.rewind(backup);
      killIngesters();
    } else ledger.restore(backup);
    simulation.guard.restored();
  };
  nowAndThen(simulation, { everyMs: 20_000 }, () => {
    if (ledger.contents.cursor !== undefined) backups.push(ledger.backup());
  });
  nowAndThen(simulation, { everyMs: 200_000 }, () => {
    if (simulation.restoresToCome === 0 || backups.length === 0) return;
    simulation.restoresToCome--;
    if (prng.chance(0.35)) {
      eventLoop.note("database", "is lost");
      backups = [];
      killIngesters();
      simulation.queue.flush();
      comeBack(empty);
      // It does not know what keys there were: who fills it again gives all of them, and leaves them there.
      simulation.hasLostLedger = true;
      simulation.giveKeys({ memo: simulation.everyMemoKey });
      if (prng.chance(0.6)) rebuild(simulation);
      return;
    }
    // Mostly the last ones; what was saved after it belongs to a past that did not happen.
    const index = Math.max(0, backups.length - prng.int(1, 4));
    eventLoop.note("database", "is restored from a backup");
    comeBack(backups[index]);
    backups = backups.slice(0, index + 1);
  });
}

/** When the faults are over an operator looks at everything that asks for a person, again and again. */
export async function helper(simulation: Simulation, run: ProcessRun): Promise<void> {
  const ledger = simulation.ledgerPort(run);
  const clock = simulation.hostClock(run);
  for (let number = 1; ; number++) {
    await simulation.eventLoop.pause(run, 20_000);
    const action = { id: `help-${number}`, actor: "operator", reason: "everything shall be paid" };
    await switchPayments({ ledger }, { on: true, action });
    const open = [...simulation.ledger.contents.payouts.values()].filter(
      ({ status }) => status === "failed" || status === "held",
    );
    for (const { id } of open) await requeueAsPerson(simulation, { ledger, clock, id, action });
    for (const { id, status } of simulation.ledger.contents.topUps.values())
      if (status === "unresolved" || status === "accepted") await giveUpTopUp({ ledger }, { id, action });
  }
}

async function requeueAsPerson(
  simulation: Simulation,
  {
    ledger,
    clock,
    id,
    action,
  }: {
    ledger: ReturnType<Simulation["ledgerPort"]>;
    clock: ReturnType<Simulation["hostClock"]>;
    id: PayoutId;
    action: OperatorAction;
  },
): Promise<void> {
  const caughtUp = await ledgerCaughtUp({ ledger, chain: simulation.nodes, clock }, 10_000);
  await requeuePayout({ ledger }, { id, action, verb: "requeue", ledger: caughtUp });
}
