import { createMemoReader } from "@stakebts/bitshares/memo-cipher";
import { shown } from "@stakebts/core/config/environment";
import { policyOf } from "@stakebts/core/config/policy-file";
import { openDatabase } from "@stakebts/core/database/client";
import { countBlocks, measureCursor, measureNodes } from "@stakebts/core/ledger/chain-metrics";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { localFreeze } from "@stakebts/core/limits/local-freeze";
import { measureFreeze } from "@stakebts/core/limits/metrics";
import { runIngester } from "@stakebts/core/processes/ingester";
import { openChain } from "@stakebts/core/processes/open-chain";
import { findQueueStore, openJobQueue } from "@stakebts/core/processes/open-queue";
import { runProcess } from "@stakebts/core/processes/run-process";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { readConfig } from "./config.ts";

runProcess(
  "ingester",
  readConfig,
  async ({ config, log, signal, metrics, progress, readiness, onBroken }) => {
    const memos = createMemoReader({ wifs: config.STAKEBTS_MEMO_KEY });
    const chain = openChain(config, log);
    const url = config.DATABASE_URL;
    const db = openDatabase(url, config.STAKEBTS_DATABASE_CONNECTIONS);
    const ledger = createPostgresLedger({ url, db });
    onBroken(async (receipt) => void (await ledger.transaction((tx) => tx.receipts.add([receipt]))));
    const store = await findQueueStore(config, db, { clock: hostClock, log, progress }, signal);
    const queue = openJobQueue(store, log);
    measureNodes(metrics, chain);
    measureCursor(metrics, { chain, ledger });
    await runIngester(
      {
        chain: countBlocks(metrics, chain),
        ledger,
        queue,
        memos,
        clock: hostClock,
        log,
        progress,
        readiness,
        frozenHere: localFreeze(config),
        onFreezes: measureFreeze(metrics),
      },
      {
        custodian: config.STAKEBTS_CUSTODIAN,
        policyOn: (chainId) => policyOf(config.STAKEBTS_POLICY, chainId).policy,
        replay: config.STAKEBTS_REPLAY,
        skipBlocks: new Set(config.STAKEBTS_SKIP_BLOCKS),
        adminReplay: config.STAKEBTS_ADMIN_REPLAY === "on",
        pollMs: config.STAKEBTS_POLL_MS,
        headPollMs: config.STAKEBTS_HEAD_POLL_MS,
        shown: shown(config),
      },
      signal,
    );
    await Promise.all([queue.close(), chain.close(), db.$disconnect()]);
  },
);
