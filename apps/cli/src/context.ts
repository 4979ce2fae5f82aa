import {
  createChainClient,
  createPostgresConsoleAccess,
  createPostgresLedger,
  createPostgresLedgerView,
  hostClock,
} from "@stakebts/core/adapters";
import { type CustodianPolicy, type Environment, policyOf } from "@stakebts/core/config";
import { StartupError } from "@stakebts/core/domain";
import type {
  ChainAccount,
  ChainReader,
  ConsoleAccess,
  HostClock,
  Ledger,
  LedgerView,
} from "@stakebts/core/ports";
import { actorOf, readSettings } from "./config.ts";
import type { Terminal } from "./terminal.ts";

/** What a command works with. Each part is opened when it is first asked for, and closed when the command ends. */
export class Context {
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly clock: HostClock = hostClock;
  #view: LedgerView | undefined;
  #ledger: Ledger | undefined;
  #chain: ChainReader | undefined;
  #access: ConsoleAccess | undefined;

  constructor(terminal: Terminal, environment: Environment) {
    this.terminal = terminal;
    this.environment = environment;
  }

  get view(): LedgerView {
    this.#view ??= createPostgresLedgerView({
      url: readSettings("database", this.environment).DATABASE_URL,
    });
    return this.#view;
  }

  get ledger(): Ledger {
    this.#ledger ??= createPostgresLedger({
      url: readSettings("database", this.environment).DATABASE_URL,
      max: 2,
    });
    return this.#ledger;
  }

  get access(): ConsoleAccess {
    this.#access ??= createPostgresConsoleAccess({
      url: readSettings("database", this.environment).DATABASE_URL,
    });
    return this.#access;
  }

  get chain(): ChainReader {
    const settings = readSettings("chain", this.environment);
    this.#chain ??= createChainClient({
      nodes: settings.STAKEBTS_NODES,
      quorum: settings.STAKEBTS_NODE_QUORUM,
    });
    return this.#chain;
  }

  /** Is a node configured at all? Listings go without; actions that move money do not. */
  get hasChain(): boolean {
    return (this.environment["STAKEBTS_NODES"] ?? this.environment["STAKEBTS_NODES_FILE"] ?? "") !== "";
  }

  get actor(): string | undefined {
    return actorOf(this.environment);
  }

  async custodian(): Promise<ChainAccount> {
    const name = readSettings("chain", this.environment).STAKEBTS_CUSTODIAN;
    const [account] = await this.chain.accounts([name]);
    if (account === undefined)
      throw new StartupError(`STAKEBTS_CUSTODIAN: there is no account ${name} on this chain`);
    return account;
  }

  get policy(): CustodianPolicy {
    // Nothing that is asked here depends on the block from which bare memos count.
    return policyOf(readSettings("policy", this.environment).STAKEBTS_POLICY, "");
  }

  async close(): Promise<void> {
    await Promise.all([
      this.#view?.close(),
      this.#ledger?.close(),
      this.#chain?.close(),
      this.#access?.close(),
    ]);
  }
}
