import { createChannels } from "@stakebts/core/alerts/channels";
import { shown } from "@stakebts/core/config/environment";
import { policyOf } from "@stakebts/core/config/policy-file";
import { measureBalance, measureSpendMonitor } from "@stakebts/core/custody/metrics";
import { createPostgresMonitorLedger } from "@stakebts/core/custody/postgres-monitor-ledger";
import { showPresence } from "@stakebts/core/custody/watcher-presence";
import { measureNodes } from "@stakebts/core/ledger/chain-metrics";
import { openChain } from "@stakebts/core/processes/open-chain";
import { runProcess } from "@stakebts/core/processes/run-process";
import { runWatcher } from "@stakebts/core/processes/watcher";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { readConfig, readPolicy } from "./config.ts";

runProcess("watcher", readConfig, async ({ config, log, signal, metrics, progress, readiness, onBroken }) => {
  const { DATABASE_URL: databaseUrl } = config;
  const chain = openChain(config, log);
  const ledger = createPostgresMonitorLedger({
    url: databaseUrl,
    max: config.STAKEBTS_DATABASE_CONNECTIONS,
  });
  onBroken((receipt) => ledger.addReceipts([receipt]));
  measureNodes(metrics, chain);
  await runWatcher(
    {
      chain,
      ledger,
      clock: hostClock,
      log,
      progress,
      readiness,
      channels: createChannels(config, hostClock),
      showPresence: (until) => showPresence({ databaseUrl, clock: hostClock, log, progress }, until),
      measure: (state) => measureSpendMonitor(metrics, state),
      measureBalance: (state) => measureBalance(metrics, state),
    },
    {
      custodian: config.STAKEBTS_CUSTODIAN,
      policyOn: (chainId) => policyOf(readPolicy(), chainId).policy,
      owed: () => ({
        exchangeDepositAccount: config.STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT,
        checkpointAccount: config.STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT,
        depositMemos: undefined,
        managers: policyOf(readPolicy(), "").managers,
      }),
      installation: config.STAKEBTS_NOTIFY_NAME,
      pollMs: config.STAKEBTS_POLL_MS,
      shown: shown(config),
    },
    signal,
  );
  await Promise.all([chain.close(), ledger.close()]);
});
