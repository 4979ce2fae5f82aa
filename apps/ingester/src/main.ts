import { countBlocks, measureCursor, measureNodes } from "@stakebts/core/ledger/chain-metrics";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createJobQueue } from "@stakebts/core/queue/bullmq-queue";
import { createMemoReader } from "@stakebts/bitshares/memo-cipher";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { DONE, repeat } from "@stakebts/core/runtime/loop";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { ledgerIsThere, nodeIsThere } from "@stakebts/core/ledger/readiness-checks";
import { localFreeze } from "@stakebts/core/limits/local-freeze";
import { measureFreeze } from "@stakebts/core/limits/metrics";
import { queueStoreOf } from "@stakebts/core/queue/connection";
import { runProcess } from "@stakebts/core/processes/run-process";
import { policyOf } from "@stakebts/core/config/policy-file";
import { shown } from "@stakebts/core/config/environment";
import { checkMemoKeys, findCustodian } from "@stakebts/core/ledger/find-custodian";
import { establishCursor } from "@stakebts/core/ledger/establish-cursor";
import { FreezeWatch } from "@stakebts/core/limits/report-freezes";
import { ingestBlocks, type IngestDeps } from "@stakebts/core/ledger/ingest-blocks";
import { LedgerWatch } from "@stakebts/core/ledger/recovery-hold";
import { ReadAhead } from "@stakebts/core/ledger/read-ahead";
import { recordStart } from "@stakebts/core/ledger/record-start";
import { dispatchJobs } from "@stakebts/core/ledger/dispatch-jobs";
import { reportTroubles } from "@stakebts/core/ledger/report-node-problems";
import { readConfig } from "./config.ts";

const TROUBLES_EVERY_MS = 1_000;
/** It stops nothing here, and is told all the same: so that no process says less than another. */
const LOOK_FOR_FREEZE_MS = 1_000;

// Reads irreversible blocks and writes down what they mean for the custodian: transfers, what they confirm, what they
// prove dead. Holds the memo key and can move nothing.
runProcess("ingester", readConfig, async ({ config, log, signal, metrics, progress, readiness }) => {
  const memos = createMemoReader({ wifs: config.STAKEBTS_MEMO_KEY });
  const nodes = createChainClient({
    nodes: config.STAKEBTS_NODES,
    quorum: config.STAKEBTS_NODE_QUORUM,
    chainId: config.STAKEBTS_CHAIN_ID,
    log: log.debug,
  });
  const ledger = createPostgresLedger({ url: config.DATABASE_URL });
  const queue = createJobQueue({ store: queueStoreOf(config), log });

  measureNodes(metrics, nodes);
  measureCursor(metrics, { chain: nodes, ledger });
  const custodian = await findCustodian(
    { chain: nodes, clock: hostClock, log },
    config.STAKEBTS_CUSTODIAN,
    signal,
  );
  if (custodian === undefined) return;
  checkMemoKeys(custodian.account, memos.publicKeys);
  const { policy } = policyOf(config.STAKEBTS_POLICY, custodian.chainId);
  const chain = countBlocks(metrics, nodes, custodian.account.id);
  const deps: IngestDeps = {
    chain,
    ahead: new ReadAhead(chain, custodian.account.id),
    ledger,
    memos,
    log,
    policy,
    custodian: custodian.account,
    skipBlocks: new Set(config.STAKEBTS_SKIP_BLOCKS),
    adminReplay: config.STAKEBTS_ADMIN_REPLAY === "on",
    accounts: new Map(),
    watch: new LedgerWatch(),
  };

  readiness.requires({ database: ledgerIsThere(ledger), node: nodeIsThere({ chain, clock: hostClock }) });
  const loop = { clock: hostClock, log, progress };
  await repeat({ ...loop, name: "start" }, signal, async () => {
    await recordStart({ ledger, log }, "ingester", shown(config));
    return DONE;
  });
  const freeze = new FreezeWatch({
    ledger,
    log,
    process: "ingester",
    frozenHere: localFreeze(config),
    onLook: measureFreeze(metrics),
  });
  const freezing = repeat({ ...loop, name: "freeze" }, signal, async () => {
    await freeze.look();
    return LOOK_FOR_FREEZE_MS;
  });
  await repeat({ ...loop, name: "place cursor" }, signal, async () => {
    await establishCursor(deps, config.STAKEBTS_REPLAY);
    return DONE;
  });
  await Promise.all([
    repeat({ ...loop, name: "ingest" }, signal, async () => {
      const { ingestedTo, finalBlockNum } = await ingestBlocks(deps);
      if (ingestedTo !== undefined) await dispatchJobs({ ledger, queue });
      const caughtUp = ingestedTo === undefined || ingestedTo === finalBlockNum;
      return caughtUp ? config.STAKEBTS_POLL_MS : 0;
    }),
    // Beside it: while nodes lie or disagree, ingesting fails, and this is what has to be said then.
    repeat({ ...loop, name: "report troubles of nodes" }, signal, async () => {
      await reportTroubles({
        chain: nodes,
        log,
        write: (receipts) => ledger.transaction((tx) => tx.receipts.add(receipts)),
      });
      return TROUBLES_EVERY_MS;
    }),
  ]);
  await freezing;
  await Promise.all([queue.close(), chain.close(), ledger.close()]);
});
