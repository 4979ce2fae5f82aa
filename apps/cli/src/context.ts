import { createPostgresConsoleAccess } from "@stakebts/core/operators/postgres-console-access";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { openChain } from "@stakebts/core/processes/open-ports";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { type CustodianPolicy, policyOf } from "@stakebts/core/config/policy-file";
import type { Environment } from "@stakebts/core/config/environment";
import { StartupError } from "@stakebts/kernel/errors";
import type { ChainAccount, ChainReader } from "@stakebts/bitshares/chain";
import type { ConsoleAccess } from "@stakebts/core/operators/console-access";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import type { LedgerView } from "@stakebts/core/ledger/view";
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
    this.#chain ??= openChain(readSettings("chain", this.environment));
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
