import { createMemoReader, createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import { createSigner } from "@stakebts/bitshares/signer";
import { shown } from "@stakebts/core/config/environment";
import { depositMemos, exchangeCredentials } from "@stakebts/core/config/exchange-settings";
import { policyOf } from "@stakebts/core/config/policy-file";
import { openDatabase } from "@stakebts/core/database/client";
import { measureNodes } from "@stakebts/core/ledger/chain-metrics";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { localFreeze } from "@stakebts/core/limits/local-freeze";
import { measureFreeze } from "@stakebts/core/limits/metrics";
import { measureLead, measureMoney, measurePause, measurePayments } from "@stakebts/core/payments/metrics";
import { createPostgresPayerLock } from "@stakebts/core/payments/postgres-payer-lock";
import { openChain } from "@stakebts/core/processes/open-chain";
import { findQueueStore, workerOn } from "@stakebts/core/processes/open-queue";
import { runPayer } from "@stakebts/core/processes/payer";
import { runProcess } from "@stakebts/core/processes/run-process";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { openTopUpSources } from "@stakebts/core/treasury/open-sources";
import { readConfig } from "./config.ts";

runProcess("payer", readConfig, async ({ config, log, signal, metrics, progress, readiness, onBroken }) => {
  const { DATABASE_URL: databaseUrl, STAKEBTS_ACTIVE_KEY: activeKey } = config;
  const memoKeys = config.STAKEBTS_MEMO_KEY ?? [activeKey];
  const { managers } = policyOf(config.STAKEBTS_POLICY, "");
  const chain = openChain(config, log);
  const db = openDatabase(databaseUrl, config.STAKEBTS_DATABASE_CONNECTIONS);
  const ledger = createPostgresLedger({ url: databaseUrl, db });
  onBroken(async (receipt) => void (await ledger.transaction((tx) => tx.receipts.add([receipt]))));
  const view = createPostgresLedgerView({ url: databaseUrl, db });
  const queues = await findQueueStore(config, db, { clock: hostClock, log, progress }, signal);
  measureNodes(metrics, chain);
  await runPayer(
    {
      chain,
      ledger,
      view,
      lock: createPostgresPayerLock({ databaseUrl, clock: hostClock, log, progress }),
      startWorker: workerOn(queues, { log, progress }),
      signerOn: (chainId) => createSigner({ wif: activeKey, chainId }),
      memos: createMemoWriter({ wif: memoKeys[0] ?? activeKey, olderWifs: memoKeys.slice(1) }),
      memoReader: createMemoReader({ wifs: memoKeys }),
      openSources: (opened) =>
        openTopUpSources(config, exchangeCredentials(config), { ...opened, chain, log }),
      clock: hostClock,
      log,
      progress,
      readiness,
      frozenHere: localFreeze(config),
      onFreezes: measureFreeze(metrics),
      onCustodian: ({ account }, policy) =>
        measureMoney(metrics, { chain, view, custodianId: account.id, policy }),
      onLead: measureLead(metrics),
      onPause: measurePause(metrics),
      measure: measurePayments(metrics),
    },
    {
      custodian: config.STAKEBTS_CUSTODIAN,
      policyOn: (chainId) => policyOf(config.STAKEBTS_POLICY, chainId).policy,
      owed: {
        exchangeDepositAccount: config.STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT,
        checkpointAccount: config.STAKEBTS_AUDIT_CHECKPOINT_ACCOUNT,
        depositMemos: depositMemos(config),
        managers,
      },
      treasuryMs: config.STAKEBTS_TREASURY_MS,
      shown: shown(config),
    },
    signal,
  );
  await Promise.all([chain.close(), db.$disconnect()]);
});
