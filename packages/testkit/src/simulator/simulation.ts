import { AssertionError } from "@stakebts/kernel/assert";
import { ServiceError } from "@stakebts/kernel/errors";
import { DEFAULT_POLICY, type Policy } from "@stakebts/core/rules/policy";
import { bts, shares } from "@stakebts/kernel/amount";
import type { AccountId, ChainAccount } from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";
import { ExchangeError } from "@stakebts/core/treasury/exchange";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import { eachCall } from "../each-call.ts";
import { MemoryExchange } from "../memory-exchange.ts";
import { MemoryLedger } from "../memory-ledger.ts";
import { MemoryQueue } from "../memory-queue.ts";
import type { AuditTerms, Intention } from "./auditor.ts";
import { ChainedReceipts } from "./chained-receipts.ts";
import { FakeChain } from "./fake-chain.ts";
import { fakeMemo, MEMO_KEY, memoText, unreadableMemo } from "./fake-keys.ts";
import { FakeNodes } from "./fake-node.ts";
import { LedgerGuard } from "./ledger-guard.ts";
import { Prng } from "./prng.ts";
import type { Safeguard } from "./safeguards.ts";
import { type ProcessRun, EventLoop } from "./event-loop.ts";
import { NO_FAULTS, drawFaultProfile, type FaultProfile } from "./fault-profile.ts";

const SHARES = 100_000n;
const ACTIVE_KEY = "custodian key";
/** How long a payer may take to notice that its key is none any more: answers of nodes and of the database may be minutes late. */
const NOTICED_MS_MAX = 600_000;
const START_MS = Date.UTC(2026, 0, 1);

export const CUSTODIAN: AccountId = "1.2.100";
export const EXCHANGE: AccountId = "1.2.101";
export const RESERVE: AccountId = "1.2.102";
export const MANAGER: AccountId = "1.2.103";
const NAMES = new Map<AccountId, string>([
  [CUSTODIAN, "custodian"],
  [EXCHANGE, "exchange"],
  [RESERVE, "reserve"],
  [MANAGER, "manager"],
]);
export const DEPOSIT_MEMO = "deposit-memo-1";

/** A custodian and all that surrounds him, made from one seed. */
export class Simulation {
  readonly prng: Prng;
  readonly eventLoop: EventLoop;
  readonly without: Safeguard | undefined;
  readonly policy: Policy;
  readonly chain: FakeChain;
  readonly nodes: FakeNodes;
  readonly accounts: readonly ChainAccount[];
  readonly nominators: readonly ChainAccount[];
  readonly ledger: MemoryLedger;
  readonly guard: LedgerGuard;
  readonly audit: ChainedReceipts;
  readonly queue: MemoryQueue;
  readonly exchange: MemoryExchange;
  readonly hasReserve: boolean;
  /** What the senders of transfers meant, by transaction id. */
  readonly intentions = new Map<string, Intention>();
  /** Debts that an operator has tried to cancel. */
  readonly cancelled = new Set<string>();
  /** People of whom an operator has tried to cancel the payout of a principal. */
  readonly handled = new Set<AccountId>();
  readonly wrong: string[] = [];
  /** The faults are over, and only operators do anything. */
  isOver = false;
  readonly ingesters = new Set<ProcessRun>();
  restoresToCome = 0;
  /** A backup has come back, or the database was lost: the ledger may not know what it has signed. */
  hasForgotten = false;
  /** The database was lost at some time. */
  hasLostLedger = false;
  /** The database was lost, and an operator fills it from the chain: ingesters are not started meanwhile. */
  isBeingRebuilt = false;
  faultProfile: FaultProfile;
  /** By how much the chain's time is ahead of the event loop's: it stood still now and then. */
  chainAheadMs = START_MS;
  hostSkewMs = 0;
  /** The payer that has the lock, as the database sees it. */
  payerLock: { readonly run: ProcessRun; readonly lose: () => void } | undefined;
  /** An attacker has paused the queue of payouts by one write, and it stays paused: in one simulation of eight. */
  readonly isPayoutQueuePaused: boolean;
  /** In one simulation of two so few that one step follows another, as with thousands of payouts. */
  readonly payoutsPerStep: number | undefined;
  /** The custodian's keys: those of the account on the chain, and those that its processes are given when they begin. */
  readonly keys = {
    memo: MEMO_KEY,
    active: ACTIVE_KEY,
    /** Oldest first. */
    memoEver: [MEMO_KEY] as readonly string[],
    memoGiven: [MEMO_KEY] as readonly string[],
    activeGiven: ACTIVE_KEY,
    /** By the event loop's time. */
    activeChangedAtMs: 0,
  };
  /** Every process that has begun and is not over. */
  readonly runs = new Set<ProcessRun>();
  readonly #latencyMs: number;
  #venueIds = 0;
  #externals = 0;

  constructor(seed: number, options: { readonly without: Safeguard | undefined; readonly linesMax: number }) {
    const prng = new Prng(seed);
    this.prng = prng;
    this.without = options.without;
    this.isPayoutQueuePaused = seed % 8 === 3;
    this.payoutsPerStep = seed % 2 === 0 ? 2 : undefined;
    this.eventLoop = new EventLoop(prng.split(), { linesMax: options.linesMax });
    this.faultProfile = drawFaultProfile(prng);
    this.#latencyMs = prng.pick([5, 100, 1_000]);
    this.policy = drawPolicy(prng);
    const nominators = Array.from({ length: prng.int(2, 5) }, (_, index) =>
      account(`1.2.${200 + index}`, `nominator-${index + 1}`),
    );
    this.nominators = nominators;
    const [custodian, exchange, reserve] = [CUSTODIAN, EXCHANGE, RESERVE].map((id) =>
      account(id, NAMES.get(id) as string),
    ) as [ChainAccount, ChainAccount, ChainAccount];
    this.accounts = [
      custodian,
      exchange,
      reserve,
      { ...account(MANAGER, "manager"), lifetimeMember: prng.chance(0.9) },
      ...nominators,
    ];
    const isPoor = prng.chance(0.6);
    this.hasReserve = prng.chance(0.5);
    this.chain = new FakeChain({
      startMs: START_MS,
      feeShares: 1_000n,
      balances: new Map<AccountId, bigint>([
        [CUSTODIAN, (isPoor ? BigInt(prng.int(0, 3_000)) : 10_000_000n) * SHARES],
        [EXCHANGE, 1_000_000_000n * SHARES],
        [RESERVE, BigInt(prng.int(0, 60_000)) * SHARES],
        [MANAGER, 1_000_000_000n * SHARES],
        ...nominators.map(({ id }) => [id, 1_000_000_000n * SHARES] as const),
      ]),
    });
    const trueTime: HostClock = {
      nowMs: () => START_MS + this.eventLoop.nowMs,
      sleep: () => Promise.reject(new Error("only processes sleep")),
    };
    this.ledger = new MemoryLedger(trueTime);
    this.audit = new ChainedReceipts(this.ledger, trueTime);
    this.queue = new MemoryQueue(trueTime);
    this.nodes = new FakeNodes({
      chain: this.chain,
      accounts: this.accounts,
      prng: prng.split(),
      eventLoop: this.eventLoop,
      faultProfile: () => this.faultProfile,
      keys: () => this.keys,
    });
    this.chain.activeKeys.set(CUSTODIAN, ACTIVE_KEY);
    this.exchange = new MemoryExchange({
      balanceShares: BigInt(prng.int(0, 100_000)) * SHARES,
      repeatable: options.without === "repeat-nonrepeatable" ? false : prng.chance(0.6),
      newId: () => `venue-${++this.#venueIds}`,
    });
    this.guard = new LedgerGuard(this.ledger, {
      report: (what) => this.report(what),
      whyMayNotSign: (publicKey) =>
        publicKey !== this.keys.active && this.eventLoop.nowMs > this.keys.activeChangedAtMs + NOTICED_MS_MAX
          ? `${publicKey} has not been the custodian's active key for long`
          : undefined,
    });
  }

  get custodian(): ChainAccount {
    return this.accounts[0] as ChainAccount;
  }

  get auditTerms(): AuditTerms {
    return {
      monthMs: this.policy.terms.monthMs,
      custodian: CUSTODIAN,
      exchange: EXCHANGE,
      reserve: RESERVE,
      depositMemo: DEPOSIT_MEMO,
      manager: this.accounts[3]?.lifetimeMember === true ? MANAGER : "1.2.0",
      memoText,
    };
  }

  get chainNowMs(): number {
    return this.chainAheadMs + this.eventLoop.nowMs;
  }

  report(what: string): void {
    this.wrong.push(what);
    this.eventLoop.note("AUDITOR", what);
  }

  /** A transfer by another wallet than the custodian's, which does not rest until it is in a block. */
  sendByOthers(
    from: AccountId,
    amountShares: bigint,
    more: {
      /** Who gets it; the custodian if not said. */
      readonly to?: AccountId;
      readonly memo?: string;
      /** Its memo is for another key. */
      readonly isUnreadable?: boolean;
      readonly assetId?: string;
      /** By a proposal that others approve. */
      readonly isProposed?: boolean;
      readonly means: Intention;
    },
  ): void {
    const number = ++this.#externals;
    const txid = `e${number.toString(16).padStart(39, "0")}`;
    this.intentions.set(txid, more.means);
    this.chain.submit({
      txid,
      fromId: from,
      toId: more.to ?? CUSTODIAN,
      amount: shares(amountShares),
      assetId: more.assetId ?? "1.3.0",
      fee: shares(0n),
      memo: more.isUnreadable
        ? unreadableMemo(BigInt(number))
        : more.memo === undefined
          ? undefined
          : fakeMemo(more.memo, BigInt(number), { from: "a wallet's key", to: this.#memoKeyOfWallet() }),
      refBlockId: undefined,
      expirationMs: undefined,
      isProposed: more.isProposed ?? false,
    });
    this.eventLoop.note(from, `sends ${amountShares} shares of ${more.assetId ?? "BTS"}: ${more.memo ?? ""}`);
  }

  /** Most wallets ask for it; some go on with one that they remember. */
  #memoKeyOfWallet(): string {
    const { memo, memoEver } = this.keys;
    return memoEver.length === 1 || this.prng.chance(0.7) ? memo : this.prng.pick(memoEver);
  }

  /** An operator gives the processes other keys, which takes a new start of them. */
  giveKeys(keys: { readonly memo?: readonly string[]; readonly active?: string }): void {
    if (keys.memo !== undefined) this.keys.memoGiven = keys.memo;
    if (keys.active !== undefined) this.keys.activeGiven = keys.active;
    this.eventLoop.note("operator", `gives ${this.keys.memoGiven.join(", ")} and ${this.keys.activeGiven}`);
    for (const run of this.runs) if (/^(?:ingester|payer)/u.test(run.process)) run.stop.abort();
  }

  /** No faults from now on: everything that went wrong has to come right. */
  endFaults(): void {
    this.isOver = true;
    this.faultProfile = NO_FAULTS;
    this.hostSkewMs = 0;
    this.nodes.lags = [0];
    this.nodes.refusesAll = undefined;
    this.giveKeys({ memo: this.everyMemoKey, active: this.keys.active });
  }

  /** The present one first. */
  get everyMemoKey(): readonly string[] {
    return [this.keys.memo, ...this.keys.memoEver.filter((key) => key !== this.keys.memo).toReversed()];
  }

  hostClock(run: ProcessRun): HostClock {
    return {
      nowMs: () => START_MS + this.eventLoop.nowMs + this.hostSkewMs,
      sleep: (durationMs, signal) => this.eventLoop.pause(run, durationMs, signal),
    };
  }

  /** Every call of this port takes time, in which others go on and in which the process may die. */
  port<T extends object>(run: ProcessRun, name: string, port: T, faults: (method: string) => Faults): T {
    return eachCall(port, (method, call) => this.#step(run, `${name}.${method}`, call, faults(method)));
  }

  ledgerPort(run: ProcessRun): Ledger {
    return this.port<Ledger>(run, "ledger", this.guard.watched(run, this.without), () => this.databaseFaults);
  }

  /** The audit log is in the same database. */
  auditPort(run: ProcessRun) {
    return this.port(run, "audit", this.audit, () => this.databaseFaults);
  }

  get databaseFaults(): Faults {
    return {
      before: this.faultProfile.database,
      after: this.faultProfile.database,
      error: () => new ServiceError("the connection to the database was lost"),
    };
  }

  exchangePort(run: ProcessRun) {
    const exchange =
      this.without === "repeat-nonrepeatable"
        ? (new Proxy(this.exchange, {
            get: (target, key) => {
              if (key === "repeatable") return true;
              const member: unknown = Reflect.get(target, key, target);
              return typeof member === "function" ? (member.bind(target) as unknown) : member;
            },
          }) as MemoryExchange)
        : this.exchange;
    return this.port(run, "exchange", exchange, (method) => ({
      before: method === "funds" ? this.faultProfile.exchange : 0,
      after: 0,
      error: () => new ExchangeError("deadline", "the exchange does not answer"),
    }));
  }

  /** One call to what is outside the process: time passes on the way there and on the way back. */
  async #step<T>(run: ProcessRun, what: string, call: () => Promise<T>, faults: Faults): Promise<T> {
    const { prng, eventLoop, faultProfile } = this;
    if (run.over) return new Promise(() => undefined);
    const whenItDies = prng.chance(faultProfile.crash) ? (prng.chance(0.5) ? "before" : "after") : undefined;
    if (whenItDies === undefined || prng.chance(0.5)) await eventLoop.pause(run, this.#latency());
    if (whenItDies === "before") return this.die(run, `before ${what}`);
    if (prng.chance(faults.before)) throw faults.error();
    let result: T;
    try {
      result = await call();
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      eventLoop.note(run.process, `${what} failed: ${String(error)}`);
      throw error;
    }
    eventLoop.note(run.process, what);
    if (whenItDies === "after") return this.die(run, `after ${what}`);
    if (prng.chance(0.25)) await eventLoop.pause(run, this.#latency());
    if (prng.chance(faults.after)) throw faults.error();
    return result;
  }

  #latency(): number {
    const { prng } = this;
    return prng.chance(this.faultProfile.late) ? prng.next() ** 2 * 200_000 : prng.next() * this.#latencyMs;
  }

  die(run: ProcessRun, when: string): Promise<never> {
    run.over = true;
    this.eventLoop.note(run.process, `dies ${when}`);
    return new Promise(() => undefined);
  }
}

interface Faults {
  /** Probability that nothing happens. */
  readonly before: number;
  /** Probability that it happens, and the answer is lost. */
  readonly after: number;
  readonly error: () => Error;
}

function drawPolicy(prng: Prng): Policy {
  return {
    ...DEFAULT_POLICY,
    strictJsonUpToBlock: 0,
    terms: { ...DEFAULT_POLICY.terms, monthMs: prng.int(60, 600) * 1_000 },
    expirationMs: prng.pick([30_000, 60_000, 180_000]),
    fundsWaitMs: prng.pick([60_000, 300_000, 3_600_000]),
    maxAttempts: prng.int(1, 4),
    minimumBalance: bts(100n),
  };
}

const account = (id: string, name: string): ChainAccount => ({
  id: id as AccountId,
  name,
  memoKey: `${name}'s key`,
  activeKeys: [`${name} key`],
  activeThreshold: 1,
  activeWeights: [1],
  lifetimeMember: false,
});
