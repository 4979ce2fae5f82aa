import {
  createJobQueue,
  createPostgresLedger,
  DONE,
  hostClock,
  queueStoreOf,
  repeat,
  runProcess,
  startJobWorker,
} from "@stakebts/core/adapters";
import { depositMemos, policyOf, shown } from "@stakebts/core/config";
import {
  foldLedger,
  recordStart,
  relayRings,
  ringForForgottenPayouts,
  ringForNextDueRows,
} from "@stakebts/core/services";
import { readConfig } from "./config.ts";

/** Rows that fall due within this time get a delayed ring; later ones get theirs from a later sweep. */
const DUE_HORIZON_MS = 3_600_000;
/** When the chain is not yet as far as a due instant, look again this soon at the earliest. */
const DUE_AGAIN_MS_MIN = 50;

// Turns what the ingester wrote into agreements and debts, rows that fall due into payouts, and rings for all of them.
// Holds no secret and writes to nothing but the database and the queue.
runProcess("scheduler", readConfig, async ({ config, log, signal }) => {
  const ledger = createPostgresLedger({ url: config.DATABASE_URL });
  const store = queueStoreOf(config);
  const queue = createJobQueue({ store, log });
  // The fold reads no memo text, so the block from which bare memos count does not matter, nor which chain it is.
  const { policy, managers } = policyOf(config.STAKEBTS_POLICY, "");
  const deps = {
    ledger,
    log,
    policy,
    roles: {
      managers,
      treasuryAccounts: [
        ...config.STAKEBTS_EXCHANGE_ACCOUNTS,
        config.STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT,
        ...(config.STAKEBTS_RESERVE_ACCOUNT === undefined ? [] : [config.STAKEBTS_RESERVE_ACCOUNT]),
      ],
      exchangeDeposit: {
        account: config.STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT,
        memos: depositMemos(config),
      },
    },
  };
  const fold = async (): Promise<void> => {
    if ((await foldLedger(deps, signal)) > 0) await relayRings({ ledger, queue });
  };

  // Before the queues are opened: on a database without tables BullMQ's worker would spin and never let us say so.
  await repeat({ name: "start", clock: hostClock, log }, signal, async () => {
    await recordStart({ ledger, log }, "scheduler", shown(config));
    return DONE;
  });
  const broken = new AbortController();
  let failure: Error | undefined;
  const worker = startJobWorker({
    store,
    log,
    onBroken: (error) => {
      failure = error;
      broken.abort();
    },
    handlers: {
      "memo.process": async () => {
        await fold();
        return { done: true };
      },
      "stakes.due": async ({ dueMs }) => {
        await fold();
        const aheadMs = dueMs - ((await ledger.cursor())?.blockTimeMs ?? 0);
        return aheadMs <= 0
          ? { done: true }
          : { done: false, againInMs: Math.max(DUE_AGAIN_MS_MIN, aheadMs / config.STAKEBTS_CLOCK_RATE) };
      },
    },
  });

  await repeat(
    { name: "sweep", clock: hostClock, log },
    AbortSignal.any([signal, broken.signal]),
    async () => {
      await fold();
      await ringForNextDueRows(
        { ledger, queue },
        { rate: config.STAKEBTS_CLOCK_RATE, horizonMs: DUE_HORIZON_MS },
      );
      await ringForForgottenPayouts({ ledger, queue }, { notRungForMs: config.STAKEBTS_RING_AGAIN_MS });
      await relayRings({ ledger, queue });
      return config.STAKEBTS_SWEEP_MS;
    },
  );
  await worker.close();
  await Promise.all([queue.close(), ledger.close()]);
  if (failure !== undefined) throw failure;
});
