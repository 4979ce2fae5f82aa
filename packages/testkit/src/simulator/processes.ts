import { AssertionError } from "@stakebts/kernel/assert";
import type { PayoutId } from "@stakebts/core/rules/payout";
import type { Roles } from "@stakebts/core/rules/decide";
import { shares, toShares } from "@stakebts/kernel/amount";
import type { ChainReader, ChainWriter } from "@stakebts/bitshares/chain";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import type { Log } from "@stakebts/kernel/log";
import type { JobQueue, JobResult, JobHandlers } from "@stakebts/core/queue/queue";
import { establishCursor } from "@stakebts/core/ledger/establish-cursor";
import { applyEvents } from "@stakebts/core/ledger/apply-events";
import type { TopUpSource } from "@stakebts/core/treasury/treasury";
import { HotWallet } from "@stakebts/core/payments/hot-wallet";
import { ingestBlocks, type IngestDeps } from "@stakebts/core/ledger/ingest-blocks";
import { LedgerWatch } from "@stakebts/core/ledger/recovery-hold";
import { newTreasuryMemory, runTreasury } from "@stakebts/core/treasury/run-treasury";
import { type PayDeps, payPayout } from "@stakebts/core/payments/pay-payout";
import { AccountCache } from "@stakebts/core/payments/account-cache";
import { ReadAhead } from "@stakebts/core/ledger/read-ahead";
import { type ReadDeps, rebuildLedger } from "@stakebts/core/rebuild/rebuild-ledger";
import { dispatchJobs, enqueueStalePayouts, scheduleDueRows } from "@stakebts/core/ledger/dispatch-jobs";
import { fakeMemoReader, fakeMemoWriter, fakeSigner } from "./fake-keys.ts";
import type { Life } from "./scheduler.ts";
import { CUSTODIAN, DEPOSIT_MEMO, RESERVE, type World } from "./world.ts";

// The three processes as apps/ wires them: the same loops around the same services, on ports that fail.

const LOG: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const RETRY_MS = 2_000;
const RESTART_MS_MAX = 30_000;
const DUE_HORIZON_MS = 3_600_000;

/** Runs a process for ever, or until it is not needed: when it has died, another one begins that knows nothing of what it knew. */
export function keepAlive(
  world: World,
  process: string,
  main: (life: Life) => Promise<void>,
  isNeeded = (): boolean => true,
): void {
  const { prng, scheduler } = world;
  const begin = (): void => {
    const life: Life = { process, over: false };
    scheduler.note(process, "begins");
    let ended = false;
    const again = (): void => {
      if (ended) return;
      ended = true;
      life.over = true;
      if (isNeeded()) scheduler.after(prng.next() * RESTART_MS_MAX, begin);
    };
    main(life).then(again, (error: unknown) => {
      if (error instanceof AssertionError)
        world.report(`a broken assumption in ${process}: ${error.message}`);
      else scheduler.note(process, `ends with ${String(error)}`);
      again();
    });
    watchFor(world, life, again);
  };
  begin();
}

/** Nobody hears a process die: somebody has to look. */
function watchFor(world: World, life: Life, again: () => void): void {
  world.scheduler.after(10_000, () => {
    if (life.over) again();
    else watchFor(world, life, again);
  });
}

/** As adapters/repeat.ts: trouble is tried again, a broken assumption goes through. */
async function repeat(world: World, life: Life, step: () => Promise<number | undefined>): Promise<void> {
  while (!life.over) {
    let waitMs: number | undefined;
    try {
      waitMs = await step();
      if (waitMs === undefined) return;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      waitMs = RETRY_MS * world.prng.int(1, 4);
    }
    if (waitMs > 0) await world.scheduler.pause(life, waitMs);
  }
}

const chainPort = (world: World, life: Life): ChainReader & ChainWriter =>
  world.port(life, "chain", world.nodes, () => ({ before: 0, after: 0, error: () => new Error() }));

function queuePort(world: World, life: Life): JobQueue {
  const { queue, prng } = world;
  const unreliable: JobQueue = {
    add: (jobs) => {
      const kept = jobs.filter(() => !prng.chance(world.weather.jobs));
      const twice = kept.filter(() => prng.chance(world.weather.jobs));
      return queue.add([...kept, ...twice.map((job) => ({ ...job, id: `${job.id}-again` }))]);
    },
    waiting: (kind) => queue.waiting(kind),
    close: () => queue.close(),
  };
  return world.port(life, "queue", unreliable, () => ({
    before: world.weather.database,
    after: world.weather.database,
    error: () => new Error("the connection to the queue was lost"),
  }));
}

/** Answers jobs as a worker does; one that ends in an error comes again after a while. */
async function serve(world: World, life: Life, handlers: JobHandlers): Promise<void> {
  let broken: AssertionError | undefined;
  const guarded = Object.fromEntries(
    Object.entries(handlers).map(([kind, handle]) => [
      kind,
      async (data: never): Promise<JobResult> => {
        try {
          return await (handle as (data: never) => Promise<JobResult>)(data);
        } catch (error) {
          if (error instanceof AssertionError) broken = error;
          return { done: false, againInMs: 10_000 };
        }
      },
    ]),
  ) as JobHandlers;
  await repeat(world, life, async () => {
    await world.queue.deliver(guarded);
    if (broken !== undefined) throw broken;
    return 2_000;
  });
}

const ROLES: Roles = {
  managers: ["manager"],
  treasuryAccounts: ["exchange", "reserve"],
  exchangeDeposit: { account: "exchange", memos: { 1: DEPOSIT_MEMO } },
};

/** What a ledger of this world is read and folded with. */
export const readDeps = (world: World, chain: ChainReader, ledger: Ledger): ReadDeps => ({
  chain,
  ahead: new ReadAhead(chain, CUSTODIAN),
  ledger,
  memos: fakeMemoReader,
  log: LOG,
  policy: world.policy,
  roles: ROLES,
  custodian: world.custodian,
  skipBlocks: new Set(),
  adminReplay: false,
  accounts: new Map(),
  watch: new LedgerWatch(),
});

/** Fills a lost ledger from the chain, by the service of the command. Ends when that is done. */
export async function rebuilder(world: World, life: Life): Promise<void> {
  world.ingesters.add(life);
  const deps = readDeps(world, chainPort(world, life), world.ledgerPort(life));
  const action = { id: `rebuild-${life.process}`, actor: "operator", reason: "the database was lost" };
  await repeat(world, life, async () => {
    await rebuildLedger(deps, { fromBlockNum: 1, action }, () => undefined);
    world.isBeingRebuilt = false;
    world.scheduler.note(life.process, "has rebuilt the ledger");
    return undefined;
  });
}

export async function ingester(world: World, life: Life): Promise<void> {
  while (world.isBeingRebuilt) await world.scheduler.pause(life, 5_000);
  const ledger = world.ledgerPort(life);
  const queue = queuePort(world, life);
  const real = chainPort(world, life);
  const chain = world.without === "final-blocks" ? believingTheHead(real) : real;
  const deps: IngestDeps = readDeps(world, chain, ledger);
  await repeat(world, life, async () => {
    const isEmpty = (await ledger.cursor.read()) === undefined;
    await establishCursor(deps, isEmpty || world.prng.chance(0.1) ? 1 : "last");
    return undefined;
  });
  await repeat(world, life, async () => {
    const { ingestedTo, finalBlockNum } = await ingestBlocks(deps);
    if (ingestedTo !== undefined) await dispatchJobs({ ledger, queue });
    return ingestedTo === undefined || ingestedTo === finalBlockNum ? world.prng.int(5_000, 15_000) : 0;
  });
}

const believingTheHead = (chain: ChainReader & ChainWriter): ChainReader & ChainWriter =>
  new Proxy(chain, {
    get: (target, key) => {
      if (key !== "head") return Reflect.get(target, key) as unknown;
      return async () => {
        const head = await target.head();
        return { ...head, irreversibleBlockNum: head.headBlockNum + 1 };
      };
    },
  });

export async function folder(world: World, life: Life): Promise<void> {
  const ledger = world.ledgerPort(life);
  const queue = queuePort(world, life);
  const deps = { ledger, log: LOG, policy: world.policy, roles: ROLES };
  const fold = async (): Promise<void> => {
    if ((await applyEvents(deps)) > 0) await dispatchJobs({ ledger, queue });
  };
  const sweeping = repeat(world, life, async () => {
    await fold();
    await scheduleDueRows({ ledger, queue }, { rate: 1, horizonMs: DUE_HORIZON_MS });
    await enqueueStalePayouts({ ledger, queue }, { notEnqueuedForMs: 30_000 });
    await dispatchJobs({ ledger, queue });
    return world.prng.int(10_000, 30_000);
  });
  const serving = serve(world, life, {
    "memo.process": async () => {
      await fold();
      return { done: true };
    },
    "stakes.due": async ({ dueMs }) => {
      await fold();
      const aheadMs = dueMs - ((await ledger.cursor.read())?.blockTimeMs ?? 0);
      return aheadMs <= 0 ? { done: true } : { done: false, againInMs: Math.max(1_000, aheadMs) };
    },
  });
  await Promise.race([sweeping, serving]);
}

export async function payer(world: World, life: Life): Promise<void> {
  const { scheduler, prng } = world;
  // The lock of a process that has died is free; and now and then it is lost by one that goes on and does not know.
  await repeat(world, life, async () => {
    const { payerLock } = world;
    if (payerLock !== undefined && !payerLock.over && !prng.chance(world.weather.crash)) return 10_000;
    world.payerLock = life;
    return undefined;
  });
  const ledger: Ledger = world.ledgerPort(life);
  const chain = chainPort(world, life);
  const clock = world.hostClock(life);
  let writerEpoch = 0n;
  await repeat(world, life, async () => {
    writerEpoch = await ledger.control.startWriterEpoch();
    return undefined;
  });
  scheduler.note(life.process, `leads in epoch ${writerEpoch}`);
  const wallet = new HotWallet({
    chain,
    account: CUSTODIAN,
    clock,
    minimumBalance: toShares(world.policy.minimumBalance),
    maxAgeMs: 5_000,
  });
  const deps: PayDeps = {
    chain,
    ledger,
    signer: fakeSigner("custodian key"),
    memos: fakeMemoWriter,
    wallet,
    payees: new AccountCache({ chain, clock }),
    log: LOG,
    policy: world.policy,
    custodian: world.custodian,
    frozenHere: () => [],
    feeOf: ({ fee }) => shares(fee),
    writerEpoch,
  };
  const [, , reserve] = world.accounts;
  const sources: TopUpSource[] = [{ type: "exchange", number: 1, exchange: world.exchangePort(life) }];
  if (world.hasReserve && reserve?.id === RESERVE)
    sources.unshift({ type: "reserve", number: 0, account: reserve, signer: fakeSigner("reserve key") });
  const memory = newTreasuryMemory();
  const tending = repeat(world, life, async () => {
    await runTreasury({ ...deps, clock, sources }, memory);
    return prng.int(10_000, 30_000);
  });
  let isOver = (): void => undefined;
  const superseded = new Promise<void>((resolve) => (isOver = resolve));
  const serving = serve(world, life, {
    "payout.pay": async ({ payoutId }) => {
      const result = await payPayout(deps, payoutId as PayoutId);
      if (result.type === "superseded") isOver();
      return { done: true };
    },
  });
  await Promise.race([tending, serving, superseded]);
}
