import {
  countBlocks,
  createChainClient,
  createJobQueue,
  createMemoReader,
  createPostgresLedger,
  DONE,
  hostClock,
  ledgerIsThere,
  localFreeze,
  measureCursor,
  measureFreeze,
  measureNodes,
  nodeIsThere,
  queueStoreOf,
  repeat,
  runProcess,
} from "@stakebts/core/adapters";
import { policyOf, shown } from "@stakebts/core/config";
import {
  checkMemoKeys,
  establishCursor,
  findCustodian,
  FreezeWatch,
  ingestBlocks,
  type IngestDeps,
  LedgerWatch,
  ReadAhead,
  recordStart,
  relayRings,
  reportTroubles,
} from "@stakebts/core/services";
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
      if (ingestedTo !== undefined) await relayRings({ ledger, queue });
      const caughtUp = ingestedTo === undefined || ingestedTo === finalBlockNum;
      return caughtUp ? config.STAKEBTS_POLL_MS : 0;
    }),
    // Beside it: while nodes lie or disagree, ingesting fails, and this is what has to be said then.
    repeat({ ...loop, name: "report troubles of nodes" }, signal, async () => {
      await reportTroubles({
        chain: nodes,
        log,
        write: (receipts) => ledger.transaction((tx) => tx.addReceipts(receipts)),
      });
      return TROUBLES_EVERY_MS;
    }),
  ]);
  await freezing;
  await Promise.all([queue.close(), chain.close(), ledger.close()]);
});
