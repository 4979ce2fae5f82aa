import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { createSigner } from "@stakebts/bitshares/signer";
import { DONE, repeat } from "@stakebts/core/runtime/loop";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { localFreeze } from "@stakebts/core/limits/local-freeze";
import { ledgerIsThere, nodeIsThere } from "@stakebts/core/ledger/readiness-checks";
import { measureFreeze } from "@stakebts/core/limits/metrics";
import { measureLead, measureMoney, measurePayments } from "@stakebts/core/payments/metrics";
import { measureNodes } from "@stakebts/core/ledger/chain-metrics";
import { queueStoreOf } from "@stakebts/core/queue/connection";
import { runProcess } from "@stakebts/core/processes/run-process";
import { startJobWorker } from "@stakebts/core/queue/bullmq-worker";
import { transferFee } from "@stakebts/bitshares/fees";
import { withPayerLock } from "@stakebts/core/payments/payer-lock";
import { policyOf } from "@stakebts/core/config/policy-file";
import { shown } from "@stakebts/core/config/environment";
import type { PayoutId } from "@stakebts/core/rules/payout";
import { toShares } from "@stakebts/kernel/amount";
import { checkActiveKey, checkMemoKeys, findCustodian } from "@stakebts/core/ledger/find-custodian";
import { FreezeWatch } from "@stakebts/core/limits/report-freezes";
import type { TopUpSource, TreasuryDeps } from "@stakebts/core/treasury/treasury";
import { HotWallet } from "@stakebts/core/payments/hot-wallet";
import { newTreasuryMemory, runTreasury } from "@stakebts/core/treasury/run-treasury";
import { AccountCache } from "@stakebts/core/payments/account-cache";
import { payPayout } from "@stakebts/core/payments/pay-payout";
import { recordStart } from "@stakebts/core/ledger/record-start";
import { reportTreasury } from "@stakebts/core/treasury/report-treasury";
import { reportTroubles } from "@stakebts/core/ledger/report-node-problems";
import { readConfig } from "./config.ts";
import { openTopUpSources } from "./top-up-sources.ts";

/** How old a balance or a fee schedule may be. Payments in between are reckoned. */
const WALLET_AGE_MS_MAX = 5_000;
/** What is signed looks for itself; this is how soon the others hear of it. */
const LOOK_FOR_FREEZE_MS = 1_000;
/** How long a process that ends waits for the treasury's current step. */
const TREASURY_DRAIN_MS = 5_000;
/** On a ledger that knows no block yet. */
const REPORT_AGAIN_MS = 5_000;
const TROUBLES_EVERY_MS = 1_000;
/** Several questions to several exchanges, each of which may be slow. */
const TREASURY_STEP_MS_MAX = 600_000;

// Pays, one payout at a time, as the only one of its kind, and beside that fetches cover and reports what is there. Holds
// the active key and those of the exchange and the reserve.
runProcess("payer", readConfig, async ({ config, log, signal, metrics, progress, readiness }) => {
  const chain = createChainClient({
    nodes: config.STAKEBTS_NODES,
    quorum: config.STAKEBTS_NODE_QUORUM,
    chainId: config.STAKEBTS_CHAIN_ID,
    log: log.debug,
  });
  const ledger = createPostgresLedger({ url: config.DATABASE_URL });
  const view = createPostgresLedgerView({ url: config.DATABASE_URL });
  measureNodes(metrics, chain);
  const custodian = await findCustodian({ chain, clock: hostClock, log }, config.STAKEBTS_CUSTODIAN, signal);
  if (custodian === undefined) return;
  const signer = createSigner({ wif: config.STAKEBTS_ACTIVE_KEY, chainId: custodian.chainId });
  checkActiveKey(custodian.account, signer.publicKey);
  const { policy } = policyOf(config.STAKEBTS_POLICY, custodian.chainId);
  // Payouts are recognised by the keys in their memos when a ledger has to be rebuilt from the chain: a memo that the
  // custodian's own memo key does not open would be a payment that nobody remembers.
  const memos = createMemoWriter({ wif: config.STAKEBTS_MEMO_KEY?.[0] ?? config.STAKEBTS_ACTIVE_KEY });
  checkMemoKeys(custodian.account, [memos.publicKey]);
  const frozenHere = localFreeze(config);
  const wallet = new HotWallet({
    chain,
    account: custodian.account.id,
    clock: hostClock,
    minimumBalance: toShares(policy.minimumBalance),
    maxAgeMs: WALLET_AGE_MS_MAX,
  });
  const payees = new AccountCache({ chain, clock: hostClock });
  let sources: readonly TopUpSource[] = [];
  await repeat({ name: "open top-up sources", clock: hostClock, log }, signal, async () => {
    sources = await openTopUpSources(config, {
      chain,
      chainId: custodian.chainId,
      custodian: custodian.account,
      signer,
      log,
    });
    return DONE;
  });

  measureMoney(metrics, { chain, view, custodianId: custodian.account.id, policy });
  const measured = measurePayments(metrics);
  const leads = measureLead(metrics);
  const onLook = measureFreeze(metrics);
  // To lead and to stand by are both what a payer is there for.
  readiness.requires({ database: ledgerIsThere(ledger), node: nodeIsThere({ chain, clock: hostClock }) });
  let failure: Error | undefined;
  const lock = { databaseUrl: config.DATABASE_URL, clock: hostClock, log, progress };
  leads(undefined);
  await withPayerLock(lock, signal, async (lost) => {
    await recordStart({ ledger, log }, "payer", shown(config));
    const stop = new AbortController();
    const writerEpoch = await ledger.control.startWriterEpoch();
    log.info("payer.epoch", { writerEpoch });
    leads(writerEpoch);
    const deps = measured({
      chain,
      ledger,
      signer,
      memos,
      wallet,
      payees,
      log,
      policy,
      custodian: custodian.account,
      frozenHere,
      feeOf: transferFee,
      writerEpoch,
    });
    // Said once, not for each of the payouts that wait behind it.
    let lastPause: string | undefined;
    const worker = startJobWorker({
      store: queueStoreOf(config),
      log,
      progress,
      onBroken: (error) => {
        failure = error;
        stop.abort();
      },
      handlers: {
        "payout.pay": async ({ payoutId }) => {
          const result = await payPayout(deps, payoutId as PayoutId);
          if (result.type === "superseded") stop.abort();
          const pause = result.type === "again" ? result.reason : undefined;
          if (pause !== undefined && pause !== lastPause) log.warn("payer.pauses", { reason: pause });
          lastPause = pause;
          return { done: true };
        },
      },
    });
    const over = AbortSignal.any([lost, stop.signal]);
    over.addEventListener("abort", () => leads(undefined));
    const freeze = new FreezeWatch({ ledger, log, process: "payer", frozenHere, onLook });
    const watching = repeat({ name: "freeze", clock: hostClock, log, progress }, over, async () => {
      await freeze.look();
      return LOOK_FOR_FREEZE_MS;
    });
    const tending = tend({ ...deps, clock: hostClock, sources }, over);
    await Promise.race([aborted(over), tending, watching]);
    await worker.close();
    // A question to an exchange may take longer than there is time. Its outcome is found out by whoever leads next.
    await Promise.race([Promise.all([tending, watching]), hostClock.sleep(TREASURY_DRAIN_MS)]);
    tending.catch(() => undefined);
    if (failure !== undefined) throw failure;
  });
  await Promise.all([chain.close(), ledger.close(), view.close()]);

  /** The treasury and its report, until the signal. An exchange that is slow keeps no payment waiting. */
  async function tend(deps: TreasuryDeps, over: AbortSignal): Promise<void> {
    const memory = newTreasuryMemory();
    const loop = { clock: hostClock, log, progress, stepMsMax: TREASURY_STEP_MS_MAX };
    await Promise.all([
      repeat({ ...loop, name: "report troubles of nodes" }, over, async () => {
        await reportTroubles({
          chain,
          log,
          write: (receipts) => ledger.transaction((tx) => tx.receipts.add(receipts)),
        });
        return TROUBLES_EVERY_MS;
      }),
      repeat({ ...loop, name: "treasury" }, over, async () => {
        await runTreasury(deps, memory);
        return config.STAKEBTS_TREASURY_MS;
      }),
      repeat({ ...loop, name: "report" }, over, async () => {
        const isReported = await reportTreasury(deps, view);
        return isReported ? policy.reportEveryMs : REPORT_AGAIN_MS;
      }),
    ]);
  }
});

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
