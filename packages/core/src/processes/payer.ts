import { messageOf } from "../runtime/error-facts.ts";
import { transferFee } from "@stakebts/bitshares/fees";
import type { ChainAccount, ChainReader, ChainWriter, NodeTrouble } from "@stakebts/bitshares/chain";
import type { MemoReader, MemoWriter, Signer } from "@stakebts/bitshares/signing";
import { toShares } from "@stakebts/kernel/amount";
import { requestWithKeys } from "../ledger/ingest-blocks.ts";
import { CauseReader } from "../ledger/cause-reader.ts";
import { bindLedger } from "../ledger/bind-ledger.ts";
import { checkActiveKey, checkMemoKeys, type Custodian, findCustodian } from "../ledger/find-custodian.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { ledgerIsThere, nodeIsThere } from "../ledger/readiness-checks.ts";
import { hasKey, MemoKeys } from "../ledger/memo-keys.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import { recordStart } from "../ledger/record-start.ts";
import type { LedgerView } from "../ledger/view.ts";
import { AccountCache } from "../payments/account-cache.ts";
import { CommonCauses } from "../payments/common-cause.ts";
import { createDebtCheck } from "../payments/debt-check.ts";
import { HotWallet } from "../payments/hot-wallet.ts";
import { DuePayouts } from "../payments/due-payouts.ts";
import { MemoAudit } from "../payments/memo-audit.ts";
import { OpenPayouts } from "../payments/open-payouts.ts";
import { checkAuthority, type PayDeps } from "../payments/pay-payouts.ts";
import { type Pay, payJobs, type PayJobsDeps, PAYOUTS_PER_STEP } from "../payments/pay-jobs.ts";
import { PayOrHold } from "../payments/pay-or-hold.ts";
import { inTurns } from "../payments/step-turns.ts";
import { type PayerLock, withPayerLock } from "../payments/payer-lock.ts";
import type { StartWorker } from "../queue/queue.ts";
import type { OwedAccounts } from "../rules/owed.ts";
import { type Policy, termsEver } from "../rules/policy.ts";
import { DONE, repeat } from "../runtime/loop.ts";
import { reportTreasury } from "../treasury/report-treasury.ts";
import { newTreasuryMemory, runTreasury } from "../treasury/run-treasury.ts";
import type { TopUpSource, TreasuryDeps } from "../treasury/treasury.ts";
import {
  type FreezablePorts,
  type ProcessPorts,
  type ProcessSettings,
  reportFreezes,
  reportNodeTroubles,
} from "./process-ports.ts";

/** How old a balance or a fee schedule may be. Payments in between are reckoned. */
const WALLET_AGE_MS_MAX = 5_000;
/** How long a process that ends waits for the treasury's current step. */
const TREASURY_DRAIN_MS = 5_000;
/** Between two looks at what is open in the ledger, and between two pages of it. */
const RECONCILE_MS = 5_000;
const PAGE_MS = 1_000;
/** As many payouts as a look finds, each with a few calls to nodes. */
const RECONCILE_STEP_MS_MAX = 600_000;
/** What strangers sent is given back for so long before it is looked again for what the programme owes. */
const RETURN_MS_MAX = 5_000;
/** While a queue is not served, how often that is said. */
const SAY_AGAIN_MS = 3_600_000;
/** Between two looks at the custodian's keys on the chain. */
const KEYS_MS = 10_000;
/** Between two looks at what came in. */
const MEMO_AUDIT_MS = 10_000;
/** On a ledger that knows no block yet. */
const REPORT_AGAIN_MS = 5_000;
/** Several questions to several exchanges, each of which may be slow. */
const TREASURY_STEP_MS_MAX = 600_000;

export interface PayerPorts extends ProcessPorts, FreezablePorts {
  readonly chain: ChainReader & ChainWriter & { takeTroubles(): readonly NodeTrouble[] };
  readonly ledger: Ledger;
  readonly view: Pick<LedgerView, "liabilities">;
  readonly lock: PayerLock;
  readonly startWorker: StartWorker;
  readonly signerOn: (chainId: string) => Signer;
  readonly memos: MemoWriter;
  /** With every memo key of the custodian that this payer has: causes are read with it. */
  readonly memoReader: MemoReader;
  /** In the order in which they are asked for top-ups. Tried again while it fails. */
  readonly openSources: (opened: {
    readonly custodian: ChainAccount;
    readonly chainId: string;
    /** With the custodian's key. */
    readonly signer: Signer;
  }) => Promise<readonly TopUpSource[]>;
  /** Told once, before the lock is asked for. */
  readonly onCustodian?: ((custodian: Custodian, policy: Policy) => void) | undefined;
  /** Told of each change of the lead: the epoch under which this payer signs, or that it stands by. */
  readonly onLead?: ((writerEpoch: bigint | undefined) => void) | undefined;
  /** Told when a cause that concerns every payment begins, and when none is left. */
  readonly onPause?: ((isPaused: boolean) => void) | undefined;
  /** The same ports; how long each step of a payment takes is measured. */
  readonly measure?: (<D extends Pick<PayDeps, "chain" | "ledger" | "signer">>(deps: D) => D) | undefined;
}

export interface PayerSettings extends ProcessSettings {
  /** Account name. */
  readonly custodian: string;
  readonly policyOn: (chainId: string) => Policy;
  readonly owed: OwedAccounts;
  /** Between two turns of the treasury. */
  readonly treasuryMs: number;
  /** Between two looks at what is open in the ledger; {@link RECONCILE_MS} if not said. */
  readonly reconcileMs?: number | undefined;
  /** {@link PAYOUTS_PER_STEP} if not said. */
  readonly payoutsPerStep?: number | undefined;
}

/** Payments, and what the memos of all that came in are read with. */
export interface PayerDeps extends PayDeps {
  readonly causeReader: CauseReader;
}

/** What a payer pays with, whether it leads already or not: all but the epoch. */
export function newPayDeps({
  ports: { chain, ledger, memos, memoReader, clock, log, frozenHere, onPause },
  signer,
  custodian,
  chainId,
  policy,
  owed,
}: {
  readonly ports: Pick<
    PayerPorts,
    "ledger" | "memos" | "memoReader" | "clock" | "log" | "frozenHere" | "onPause"
  > &
    Pick<PayDeps, "chain">;
  readonly signer: Signer;
  readonly custodian: ChainAccount;
  readonly chainId: string;
  readonly policy: Policy;
  readonly owed: OwedAccounts;
}): Omit<PayerDeps, "writerEpoch"> {
  const wallet = new HotWallet({
    chain,
    account: custodian.id,
    clock,
    minimumBalance: toShares(policy.minimumBalance),
    maxAgeMs: WALLET_AGE_MS_MAX,
  });
  const memoKeys = new MemoKeys({
    chain: { accounts: async () => [await wallet.account()] },
    ledger,
    memos: memoReader,
    custodian,
  });
  const causeReader = new CauseReader({
    chain,
    passedBlocks: ledger.passedBlocks,
    recordedTransfers: ledger.recordedTransfers,
    custodian,
    requestOf: (transfer, blockNum) =>
      requestWithKeys({ memoKeys, memos: memoReader, policy }, transfer, blockNum),
  });
  return {
    chain,
    ledger,
    signer,
    memos,
    memoKeys,
    log,
    policy,
    custodian,
    chainId,
    frozenHere,
    wallet,
    causes: new CommonCauses({ ledger, clock, log, onChange: onPause }),
    payees: new AccountCache({ chain, clock }),
    causeReader,
    debts: createDebtCheck(causeReader, { ...owed, terms: termsEver(policy) }),
    feeOf: transferFee,
  };
}

/**
 * Pays, one step of payouts after the other, as the only one of its kind, and beside that requests top-ups and reports what is there. Holds
 * the active key and those of the exchange and the reserve. Ends with the signal, or throws when an assumption is broken.
 */
export async function runPayer(
  ports: PayerPorts,
  settings: PayerSettings,
  signal: AbortSignal,
): Promise<void> {
  const { chain, ledger, clock, log } = ports;
  const custodian = await findCustodian({ chain, clock, log }, settings.custodian, signal);
  if (custodian === undefined) return;
  const { account, chainId } = custodian;
  const signer = ports.signerOn(chainId);
  const policy = settings.policyOn(chainId);
  await repeat({ name: "bind ledger", clock, log }, signal, async () => {
    // Where nothing was ever paid from, a key that does not fit is a mistake. Later the account's keys may be changed at any time: then
    // it is told, and payments wait until the two fit again.
    const { writerEpoch } = await ledger.transaction((tx) => tx.control.read());
    if (writerEpoch === 0n) {
      checkActiveKey(account, signer.publicKey);
      // Payouts are recognised by the keys in their memos when a ledger has to be rebuilt from the chain: a memo that the
      // custodian's own memo key does not open would be a payment of which no record is left.
      checkMemoKeys(account, ports.memos.publicKeys);
    }
    await bindLedger(ledger.control, custodian);
    return DONE;
  });
  const payDeps = newPayDeps({ ports, signer, custodian: account, chainId, policy, owed: settings.owed });
  let sources: readonly TopUpSource[] = [];
  await repeat({ name: "open top-up sources", clock, log }, signal, async () => {
    sources = await ports.openSources({ custodian: account, chainId, signer });
    return DONE;
  });
  ports.onCustodian?.(custodian, policy);
  // To lead and to stand by are both what a payer is there for.
  let queueProblem = (): string | undefined => undefined;
  ports.readiness?.requires({
    database: ledgerIsThere(ledger),
    node: nodeIsThere({ chain, clock }),
    queue: async () => queueProblem(),
  });
  ports.onLead?.(undefined);
  await withPayerLock(ports, signal, async (lost) => {
    await recordStart({ ledger, log }, "payer", settings.shown);
    const writerEpoch = await ledger.control.startWriterEpoch();
    log.info("payer.epoch", { writerEpoch });
    ports.onLead?.(writerEpoch);
    const deps = { ...payDeps, writerEpoch };
    const onQueue = (problem: typeof queueProblem): void => void (queueProblem = problem);
    await lead(ports, settings, { deps: ports.measure?.(deps) ?? deps, sources, onQueue }, lost);
    queueProblem = () => undefined;
  });
}

interface Lead {
  readonly deps: PayerDeps;
  readonly sources: readonly TopUpSource[];
  /** Told once how to ask why no jobs come. */
  readonly onQueue: (problem: () => string | undefined) => void;
}

/** Pays until the lead is lost, or was taken by another payer without a word. */
async function lead(
  ports: PayerPorts,
  settings: PayerSettings,
  { deps, sources, onQueue }: Lead,
  lost: AbortSignal,
): Promise<void> {
  const { clock } = ports;
  const stop = new AbortController();
  let failure: Error | undefined;
  const open = new OpenPayouts(deps.ledger.payouts, clock);
  const due = new DuePayouts(deps.ledger.payouts, clock);
  const pay = stepByStep(deps, () => stop.abort());
  const over = AbortSignal.any([lost, stop.signal]);
  const worker = ports.startWorker({
    onBroken: (error) => {
      failure = error;
      stop.abort();
    },
    handlers: payJobs({
      pay,
      open,
      due,
      clock,
      isOver: () => over.aborted,
      payoutsPerStep: settings.payoutsPerStep,
    }),
  });
  onQueue(
    () =>
      worker.problem?.() ??
      (open.isQueueServed
        ? undefined
        : "no job comes for payouts that are open: they are paid later than usual"),
  );
  over.addEventListener("abort", () => ports.onLead?.(undefined));
  const watching = reportFreezes(ports, { process: "payer", lookMs: settings.lookMs }, over);
  const tending = Promise.all([
    tend(ports, settings, { ...deps, clock, sources }, over),
    payWithoutJobs(ports, settings, { pay, open }, over),
  ]);
  await Promise.race([aborted(over), tending, watching]);
  await worker.close();
  // A question to an exchange may take longer than there is time. Its outcome is found out by the payer that leads next.
  await Promise.race([Promise.all([tending, watching]), clock.sleep(TREASURY_DRAIN_MS)]);
  tending.catch(() => undefined);
  if (failure !== undefined) throw failure;
}

/** Steps in the order in which they are asked for: by jobs, and by the payer's own look at the ledger. */
function stepByStep(deps: PayDeps, onSuperseded: () => void): Pay {
  // Said once, not for each of the payouts that wait behind it.
  let lastPause: string | undefined;
  const payOrHold = new PayOrHold(deps);
  return inTurns(async (ids, turn) => {
    const results = await payOrHold.pay(ids, turn);
    for (const [id, result] of results) {
      if (result.type === "superseded") onSuperseded();
      if (result.type === "trouble") {
        deps.log.warn("step.failed", { step: "pay", payoutId: id, message: messageOf(result.error) });
      }
      const pause = result.type === "again" ? result.reason : undefined;
      if (pause !== undefined && pause !== lastPause) deps.log.warn("payer.pauses", { reason: pause });
      lastPause = pause;
    }
    return results;
  });
}

/** Pays what is open in the ledger and has had no job for too long, and says so, until the signal. */
async function payWithoutJobs(
  { ledger, clock, log, progress }: PayerPorts,
  { reconcileMs = RECONCILE_MS }: PayerSettings,
  { pay, open }: Pick<PayJobsDeps, "pay" | "open">,
  over: AbortSignal,
): Promise<void> {
  let saidMs: number | undefined;
  const loop = {
    name: "pay without jobs",
    clock,
    log,
    progress,
    stepMsMax: RECONCILE_STEP_MS_MAX,
  };
  await repeat(loop, over, async () => {
    const { overdue, returns, isLast } = await open.look();
    if (open.isQueueServed) saidMs = undefined;
    else if (saidMs === undefined || clock.nowMs() - saidMs > SAY_AGAIN_MS) {
      saidMs = clock.nowMs();
      const receipt = {
        event: "queue.not_served",
        subject: "payout.pay",
        details: {
          reason:
            "no job came for payouts that are open: the payer pays them from the ledger, later than usual",
          todo: "look at the queue: is it paused, rate limited, or in foreign hands? docs/runbook.md",
        },
      };
      await ledger.transaction((tx) => tx.receipts.add([receipt]));
      logReceipt(log, receipt);
    }
    const returnUntilMs = clock.nowMs() + RETURN_MS_MAX;
    for (const [lane, ids] of Object.entries({ overdue, returns }))
      for (let i = 0; i < ids.length; i += PAYOUTS_PER_STEP) {
        if (over.aborted || (lane === "returns" && clock.nowMs() > returnUntilMs)) break;
        const some = ids.slice(i, i + PAYOUTS_PER_STEP);
        for (const id of some) open.handled(id);
        // What fails is said, and has its turn again later; the others go on.
        await pay(some).done;
      }
    return isLast ? reconcileMs : Math.min(PAGE_MS, reconcileMs);
  });
}

/** The treasury and its report, until the signal. An exchange that is slow keeps no payment waiting. */
async function tend(
  ports: PayerPorts,
  { treasuryMs, lookMs }: PayerSettings,
  deps: TreasuryDeps & PayerDeps,
  over: AbortSignal,
): Promise<void> {
  const { ledger, view, clock, log, progress } = ports;
  const memory = newTreasuryMemory();
  const memoAudit = new MemoAudit({ ...deps, causes: deps.causeReader });
  const loop = { clock, log, progress, stepMsMax: TREASURY_STEP_MS_MAX };
  await Promise.all([
    reportNodeTroubles(
      ports,
      {
        write: async (receipts) => {
          await ledger.transaction((tx) => tx.receipts.add(receipts));
        },
        lookMs,
        stepMsMax: TREASURY_STEP_MS_MAX,
      },
      over,
    ),
    repeat({ ...loop, name: "keys" }, over, async () => {
      await checkKeys(deps);
      return lookMs ?? KEYS_MS;
    }),
    repeat({ ...loop, name: "memo audit" }, over, async () =>
      (await memoAudit.look()) ? PAGE_MS : (lookMs ?? MEMO_AUDIT_MS),
    ),
    repeat({ ...loop, name: "treasury" }, over, async () => {
      await runTreasury(deps, memory);
      return treasuryMs;
    }),
    repeat({ ...loop, name: "report" }, over, async () => {
      const isReported = await reportTreasury(deps, view);
      return isReported ? deps.policy.reportEveryMs : REPORT_AGAIN_MS;
    }),
  ]);
}

/** Also while nothing is due: people hear of a key that does not fit before a payment waits for it. */
async function checkKeys(deps: PayDeps): Promise<void> {
  const { wallet, memoKeys, ledger, log } = deps;
  const account = await wallet.account();
  await checkAuthority(deps, account);
  if (hasKey(memoKeys.configured, account.memoKey)) return memoKeys.fits();
  const alarms = memoKeys.alarms(
    [account.memoKey],
    "it is the one on the chain now; the payer pays nothing that follows from memos for it",
  );
  if (alarms.length === 0) return;
  await ledger.transaction((tx) => tx.receipts.add(alarms));
  memoKeys.told(alarms);
  for (const alarm of alarms) logReceipt(log, alarm);
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
