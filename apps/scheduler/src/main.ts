import { createJobQueue } from "@stakebts/core/queue/bullmq-queue";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { DONE, repeat } from "@stakebts/core/runtime/loop";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { ledgerIsThere } from "@stakebts/core/ledger/readiness-checks";
import { localFreeze } from "@stakebts/core/limits/local-freeze";
import { measureFreeze } from "@stakebts/core/limits/metrics";
import { measureLedger, measureQueues } from "@stakebts/core/ledger/metrics";
import { queueStoreOf } from "@stakebts/core/queue/connection";
import { JOB_KINDS } from "@stakebts/core/queue/catalog";
import { runProcess } from "@stakebts/core/processes/run-process";
import { startJobWorker } from "@stakebts/core/queue/bullmq-worker";
import { policyOf } from "@stakebts/core/config/policy-file";
import { rolesOf } from "@stakebts/core/config/exchange-settings";
import { shown } from "@stakebts/core/config/environment";
import { applyEvents } from "@stakebts/core/ledger/apply-events";
import { FreezeWatch } from "@stakebts/core/limits/report-freezes";
import { recordStart } from "@stakebts/core/ledger/record-start";
import { dispatchJobs, enqueueStalePayouts, scheduleDueRows } from "@stakebts/core/ledger/dispatch-jobs";
import { readConfig } from "./config.ts";
import { keepLog } from "./keep-log.ts";
import { watch } from "./watch.ts";

/** Rows that fall due within this time get a delayed job; later ones get theirs from a later reconciler. */
const DUE_HORIZON_MS = 3_600_000;
/** When the chain is not yet as far as a due instant, look again this soon at the earliest. */
const DUE_AGAIN_MS_MIN = 50;
/** A apply events goes on until nothing is left to decide: after a long absence of the scheduler that takes minutes. */
const APPLY_MS_MAX = 600_000;
/** Each decision looks for itself; this is how soon others hear of it. */
const LOOK_FOR_FREEZE_MS = 1_000;
const WATCH_DRAIN_MS = 5_000;

// Turns what the ingester wrote into agreements and debts, rows that fall due into payouts, and jobs for all of them.
// Holds no secret and writes to nothing but the database and the queue.
runProcess("scheduler", readConfig, async (context) => {
  const { config, log, signal, metrics, progress, readiness } = context;
  const ledger = createPostgresLedger({ url: config.DATABASE_URL });
  const view = createPostgresLedgerView({ url: config.DATABASE_URL });
  const store = queueStoreOf(config);
  const queue = createJobQueue({ store, log });
  measureLedger(metrics, view);
  measureQueues(metrics, queue, JOB_KINDS);
  readiness.requires({ database: ledgerIsThere(ledger) });
  // The apply events reads no memo text, so the block from which bare memos count does not matter, nor which chain it is.
  const { policy, managers } = policyOf(config.STAKEBTS_POLICY, "");
  const frozenHere = localFreeze(config);
  const deps = {
    ledger,
    frozenHere,
    log,
    policy,
    roles: rolesOf(config, managers),
  };
  const fold = async (): Promise<void> => {
    if ((await applyEvents(deps, signal)) > 0) await dispatchJobs({ ledger, queue });
  };

  // Before the queues are opened: on a database without tables BullMQ's worker would spin and never let us say so.
  const loop = { clock: hostClock, log, progress, stepMsMax: APPLY_MS_MAX };
  await repeat({ ...loop, name: "start" }, signal, async () => {
    await recordStart({ ledger, log }, "scheduler", shown(config));
    return DONE;
  });
  const broken = new AbortController();
  let failure: Error | undefined;
  const worker = startJobWorker({
    store,
    log,
    progress,
    stepMsMax: APPLY_MS_MAX,
    onBroken: (error) => {
      failure = error;
      broken.abort();
    },
    handlers: {
      "memo.process": async () => {
        await fold();
        return { done: true };
      },
      "stakes.due": async ({ dueMs }) => {
        await fold();
        const aheadMs = dueMs - ((await ledger.cursor.read())?.blockTimeMs ?? 0);
        return aheadMs <= 0
          ? { done: true }
          : { done: false, againInMs: Math.max(DUE_AGAIN_MS_MIN, aheadMs / config.STAKEBTS_CLOCK_RATE) };
      },
    },
  });

  const over = AbortSignal.any([signal, broken.signal]);
  const freeze = new FreezeWatch({
    ledger,
    log,
    process: "scheduler",
    frozenHere,
    onLook: measureFreeze(metrics),
  });
  const freezing = repeat({ clock: hostClock, log, progress, name: "freeze" }, over, async () => {
    await freeze.look();
    return LOOK_FOR_FREEZE_MS;
  });
  const beside = Promise.all([watch(context, view, over), keepLog(context, ledger, over), freezing]);
  await repeat({ ...loop, name: "reconcile" }, over, async () => {
    await fold();
    await scheduleDueRows({ ledger, queue }, { rate: config.STAKEBTS_CLOCK_RATE, horizonMs: DUE_HORIZON_MS });
    await enqueueStalePayouts({ ledger, queue }, { notEnqueuedForMs: config.STAKEBTS_REENQUEUE_MS });
    await dispatchJobs({ ledger, queue });
    return config.STAKEBTS_RECONCILE_MS;
  });
  await worker.close();
  // A receiver that is slow to answer is not waited for: its message is taken again by whoever comes next.
  await Promise.race([beside, hostClock.sleep(WATCH_DRAIN_MS)]);
  await Promise.all([queue.close(), ledger.close(), view.close()]);
  if (failure !== undefined) throw failure;
});
