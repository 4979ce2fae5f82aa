import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createChannels } from "@stakebts/core/alerts/channels";
import { createPostgresMonitorLedger } from "@stakebts/core/custody/postgres-custody-ledger";
import { DONE, repeat } from "@stakebts/core/runtime/loop";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { ledgerIsThere, nodeIsThere } from "@stakebts/core/ledger/readiness-checks";
import { measureSpendMonitor } from "@stakebts/core/custody/metrics";
import { measureNodes } from "@stakebts/core/ledger/chain-metrics";
import { runProcess } from "@stakebts/core/processes/run-process";
import { showPresence } from "@stakebts/core/custody/watcher-presence";
import { policyOf } from "@stakebts/core/config/policy-file";
import { shown } from "@stakebts/core/config/environment";
import { DirectAlerts } from "@stakebts/core/alerts/send-notifications";
import { SpendMonitor } from "@stakebts/core/custody/spend-monitor";
import { findCustodian } from "@stakebts/core/ledger/find-custodian";
import { reportTroubles } from "@stakebts/core/ledger/report-node-problems";
import { readConfig } from "./config.ts";

/** What could not be told is tried again. */
const TELL_EVERY_MS = 5_000;
const TROUBLES_EVERY_MS = 1_000;

// Looks at every block for what the custodian's authority does in it, and switches payments off when the ledger cannot
// account for it. Holds no key. Trusts no other process: it asks nodes and reads the ledger itself, and tells operators
// itself.
runProcess("watcher", readConfig, async ({ config, log, signal, metrics, progress, readiness }) => {
  const chain = createChainClient({
    nodes: config.STAKEBTS_NODES,
    quorum: config.STAKEBTS_NODE_QUORUM,
    chainId: config.STAKEBTS_CHAIN_ID,
    log: log.debug,
  });
  const ledger = createPostgresMonitorLedger({ url: config.DATABASE_URL });
  measureNodes(metrics, chain);
  const custodian = await findCustodian({ chain, clock: hostClock, log }, config.STAKEBTS_CUSTODIAN, signal);
  if (custodian === undefined) return;
  const { policy } = policyOf(config.STAKEBTS_POLICY, custodian.chainId);
  const directAlerts = new DirectAlerts({
    channels: createChannels(config, hostClock),
    clock: hostClock,
    log,
    installation: config.STAKEBTS_NOTIFY_NAME,
  });
  const onAlert = measureSpendMonitor(metrics, () => watch.state);
  const watch = new SpendMonitor({
    chain,
    ledger,
    log,
    policy,
    custodian: custodian.account,
    exchangeDepositAccount: config.STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT,
    checkpointAccount: config.STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT,
    onAlert: (alert) => {
      onAlert(alert);
      directAlerts.job(alert);
    },
  });
  readiness.requires({ database: ledgerIsThere(ledger), node: nodeIsThere({ chain, clock: hostClock }) });
  const loop = { clock: hostClock, log, progress };
  await repeat({ ...loop, name: "start" }, signal, async () => {
    await ledger.addReceipts([{ event: "process.started", subject: "watcher", details: shown(config) }]);
    log.info("process.started", shown(config));
    return DONE;
  });
  await Promise.all([
    showPresence({ ...loop, databaseUrl: config.DATABASE_URL }, signal),
    repeat({ ...loop, name: "watch" }, signal, async () =>
      (await watch.look()) ? 0 : config.STAKEBTS_POLL_MS,
    ),
    repeat({ ...loop, name: "report troubles of nodes" }, signal, async () => {
      await reportTroubles({ chain, log, write: ledger.addReceipts });
      return TROUBLES_EVERY_MS;
    }),
    repeat({ ...loop, name: "tell people" }, signal, async () => {
      await directAlerts.tell();
      return TELL_EVERY_MS;
    }),
  ]);
  await Promise.all([chain.close(), ledger.close()]);
});
