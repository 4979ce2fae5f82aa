import { processLogins } from "@stakebts/testkit/process-logins";
import { createHash, randomBytes } from "node:crypto";
import { createPostgresConsoleAccess } from "@stakebts/core/operators/postgres-console-access";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { type ConsoleAccess, type ConsoleRole, hashPassword } from "@stakebts/core/operators/console-access";
import { openQueue, type QueueStore } from "@stakebts/core/queue/connection";
import { QUEUE_NAMES } from "@stakebts/core/queue/catalog";
import { DEFAULT_POLICY } from "@stakebts/core/rules/policy";
import type { HostClock } from "@stakebts/kernel/clock";
import type { IdentifiedPayout } from "@stakebts/core/ledger/ledger";
import type { LedgerView, ReceiptLine } from "@stakebts/core/ledger/view";
import type { Log } from "@stakebts/kernel/log";
import { createAuditLog } from "@stakebts/core/audit/postgres-audit-log";
import { type Browser, createBrowser } from "@stakebts/core/operators/browse/browser";
import type { Queue } from "bullmq";
import { createConsole } from "../src/app.tsx";
import { ChainWatch } from "../src/chain-watch.ts";
import { Changes } from "../src/live.ts";
import { CUSTODIAN, type PostgresCluster } from "@stakebts/testkit/postgres-cluster";
import { test as base } from "../../cli/test/cli-test.ts";

export const PASSWORD = "a long password";
/** The least that is read back. What is made without it takes its time on purpose: see the tests of console-access.ts. */
const passwordCost = { ln: 10, r: 1, p: 1 };
const passwordHash = hashPassword(PASSWORD, passwordCost);

/** What breaks is seen in the output of the tests. */
const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (event, fields) => process.stderr.write(`${event} ${JSON.stringify(fields)}\n`),
};
export const EXPLORER = {
  account: "https://explorer.example/accounts/{account}",
  block: "https://explorer.example/blocks/{block}",
  transaction: "https://explorer.example/transactions/{transaction}",
};
export const HERE = "http://console.test";

/** A user who is signed in. */
export interface Visitor {
  readonly cookie: string;
  readonly csrf: string;
}

/** The console of a cluster: its router in this process, with the real ledger, queues and chain behind it. */
export class ConsoleEnvironment {
  readonly app: ReturnType<typeof createConsole>;
  readonly access: ConsoleAccess;
  readonly view: LedgerView;
  readonly browse: Browser;
  readonly queues: readonly Queue[];
  readonly watch: ChainWatch;
  /** Host time of the console. Moves when a test says so. */
  nowMs = Date.now();

  readonly changes = new Changes();
  readonly #parts: { close(): Promise<void> }[];
  readonly #databaseUrl: string;

  /** @param url of the console's own login; `access` here is the owner's, who makes users as an operator does */
  private constructor(
    cluster: PostgresCluster,
    { databaseUrl, url }: { databaseUrl: string; url: string },
    store: QueueStore,
    origin: string | undefined,
  ) {
    const { chain, devnet } = cluster;
    this.#databaseUrl = databaseUrl;
    const clock: HostClock = {
      nowMs: () => this.nowMs,
      sleep: async (durationMs) => void (this.nowMs += durationMs),
    };
    this.access = createPostgresConsoleAccess({ url: databaseUrl });
    this.view = createPostgresLedgerView({ url });
    const [access, ledger] = [createPostgresConsoleAccess({ url }), createPostgresLedger({ url })];
    this.#parts = [access, ledger];
    this.queues = QUEUE_NAMES.map((name) => openQueue(store, name, {}, silent));
    const nodes = devnet.urls;
    this.watch = new ChainWatch({ chain, nodes, chainId: undefined, custodian: CUSTODIAN, clock });
    const { view, queues, watch } = this;
    this.browse = createBrowser({ url });
    const audit = createAuditLog({ url });
    this.#parts.push(this.browse, audit);
    const { browse } = this;
    const parts = { ledger, chain, access, view, browse, audit, queues, clock, origin, passwordCost };
    const { changes } = this;
    const shown = { policy: DEFAULT_POLICY, explorer: EXPLORER, custodian: CUSTODIAN };
    this.app = createConsole({
      ...parts,
      ...shown,
      changes,
      glance: watch.latest,
      log: silent,
      sumsAgeMsMax: 0,
    });
  }

  static async open(
    cluster: PostgresCluster,
    databaseUrl: string,
    { store, origin }: { store?: QueueStore; origin?: string } = {},
  ): Promise<ConsoleEnvironment> {
    const url = (await processLogins(databaseUrl)).console;
    const environment = new ConsoleEnvironment(
      cluster,
      { databaseUrl, url },
      store ?? { databaseUrl: url },
      origin,
    );
    await environment.watch.look();
    return environment;
  }

  async close(): Promise<void> {
    await Promise.all(this.queues.map((queue) => queue.close()));
    await Promise.all([...this.#parts, this.access].map((part) => part.close()));
    await Promise.all([this.view.close(), this.watch.close()]);
  }

  async addUser(name: string, role: ConsoleRole): Promise<void> {
    const receipt = { event: "console.user_added", subject: name, details: {} };
    await this.access.addUser({ name, role, passwordHash: await passwordHash }, receipt);
  }

  /** Debts that the ledger has, as if their causes had been answered. */
  async owned(payouts: readonly IdentifiedPayout[]): Promise<void> {
    const ledger = createPostgresLedger({ url: this.#databaseUrl });
    await ledger.transaction((tx) => tx.payouts.insert(payouts));
    await ledger.close();
  }

  /** Signed in without the ceremony: the session is written as the sign-in would. */
  async visitor(role: ConsoleRole): Promise<Visitor> {
    const name = `a-${role}`;
    await this.addUser(name, role);
    const [token, csrf] = [randomBytes(32).toString("base64url"), randomBytes(32).toString("base64url")];
    const tokenHash = createHash("sha256").update(token).digest("hex");
    const { nowMs } = this;
    const times = { nowMs, expiresAtMs: nowMs + 12 * 3_600_000 };
    await this.access.openSession({ tokenHash, user: name, csrfToken: csrf, ...times }, 1_800_000);
    return { cookie: `stakebts=${token}`, csrf };
  }

  get(path: string, visitor?: Visitor, headers: Record<string, string> = {}): Promise<Response> {
    return this.send("GET", path, visitor, { headers });
  }

  /** A form as a page of the console sends it. */
  post(path: string, form: Record<string, string>, visitor?: Visitor): Promise<Response> {
    const body = new URLSearchParams({ ...(visitor === undefined ? {} : { csrf: visitor.csrf }), ...form });
    return this.send("POST", path, visitor, { body, headers: { origin: HERE } });
  }

  async send(
    method: string,
    path: string,
    visitor: Visitor | undefined,
    init: RequestInit,
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    if (visitor !== undefined && !headers.has("cookie")) headers.set("cookie", visitor.cookie);
    return this.app.request(
      `${HERE}${path}`,
      { ...init, method, headers },
      {
        incoming: { socket: { remoteAddress: "192.0.2.1" } },
      },
    );
  }

  /** Newest last. */
  async receipts(event: string): Promise<readonly ReceiptLine[]> {
    return (await this.view.receipts({ event })).items.toReversed();
  }
}

/** A test with a console of its own; queues in PostgreSQL. */
export const test = base.extend<{ console: ConsoleEnvironment }>({
  console: async ({ cluster, databaseUrl }, use) => {
    const console = await ConsoleEnvironment.open(cluster, databaseUrl);
    await use(console);
    await console.close();
  },
});
