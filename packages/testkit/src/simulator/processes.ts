import { AssertionError } from "@stakebts/kernel/assert";
import { ServiceError } from "@stakebts/kernel/errors";
import type { Log } from "@stakebts/kernel/log";
import type { AccountOperationReader } from "@stakebts/bitshares/account-operations";
import type { ChainReader, ChainWriter } from "@stakebts/bitshares/chain";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import type { PayerLock } from "@stakebts/core/payments/payer-lock";
import { newIngestDeps, runIngester } from "@stakebts/core/processes/ingester";
import { runPayer } from "@stakebts/core/processes/payer";
import { runScheduler } from "@stakebts/core/processes/scheduler";
import { runWatcher } from "@stakebts/core/processes/watcher";
import type { JobHandlers, JobKind, JobQueue, JobResult, StartWorker } from "@stakebts/core/queue/queue";
import { type ReadDeps, rebuildLedger } from "@stakebts/core/rebuild/rebuild-ledger";
import type { Roles } from "@stakebts/core/rules/decide";
import { brokenStep } from "@stakebts/core/runtime/broken-step";
import { DONE, repeat } from "@stakebts/core/runtime/loop";
import { mayPass } from "@stakebts/core/runtime/passing-trouble";
import type { TopUpSource } from "@stakebts/core/treasury/treasury";
import { ledgerFacts } from "./ledger-facts.ts";
import { memoryMonitorLedger } from "./monitor-ledger.ts";
import { fakeMemoReader, fakeMemoWriter, fakeSigner } from "./fake-keys.ts";
import type { ProcessRun } from "./event-loop.ts";
import { DEPOSIT_MEMO, RESERVE, type Simulation } from "./simulation.ts";

// The processes of the product, as they ship, on ports that fail.

const LOG: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const RESTART_MS_MAX = 30_000;
/** How often a worker asks the queue for jobs. */
const JOBS_EVERY_MS = 4_000;
/** After a handler has failed. */
const JOB_AGAIN_MS = 10_000;
const LOCK_EVERY_MS = 10_000;
/** Freezes and troubles of nodes are not what this is about, and each look costs an event. */
const LOOK_MS = 30_000;

/** Runs a process for ever, or until it is not needed: when it has ended, another one begins that knows nothing of what it knew. */
export function keepAlive(
  simulation: Simulation,
  process: string,
  main: (run: ProcessRun) => Promise<void>,
  isNeeded = (): boolean => true,
): void {
  const { prng, eventLoop } = simulation;
  const begin = (): void => {
    const run: ProcessRun = { process, over: false, stop: new AbortController() };
    simulation.runs.add(run);
    eventLoop.note(process, "begins");
    let ended = false;
    const again = (): void => {
      if (ended) return;
      ended = true;
      run.over = true;
      simulation.runs.delete(run);
      if (isNeeded()) eventLoop.after(prng.next() * RESTART_MS_MAX, begin);
    };
    main(run).then(again, (error: unknown) => {
      if (error instanceof AssertionError)
        simulation.report(`a broken assumption in ${process}: ${error.message}`);
      else eventLoop.note(process, `ends with ${String(error)}`);
      again();
    });
    watchFor(simulation, run, again);
  };
  begin();
}

/** A process that dies says nothing: its end has to be looked for. */
function watchFor(simulation: Simulation, run: ProcessRun, again: () => void): void {
  simulation.eventLoop.after(10_000, () => {
    if (run.over) again();
    else watchFor(simulation, run, again);
  });
}

/** Asks the process to stop (SIGTERM) at some moment, if it lives until then. */
function stopSometime({ prng, eventLoop }: Simulation, run: ProcessRun): void {
  if (!prng.chance(0.1)) return;
  eventLoop.after(prng.next() * 600_000, () => {
    if (run.over) return;
    eventLoop.note(run.process, "is asked to stop");
    run.stop.abort();
  });
}

/** What every process is given. */
const everyPort = (simulation: Simulation, run: ProcessRun) => ({
  chain: chainPort(simulation, run),
  ledger: simulation.ledgerPort(run),
  clock: simulation.hostClock(run),
  log: LOG,
  frozenHere: () => [],
});

const EVERY_SETTING = { shown: {}, lookMs: LOOK_MS } as const;

type Nodes = ChainReader & ChainWriter & AccountOperationReader;
type Chain = Nodes & { takeTroubles(): readonly [] };

/** Nothing is done of these nodes that would have to be reported: no block of theirs is a lie. */
function chainPort(simulation: Simulation, run: ProcessRun): Chain {
  const chain = simulation.port(run, "chain", simulation.nodes, () => ({
    before: 0,
    after: 0,
    error: () => new Error(),
  }));
  return new Proxy(chain as Nodes as Chain, {
    get: (target, key) => (key === "takeTroubles" ? () => [] : (Reflect.get(target, key) as unknown)),
  });
}

function queuePort(simulation: Simulation, run: ProcessRun): JobQueue {
  const { queue, prng } = simulation;
  const unreliable: JobQueue = {
    add: (jobs) => {
      const kept = jobs.filter(() => !prng.chance(simulation.faultProfile.jobs));
      const twice = kept.filter(() => prng.chance(simulation.faultProfile.jobs));
      return queue.add([...kept, ...twice.map((job) => ({ ...job, id: `${job.id}-again` }))]);
    },
    waiting: (kind) => queue.waiting(kind),
    close: () => queue.close(),
  };
  return simulation.port(run, "queue", unreliable, () => ({
    before: simulation.faultProfile.database,
    after: simulation.faultProfile.database,
    error: () => new ServiceError("the connection to the queue was lost"),
  }));
}

/** Answers jobs as a worker of BullMQ does, one at a time of each kind; one that ends in an error comes again after a while. */
const workerOn =
  (simulation: Simulation, run: ProcessRun): StartWorker =>
  ({ handlers, onBroken }) => {
    const closing = new AbortController();
    const clock = simulation.hostClock(run);
    const serve = async (kind: JobKind): Promise<void> => {
      const handle = handlers[kind] as (data: unknown) => Promise<JobResult>;
      const guarded = async (data: unknown): Promise<JobResult> => {
        try {
          return await handle(data);
        } catch (error) {
          if (!mayPass(error)) onBroken(brokenStep(kind, error));
          return { done: false, againInMs: JOB_AGAIN_MS };
        }
      };
      await repeat({ name: kind, clock, log: LOG }, closing.signal, async () => {
        if (kind === "payout.pay" && simulation.isPayoutQueuePaused) return JOBS_EVERY_MS;
        await simulation.queue.deliver({ [kind]: guarded } as JobHandlers, closing.signal);
        return JOBS_EVERY_MS;
      });
    };
    const serving = Promise.all((Object.keys(handlers) as JobKind[]).map(serve));
    return {
      close: async () => {
        closing.abort();
        await serving;
      },
    };
  };

/** The lock of a process that has died is free; and now and then one is lost, noticed by its payer sooner, later or never. */
const payerLock = (simulation: Simulation, run: ProcessRun): PayerLock => ({
  async hold(signal, work) {
    const { prng, eventLoop } = simulation;
    const lost = new AbortController();
    for (;;) {
      if (signal.aborted) return;
      const { payerLock: holder } = simulation;
      if (holder === undefined || holder.run.over) break;
      if (prng.chance(simulation.faultProfile.crash)) {
        if (prng.chance(0.5)) eventLoop.after(prng.next() * 30_000, holder.lose);
        break;
      }
      await eventLoop.pause(run, LOCK_EVERY_MS, signal);
    }
    const held = { run, lose: () => lost.abort() };
    simulation.payerLock = held;
    try {
      await work(AbortSignal.any([signal, lost.signal]));
    } finally {
      if (simulation.payerLock === held) simulation.payerLock = undefined;
    }
  },
});

const ROLES: Roles = {
  managers: ["manager"],
  treasuryAccounts: ["exchange", "reserve"],
  exchangeDeposit: { account: "exchange", memos: { 1: DEPOSIT_MEMO } },
};

const OWED = {
  exchangeDepositAccount: "exchange",
  checkpointAccount: undefined,
  depositMemos: { 1: DEPOSIT_MEMO },
  managers: ["manager"],
};

/** What a ledger of this simulation is read from the chain and decided with. */
export const readDeps = (simulation: Simulation, chain: ChainReader, ledger: Ledger): ReadDeps => ({
  ...newIngestDeps(
    { chain, ledger, memos: fakeMemoReader(simulation.everyMemoKey), log: LOG },
    {
      policy: simulation.policy,
      custodian: simulation.custodian,
      skipBlocks: new Set(),
      adminReplay: false,
    },
  ),
  roles: ROLES,
});

/** Fills a lost ledger from the chain, by the service of the command. Ends when that is done. */
export async function rebuilder(simulation: Simulation, run: ProcessRun): Promise<void> {
  simulation.ingesters.add(run);
  const { chain, ledger, clock } = everyPort(simulation, run);
  const deps = readDeps(simulation, chain, ledger);
  const action = { id: `rebuild-${run.process}`, actor: "operator", reason: "the database was lost" };
  await repeat({ name: "rebuild", clock, log: LOG }, run.stop.signal, async () => {
    await rebuildLedger(deps, { fromBlockNum: 1, action }, () => undefined);
    simulation.isBeingRebuilt = false;
    simulation.eventLoop.note(run.process, "has rebuilt the ledger");
    return DONE;
  });
}

export async function ingester(simulation: Simulation, run: ProcessRun): Promise<void> {
  const { eventLoop, prng, policy } = simulation;
  simulation.ingesters.add(run);
  stopSometime(simulation, run);
  while (simulation.isBeingRebuilt) await eventLoop.pause(run, 5_000);
  const ports = everyPort(simulation, run);
  // An operator sets this for a ledger that is new or was lost, and now and then for one that is neither.
  const isEmpty = simulation.ledger.contents.cursor === undefined;
  await runIngester(
    {
      ...ports,
      chain:
        simulation.without === "final-blocks"
          ? believingTheHead(ports.chain)
          : withHistoryOf(simulation, ports.chain),
      queue: queuePort(simulation, run),
      memos: fakeMemoReader(
        simulation.keys.memoGiven,
        simulation.without === "memo-key" ? "checksum" : "foreign_key",
      ),
    },
    {
      ...EVERY_SETTING,
      custodian: simulation.custodian.name,
      policyOn: () => policy,
      replay: isEmpty || prng.chance(0.1) ? 1 : "last",
      skipBlocks: new Set(),
      adminReplay: false,
      pollMs: prng.int(5_000, 15_000),
    },
    run.stop.signal,
  );
}

/** To every question who may sign for the custodian it says: this key. */
const thatNamesKey = (chain: Chain, publicKey: string): Chain =>
  new Proxy(chain, {
    get: (target, key) => {
      if (key !== "accounts") return Reflect.get(target, key) as unknown;
      return async (asked: readonly string[]) =>
        (await target.accounts(asked)).map((account) =>
          account?.name === "custodian" ? { ...account, activeKeys: [publicKey] } : account,
        );
    },
  });

/** A chain without the history, where that safeguard is to be missed. */
const withHistoryOf = (simulation: Simulation, chain: Chain): Chain =>
  simulation.without !== "history-read"
    ? chain
    : new Proxy(chain, {
        get: (target, key) => (key === "accountHistory" ? undefined : (Reflect.get(target, key) as unknown)),
      });

const believingTheHead = (chain: Chain): Chain =>
  new Proxy(chain, {
    get: (target, key) => {
      if (key !== "head") return Reflect.get(target, key) as unknown;
      return async () => {
        const head = await target.head();
        return { ...head, irreversibleBlockNum: head.headBlockNum + 1 };
      };
    },
  });

export async function scheduler(simulation: Simulation, run: ProcessRun): Promise<void> {
  const { prng, policy } = simulation;
  stopSometime(simulation, run);
  await runScheduler(
    {
      ...everyPort(simulation, run),
      queue: queuePort(simulation, run),
      startWorker: workerOn(simulation, run),
      audit: simulation.auditPort(run),
      notifications: undefined,
      liveness: { view: ledgerFacts(simulation, run), ping: undefined, onPing: () => undefined },
    },
    {
      ...EVERY_SETTING,
      custodian: simulation.custodian.name,
      policy,
      roles: ROLES,
      clockRate: 1,
      reconcileMs: prng.int(10_000, 30_000),
      reenqueueMs: 30_000,
      checkpointAccount: undefined,
      installation: "simulator",
      overdueMsMax: 1_800_000,
    },
    run.stop.signal,
  );
}

export async function payer(simulation: Simulation, run: ProcessRun): Promise<void> {
  const { prng, policy } = simulation;
  stopSometime(simulation, run);
  const [, , reserve] = simulation.accounts;
  const sources: TopUpSource[] = [{ type: "exchange", number: 1, exchange: simulation.exchangePort(run) }];
  if (simulation.hasReserve && reserve?.id === RESERVE)
    sources.unshift({ type: "reserve", number: 0, account: reserve, signer: fakeSigner("reserve key") });
  const ports = everyPort(simulation, run);
  const { memoGiven, activeGiven } = simulation.keys;
  await runPayer(
    {
      ...ports,
      view: ledgerFacts(simulation, run),
      lock: payerLock(simulation, run),
      startWorker: workerOn(simulation, run),
      chain: simulation.without === "authority-check" ? thatNamesKey(ports.chain, activeGiven) : ports.chain,
      signerOn: () => fakeSigner(activeGiven),
      memos: fakeMemoWriter(memoGiven),
      memoReader: fakeMemoReader(memoGiven),
      openSources: () => Promise.resolve(sources),
      onLead: (epoch) =>
        simulation.eventLoop.note(run.process, epoch === undefined ? "stands by" : `leads in epoch ${epoch}`),
    },
    {
      ...EVERY_SETTING,
      custodian: simulation.custodian.name,
      policyOn: () => policy,
      owed: OWED,
      treasuryMs: prng.int(10_000, 30_000),
      reconcileMs: 30_000,
      payoutsPerStep: simulation.payoutsPerStep,
    },
    run.stop.signal,
  );
}

/** Nothing is stolen here, so that it may raise no alert, unless the ledger has forgotten what it has signed. */
export async function watcher(simulation: Simulation, run: ProcessRun): Promise<void> {
  const { prng, policy } = simulation;
  stopSometime(simulation, run);
  const { chain, clock, log } = everyPort(simulation, run);
  const ledger = memoryMonitorLedger(simulation.ledger);
  const unseen = { ...ledger.settlements, unchecked: () => Promise.resolve([]) };
  await runWatcher(
    {
      chain: withHistoryOf(simulation, chain),
      clock,
      log,
      ledger: simulation.port(
        run,
        "monitor",
        simulation.without === "settlement-check" ? { ...ledger, settlements: unseen } : ledger,
        () => simulation.databaseFaults,
      ),
      channels: [],
      showPresence: () => Promise.resolve(),
      measure: () => (alert) => {
        if (!simulation.hasForgotten) simulation.report(`${alert.event}: ${String(alert.details["reason"])}`);
      },
    },
    {
      ...EVERY_SETTING,
      custodian: simulation.custodian.name,
      policyOn: () => policy,
      owed: () => OWED,
      installation: "simulator",
      pollMs: prng.int(5_000, 15_000),
    },
    run.stop.signal,
  );
}
