import type {
  AccountHistoryReader,
  ProposalReader,
  UndeliveredBlockReader,
} from "@stakebts/bitshares/account-operations";
import type { ChainAccount, ChainReader } from "@stakebts/bitshares/chain";
import { createMemoReader } from "@stakebts/bitshares/memo-cipher";
import type { Environment } from "@stakebts/core/config/environment";
import { rolesOf } from "@stakebts/core/config/exchange-settings";
import { type CustodianPolicy, policyOf } from "@stakebts/core/config/policy-file";
import { ledgerAccountOf, needAccount, needAccountNamed } from "@stakebts/core/ledger/bind-ledger";
import { checkMemoKeys } from "@stakebts/core/ledger/find-custodian";
import type { HistoryDeps } from "@stakebts/core/ledger/read-history";
import type { Cursor, Ledger, NewReceipt } from "@stakebts/core/ledger/ledger";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { newIngestDeps } from "@stakebts/core/processes/ingester";
import { openChain } from "@stakebts/core/processes/open-chain";
import type { LedgerView } from "@stakebts/core/ledger/view";
import { type Browser, createBrowser } from "@stakebts/core/operators/browse/browser";
import type { ConsoleAccess } from "@stakebts/core/operators/console-access";
import { createPostgresConsoleAccess } from "@stakebts/core/operators/postgres-console-access";
import type { Roles } from "@stakebts/core/rules/decide";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import type { HostClock } from "@stakebts/kernel/clock";
import { StartupError } from "@stakebts/kernel/errors";
import type { Log } from "@stakebts/kernel/log";
import { millis, type Millis } from "@stakebts/kernel/time";
import { actorOf, readSettings } from "./config.ts";
import type { ExitCode } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** What a command works with. Each part is opened when it is first asked for, and closed when the command ends. */
export class Context {
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly clock: HostClock = hostClock;
  #isRightAccount = false;
  #view: LedgerView | undefined;
  #ledger: Ledger | undefined;
  #chain: (ChainReader & UndeliveredBlockReader & AccountHistoryReader & ProposalReader) | undefined;
  #access: ConsoleAccess | undefined;
  #browse: Browser | undefined;

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
    if (this.#ledger === undefined) {
      const { DATABASE_URL: url } = readSettings("database", this.environment);
      const ledger = createPostgresLedger({ url, max: 2 });
      this.#ledger = {
        ...ledger,
        transaction: async (work) => {
          await this.#needAccount(ledger);
          return ledger.transaction(work);
        },
      };
    }
    return this.#ledger;
  }

  /** Nothing is written to the ledger of another account than the settings name, if they name one. No node is asked. */
  async #needAccount({ control }: Ledger): Promise<void> {
    if ((this.environment["STAKEBTS_CUSTODIAN"] ?? "") === "" || this.#isRightAccount) return;
    const { STAKEBTS_CUSTODIAN: name, STAKEBTS_CHAIN_ID: chainId } = readSettings(
      "account",
      this.environment,
    );
    needAccountNamed((await control.read()).account, { name, chainId });
    this.#isRightAccount = true;
  }

  get access(): ConsoleAccess {
    this.#access ??= createPostgresConsoleAccess({
      url: readSettings("database", this.environment).DATABASE_URL,
    });
    return this.#access;
  }

  get browse(): Browser {
    this.#browse ??= createBrowser({ url: readSettings("database", this.environment).DATABASE_URL });
    return this.#browse;
  }

  get chain(): ChainReader & UndeliveredBlockReader & AccountHistoryReader & ProposalReader {
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

  /** Where the console shows it (operators/console-paths.ts); `undefined`: no address of a console is set. */
  linkTo(path: string): string | undefined {
    const { STAKEBTS_CONSOLE_ORIGIN: origin } = readSettings("console", this.environment);
    return origin === undefined ? undefined : `${origin}${path}`;
  }

  /** All business time is chain time: now is the time of the newest block that the ledger knows. */
  nowOf(cursor: Cursor | undefined): Millis {
    return cursor?.blockTimeMs ?? millis(this.clock.nowMs());
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
      this.#browse?.close(),
    ]);
  }
}

/** What a command has found out or done, for those who do not read what it prints. */
export const writeDown = ({ ledger }: Pick<Context, "ledger">, receipt: NewReceipt): Promise<unknown> =>
  ledger.transaction((tx) => tx.receipts.add([receipt]));

/** Turns the work of a command into what commander calls: opens and closes what it needs, and sets the exit code. */
export type Run = <A extends unknown[]>(
  work: (context: Context, ...args: A) => Promise<ExitCode>,
) => (...args: A) => Promise<void>;

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * What the ingester reads blocks with and the scheduler decides by: the same settings, for a command that does both.
 * @param ledger where to; without it the one of DATABASE_URL
 */
export async function ingestDeps(
  context: Context,
  ledger: Ledger = context.ledger,
): Promise<HistoryDeps & { readonly roles: Roles }> {
  const settings = readSettings("ingest", context.environment);
  const memos = createMemoReader({ wifs: settings.STAKEBTS_MEMO_KEY });
  const { chain } = context;
  const custodian = await context.custodian();
  checkMemoKeys(custodian, memos.publicKeys);
  const chainId = await chain.chainId();
  needAccount((await ledger.control.read()).account, ledgerAccountOf({ account: custodian, chainId }));
  const { policy, managers } = policyOf(settings.STAKEBTS_POLICY, chainId);
  const deps = newIngestDeps(
    { chain, ledger, memos, log: silent },
    {
      policy,
      custodian,
      skipBlocks: new Set(settings.STAKEBTS_SKIP_BLOCKS),
      adminReplay: settings.STAKEBTS_ADMIN_REPLAY === "on",
    },
  );
  return { ...deps, roles: rolesOf(settings, managers) };
}
