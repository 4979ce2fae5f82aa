import { join } from "node:path";
import { startWorker, type WorkerLogLine, type WorkerProcess } from "./worker-process.ts";

export type WorkerName = "ingester" | "scheduler" | "payer";
/** What can be started here: the workers, who watches them, and the page for operators. */
export type ClusterProcess = WorkerName | "watcher" | "console";

export interface LocalClusterOptions {
  /** Folder of the repository: the workers run from `apps/<name>/dist/main.js`, as they are shipped. */
  readonly repository: string;
  /** The owner's; and for each process its own login, which it signs in with if it is there. */
  readonly databaseUrl: string;
  readonly databaseUrls?: Readonly<Partial<Record<ClusterProcess, string>>>;
  readonly redisUrl?: string | undefined;
  readonly nodes: readonly string[];
  readonly custodian: string;
  /** WIF. */
  readonly activeKey: string;
  readonly memoKey: string;
  /** Path of the policy file. */
  readonly policy?: string;
  /** Chain seconds in one of the host. */
  readonly clockRate: number;
  /** Settings of one kind of worker beside those that every cluster has. */
  readonly more?: Readonly<Partial<Record<ClusterProcess, Readonly<Record<string, string>>>>>;
  readonly onLine?: (name: ClusterProcess, line: WorkerLogLine) => void;
}

/** The three workers of one custodian on this machine, each as often as wanted. */
export class LocalCluster {
  readonly #options: LocalClusterOptions;
  readonly #running = new Set<WorkerProcess>();
  readonly #ended: WorkerProcess[] = [];

  constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  /** Starts a worker with no more than the settings that its kind knows. `more` changes or adds settings. */
  start(name: ClusterProcess, more: Readonly<Record<string, string>> = {}): WorkerProcess {
    const { onLine, repository } = this.#options;
    const worker = startWorker({
      name,
      entry: join(repository, `apps/${name}/dist/main.js`),
      environment: { ...this.#environment(name), ...this.#options.more?.[name], ...more },
      ...(onLine === undefined ? {} : { onLine: (line) => onLine(name, line) }),
    });
    this.#running.add(worker);
    void worker.exited.then((how) => {
      this.#running.delete(worker);
      if (how !== "SIGKILL") this.#ended.push(worker);
    });
    return worker;
  }

  /** The last lines of the log of each worker that runs or has ended by itself. */
  lastWords(count: number): readonly WorkerLogLine[] {
    return [...this.#running, ...this.#ended].flatMap((worker) => worker.lines.slice(-count));
  }

  async stop(): Promise<void> {
    const workers = [...this.#running];
    for (const worker of workers) {
      worker.kill("SIGCONT");
      worker.kill("SIGTERM");
    }
    await Promise.all(workers.map((worker) => worker.exited));
  }

  #environment(name: ClusterProcess): Record<string, string> {
    const { databaseUrl, databaseUrls, redisUrl, nodes, custodian, activeKey, memoKey, policy, clockRate } =
      this.#options;
    const common = {
      DATABASE_URL: databaseUrls?.[name] ?? databaseUrl,
      ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
      ...(policy === undefined ? {} : { STAKEBTS_POLICY: policy }),
    };
    const nodesAndAccount = { STAKEBTS_NODES: nodes.join(","), STAKEBTS_CUSTODIAN: custodian };
    const chain = { ...nodesAndAccount, STAKEBTS_MEMO_KEY: memoKey };
    switch (name) {
      case "ingester":
        return { ...common, ...chain, STAKEBTS_REPLAY: "last", STAKEBTS_POLL_MS: "50" };
      case "scheduler":
        return {
          ...common,
          STAKEBTS_CLOCK_RATE: String(clockRate),
          STAKEBTS_RECONCILE_MS: "250",
          STAKEBTS_REENQUEUE_MS: "2000",
        };
      case "payer":
        return { ...common, ...chain, STAKEBTS_ACTIVE_KEY: activeKey, STAKEBTS_PAYMENTS: "on" };
      case "watcher":
        return { ...common, ...nodesAndAccount, STAKEBTS_POLL_MS: "50" };
      case "console":
        return { ...common, ...nodesAndAccount, STAKEBTS_CONSOLE_PORT: "0" };
    }
  }
}
