import type { PayoutId } from "@stakebts/core/rules/payout";
import { cancelPayout } from "@stakebts/core/operators/cancel-payout";
import { giveUpTopUp } from "@stakebts/core/operators/give-up-top-up";
import { holdPayout } from "@stakebts/core/operators/hold-payout";
import { ledgerCaughtUp } from "@stakebts/core/operators/payment-evidence";
import type { OperatorAction } from "@stakebts/core/ledger/operator-action";
import { requeuePayout } from "@stakebts/core/operators/requeue-payout";
import { switchPayments } from "@stakebts/core/limits/switch-payments";
import type { Intention } from "./auditor.ts";
import { keepAlive, rebuilder } from "./processes.ts";
import type { Life } from "./scheduler.ts";
import { EXCHANGE, MANAGER, type World } from "./world.ts";

// Everybody who is not the product: the chain, its nodes, the exchange, nominators and managers, operators, and whoever
// restores a backup.

const BLOCK_MS = 3_000;
const SHARES = 100_000n;

/** Does something now and then, until the weather clears up. */
function nowAndThen(world: World, { everyMs }: { everyMs: number }, act: () => void): void {
  const again = (): void =>
    world.scheduler.after(world.prng.next() * 2 * everyMs, () => {
      if (world.isOver) return;
      act();
      again();
    });
  again();
}

export function startChain(world: World): void {
  const { chain, prng, scheduler } = world;
  let lag = prng.int(1, 8);
  const next = (): void => {
    const { weather } = world;
    if (prng.chance(weather.forks)) {
      const { head, irreversibleBlockNum } = chain;
      chain.fork(prng.int(1, Math.max(1, head.blockNum - irreversibleBlockNum)));
      scheduler.note("chain", `forks after block ${chain.head.blockNum}`);
      for (const { txid, expirationMs } of chain.pending)
        if (expirationMs !== undefined && prng.chance(0.3)) chain.forget(txid);
    }
    const congestion = world.isOver ? 0 : 0.2;
    const timeMs = Math.max(chain.head.timeMs + BLOCK_MS, Math.floor(world.chainNowMs / BLOCK_MS) * BLOCK_MS);
    const block = chain.produce(timeMs, () => !prng.chance(congestion));
    for (const { txid, toId } of block.transactions)
      scheduler.note("chain", `block ${block.blockNum} holds ${txid.slice(0, 8)} to ${toId}`);
    if (world.isOver) lag = Math.min(lag, 4);
    else if (prng.chance(0.05)) lag = prng.int(1, 20);
    const before = chain.irreversibleBlockNum;
    chain.makeIrreversible(chain.head.blockNum - lag);
    for (let num = before + 1; num <= chain.irreversibleBlockNum; num++)
      for (const { toId, amount } of chain.block(num)?.transactions ?? [])
        if (toId === EXCHANGE) world.exchange.deposit(amount);
    scheduler.after(BLOCK_MS, next);
  };
  next();
  // Months pass while the chain stands still, and fees change.
  const monthMs = world.policy.terms.monthMs;
  nowAndThen(world, { everyMs: 120_000 }, () => {
    const kind = prng.next();
    if (kind < 0.4) world.chainAheadMs += Math.floor(prng.next() * 2 * monthMs);
    else if (kind < 0.5) chain.feeShares = BigInt(prng.int(500, 5_000));
    else if (kind < 0.8) world.nodes.lags = Array.from({ length: prng.int(1, 4) }, () => prng.int(0, 3));
    else if (kind < 0.9) world.nodes.lags = [prng.int(0, 30), prng.int(0, 30)];
    else world.hostSkewMs = prng.pick([0, -7_200_000, 3_600_000, 60_000]);
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

export function startNominators(world: World): void {
  const { prng, nominators } = world;
  let left = prng.int(4, 16);
  nowAndThen(world, { everyMs: prng.pick([10_000, 45_000]) }, () => {
    if (left-- <= 0) return;
    const { id } = prng.pick(nominators);
    const { memo, means } = prng.pick(MEMOS);
    const amount =
      means.type === "open"
        ? BigInt(prng.pick([25_000, 25_000, 50_000, 100_000, 25_001])) * SHARES + BigInt(prng.int(0, 99_999))
        : BigInt(prng.pick([1, 3, 55, 60, 61, 500])) * SHARES;
    const oddity = prng.next();
    if (oddity < 0.05)
      world.sendByOthers(id, amount, { memo, means: { type: "nonsense" }, assetId: "1.3.7" });
    else if (oddity < 0.1)
      world.sendByOthers(id, amount, { isUnreadable: oddity < 0.07, means: { type: "nonsense" } });
    else world.sendByOthers(id, amount, { memo, means });
  });
  // What nominators send, managers put to work elsewhere: the hot wallet is rarely full.
  nowAndThen(world, { everyMs: prng.pick([40_000, 200_000]) }, () => {
    const amountBts = prng.pick([400, 401, 1_000, 20_000, 50_000, 90_000]);
    const order = (type: string) => JSON.stringify({ type, amount: amountBts, api: 1 });
    const kind = prng.next();
    if (kind < 0.6)
      world.sendByOthers(MANAGER, SHARES, {
        memo: order("bmg_to_bittrex"),
        means: { type: "order", depositBts: amountBts > 400 ? BigInt(amountBts) : undefined },
      });
    else if (kind < 0.8)
      world.sendByOthers(MANAGER, SHARES, {
        memo: order("bittrex_to_bmg"),
        means: { type: "order", depositBts: undefined },
      });
    else
      world.sendByOthers(MANAGER, BigInt(prng.int(100, 5_000)) * SHARES, {
        memo: "loan_to_bmg",
        means: { type: "loan" },
      });
  });
}

/** What the exchange has accepted it sends, keeps or cancels, sooner or later. */
export function startExchange(world: World): void {
  const { exchange, prng } = world;
  const again = (): void => world.scheduler.after(prng.next() * 60_000, settle);
  const settle = (): void => {
    const pending = exchange.withdrawals.filter(({ state }) => state === "pending");
    const isFair = world.isOver || !prng.chance(world.weather.exchange);
    const end = isFair ? "completed" : prng.pick(["completed", "cancelled", "stuck"] as const);
    if (pending.length > 0) {
      exchange.settle(end);
      world.scheduler.note("exchange", `${pending.length} withdrawal(s) ${end}`);
      if (end === "completed")
        for (const { amountShares, memo } of pending)
          world.sendByOthers(EXCHANGE, amountShares, {
            ...(memo === undefined || (!isFair && prng.chance(0.3)) ? {} : { memo }),
            means: { type: "treasury" },
          });
    }
    if (!world.isOver && prng.chance(world.weather.exchange)) {
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

/** Somebody at a keyboard, at bad moments. */
export async function operator(world: World, life: Life): Promise<void> {
  const { prng, scheduler } = world;
  const clock = world.hostClock(life);
  for (let number = 1; !world.isOver; number++) {
    await scheduler.pause(life, prng.next() * 60_000);
    if (world.isOver) return;
    const action: OperatorAction = {
      id: `${scheduler.nowMs}-${number}`,
      actor: "operator",
      reason: "the simulator wants it",
    };
    await command(world, life, { action, clock }).catch((error: unknown) =>
      scheduler.note(life.process, `gives up: ${String(error)}`),
    );
  }
}

async function command(
  world: World,
  life: Life,
  { action, clock }: { action: OperatorAction; clock: ReturnType<World["hostClock"]> },
): Promise<void> {
  const { prng } = world;
  const ledger = world.ledgerPort(life);
  const chain = world.nodes;
  const payouts = [...world.ledger.contents.payouts.values()];
  const topUps = [...world.ledger.contents.topUps.values()];
  const kind = prng.int(0, 7);
  if (kind === 0) return void (await switchPayments({ ledger }, { on: false, action }));
  if (kind === 1 || kind === 2) return void (await switchPayments({ ledger }, { on: true, action }));
  if (kind === 3 && topUps.length > 0)
    return void (await giveUpTopUp({ ledger }, { id: prng.pick(topUps).id, action }));
  if (kind === 4) return world.queue.flush();
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
  if (isPrincipal && world.restoresToCome > 0) return;
  world.cancelled.add(key);
  const payee = world.accounts.find(({ name }) => name === payeeName);
  if (isPrincipal && payee !== undefined) world.handled.add(payee.id);
  await cancelPayout({ ledger }, { id, action, ledger: caughtUp });
}

/** Somebody types the command, again and again until it says that it is done. */
function rebuild(world: World): void {
  if (world.isBeingRebuilt) return; // The one who is at it begins again.
  world.isBeingRebuilt = true;
  keepAlive(
    world,
    "rebuild",
    (life) => rebuilder(world, life),
    () => world.isBeingRebuilt,
  );
}

/**
 * A backup now and then, and one of them comes back; or none does, and everything is read from the chain again, by
 * ingesters or by the command.
 */
export function startBackups(world: World): void {
  const { prng, scheduler, ledger } = world;
  const empty = ledger.backup();
  let backups: unknown[] = [];
  world.restoresToCome = prng.chance(0.5) ? 0 : prng.int(1, 3);
  // An ingester stops when the ledger that it reads on from is gone; the next one begins with an empty one.
  const killIngesters = (): void => {
    for (const life of world.ingesters) life.over = true;
  };
  const comeBack = (backup: unknown): void => {
    if (world.without === "recoveryHold") {
      ledger.rewind(backup);
      killIngesters();
    } else ledger.restore(backup);
    world.guard.restored();
  };
  nowAndThen(world, { everyMs: 20_000 }, () => {
    if (ledger.contents.cursor !== undefined) backups.push(ledger.backup());
  });
  nowAndThen(world, { everyMs: 200_000 }, () => {
    if (world.restoresToCome === 0 || backups.length === 0) return;
    world.restoresToCome--;
    if (prng.chance(0.35)) {
      scheduler.note("database", "is lost");
      backups = [];
      killIngesters();
      world.queue.flush();
      comeBack(empty);
      if (prng.chance(0.6)) rebuild(world);
      return;
    }
    // Mostly the last ones; what was saved after it belongs to a past that did not happen.
    const index = Math.max(0, backups.length - prng.int(1, 4));
    scheduler.note("database", "is restored from a backup");
    comeBack(backups[index]);
    backups = backups.slice(0, index + 1);
  });
}

/** After the storm somebody looks at everything that asks for a person, again and again. */
export async function helper(world: World, life: Life): Promise<void> {
  const ledger = world.ledgerPort(life);
  const clock = world.hostClock(life);
  for (let number = 1; ; number++) {
    await world.scheduler.pause(life, 20_000);
    const action = { id: `help-${number}`, actor: "operator", reason: "everything shall be paid" };
    await switchPayments({ ledger }, { on: true, action });
    const open = [...world.ledger.contents.payouts.values()].filter(
      ({ status }) => status === "failed" || status === "held",
    );
    for (const { id } of open) await requeueAsPerson(world, { ledger, clock, id, action });
    for (const { id, status } of world.ledger.contents.topUps.values())
      if (status === "unresolved" || status === "accepted") await giveUpTopUp({ ledger }, { id, action });
  }
}

async function requeueAsPerson(
  world: World,
  {
    ledger,
    clock,
    id,
    action,
  }: {
    ledger: ReturnType<World["ledgerPort"]>;
    clock: ReturnType<World["hostClock"]>;
    id: PayoutId;
    action: OperatorAction;
  },
): Promise<void> {
  const caughtUp = await ledgerCaughtUp({ ledger, chain: world.nodes, clock }, 10_000);
  await requeuePayout({ ledger }, { id, action, verb: "requeue", ledger: caughtUp });
}
