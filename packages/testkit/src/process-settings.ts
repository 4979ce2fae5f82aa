export type WorkerName = "ingester" | "scheduler" | "payer";
/** What a cluster starts: the workers, the watcher, and the console for operators. */
export type ProcessName = WorkerName | "watcher" | "console";

export interface ProcessFacts {
  /** With the login of the process. */
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
  readonly nodes: readonly string[];
  readonly custodian: string;
  /** WIF. */
  readonly activeKey: string;
  readonly memoKey: string;
  /** Path of the policy file. */
  readonly policy: string | undefined;
  /** Chain seconds in one of the host. */
  readonly clockRate: number;
}

/** One node is believed on a chain of this machine, whose every node is ours. */
export const nodeSettings = (nodes: readonly string[]) => ({
  STAKEBTS_NODES: nodes.join(","),
  ...(nodes.length === 1 ? { STAKEBTS_TRUST_ONE_NODE: "on" } : {}),
});

/** The settings of one process, no more than its kind knows, with intervals that suit a fast chain. */
export function processSettings(name: ProcessName, facts: ProcessFacts): Record<string, string> {
  const { databaseUrl, redisUrl, nodes, custodian, activeKey, memoKey, policy, clockRate } = facts;
  const common = {
    DATABASE_URL: databaseUrl,
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
    ...(policy === undefined ? {} : { STAKEBTS_POLICY: policy }),
  };
  const nodesAndAccount = { ...nodeSettings(nodes), STAKEBTS_CUSTODIAN: custodian };
  const chain = { ...nodesAndAccount, STAKEBTS_MEMO_KEY: memoKey };
  switch (name) {
    case "ingester":
      return { ...common, ...chain, STAKEBTS_REPLAY: "last", STAKEBTS_POLL_MS: "50" };
    case "scheduler":
      return {
        ...common,
        STAKEBTS_CUSTODIAN: custodian,
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
