import { payPayout } from "./one-payout.ts";
import { test as base } from "./database.ts";
import { nodeSettings } from "./process-settings.ts";
import { processLogins } from "./process-logins.ts";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createMemoReader, createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createSigner } from "@stakebts/bitshares/signer";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { transferFee } from "@stakebts/bitshares/fees";
import { DEFAULT_POLICY, termsEver } from "@stakebts/core/rules/policy";
import { type PayoutId, payoutKeyInMemo } from "@stakebts/core/rules/payout";
import { toShares } from "@stakebts/kernel/amount";
import type { ChainAccount, ChainReader, ChainWriter } from "@stakebts/bitshares/chain";
import type { Ledger } from "@stakebts/core/ledger/ledger";
import type { Log } from "@stakebts/kernel/log";
import { establishCursor, type StartMode } from "@stakebts/core/ledger/establish-cursor";
import { applyEvents } from "@stakebts/core/ledger/apply-events";
import { createDebtCheck } from "@stakebts/core/payments/debt-check";
import { HotWallet } from "@stakebts/core/payments/hot-wallet";
import { CommonCauses } from "@stakebts/core/payments/common-cause";
import { CauseReader } from "@stakebts/core/ledger/cause-reader";
import { MemoKeys } from "@stakebts/core/ledger/memo-keys";
import { ingestBlocks, type IngestDeps, requestOf } from "@stakebts/core/ledger/ingest-blocks";
import { LedgerWatch } from "@stakebts/core/ledger/recovery-hold";
import { type PayDeps, type PayResult } from "@stakebts/core/payments/pay-payouts";
import { AccountCache } from "@stakebts/core/payments/account-cache";
import { carryOutReplay } from "@stakebts/core/imports/carry-out-replay";
import { ReadAhead } from "@stakebts/core/ledger/read-ahead";
import { accountFromSeeds, type Devnet, DevnetWallet, startDevnet, wifFromSeed } from "@stakebts/devnet";

export const CUSTODIAN = "custodian";
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const policy = { ...DEFAULT_POLICY, strictJsonUpToBlock: 0 };

/**
 * A custodian without processes: a ledger in PostgreSQL, a chain that makes blocks only when told, and the services of the
 * workers in this process, each of which does its work when a test says so.
 */
export class PostgresCluster {
  readonly devnet: Devnet;
  readonly chain: ChainReader & ChainWriter;
  readonly ledger: Ledger;
  readonly custodian: ChainAccount;
  /** With which an operator's command reaches all of it, with no more rights than his role has. */
  readonly operatorSettings: Readonly<Record<string, string>>;
  readonly #ingester: IngestDeps;
  #payer: PayDeps | undefined;

  private constructor(
    devnet: Devnet,
    chain: ChainReader & ChainWriter,
    ledger: Ledger,
    custodian: ChainAccount,
    operatorSettings: Readonly<Record<string, string>>,
  ) {
    this.devnet = devnet;
    this.chain = chain;
    this.ledger = ledger;
    this.custodian = custodian;
    this.operatorSettings = operatorSettings;
    const memos = createMemoReader({ wifs: [wifFromSeed(`${CUSTODIAN}-memo`)] });
    const rest = {
      skipBlocks: new Set<number>(),
      adminReplay: false,
      accounts: new Map<string, ChainAccount>(),
      watch: new LedgerWatch(),
    };
    const ahead = new ReadAhead(chain, custodian.id);
    const memoKeys = new MemoKeys({ chain, ledger, memos, custodian });
    this.#ingester = { chain, ahead, ledger, memos, memoKeys, log: silent, policy, custodian, ...rest };
  }

  /** @param startMode `never`: the ledger is empty until {@link begin} */
  static async open(databaseUrl: string, startMode: StartMode | "never" = 1): Promise<PostgresCluster> {
    const devnet = await startDevnet({
      accounts: [
        accountFromSeeds(CUSTODIAN, { balanceBts: 100_000n }),
        accountFromSeeds("nominator-1", { balanceBts: 1_000_000n }),
        accountFromSeeds("nominator-2", { balanceBts: 1_000_000n }),
      ],
      blockIntervalMs: "manual",
      secondsPerBlock: 3,
      witnesses: 3,
      nodes: 2,
    });
    await devnet.produce(3);
    const chain = createChainClient({ nodes: devnet.urls });
    const ledger = createPostgresLedger({ url: databaseUrl });
    const [custodian] = await chain.accounts([CUSTODIAN]);
    const cluster = new PostgresCluster(devnet, chain, ledger, custodian as ChainAccount, {
      DATABASE_URL: (await processLogins(databaseUrl)).operator,
      ...nodeSettings(devnet.urls),
      STAKEBTS_CUSTODIAN: CUSTODIAN,
    });
    if (startMode !== "never") await cluster.begin(startMode);
    return cluster;
  }

  /** An empty ledger pays nothing until everything that it may have forgotten is in a block or dead. */
  async passRecoveryHold(): Promise<void> {
    const { raised } = (await this.ledger.control.read()).recoveryHold;
    if (raised === undefined) return;
    this.devnet.skipTime(Math.ceil((raised.untilMs - (await this.chain.head()).headTimeMs) / 1000));
    await this.devnet.produce(8);
    await this.ingest();
  }

  /** The same cluster with new workers, on the database that has its name now. */
  async reopen(databaseUrl: string): Promise<PostgresCluster> {
    await this.ledger.close();
    const ledger = createPostgresLedger({ url: databaseUrl });
    return new PostgresCluster(this.devnet, this.chain, ledger, this.custodian, this.operatorSettings);
  }

  /** As the ingester does when it starts, and after it the time in which a new ledger pays nothing. */
  async begin(startMode: StartMode): Promise<void> {
    await establishCursor(this.#ingester, startMode);
    await this.passRecoveryHold();
  }

  async close(): Promise<void> {
    await Promise.all([this.chain.close(), this.ledger.close()]);
    await this.devnet.stop();
  }

  async send(from: string, amountBts: bigint, memo: string): Promise<void> {
    const [activeKey, memoKey] = [wifFromSeed(`${from}-active`), wifFromSeed(`${from}-memo`)];
    const wallet = new DevnetWallet({ url: this.devnet.urls[0] as string, name: from, activeKey, memoKey });
    await wallet.transfer({ to: CUSTODIAN, amountShares: amountBts * 100_000n, memo });
    wallet.close();
    await this.devnet.produce();
  }

  async ingest(): Promise<void> {
    for (;;) {
      const { ingestedTo, finalBlockNum } = await ingestBlocks(this.#ingester);
      if (ingestedTo === undefined || ingestedTo === finalBlockNum) return;
    }
  }

  /** What was sent is final, written down and decided. */
  async digest(): Promise<void> {
    await this.devnet.produce(8);
    await this.ingest();
    await applyEvents({
      ledger: this.ledger,
      log: silent,
      policy,
      roles: {
        managers: [],
        treasuryAccounts: [],
        exchangeDeposit: { account: "bittrex-deposit", memos: {} },
      },
    });
  }

  async newPayer(): Promise<PayDeps> {
    const { chain, ledger, custodian } = this;
    return {
      chain,
      ledger,
      custodian,
      chainId: await chain.chainId(),
      signer: createSigner({ wif: wifFromSeed(`${CUSTODIAN}-active`), chainId: await chain.chainId() }),
      memos: createMemoWriter({ wif: wifFromSeed(`${CUSTODIAN}-memo`) }),
      payees: new AccountCache({ chain, clock: hostClock }),
      debts: createDebtCheck(
        new CauseReader({
          chain,
          passedBlocks: this.ledger.passedBlocks,
          recordedTransfers: this.ledger.recordedTransfers,
          custodian,
          requestOf: (transfer, blockNum) =>
            requestOf(transfer, this.#ingester.memos.read(transfer.memo), blockNum, policy),
        }),
        {
          exchangeDepositAccount: "bittrex-deposit",
          depositMemos: {},
          checkpointAccount: undefined,
          managers: [],
          terms: termsEver(policy),
        },
      ),
      wallet: new HotWallet({
        chain,
        account: custodian.id,
        clock: hostClock,
        minimumBalance: toShares(policy.minimumBalance),
        maxAgeMs: 0,
      }),
      memoKeys: this.#ingester.memoKeys,
      causes: new CommonCauses({ ledger, clock: hostClock, log: silent }),
      log: silent,
      policy,
      frozenHere: () => [],
      feeOf: transferFee,
      writerEpoch: await ledger.control.startWriterEpoch(),
    };
  }

  /** What an operator has ordered to read again is read, as an ingester does it. */
  async replay(): Promise<void> {
    while ((await carryOutReplay(this.#ingester)) === "step");
  }

  async pay(id: PayoutId): Promise<PayResult> {
    this.#payer ??= await this.newPayer();
    return payPayout(this.#payer, id);
  }

  /** Pays everything for which the ledger has enqueued a job, and waits until it is final. */
  async work(): Promise<void> {
    for (const id of await this.enqueued()) await this.pay(id);
    await this.digest();
  }

  /** A refund of 450 BTS to nominator-1 that has failed; its key. */
  async failedRefund(from = "nominator-1"): Promise<string> {
    await this.send(from, 500n, "what is this");
    await this.digest();
    return this.fail("no funds");
  }

  /** Payouts for which the ledger has written a job since this was last asked. */
  async enqueued(): Promise<readonly PayoutId[]> {
    const ids = new Set<PayoutId>();
    await this.ledger.jobs.dispatch(1_000, async (jobs) => {
      for (const job of jobs) if ("payoutId" in job.data) ids.add(job.data.payoutId as PayoutId);
    });
    return [...ids];
  }

  /** All that is due fails; the key of the last of it. */
  async fail(reason: string): Promise<string> {
    const ids = await this.enqueued();
    let key = "";
    await this.ledger.transaction(async (tx) => {
      for (const payout of await tx.payouts.find({ ids })) {
        await tx.payouts.move(payout.id, ["due"], "ready");
        if (await tx.payouts.move(payout.id, ["ready"], "failed", { reason })) key = payout.key;
      }
    });
    return key;
  }

  /** What arrived at an account, in whole BTS, sorted; each payment with a key of its own. */
  async arrivedAt(name: string): Promise<readonly number[]> {
    const { irreversibleBlockNum } = await this.chain.head();
    const blocks = await this.chain.blocks({ from: 1, to: irreversibleBlockNum, account: this.custodian.id });
    const [account] = await this.chain.accounts([name]);
    const reader = createMemoReader({ wifs: [wifFromSeed(`${CUSTODIAN}-memo`)] });
    const sent = blocks
      .flatMap((block) => block.transfers)
      .filter((t) => t.fromId === this.custodian.id && t.toId === account?.id);
    const keys = sent.map((t) => {
      const memo = reader.read(t.memo);
      return memo.type === "text" ? payoutKeyInMemo(memo.text) : undefined;
    });
    if (new Set(keys).size !== keys.length) throw new Error(`paid twice: ${keys.join(" ")}`);
    return sent.map((t) => Number(t.amount / 100_000n)).sort((a, b) => a - b);
  }
}

/** A test with a cluster of its own. */
export const test = base.extend<{ cluster: PostgresCluster }>({
  cluster: async ({ databaseUrl }, use) => {
    const cluster = await PostgresCluster.open(databaseUrl);
    await use(cluster);
    await cluster.close();
  },
});
