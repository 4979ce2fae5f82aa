import { payPayout } from "./one-payout.ts";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createMemoReader, createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import { createSigner } from "@stakebts/bitshares/signer";
import { DEFAULT_POLICY, type Policy } from "@stakebts/core/rules/policy";
import { EXCHANGE_ACCOUNTS, type ExchangeAccountNumber } from "@stakebts/core/rules/request";
import { type PayoutId, type PayoutKey, payoutKeyInMemo } from "@stakebts/core/rules/payout";
import type { OwedAccounts } from "@stakebts/core/rules/owed";
import type { Roles } from "@stakebts/core/rules/decide";
import { type Shares, toShares } from "@stakebts/kernel/amount";
import type { Freeze } from "@stakebts/core/rules/freeze";
import type { ChainAccount, ChainReader, ChainWriter } from "@stakebts/bitshares/chain";
import type { Exchange } from "@stakebts/core/treasury/exchange";
import { ServiceError } from "@stakebts/kernel/errors";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import type { Log } from "@stakebts/kernel/log";
import type { JobResult } from "@stakebts/core/queue/queue";
import type { Comparison, Difference } from "@stakebts/core/rebuild/difference";
import { compareWithChain } from "@stakebts/core/rebuild/compare-with-chain";
import { establishCursor, type StartMode } from "@stakebts/core/ledger/establish-cursor";
import { applyEvents } from "@stakebts/core/ledger/apply-events";
import type { TopUpSource } from "@stakebts/core/treasury/treasury";
import { MemoKeyWatch } from "@stakebts/core/ledger/watch-memo-key";
import { ingestBlocks } from "@stakebts/core/ledger/ingest-blocks";
import { type HistoryDeps, readHistory } from "@stakebts/core/ledger/read-history";
import { memoNonce } from "@stakebts/core/ledger/ids";
import { newIngestDeps } from "@stakebts/core/processes/ingester";
import { newPayDeps, type PayerDeps } from "@stakebts/core/processes/payer";
import { newTreasuryMemory, runTreasury } from "@stakebts/core/treasury/run-treasury";
import { type PayResult, type PayResults, payPayouts } from "@stakebts/core/payments/pay-payouts";
import { type ReadDeps, rebuildLedger } from "@stakebts/core/rebuild/rebuild-ledger";
import { dispatchJobs, enqueueStalePayouts } from "@stakebts/core/ledger/dispatch-jobs";
import { eachCall } from "./each-call.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryLedger } from "./memory-ledger.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { wholeMemoryLedger } from "./memory-ledger-contents.ts";
import {
  accountFromSeeds,
  type Devnet,
  type DevnetOptions,
  DevnetWallet,
  startDevnet,
  wifFromSeed,
} from "@stakebts/devnet";
import { expect } from "vitest";

// The product without its processes, for tests of services: a real chain (the devnet, which makes blocks only when told), real keys and
// signatures, the ledger in memory. Time stands still unless a test moves it.

export const CUSTODIAN = "custodian";
export const EXCHANGE = "bittrex-deposit";
export const MANAGER = "dls.cipher";
export const RESERVE_ACCOUNT = "custodian-reserve";
/** The memo by which the exchange credits its account 1. */
export const DEPOSIT_MEMO = "deposit-memo-1";
export const NOMINATORS = ["nominator-1", "nominator-2", "nominator-3"] as const;
const SHARES_PER_BTS = 100_000n;
export const MONTH_SECONDS = 30 * 86_400;

const ROLES: Roles = {
  managers: [MANAGER],
  treasuryAccounts: [EXCHANGE, RESERVE_ACCOUNT],
  exchangeDeposit: { account: EXCHANGE, memos: { 1: DEPOSIT_MEMO } },
};

export const OWED: OwedAccounts = {
  exchangeDepositAccount: EXCHANGE,
  depositMemos: { 1: DEPOSIT_MEMO },
  checkpointAccount: undefined,
  managers: [MANAGER],
};

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Thrown in the place of a step that the process did not survive: the code that catches it takes the world outside for away. */
export class Crash extends ServiceError {
  override readonly name = "Crash";
}

export interface InProcessClusterOptions {
  readonly custodianBts?: bigint;
  readonly policy?: Partial<Policy>;
  readonly devnet?: Partial<DevnetOptions>;
  readonly startAt?: StartMode;
  /** How many of the devnet's nodes the processes know, the first ones; default all. */
  readonly nodesKnown?: number;
  /** The node that the wallets of nominators use; default the first. */
  readonly walletNode?: number;
  readonly adminReplay?: boolean;
  /** Accounts at an exchange that can be asked for funds, by number. */
  readonly exchanges?: Readonly<Partial<Record<ExchangeAccountNumber, Exchange>>>;
  /** In whole BTS; without it there is no reserve account. */
  readonly reserveBts?: bigint;
  /** The custodian has no key of the reserve account, and draws from it under the permission that it has given first (1.12.0). */
  readonly reserveBy?: "key" | "permission";
}

export class InProcessCluster {
  readonly devnet: Devnet;
  readonly chain: ChainReader & ChainWriter;
  readonly clock = new ManualClock(1_000_000);
  readonly queue = new MemoryQueue(this.clock);
  policy: Policy;
  readonly custodian: ChainAccount;
  readonly chainId: string;
  ledger = new MemoryLedger(this.clock);
  /** What every process finds frozen in its environment and its file. */
  frozenHere: () => readonly Freeze[] = () => [];
  /** Of payers that begin from now on. */
  owed = OWED;
  /** Memo keys of ingesters and payers that begin from now on (WIF), the present one first. */
  memoWifs: readonly string[] = [wifFromSeed(`${CUSTODIAN}-memo`)];
  payerMemoWifs: readonly string[] | undefined;
  /** Of payers that begin from now on (WIF). */
  activeWif = wifFromSeed(`${CUSTODIAN}-active`);
  /** `false`: no process looks for a shortage. */
  treasuryOn = true;
  /** Calls that the current process has made to what is outside. */
  calls = 0;
  /** The process dies before its n-th call to something outside, and makes none after it. */
  crashBeforeCall: number | undefined;
  /** Changes that the current process has made to what is outside, counted while {@link crashAfterChanges} is set. */
  changes = 0;
  /**
   * The process dies before its first call after so many changes outside: of the ledger, also of one in a transaction that is
   * not complete, or by a call that may change the chain or an exchange. Deaths between two changes leave the same behind,
   * so that one of them stands for all.
   */
  crashAfterChanges: number | undefined;
  #wallets = new Map<string, DevnetWallet>();
  #startAt: StartMode;
  #payer: PayerDeps | undefined;
  #treasury = newTreasuryMemory();
  readonly #options: InProcessClusterOptions;
  #ingester: HistoryDeps | undefined;

  private constructor(
    devnet: Devnet,
    chain: ChainReader & ChainWriter,
    custodian: ChainAccount,
    chainId: string,
    options: InProcessClusterOptions,
  ) {
    this.devnet = devnet;
    this.chain = chain;
    this.custodian = custodian;
    this.chainId = chainId;
    this.#options = options;
    this.policy = { ...DEFAULT_POLICY, strictJsonUpToBlock: 0, ...options.policy };
    this.#startAt = options.startAt ?? 1;
  }

  static async start(options: InProcessClusterOptions = {}): Promise<InProcessCluster> {
    const devnet = await startDevnet({
      accounts: [
        accountFromSeeds(CUSTODIAN, { balanceBts: options.custodianBts ?? 10_000_000n }),
        accountFromSeeds(MANAGER, { balanceBts: 1_000_000n, lifetimeMember: true }),
        accountFromSeeds(EXCHANGE, { balanceBts: 1_000_000n }),
        accountFromSeeds(RESERVE_ACCOUNT, { balanceBts: options.reserveBts ?? 0n }),
        ...NOMINATORS.map((name) => accountFromSeeds(name, { balanceBts: 20_000_000n })),
      ],
      blockIntervalMs: "manual",
      secondsPerBlock: 3,
      witnesses: 3,
      ...options.devnet,
    });
    await devnet.produce(3);
    const chain = createChainClient({
      nodes: devnet.urls.slice(0, options.nodesKnown),
      callDeadlineMs: 1_000,
    });
    const [custodian] = await chain.accounts([CUSTODIAN]);
    const cluster = new InProcessCluster(
      devnet,
      chain,
      custodian as ChainAccount,
      await chain.chainId(),
      options,
    );
    await cluster.passRecoveryHold();
    cluster.restart();
    return cluster;
  }

  /** An empty ledger, or an old one, pays nothing until everything that it may have forgotten is in a block or dead. */
  async passRecoveryHold(): Promise<void> {
    await this.ingest();
    const { raised } = (await this.ledger.control.read()).recoveryHold;
    if (raised === undefined) return;
    this.devnet.skipTime(Math.ceil((raised.untilMs - (await this.chain.head()).headTimeMs) / 1000));
    await this.devnet.produce(20);
    await this.ingest();
    expect((await this.ledger.control.read()).recoveryHold).toEqual({
      raised: undefined,
      databaseChanged: false,
    });
  }

  async stop(): Promise<void> {
    for (const wallet of this.#wallets.values()) wallet.close();
    await this.chain.close();
    await this.devnet.stop();
  }

  /** Sends a transfer from a nominator and puts it into a block. */
  async send(
    from: string,
    amountBts: number,
    memo?: string,
    more: Partial<Parameters<DevnetWallet["transfer"]>[0]> = {},
  ): Promise<void> {
    const amountShares = BigInt(Math.round(amountBts * Number(SHARES_PER_BTS)));
    await this.wallet(from).transfer({
      to: CUSTODIAN,
      amountShares,
      ...(memo === undefined ? {} : { memo }),
      ...more,
    });
    await this.devnet.produce();
  }

  /** A client of the chain for what the product does not do itself. */
  wallet(name: string): DevnetWallet {
    const known = this.#wallets.get(name);
    if (known !== undefined) return known;
    const [activeKey, memoKey] = [wifFromSeed(`${name}-active`), wifFromSeed(`${name}-memo`)];
    const wallet = new DevnetWallet({
      url: this.devnet.urls[this.#options.walletNode ?? 0] as string,
      name,
      activeKey,
      memoKey,
    });
    this.#wallets.set(name, wallet);
    return wallet;
  }

  /** The reserve account lets the custodian draw from it; from the next block on, if not said otherwise. */
  async permit(terms: {
    limitBts: bigint;
    periodSeconds: number;
    periods: number;
    startsInSeconds?: number;
  }): Promise<void> {
    const { limitBts, ...rest } = terms;
    await this.wallet(RESERVE_ACCOUNT).createPermission({
      to: CUSTODIAN,
      limitShares: limitBts * SHARES_PER_BTS,
      ...rest,
    });
    await this.devnet.produce();
  }

  async months(count: number): Promise<void> {
    this.devnet.skipTime(Math.round(count * MONTH_SECONDS));
    await this.devnet.produce();
  }

  /** A new process: nothing in memory but what it reads from the ledger and the chain. */
  restart(): void {
    this.#payer = undefined;
    this.#ingester = undefined;
    this.#treasury = newTreasuryMemory();
    this.calls = 0;
    this.crashBeforeCall = undefined;
    this.changes = 0;
    this.crashAfterChanges = undefined;
  }

  /** The database is gone, or is an old copy. */
  loseLedger(): void {
    this.ledger = new MemoryLedger(this.clock);
    this.queue.flush();
    this.restart();
  }

  /** A new ingester that is told where to begin. */
  async startFrom(mode: StartMode): Promise<void> {
    this.restart();
    await this.#startIngester(mode);
  }

  #ingestDeps(): HistoryDeps {
    return newIngestDeps(
      {
        chain: this.#fragile(this.chain),
        ledger: this.#fragileLedger(),
        memos: createMemoReader({ wifs: this.memoWifs }),
        log: silent,
      },
      {
        policy: this.policy,
        custodian: this.custodian,
        skipBlocks: new Set(),
        adminReplay: this.#options.adminReplay ?? false,
      },
    );
  }

  /** What a command reads the chain and applies events it with. */
  readDeps(): ReadDeps {
    return { ...this.#ingestDeps(), roles: ROLES };
  }

  /** The database is gone, and is filled again from the chain alone. */
  async rebuild(): Promise<void> {
    this.loseLedger();
    const action = { id: "rebuild", actor: "operator", reason: "the disk was lost" };
    await rebuildLedger(this.readDeps(), { fromBlockNum: 1, action }, () => undefined);
  }

  /** Holds the ledger against what the chain alone gives. */
  async compare(
    policy = this.policy,
  ): Promise<{ readonly comparison: Comparison; readonly differences: readonly Difference[] }> {
    const scratch = new MemoryLedger(this.clock);
    const differences: Difference[] = [];
    const comparison = await compareWithChain(
      {
        ...this.readDeps(),
        passedBlocks: this.ledger.passedBlocks,
        memoKeysSeen: this.ledger.memoKeys,
        policy,
        clock: this.clock,
        ledger: wholeMemoryLedger(this.ledger),
        scratch: { ledger: scratch, whole: wholeMemoryLedger(scratch) },
      },
      undefined,
      (difference) => differences.push(difference),
      () => undefined,
    );
    return { comparison, differences };
  }

  async #startIngester(mode: StartMode): Promise<HistoryDeps> {
    const ingester = this.#ingestDeps();
    await new MemoKeyWatch(ingester).look();
    await establishCursor(ingester, mode);
    this.#ingester = ingester;
    return ingester;
  }

  async ingest(): Promise<void> {
    const ledgerIsEmpty = (await this.ledger.cursor.read()) === undefined;
    const ingester = this.#ingester ?? (await this.#startIngester(ledgerIsEmpty ? this.#startAt : "last"));
    for (;;) {
      const { ingestedTo, finalBlockNum } = await ingestBlocks(ingester);
      if (ingestedTo !== undefined && ingestedTo !== finalBlockNum) continue;
      await readHistory(ingester);
      return;
    }
  }

  async applyEvents(): Promise<void> {
    await applyEvents({
      ledger: this.#fragileLedger(),
      log: silent,
      policy: this.policy,
      roles: ROLES,
      frozenHere: () => this.frozenHere(),
    });
  }

  /** A payer that has just become the only one. Others that still believe they are, are over. */
  async newPayer(): Promise<PayerDeps> {
    const memoWifs = this.payerMemoWifs ?? this.memoWifs;
    const deps = newPayDeps({
      chainId: this.chainId,
      owed: this.owed,
      ports: {
        chain: this.#fragile(this.chain),
        ledger: this.#fragileLedger(),
        memos: createMemoWriter({ wif: memoWifs[0] as string, olderWifs: memoWifs.slice(1) }),
        memoReader: createMemoReader({ wifs: memoWifs }),
        clock: this.clock,
        log: silent,
        frozenHere: () => this.frozenHere(),
      },
      signer: createSigner({ wif: this.activeWif, chainId: this.chainId }),
      custodian: this.custodian,
      policy: this.policy,
    });
    return { ...deps, writerEpoch: await this.ledger.control.startWriterEpoch() };
  }

  async pay(id: PayoutId): Promise<PayResult> {
    this.#payer ??= await this.newPayer();
    return payPayout(this.#payer, id);
  }

  /** All that is open, in one step. */
  async payTogether(): Promise<PayResults> {
    this.#payer ??= await this.newPayer();
    return payPayouts(this.#payer, [...this.ledger.contents.payouts.keys()]);
  }

  /** One turn of the treasury, by the payer that leads. */
  async treasury(): Promise<void> {
    this.#payer ??= await this.newPayer();
    const sources = await this.#sources();
    await runTreasury({ ...this.#payer, clock: this.clock, sources }, this.#treasury);
  }

  async #sources(): Promise<readonly TopUpSource[]> {
    const { exchanges = {}, reserveBts } = this.#options;
    const accounts = EXCHANGE_ACCOUNTS.flatMap((number): TopUpSource[] => {
      const exchange = exchanges[number];
      return exchange === undefined ? [] : [{ type: "exchange", number, exchange: this.#fragile(exchange) }];
    });
    if (reserveBts === undefined) return accounts;
    const found = await this.chain.accounts([RESERVE_ACCOUNT]);
    const account = found[0] as ChainAccount;
    const signerOf = (name: string) =>
      createSigner({ wif: wifFromSeed(`${name}-active`), chainId: this.chainId });
    const reserve: TopUpSource =
      this.#options.reserveBy === "permission"
        ? { type: "permission", number: 0, account, permissionId: "1.12.0", signer: signerOf(CUSTODIAN) }
        : { type: "reserve", number: 0, account, signer: signerOf(RESERVE_ACCOUNT) };
    return [reserve, ...accounts];
  }

  /** Makes the jobs and answers them, as the three workers do. */
  async work(): Promise<void> {
    await this.ingest();
    await this.applyEvents();
    await dispatchJobs({ ledger: this.#fragileLedger(), queue: this.queue });
    // A process that dies answers nothing more. Its jobs are gone with it: the reconciler makes them again.
    let died: unknown;
    const answer = async (work: () => Promise<unknown>): Promise<JobResult> => {
      if (died === undefined) await work().catch((error: unknown) => (died = error));
      return { done: true };
    };
    await this.queue.deliver({
      "memo.process": () => answer(() => this.applyEvents()),
      "payout.pay": ({ payoutId, also = [] }) =>
        answer(async () => {
          for (const id of [payoutId, ...also]) await this.pay(id as PayoutId);
        }),
    });
    if (died !== undefined) throw died;
    if (this.#hasSources && this.treasuryOn) await this.treasury();
  }

  get #hasSources(): boolean {
    return this.#options.exchanges !== undefined || this.#options.reserveBts !== undefined;
  }

  /** Blocks and work until nothing is on its way any more: what is left waits for time, money or a person. */
  /**
   * Produces blocks until all that was sent is final, at least `atLeast`. How many it takes depends on the order of the
   * witnesses, which is shuffled by block id.
   */
  async produceUntilFinal(atLeast = 1): Promise<void> {
    const { headBlockNum } = await this.chain.head();
    await this.devnet.produce(atLeast);
    // An ingester reads what is strictly below the last irreversible block.
    while ((await this.chain.head()).irreversibleBlockNum <= headBlockNum + 1) await this.devnet.produce();
  }

  /** A transfer with a memo that asks for nothing: its refund is owed, and not yet paid. */
  async refundDue(atLeastBlocks = 1) {
    await this.send("nominator-1", 500, "what is this");
    await this.produceUntilFinal(atLeastBlocks);
    await this.ingest();
    await this.applyEvents();
    const [payout] = this.ledger.contents.payouts.values();
    if (payout === undefined) throw new Error("nothing is owed");
    return payout;
  }

  async settle(rounds = 12): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await this.devnet.produce();
      this.clock.advance(20_000);
      await enqueueStalePayouts({ ledger: this.ledger, queue: this.queue }, { notEnqueuedForMs: 10_000 });
      await this.work();
    }
  }

  /** Everything that the custodian has sent, read from the irreversible blocks: independent of the ledger. */
  async paidOnChain(): Promise<readonly { to: string; amount: Shares; key: PayoutKey | undefined }[]> {
    const { irreversibleBlockNum } = await this.chain.head();
    const blocks = await this.chain.blocks({ from: 1, to: irreversibleBlockNum, account: this.custodian.id });
    const reader = createMemoReader({ wifs: [...this.memoWifs, wifFromSeed(`${CUSTODIAN}-memo`)] });
    const sent = blocks.flatMap((block) => block.transfers.filter((t) => t.fromId === this.custodian.id));
    const accounts = await this.chain.accounts([...new Set(sent.map((t) => t.toId))]);
    // The memo of a deposit at an exchange is the exchange's, and names no payout. Its nonce does.
    const deposits = [...this.ledger.contents.payouts.values()].filter(({ kind }) => kind === "deposit");
    const depositKeys = new Map(
      deposits.flatMap(({ key }) => [1, 2, 3].map((attempt) => [`${memoNonce(key, attempt)}`, key])),
    );
    return sent.map((transfer) => {
      const memo = reader.read(transfer.memo);
      const deposit = transfer.memo === undefined ? undefined : depositKeys.get(transfer.memo.nonce);
      return {
        to: accounts.find((account) => account?.id === transfer.toId)?.name ?? transfer.toId,
        amount: transfer.amount,
        key: deposit ?? (memo.type === "text" ? payoutKeyInMemo(memo.text) : undefined),
      };
    });
  }

  /** What arrived at an account, in whole BTS, sorted. */
  async arrivedAt(name: string): Promise<readonly number[]> {
    const paid = (await this.paidOnChain()).filter(({ to }) => to === name);
    return paid.map(({ amount }) => Number(amount / SHARES_PER_BTS)).sort((a, b) => a - b);
  }

  /** The promise: what the chain shows is what the ledger says is paid, each debt once and to the BTS. */
  async expectLedgerMatchesChain(): Promise<void> {
    const paid = await this.paidOnChain();
    const { payouts, withdrawals, rows } = this.ledger.contents;
    const confirmed = [...payouts.values()].filter((payout) => payout.status === "confirmed");
    const line = (key: string | undefined, to: string, amount: bigint) => `${key} ${amount} → ${to}`;
    expect(paid.map((p) => line(p.key, p.to, p.amount)).sort()).toEqual(
      confirmed.map((p) => line(p.key, p.payee, toShares(p.amount))).sort(),
    );
    for (const payout of payouts.values()) {
      const alive = [...withdrawals.values()].filter(
        (w) => w.payoutId === payout.id && w.status !== "expired",
      );
      expect(alive.length, `withdrawals of ${payout.key} that are not dead`).toBeLessThanOrEqual(1);
    }
    const settled = confirmed.flatMap((payout) => payout.rows);
    for (const { id, settlesAs } of settled) expect(rows.get(id)?.status, id).toBe(settlesAs);
  }

  #fragileLedger(): Ledger {
    const { ledger } = this;
    const fragilePart = <T extends object>(part: T): T =>
      eachCall(part, (_name, call) => this.#ledgerStep(ledger, call));
    return new Proxy(fragilePart<Ledger>(ledger), {
      get: (target, name) => {
        if (name !== "transaction") return Reflect.get(target, name) as unknown;
        // The database's transaction is one step: it happens or it does not.
        return (work: Parameters<Ledger["transaction"]>[0]) =>
          this.#ledgerStep(ledger, () => ledger.transaction((tx) => work(fragilePart(tx))));
      },
    });
  }

  /** Every call of a method of the chain or an exchange is a moment at which the process may die. */
  #fragile<T extends object>(port: T): T {
    return eachCall(port, (name, call) =>
      this.#step(async () => {
        if (!CALLS_WITHOUT_CHANGE.has(name)) this.changes++;
        return call();
      }),
    );
  }

  #ledgerStep<T>(ledger: MemoryLedger, call: () => Promise<T>): Promise<T> {
    if (this.crashAfterChanges === undefined) return this.#step(call);
    return this.#step(async () => {
      const before = textOf(ledger.contents);
      const result = await call();
      if (textOf(ledger.contents) !== before) this.changes++;
      return result;
    });
  }

  async #step<T>(call: () => Promise<T>): Promise<T> {
    const number = ++this.calls;
    if (number >= (this.crashBeforeCall ?? Infinity) || this.changes >= (this.crashAfterChanges ?? Infinity))
      throw new Crash(`before call ${number}, after ${this.changes} changes`);
    return call();
  }
}

/** Of the chain and of an exchange: what only asks. Every other call counts as a change, also one that is added later. */
const CALLS_WITHOUT_CHANGE: ReadonlySet<string> = new Set<
  Exclude<keyof ChainReader, "close"> | Exclude<keyof Exchange, "withdraw">
>([
  "chainId",
  "head",
  "blocks",
  "blocksAtOnce",
  "blockId",
  "accounts",
  "balance",
  "balanceBounds",
  "permission",
  "transferFees",
  "funds",
  "find",
]);

/** The same for two contents that are equal. */
const textOf = (contents: MemoryLedger["contents"]): string =>
  JSON.stringify(contents, (_key, value: unknown) => {
    if (typeof value === "bigint") return `${value}`;
    return value instanceof Map || value instanceof Set ? [...value] : value;
  });

/** Runs a test in a cluster of its own. */
export async function inCluster(
  options: InProcessClusterOptions,
  run: (cluster: InProcessCluster) => Promise<void>,
): Promise<void> {
  const cluster = await InProcessCluster.start(options);
  try {
    await run(cluster);
  } finally {
    await cluster.stop();
  }
}
