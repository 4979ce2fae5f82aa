import { createChannels } from "@stakebts/core/alerts/channels";
import { ask } from "@stakebts/core/alerts/http-request";
import { measureLiveness, measureNotifications } from "@stakebts/core/alerts/metrics";
import { createNotificationStore } from "@stakebts/core/alerts/postgres-notifications";
import { sendNotifications } from "@stakebts/core/alerts/send-notifications";
import { createAuditLog } from "@stakebts/core/audit/postgres-audit-log";
import { shown } from "@stakebts/core/config/environment";
import { rolesOf } from "@stakebts/core/config/exchange-settings";
import { policyOf } from "@stakebts/core/config/policy-file";
import { openDatabase } from "@stakebts/core/database/client";
import { measureLedger, measureQueues } from "@stakebts/core/ledger/metrics";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { localFreeze } from "@stakebts/core/limits/local-freeze";
import { measureFreeze } from "@stakebts/core/limits/metrics";
import { findQueueStore, openJobQueue, workerOn } from "@stakebts/core/processes/open-queue";
import { runProcess } from "@stakebts/core/processes/run-process";
import { runScheduler } from "@stakebts/core/processes/scheduler";
import { JOB_KINDS } from "@stakebts/core/queue/catalog";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { readConfig } from "./config.ts";

runProcess(
  "scheduler",
  readConfig,
  async ({ config, log, signal, metrics, progress, readiness, onBroken }) => {
    const { DATABASE_URL: url, STAKEBTS_LIVENESS_URL: livenessUrl } = config;
    const db = openDatabase(url, config.STAKEBTS_DATABASE_CONNECTIONS);
    const ledger = createPostgresLedger({ url, db });
    const view = createPostgresLedgerView({ url, db });
    const queues = await findQueueStore(config, db, { clock: hostClock, log, progress }, signal);
    const queue = openJobQueue(queues, log);
    const audit = createAuditLog({ url, db });
    const store = createNotificationStore({ url, db });
    const notifications = { store, channels: createChannels(config, hostClock) };
    onBroken(async (receipt) => {
      await ledger.transaction((tx) => tx.receipts.add([receipt]));
      // No other process tells people: the next scheduler may end before it comes to that.
      await sendNotifications({
        ...notifications,
        clock: hostClock,
        log,
        installation: config.STAKEBTS_NOTIFY_NAME,
      });
    });
    measureLedger(metrics, view);
    measureQueues(metrics, queue, JOB_KINDS);
    measureNotifications(metrics, { store, clock: hostClock });
    // It reads no memo text, so the block from which bare memos count does not matter, nor which chain it is.
    const { policy, managers } = policyOf(config.STAKEBTS_POLICY, "");
    await runScheduler(
      {
        ledger,
        queue,
        startWorker: workerOn(queues, { log, progress }),
        audit,
        notifications,
        liveness: {
          view,
          ping: livenessUrl === undefined ? undefined : () => ask({ method: "GET", url: livenessUrl }),
          onPing: measureLiveness(metrics),
        },
        clock: hostClock,
        log,
        progress,
        readiness,
        frozenHere: localFreeze(config),
        onFreezes: measureFreeze(metrics),
      },
      {
        custodian: config.STAKEBTS_CUSTODIAN,
        policy,
        roles: rolesOf(config, managers),
        clockRate: config.STAKEBTS_CLOCK_RATE,
        reconcileMs: config.STAKEBTS_RECONCILE_MS,
        reenqueueMs: config.STAKEBTS_REENQUEUE_MS,
        checkpointAccount: config.STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT,
        installation: config.STAKEBTS_NOTIFY_NAME,
        overdueMsMax: config.STAKEBTS_LIVENESS_OVERDUE_MS,
        shown: shown(config),
      },
      signal,
    );
    await Promise.all([queue.close(), db.$disconnect()]);
  },
);
