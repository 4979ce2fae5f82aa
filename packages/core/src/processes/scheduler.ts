import { LivenessPing, type LivenessPingDeps } from "../alerts/liveness.ts";
import { type NotificationDeps, sendNotifications } from "../alerts/send-notifications.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import { createCheckpoint } from "../audit/checkpoint.ts";
import { extendHashChain } from "../audit/hash-chain.ts";
import { needAccountNamed } from "../ledger/bind-ledger.ts";
import { applyEvents } from "../ledger/apply-events.ts";
import { dispatchJobs, enqueueStalePayouts, scheduleDueRows } from "../ledger/dispatch-jobs.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { ledgerIsThere, queueIsServed } from "../ledger/readiness-checks.ts";
import { recordStart } from "../ledger/record-start.ts";
import type { JobQueue, StartWorker } from "../queue/queue.ts";
import type { Roles } from "../rules/decide.ts";
import type { Policy } from "../rules/policy.ts";
import { DONE, repeat } from "../runtime/loop.ts";
import {
  type FreezablePorts,
  type ProcessPorts,
  type ProcessSettings,
  reportFreezes,
} from "./process-ports.ts";

/** Rows that fall due within this time get a delayed job; later ones get theirs from a later reconciler. */
const DUE_HORIZON_MS = 3_600_000;
/** When the chain is not yet as far as a due instant, look again this soon at the earliest. */
const DUE_AGAIN_MS_MIN = 50;
/** An attacker who can write to the queue can choose the instant in a job: no wait is longer than to the next reconciler's jobs. */
const lookAgainMs = (aheadMs: number): number =>
  Math.min(DUE_HORIZON_MS, Math.max(DUE_AGAIN_MS_MIN, aheadMs));
/** Events are applied until nothing is left to decide: after a long absence of the scheduler that takes minutes. */
const APPLY_MS_MAX = 600_000;
const HASH_CHAIN_EVERY_MS = 5_000;
/** Millions of receipts of before are chained in one go. */
const HASH_CHAIN_MS_MAX = 600_000;
const CHECKPOINT_EVERY_MS = 60_000;
/** What is told is told this soon; a message more or less a minute is what the window of a kind allows. */
const TELL_EVERY_MS = 5_000;
const PING_EVERY_MS = 60_000;
/** How long a process that ends waits for the loops beside its work. */
const DRAIN_MS = 5_000;

export interface SchedulerPorts extends ProcessPorts, FreezablePorts {
  readonly ledger: Ledger;
  readonly queue: JobQueue;
  readonly startWorker: StartWorker;
  readonly audit: Pick<AuditLog, "appendEntries" | "head">;
  /** By whom and how people are told of what asks for them; `undefined`: nothing is told. */
  readonly notifications: Pick<NotificationDeps, "store" | "channels"> | undefined;
  /** What the dead man's switch is told by, and from. */
  readonly liveness: Pick<LivenessPingDeps, "view" | "ping" | "onPing">;
}

export interface SchedulerSettings extends ProcessSettings {
  /** Account name: a ledger of another account is refused. */
  readonly custodian: string;
  readonly policy: Policy;
  readonly roles: Roles;
  /** Chain time that passes in a unit of host time: 1 on every real network. */
  readonly clockRate: number;
  readonly reconcileMs: number;
  /** A payout that waits and has no job for so long gets another one. */
  readonly reenqueueMs: number;
  /** Account that gets the checkpoints of the audit log; without it none is made. */
  readonly checkpointAccount: string | undefined;
  /** What this installation is called in messages. */
  readonly installation: string;
  readonly overdueMsMax: number;
}

/**
 * Turns what the ingester wrote into agreements and debts, rows that fall due into payouts, and jobs for all of them.
 * Beside that it keeps the audit log and tells people. Holds no key and writes to nothing but the database and the queue.
 * Ends with the signal, or throws when an assumption is broken.
 */
export async function runScheduler(
  ports: SchedulerPorts,
  settings: SchedulerSettings,
  signal: AbortSignal,
): Promise<void> {
  const { ledger, queue, clock, log, progress, frozenHere } = ports;
  ports.readiness?.requires({ database: ledgerIsThere(ledger), queue: queueIsServed(queue) });
  const deps = { ledger, frozenHere, log, policy: settings.policy, roles: settings.roles };
  // One at a time: two would wait for each other in the database, each on a connection.
  let applying: Promise<void> = Promise.resolve();
  const apply = (): Promise<void> => {
    const applied = applying.then(async () => {
      if ((await applyEvents(deps, signal)) > 0) await dispatchJobs({ ledger, queue });
    });
    applying = applied.catch(() => undefined);
    return applied;
  };

  // Before the workers are started: on a database without tables BullMQ's worker would spin and never let us say so.
  const loop = { clock, log, progress, stepMsMax: APPLY_MS_MAX };
  const needAccount = async (): Promise<void> =>
    needAccountNamed((await ledger.transaction((tx) => tx.control.read())).account, {
      name: settings.custodian,
      chainId: undefined,
    });
  await repeat({ ...loop, name: "start" }, signal, async () => {
    await needAccount();
    await recordStart({ ledger, log }, "scheduler", settings.shown);
    return DONE;
  });
  const broken = new AbortController();
  let failure: Error | undefined;
  const worker = ports.startWorker({
    stepMsMax: APPLY_MS_MAX,
    onBroken: (error) => {
      failure = error;
      broken.abort();
    },
    handlers: {
      "memo.process": async () => {
        await apply();
        return { done: true };
      },
      "stakes.due": async ({ dueMs }) => {
        await apply();
        const aheadMs = dueMs - ((await ledger.cursor.read())?.blockTimeMs ?? 0);
        return aheadMs <= 0
          ? { done: true }
          : { done: false, againInMs: lookAgainMs(aheadMs / settings.clockRate) };
      },
    },
  });

  const over = AbortSignal.any([signal, broken.signal]);
  const beside = Promise.all([
    tellPeople(ports, settings, over),
    keepAuditLog(ports, settings, over),
    reportFreezes(ports, { process: "scheduler", lookMs: settings.lookMs }, over),
  ]);
  await repeat({ ...loop, name: "reconcile" }, over, async () => {
    // Another database may have taken the place of the one that was there at the start.
    await needAccount();
    await apply();
    await scheduleDueRows({ ledger, queue }, { rate: settings.clockRate, horizonMs: DUE_HORIZON_MS });
    await enqueueStalePayouts({ ledger, queue }, { notEnqueuedForMs: settings.reenqueueMs });
    await dispatchJobs({ ledger, queue });
    return settings.reconcileMs;
  });
  await worker.close();
  // A receiver that is slow to answer is not waited for: its message is taken again by the scheduler that comes next.
  await Promise.race([beside, clock.sleep(DRAIN_MS)]);
  if (failure !== undefined) throw failure;
}

/** Tells people of what asks for them, and a dead man's switch that payments get on, until the signal. */
async function tellPeople(
  { notifications, liveness, clock, log, progress }: SchedulerPorts,
  { installation, clockRate, overdueMsMax }: SchedulerSettings,
  signal: AbortSignal,
): Promise<void> {
  const chainKeepsTime = clockRate === 1;
  const livenessPing = new LivenessPing({ ...liveness, clock, log, chainKeepsTime, overdueMsMax });
  const loop = { clock, log, progress };
  await Promise.all([
    ...(notifications === undefined
      ? []
      : [
          repeat({ ...loop, name: "tell people" }, signal, async () => {
            await sendNotifications({ ...notifications, clock, log, installation });
            return TELL_EVERY_MS;
          }),
        ]),
    repeat({ ...loop, name: "heartbeat" }, signal, async () => {
      await livenessPing.beat();
      return PING_EVERY_MS;
    }),
  ]);
}

/** Chains receipts as they come, and owes the checkpoint of the day where one is wanted, until the signal. */
async function keepAuditLog(
  { ledger, audit, clock, log, progress }: SchedulerPorts,
  { checkpointAccount }: SchedulerSettings,
  signal: AbortSignal,
): Promise<void> {
  const loop = { clock, log, progress };
  await Promise.all([
    repeat({ ...loop, name: "hash chain entry receipts", stepMsMax: HASH_CHAIN_MS_MAX }, signal, async () => {
      await extendHashChain(audit, signal);
      return HASH_CHAIN_EVERY_MS;
    }),
    ...(checkpointAccount === undefined
      ? []
      : [
          repeat({ ...loop, name: "checkpoint log" }, signal, async () => {
            await createCheckpoint({ ledger, audit, log }, checkpointAccount);
            return CHECKPOINT_EVERY_MS;
          }),
        ]),
  ]);
}
