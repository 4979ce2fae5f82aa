import { type Bts, toShares } from "@stakebts/kernel/amount";
import { whyAcceptsNothing } from "../rules/freeze.ts";
import { TOP_UP_STATUSES } from "../rules/top-up.ts";
import { LIMITED_BY } from "../rules/limits.ts";
import { PAYOUT_STATUSES } from "../rules/payout.ts";
import { isOnRecoveryHold } from "../rules/recovery-hold.ts";
import { STAKE_ROW_STATUSES } from "../rules/stake-row.ts";
import type { LedgerView, Liabilities, Sum } from "./view.ts";
import type { JobQueue, JobKind } from "../queue/queue.ts";
import { btsNumber } from "../runtime/bts-number.ts";
import type { Metrics, Sample } from "../runtime/metrics.ts";

const LEDGER = {
  stakebts_payouts: { help: "Payouts by status", labels: ["status"] },
  stakebts_payouts_bts: { help: "BTS of the payouts of each status", labels: ["status"] },
  stakebts_stake_rows: { help: "Stake rows by status", labels: ["status"] },
  stakebts_agreements: { help: "Agreements ever opened" },
  stakebts_undecided_transfers: { help: "Transfers that wait for their decision" },
  stakebts_unread_transfers: { help: "Transfers that wait for a memo key that is not configured" },
  stakebts_events_set_aside: { help: "Transfers and due rows that an operator has set aside" },
  stakebts_outbox_jobs: { help: "Jobs in the outbox that wait to be dispatched" },
  stakebts_payments_on: { help: "1 when the ledger's switch lets payments go" },
  stakebts_accepting_on: { help: "1 when the ledger's freezes let nominations be answered" },
  stakebts_limited_payouts: {
    help: "Payouts that a limit holds for a person, or makes wait for room",
    labels: ["limit", "state"],
  },
  stakebts_recovery_hold: {
    help: "1 while nothing is signed because the ledger may have forgotten payments",
  },
  stakebts_payer_present: { help: "1 when a payer holds the lock that makes it the one" },
  stakebts_watcher_present: { help: "1 when a watcher looks at what the custodian's keys do" },
  stakebts_oldest_unpaid_seconds: {
    help: "How long the oldest open payout that is neither held nor failed has been due, by the time of the chain",
  },
  stakebts_top_ups: { help: "Requests for funds by status", labels: ["status"] },
  stakebts_last_backup_time_seconds: { help: "When the last backup was made, seconds since 1970" },
  stakebts_last_check_time_seconds: {
    help: "When `rebuild --compare` (compare) and `audit verify` (audit) last found nothing, seconds since 1970",
    labels: ["check"],
  },
  stakebts_receipts_unchained: { help: "Receipts that are not chained into the audit log yet" },
  stakebts_receipt_oldest_unchained_seconds: { help: "How long the oldest of them has been there" },
} as const;

const LIABILITIES = {
  stakebts_liabilities_bts: { help: "BTS owed until a horizon, past due included", labels: ["horizon"] },
  stakebts_liabilities_payments: { help: "Payments owed until a horizon", labels: ["horizon"] },
  stakebts_nominators: { help: "Nominators who are owed something" },
} as const;

const QUEUES = {
  stakebts_queue_jobs: { help: "Jobs that wait for a worker", labels: ["kind"] },
} as const;

/** Adding up every open debt takes a fraction of a second at 100 000 of them: not for every scrape. */
const LIABILITIES_AGE_MS = 60_000;

/** Where the ledger stands, in numbers. */
export function measureLedger(
  metrics: Metrics,
  view: Pick<LedgerView, "status" | "watch" | "liabilities">,
): void {
  metrics.source("ledger", LEDGER, async () => {
    const [status, watch] = await Promise.all([view.status(), view.watch()]);
    const payouts = new Map(status.payouts.map((payout) => [payout.status, payout]));
    const { cursor, oldestUnpaidMs } = watch;
    return {
      stakebts_payouts: each(PAYOUT_STATUSES, (of) => payouts.get(of)?.count),
      stakebts_payouts_bts: each(PAYOUT_STATUSES, (of) => inBts(payouts.get(of)?.amount)),
      stakebts_stake_rows: each(
        STAKE_ROW_STATUSES,
        (of) => status.rows.find((row) => row.status === of)?.count,
      ),
      stakebts_agreements: status.agreements,
      stakebts_undecided_transfers: status.undecidedTransfers,
      stakebts_unread_transfers: status.unread.reduce((sum, { count }) => sum + count, 0),
      stakebts_events_set_aside: status.setAside.length,
      stakebts_outbox_jobs: status.jobsToDispatch,
      stakebts_payments_on: status.payments.on ? 1 : 0,
      stakebts_accepting_on: whyAcceptsNothing(watch.freezes) === undefined ? 1 : 0,
      stakebts_limited_payouts: LIMITED_BY.flatMap((by) =>
        [true, false].map((held) => ({
          labels: { limit: by, state: held ? "held" : "waits" },
          value: watch.limited.find((sum) => sum.by === by && sum.held === held)?.count ?? 0,
        })),
      ),
      stakebts_recovery_hold: isOnRecoveryHold(watch.recoveryHold) ? 1 : 0,
      stakebts_payer_present: watch.payerLeads ? 1 : 0,
      stakebts_watcher_present: watch.watcherPresent ? 1 : 0,
      stakebts_oldest_unpaid_seconds:
        cursor === undefined || oldestUnpaidMs === undefined
          ? 0
          : Math.max(0, cursor.blockTimeMs - oldestUnpaidMs) / 1000,
      stakebts_top_ups: each(
        TOP_UP_STATUSES,
        (of) => watch.topUps.find((topUp) => topUp.status === of)?.count,
      ),
      stakebts_last_backup_time_seconds:
        status.lastBackup === undefined ? undefined : status.lastBackup.madeAtMs / 1000,
      stakebts_last_check_time_seconds: status.checksPassed.map(({ check, atMs }) => ({
        labels: { check },
        value: atMs / 1000,
      })),
      stakebts_receipts_unchained: status.hashChain.unchained,
      stakebts_receipt_oldest_unchained_seconds: status.hashChain.oldestAgeMs / 1000,
    };
  });
  metrics.source(
    "liabilities",
    LIABILITIES,
    async () => {
      const { cursor } = await view.watch();
      if (cursor === undefined)
        return {
          stakebts_liabilities_bts: [],
          stakebts_liabilities_payments: [],
          stakebts_nominators: undefined,
        };
      const owed = await view.liabilities(cursor.blockTimeMs);
      return {
        stakebts_liabilities_bts: horizons(owed, ({ amount }) => inBts(amount)),
        stakebts_liabilities_payments: horizons(owed, ({ count }) => count),
        stakebts_nominators: owed.nominators,
      };
    },
    LIABILITIES_AGE_MS,
  );
}

/** How much waits at each door. */
export function measureQueues(
  metrics: Metrics,
  queue: Pick<JobQueue, "waiting">,
  kinds: readonly JobKind[],
): void {
  metrics.source("queues", QUEUES, async () => ({
    stakebts_queue_jobs: await Promise.all(
      kinds.map(async (kind) => ({ labels: { kind }, value: await queue.waiting(kind) })),
    ),
  }));
}

/** Every status has its line, also the one that nothing is in: a line that comes and goes breaks graphs and alerts. */
const each = (statuses: readonly string[], value: (status: never) => number | undefined): Sample[] =>
  statuses.map((status) => ({ labels: { status }, value: value(status as never) ?? 0 }));

const inBts = (amount: Bts | undefined): number => (amount === undefined ? 0 : btsNumber(toShares(amount)));

const horizons = (owed: Liabilities, value: (sum: Sum) => number): Sample[] =>
  Object.entries({
    past_due: owed.pastDue,
    "24h": owed.within24h,
    "48h": owed.within48h,
    "7d": owed.within7d,
    "30d": owed.within30d,
    all: owed.gross,
    stopped: owed.stopped,
  }).map(([horizon, sum]) => ({ labels: { horizon }, value: value(sum) }));
