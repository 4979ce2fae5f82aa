import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createPostgresMonitorLedger } from "@stakebts/core/custody/postgres-monitor-ledger";
import type { NewReceipt } from "@stakebts/core/ledger/ledger";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { InProcessCluster } from "./in-process-cluster.ts";
import { test as base } from "./login-test.ts";

export interface Watched {
  /** On the ledger in PostgreSQL, without a recovery hold. */
  readonly cluster: InProcessCluster;
  /** What the parts of a watcher are made with: its own nodes, its own login. */
  readonly deps: {
    readonly chain: ReturnType<typeof createChainClient>;
    readonly ledger: ReturnType<typeof createPostgresMonitorLedger>;
    readonly log: { debug(): void; info(): void; warn(): void; error(): void };
    readonly custodian: InProcessCluster["custodian"];
    readonly onAlert: (alert: NewReceipt) => void;
  };
  readonly alerts: readonly NewReceipt[];
  /** Why payments are off. */
  readonly frozen: () => Promise<string | undefined>;
}

/** Real PostgreSQL with the login of each process, a real chain that makes blocks when told, and a watcher that looks when told. */
export const test = base.extend<{ watched: Watched }>({
  watched: async ({ databaseUrl, urls }, use) => {
    const cluster = await InProcessCluster.start();
    const chain = createChainClient({ nodes: cluster.devnet.urls, callDeadlineMs: 1_000 });
    const ledger = createPostgresMonitorLedger({ url: urls.watcher });
    const own = createPostgresLedger({ url: databaseUrl });
    cluster.ledger = own as never;
    cluster.queue.flush();
    cluster.restart();
    await cluster.ingest();
    cluster.devnet.skipTime(3_600);
    const onHold = async () => {
      const { raised, databaseChanged } = (await own.control.read()).recoveryHold;
      return raised !== undefined || databaseChanged;
    };
    while (await onHold()) {
      await cluster.devnet.produce();
      await cluster.ingest();
    }
    const alerts: NewReceipt[] = [];
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const onAlert = (alert: NewReceipt) => void alerts.push(alert);
    await use({
      cluster,
      deps: { chain, ledger, log, custodian: cluster.custodian, onAlert },
      alerts,
      frozen: async () => {
        const payments = await ledger.payments();
        return payments.on ? undefined : payments.reason;
      },
    });
    await Promise.all([chain.close(), ledger.close(), own.close(), cluster.stop()]);
  },
});
