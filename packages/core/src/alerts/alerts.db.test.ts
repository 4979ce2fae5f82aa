import { payPayout } from "@stakebts/testkit/one-payout";
import { letPaymentsGo, stopPayments } from "@stakebts/testkit/stop-payments";
import { countBlocks, measureCursor, measureNodes } from "../ledger/chain-metrics.ts";
import { createAuditLog } from "../audit/postgres-audit-log.ts";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { checkReceipt } from "../ledger/nightly-checks.ts";
import { createJobQueue } from "../queue/bullmq-queue.ts";
import { createObservation, type Observation } from "../runtime/observation.ts";
import { createPostgresLedgerView } from "../ledger/postgres/ledger-view.ts";
import { hostClock } from "../runtime/host-clock.ts";
import { measureLiveness } from "./metrics.ts";
import { measureLead, measureMoney, measurePayments } from "../payments/metrics.ts";
import { measureLedger, measureQueues } from "../ledger/metrics.ts";
import { Progress } from "../runtime/progress.ts";
import { JOB_KINDS } from "../queue/catalog.ts";
import { startJobWorker } from "../queue/bullmq-worker.ts";
import { createPostgresPayerLock } from "../payments/postgres-payer-lock.ts";
import { bts } from "@stakebts/kernel/amount";
import { DEFAULT_POLICY } from "../rules/policy.ts";
import type { TopUpId, TopUpKey } from "../rules/top-up.ts";
import { millis } from "@stakebts/kernel/time";
import type { LedgerView } from "../ledger/view.ts";
import type { Log } from "@stakebts/kernel/log";
import { LivenessPing } from "./liveness.ts";
import { extendHashChain } from "../audit/hash-chain.ts";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { operation, refundOf } from "@stakebts/testkit/given";
import { describe, expect } from "vitest";
import type { PostgresCluster } from "@stakebts/testkit/postgres-cluster";
import { test as base } from "@stakebts/testkit/postgres-cluster";

// What every alert looks at moves when its cause is there, and moves back: the real ledger, the real chain of the devnet,
// the services themselves. That the rules then job is in deploy/prometheus/rules.test.yml.

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What Prometheus would read now: nothing is remembered from the scrape before. */
class Watched {
  readonly clock = new ManualClock(Date.now());
  readonly observation: Observation = createObservation({ clock: this.clock, log: silent });
  get metrics() {
    return this.observation.metrics;
  }
  /** @param series `stakebts_payouts{status="failed"}` */
  async read(series: string): Promise<number | undefined> {
    this.clock.advance(60_000);
    const line = (await this.metrics.text()).split("\n").find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}

const test = base.extend<{ view: LedgerView; watched: Watched }>({
  view: async ({ databaseUrl }, use) => {
    const view = createPostgresLedgerView({ url: databaseUrl });
    await use(view);
    await view.close();
  },
  watched: async ({ view }, use) => {
    const watched = new Watched();
    measureLedger(watched.metrics, view);
    await use(watched);
  },
});

describe("the scheduler tells Prometheus of", () => {
  test("payouts that wait for a person", async ({ cluster, watched }) => {
    expect(await watched.read('stakebts_payouts{status="failed"}')).toBe(0);
    await cluster.failedRefund();
    expect(await watched.read('stakebts_payouts{status="failed"}')).toBe(1);
    expect(await watched.read('stakebts_payouts_bts{status="failed"}')).toBe(450);
    expect(await watched.read('stakebts_liabilities_bts{horizon="stopped"}')).toBe(450);
  });

  test("a payout that is overdue, written down or not, until it is paid", async ({ cluster, watched }) => {
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.digest();
    cluster.devnet.skipTime(3_600);
    await cluster.devnet.produceUntilFinal(8);
    await cluster.ingest();
    expect(await watched.read("stakebts_oldest_unpaid_seconds")).toBeGreaterThan(3_500);
    expect(await watched.read('stakebts_liabilities_payments{horizon="past_due"}')).toBe(1);
    await cluster.work();
    expect(await watched.read("stakebts_oldest_unpaid_seconds")).toBe(0);

    await cluster.send("nominator-1", 25_000n, "three_months");
    await cluster.digest();
    await cluster.work();
    cluster.devnet.skipTime(31 * 86_400);
    await cluster.devnet.produceUntilFinal(8);
    await cluster.ingest(); // No events are applied yet: the reward is a row that is due, and no payout.
    expect(await watched.read("stakebts_oldest_unpaid_seconds")).toBeGreaterThan(80_000);
  });

  test("payments that are switched off", async ({ cluster, watched }) => {
    expect(await watched.read("stakebts_payments_on")).toBe(1);
    await stopPayments(cluster.ledger, "a drill");
    expect(await watched.read("stakebts_payments_on")).toBe(0);
  });

  test("a payer that leads, and one that is gone", async ({ databaseUrl, watched }) => {
    expect(await watched.read("stakebts_payer_present")).toBe(0);
    const stop = new AbortController();
    let leads: () => void = () => {};
    const leading = new Promise<void>((resolve) => (leads = resolve));
    const lock = createPostgresPayerLock({ databaseUrl, clock: hostClock, log: silent });
    const payer = lock.hold(stop.signal, async (lost) => {
      leads();
      await new Promise<void>((resolve) => lost.addEventListener("abort", () => resolve()));
    });
    await leading;
    expect(await watched.read("stakebts_payer_present")).toBe(1);
    stop.abort();
    await payer;
    expect(await watched.read("stakebts_payer_present")).toBe(0);
  });

  test("undecided transfers, and jobs that are not made yet", async ({ cluster, watched }) => {
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.devnet.produceUntilFinal(8);
    await cluster.ingest();
    expect(await watched.read("stakebts_undecided_transfers")).toBe(1);
    expect(await watched.read("stakebts_outbox_jobs")).toBe(1);
    await cluster.digest();
    await cluster.work();
    await cluster.ledger.jobs.dispatch(100, async () => {});
    expect(await watched.read("stakebts_undecided_transfers")).toBe(0);
    expect(await watched.read("stakebts_outbox_jobs")).toBe(0);
  });

  test("receipts without an entry in the hash chain, until they get one", async ({
    databaseUrl,
    cluster,
    watched,
  }) => {
    const audit = createAuditLog({ url: databaseUrl });
    await cluster.ledger.transaction((tx) =>
      tx.receipts.add([{ event: "a.drill", subject: "1", details: {} }]),
    );
    expect(await watched.read("stakebts_receipts_unchained")).toBeGreaterThan(0);
    expect(await watched.read("stakebts_receipt_oldest_unchained_seconds")).toBeGreaterThan(0);
    await extendHashChain(audit);
    expect(await watched.read("stakebts_receipts_unchained")).toBe(0);
    expect(await watched.read("stakebts_receipt_oldest_unchained_seconds")).toBe(0);
    await audit.close();
  });

  test("a backup, and of none while there is none", async ({ cluster, watched }) => {
    expect(await watched.read("stakebts_last_backup_time_seconds")).toBeUndefined();
    await cluster.ledger.transaction((tx) =>
      tx.receipts.add([{ event: "backup.made", subject: "ledger", details: {} }]),
    );
    const madeSeconds = await watched.read("stakebts_last_backup_time_seconds");
    expect(Math.abs((madeSeconds ?? 0) - Date.now() / 1000)).toBeLessThan(60);
  });

  test("each nightly check that has passed, and of none while none has", async ({ cluster, watched }) => {
    const series = (check: string): string => `stakebts_last_check_time_seconds{check="${check}"}`;
    expect(await watched.read(series("compare"))).toBeUndefined();
    await cluster.ledger.transaction((tx) =>
      tx.receipts.add([
        checkReceipt("compare", { found: 0, details: {}, todo: "" }),
        checkReceipt("audit", { found: 1, details: {}, todo: "look" }),
      ]),
    );
    expect(Math.abs(((await watched.read(series("compare"))) ?? 0) - Date.now() / 1000)).toBeLessThan(60);
    expect(await watched.read(series("audit"))).toBeUndefined();
  });

  test("a request for funds whose outcome is unknown", async ({ cluster, watched }) => {
    const id = "6f1d5c1e-7d2b-5f43-9a52-0d3b7a1c9e10" as TopUpId;
    await cluster.ledger.transaction(async (tx) => {
      await tx.topUps.insert({
        id,
        key: "top-up:1:1" as TopUpKey,
        kind: "shortage",
        source: 1,
        amount: bts(1_000n),
        memo: "shortage",
        requestedMs: millis(1),
      });
      await tx.topUps.move(id, ["requested"], "asked", { isAsking: true });
    });
    expect(await watched.read('stakebts_top_ups{status="unresolved"}')).toBe(0);
    await cluster.ledger.transaction((tx) => tx.topUps.move(id, ["asked"], "unresolved", { reason: "lost" }));
    expect(await watched.read('stakebts_top_ups{status="unresolved"}')).toBe(1);
  });

  test("jobs that wait", async ({ databaseUrl, watched }) => {
    const queue = createJobQueue({ store: { databaseUrl }, log: silent });
    measureQueues(watched.metrics, queue, JOB_KINDS);
    const series = 'stakebts_queue_jobs{kind="stakes.due"}';
    expect(await watched.read(series)).toBe(0);
    await queue.add([{ id: "due-1x", kind: "stakes.due", data: { dueMs: 1 }, delayMs: 0 }]);
    expect(await watched.read(series)).toBe(1);
    await queue.close();
  });

  test("a database that cannot be read, and then of nothing that it held", async ({ databaseUrl }) => {
    const watched = new Watched();
    const url = new URL(databaseUrl);
    url.pathname = "/of_that_name_there_is_none";
    const view = createPostgresLedgerView({ url: url.href });
    measureLedger(watched.metrics, view);
    expect(await watched.read('stakebts_source_up{source="ledger"}')).toBe(0);
    expect(await watched.read("stakebts_oldest_unpaid_seconds")).toBeUndefined();
    await view.close();
  });
});

describe("the ingester tells Prometheus of", () => {
  test("a ledger that falls behind, and catches up", async ({ cluster }) => {
    const watched = new Watched();
    measureCursor(watched.metrics, cluster);
    await cluster.devnet.produce(40);
    expect(await watched.read("stakebts_cursor_lag_blocks")).toBeGreaterThan(20);
    await cluster.ingest();
    expect(await watched.read("stakebts_cursor_lag_blocks")).toBe(0);
    expect(await watched.read("stakebts_cursor_block")).toBe((await cluster.ledger.cursor.read())?.blockNum);
  });

  test("a node that is gone, without the key in its address", async ({ cluster }) => {
    const watched = new Watched();
    const chain = createChainClient({
      nodes: [...cluster.devnet.urls, "ws://user:pass-word@127.0.0.1:1/api-key?token=also"],
    });
    measureNodes(watched.metrics, chain);
    const [host] = /^ws:\/\/[^/]+/u.exec(cluster.devnet.urls[0] as string) as unknown as [string];
    expect(await watched.read(`stakebts_node_up{node="${host}"}`)).toBe(1);
    expect(await watched.read('stakebts_node_up{node="ws://127.0.0.1:1"}')).toBe(0);
    expect(await watched.metrics.text()).not.toMatch(/pass-word|api-key|also/u);
    await chain.close();
  });

  test("what it reads", async ({ cluster }) => {
    const watched = new Watched();
    const chain = countBlocks(watched.metrics, cluster.chain);
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.devnet.produceUntilFinal(8);
    const { irreversibleBlockNum: to } = await chain.head();
    await chain.blocks({ from: 1, to, account: cluster.custodian.id });
    expect(await watched.read("stakebts_blocks_read_total")).toBe(to);
    expect(await watched.read('stakebts_transfers_read_total{direction="in"}')).toBe(1);
  });
});

describe("the payer tells Prometheus of", () => {
  /** A refund that is due, of any size. */
  async function createRefund(cluster: PostgresCluster, amount: bigint) {
    await cluster.devnet.produceUntilFinal(8);
    await cluster.ingest();
    const dueMs = (await cluster.ledger.cursor.read())?.blockTimeMs ?? millis(0);
    const refund = refundOf(operation(1), { amount: bts(amount), dueMs });
    await cluster.ledger.transaction((tx) => tx.payouts.insert([refund]));
    return refund;
  }

  test("money that does not reach, in the hot wallet and in all purses", async ({ cluster, view }) => {
    const watched = new Watched();
    measureMoney(watched.metrics, {
      chain: cluster.chain,
      view,
      custodianId: cluster.custodian.id,
      policy: DEFAULT_POLICY,
    });
    await createRefund(cluster, 150_000n);
    expect(await watched.read("stakebts_hot_wallet_bts")).toBe(100_000);
    expect(await watched.read('stakebts_coverage_days{of="hot_wallet"}')).toBe(0);
    expect(await watched.read('stakebts_coverage_days{of="all"}')).toBe(0);
    const details = { hotWalletShares: "1", exchange1Shares: `${60_000n * 100_000n}`, totalShares: "1" };
    await cluster.ledger.transaction((tx) =>
      tx.receipts.add([{ event: "treasury.balances", subject: "custodian", details }]),
    );
    expect(await watched.read('stakebts_coverage_days{of="hot_wallet"}')).toBe(0);
    expect(await watched.read('stakebts_coverage_days{of="all"}')).toBe(60);
    expect(await watched.read('stakebts_purse_bts{purse="exchange1"}')).toBe(60_000);
    expect(await watched.read("stakebts_treasury_report_time_seconds")).toBeGreaterThan(1_600_000_000);
  });

  test("what nodes say to a payment, and how long each step takes", async ({ cluster }) => {
    const watched = new Watched();
    const deps = measurePayments(watched.metrics)(await cluster.newPayer());
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.digest();
    const [id] = await cluster.enqueued();
    if (id === undefined) throw new Error("nothing is owed");
    await payPayout(deps, id);
    await payPayout(deps, id);
    expect(await watched.read('stakebts_broadcasts_total{outcome="accepted"}')).toBe(1);
    expect(await watched.read('stakebts_broadcasts_total{outcome="duplicate"}')).toBe(1);
    expect(await watched.read('stakebts_broadcasts_total{outcome="refused"}')).toBe(0);
    for (const { faults } of cluster.devnet.nodes) faults.refuseBroadcasts("not today");
    await payPayout(deps, id);
    expect(await watched.read('stakebts_broadcasts_total{outcome="refused"}')).toBe(1);
    expect(await watched.read("stakebts_sign_seconds_count")).toBe(1);
    expect(await watched.read("stakebts_save_seconds_count")).toBe(1);
    expect(await watched.read("stakebts_broadcast_seconds_count")).toBe(3);
  });

  test("whether it leads", async ({ watched }) => {
    const leads = measureLead(watched.metrics);
    leads(undefined);
    expect(await watched.read("stakebts_payer_leads")).toBe(0);
    leads(7n);
    expect(await watched.read("stakebts_payer_leads")).toBe(1);
    expect(await watched.read("stakebts_payer_epoch")).toBe(7);
  });

  test("a job whose handler hangs, and is healthy again when it ends", async ({ databaseUrl }) => {
    const clock = new ManualClock();
    const progress = new Progress(clock);
    const store = { databaseUrl };
    const queue = createJobQueue({ store, log: silent });
    let goOn: () => void = () => {};
    let begun: () => void = () => {};
    let ended: () => void = () => {};
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const ending = new Promise<void>((resolve) => (ended = resolve));
    const worker = startJobWorker({
      store,
      log: silent,
      progress,
      onBroken: () => {},
      handlers: {
        "stakes.due": async ({ dueMs }) => {
          if (dueMs === 2) {
            ended();
            return { done: true };
          }
          begun();
          await new Promise<void>((resolve) => (goOn = resolve));
          return { done: true };
        },
      },
    });
    await queue.add([{ id: "due-1x", kind: "stakes.due", data: { dueMs: 1 }, delayMs: 0 }]);
    await beginning;
    expect(progress.stuck()).toEqual([]);
    clock.advance(120_001);
    expect(progress.stuck()).toEqual([{ name: "stakes.due", overdueMs: 1 }]);
    goOn();
    await queue.add([{ id: "due-2x", kind: "stakes.due", data: { dueMs: 2 }, delayMs: 0 }]);
    await ending;
    expect(progress.stuck()).toEqual([]);
    await worker.close();
    await queue.close();
  });
});

describe("the liveness ping", () => {
  test("is heard only while payments get on, and says why it is silent", async ({
    cluster,
    view,
    watched,
    databaseUrl,
  }) => {
    const said: string[] = [];
    let pings = 0;
    const log: Log = { ...silent, warn: (event, fields) => void said.push(`${event} ${fields?.["reason"]}`) };
    const livenessPing = new LivenessPing({
      view,
      clock: hostClock,
      log,
      ping: async () => {
        pings++;
        return { ok: true };
      },
      onPing: measureLiveness(watched.metrics),
      chainKeepsTime: false, // The test chooses the devnet's time.
      overdueMsMax: 1_800_000,
    });
    await cluster.digest();
    expect(await livenessPing.beat()).toBe("payer_away");
    expect(await watched.read('stakebts_liveness_withheld{reason="payer_away"}')).toBe(1);

    const stop = new AbortController();
    let leads: () => void = () => {};
    const leading = new Promise<void>((resolve) => (leads = resolve));
    const lock = createPostgresPayerLock({ databaseUrl, clock: hostClock, log: silent });
    const payer = lock.hold(stop.signal, async (lost) => {
      leads();
      await new Promise<void>((resolve) => lost.addEventListener("abort", () => resolve()));
    });
    await leading;
    expect(await livenessPing.beat()).toBeUndefined();
    expect(pings).toBe(1);
    expect(await watched.read('stakebts_liveness_withheld{reason="payer_away"}')).toBe(0);

    await stopPayments(cluster.ledger, "a drill");
    expect(await livenessPing.beat()).toBe("payments_off");
    await letPaymentsGo(cluster.ledger);

    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.digest();
    expect(await livenessPing.beat()).toBeUndefined(); // Due for a moment.
    cluster.devnet.skipTime(3_600);
    await cluster.devnet.produceUntilFinal(8);
    await cluster.ingest();
    expect(await livenessPing.beat()).toBe("payout_overdue");
    expect(await livenessPing.beat()).toBe("payout_overdue");
    await cluster.work();
    expect(await livenessPing.beat()).toBeUndefined();
    expect(pings).toBe(3);
    expect(await watched.read('stakebts_liveness_pings_total{outcome="heard"}')).toBe(3);
    expect(said).toEqual([
      "liveness.withheld payer_away",
      "liveness.withheld payments_off",
      "liveness.withheld payout_overdue",
    ]);
    stop.abort();
    await payer;
  });
});
