import { serve } from "@hono/node-server";
import { openChain } from "@stakebts/core/processes/open-chain";
import { findQueueStore } from "@stakebts/core/processes/open-queue";
import { reportFreezes } from "@stakebts/core/processes/process-ports";
import { shown } from "@stakebts/core/config/environment";
import { policyOf } from "@stakebts/core/config/policy-file";
import { openDatabase } from "@stakebts/core/database/client";
import { measureNodes } from "@stakebts/core/ledger/chain-metrics";
import { needAccountNamed } from "@stakebts/core/ledger/bind-ledger";
import { createAuditLog } from "@stakebts/core/audit/postgres-audit-log";
import { createBrowser } from "@stakebts/core/operators/browse/browser";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { ledgerIsThere } from "@stakebts/core/ledger/readiness-checks";
import { recordStart } from "@stakebts/core/ledger/record-start";
import { localFreeze } from "@stakebts/core/limits/local-freeze";
import { measureFreeze } from "@stakebts/core/limits/metrics";
import { createPostgresConsoleAccess } from "@stakebts/core/operators/postgres-console-access";
import { runProcess } from "@stakebts/core/processes/run-process";
import { QUEUE_NAMES } from "@stakebts/core/queue/catalog";
import { openQueue } from "@stakebts/core/queue/connection";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { DONE, repeat } from "@stakebts/core/runtime/loop";
import { StartupError } from "@stakebts/kernel/errors";
import { createConsole } from "./app.tsx";
import { ChainWatch } from "./chain-watch.ts";
import { readConfig } from "./config.ts";
import { LedgerListener } from "./ledger-listener.ts";
import { Changes } from "./live.ts";

const LOOK_MS = 5_000;
/** They go through the whole ledger: a third of a second for each million rows. */
const SUMS_AGE_MS_MAX = 15_000;

// The page for operators. Holds no key; what is decided here are rows, and the payer acts on them.
runProcess("console", readConfig, async ({ config, log, signal, metrics, progress, readiness }) => {
  const url = config.DATABASE_URL;
  const [nodes, chainId, custodian] = [
    config.STAKEBTS_NODES,
    config.STAKEBTS_CHAIN_ID,
    config.STAKEBTS_CUSTODIAN,
  ];
  const db = openDatabase(url, config.STAKEBTS_DATABASE_CONNECTIONS);
  const ledger = createPostgresLedger({ url, db });
  const view = createPostgresLedgerView({ url, db });
  const browse = createBrowser({ url, db });
  const audit = createAuditLog({ url, db });
  const access = createPostgresConsoleAccess({ url, db });
  const chain = openChain(config, log);
  const watch = new ChainWatch({ chain, nodes, chainId, custodian, clock: hostClock });

  measureNodes(metrics, chain);
  // Without a node the page is still worth looking at, so that none is required.
  readiness.requires({ database: ledgerIsThere(ledger) });
  await repeat({ name: "start", clock: hostClock, log, progress }, signal, async () => {
    const users = await access.users();
    if (users.every(({ disabled }) => disabled))
      throw new StartupError(
        "no user can sign in: make one with `stakebts users add <name> --role operator`",
      );
    needAccountNamed((await ledger.control.read()).account, { name: custodian, chainId });
    await recordStart({ ledger, log }, "console", shown(config));
    return DONE;
  });
  if (signal.aborted) return;

  // After the start: on a database without tables BullMQ would spin and never let us say so.
  const store = await findQueueStore(config, db, { clock: hostClock, log, progress }, signal);
  const queues = QUEUE_NAMES.map((name) => openQueue(store, name, {}, log));
  const { policy, explorer } = policyOf(config.STAKEBTS_POLICY, "");
  const changes = new Changes();
  const listener = new LedgerListener({ url, changes });
  const app = createConsole({
    ledger,
    view,
    browse,
    audit,
    access,
    chain,
    glance: watch.latest,
    queues,
    changes,
    clock: hostClock,
    log,
    policy,
    explorer,
    sumsAgeMsMax: SUMS_AGE_MS_MAX,
    custodian,
    origin: config.STAKEBTS_CONSOLE_ORIGIN,
  });
  const server = serve(
    { fetch: app.fetch, hostname: config.STAKEBTS_CONSOLE_HOST, port: config.STAKEBTS_CONSOLE_PORT },
    ({ address, port, family }) => {
      const host = family === "IPv6" ? `[${address}]` : address;
      log.info("console.listening", { address: `http://${host}:${port}` });
    },
  );
  const broken = new Promise<never>((_, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new StartupError(
          `STAKEBTS_CONSOLE_HOST, STAKEBTS_CONSOLE_PORT: cannot listen there (${error.code ?? error.message})`,
        ),
      ),
    );
  });
  const looking = repeat({ name: "look", clock: hostClock, log, progress }, signal, async () => {
    await watch.look();
    return LOOK_MS;
  });
  const listening = repeat({ name: "listen", clock: hostClock, log, progress }, signal, async () => {
    await listener.listen();
    return LOOK_MS;
  });
  const frozen = { frozenHere: localFreeze(config), onFreezes: measureFreeze(metrics) };
  const freezing = reportFreezes(
    { ...frozen, ledger, clock: hostClock, log, progress },
    { process: "console" },
    signal,
  );
  await Promise.race([Promise.all([looking, listening, freezing]), broken]);
  // Requests that are being answered get their answer; browsers keep connections open for the next, which never comes.
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    if ("closeIdleConnections" in server) server.closeIdleConnections();
  });
  await Promise.all(queues.map((queue) => queue.close()));
  await Promise.all([watch.close(), listener.close(), chain.close(), db.$disconnect()]);
});
