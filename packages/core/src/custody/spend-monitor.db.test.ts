import { payPayout, saveWithdrawal } from "@stakebts/testkit/one-payout";
import { ChainError } from "@stakebts/bitshares/chain";
import { AssertionError } from "@stakebts/kernel/assert";
import { END_FREEZES_SQL } from "@stakebts/testkit/stop-payments";
import { randomUUID } from "node:crypto";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createPostgresMonitorLedger } from "./postgres-monitor-ledger.ts";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import { transferFee } from "@stakebts/bitshares/fees";
import { bts, toShares } from "@stakebts/kernel/amount";
import type { PayoutId, PayoutKey } from "../rules/payout.ts";
import { plusMs } from "@stakebts/kernel/time";
import type { NewReceipt, WithdrawalRecord } from "../ledger/ledger.ts";
import { createCheckpoint } from "../audit/checkpoint.ts";
import { SpendMonitor } from "./spend-monitor.ts";
import { memoNonce, payoutId, withdrawalId } from "../ledger/ids.ts";
import { DevnetWallet, wifFromSeed } from "@stakebts/devnet";
import pg from "pg";
import { termsEver } from "../rules/policy.ts";
import { describe, expect, inject, onTestFinished } from "vitest";
import { test } from "@stakebts/testkit/database";
import {
  CUSTODIAN,
  EXCHANGE,
  OWED,
  InProcessCluster,
  type InProcessClusterOptions,
} from "@stakebts/testkit/in-process-cluster";

// Real PostgreSQL, a real chain that makes blocks when told, real keys; and a watcher that looks when told.

const BTS = 100_000n;
const [ALICE, BOB] = ["nominator-1", "nominator-2"] as const;

async function givenCluster(
  databaseUrl: string,
  options: InProcessClusterOptions = {},
): Promise<InProcessCluster> {
  const cluster = await InProcessCluster.start(options);
  onTestFinished(() => cluster.stop());
  useLedger(cluster, databaseUrl);
  await passRecoveryHold(cluster);
  return cluster;
}

/** However far the irreversible block is behind the head, which depends on whose turn it is among the witnesses. */
async function passRecoveryHold(cluster: InProcessCluster): Promise<void> {
  await cluster.ingest();
  cluster.devnet.skipTime(3_600);
  for (let blocks = 0; blocks < 60; blocks++) {
    await cluster.devnet.produce();
    await cluster.ingest();
    const { raised, databaseChanged } = (await cluster.ledger.control.read()).recoveryHold;
    if (raised === undefined && !databaseChanged) return;
  }
  throw new Error("the recovery hold does not fall");
}

/** The processes of the cluster work on this database from now on. */
function useLedger(cluster: InProcessCluster, url: string): void {
  const ledger = createPostgresLedger({ url });
  onTestFinished(() => ledger.close());
  cluster.ledger = ledger as never;
  cluster.queue.flush();
  cluster.restart();
}

function givenWatcher(cluster: InProcessCluster, url: string, checkpointAccount?: string) {
  const chain = createChainClient({ nodes: cluster.devnet.urls, callDeadlineMs: 1_000 });
  const ledger = createPostgresMonitorLedger({ url });
  onTestFinished(async () => {
    await Promise.all([chain.close(), ledger.close()]);
  });
  const alerts: NewReceipt[] = [];
  const watch = new SpendMonitor({
    chain,
    ledger,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    custodian: cluster.custodian,
    rules: () => ({ ...OWED, ...cluster.policy, checkpointAccount, terms: termsEver(cluster.policy) }),
    onAlert: (alert) => alerts.push(alert),
  });
  const look = async () => {
    while (await watch.look());
  };
  const reason = async () => {
    const payments = await ledger.payments();
    return payments.on ? undefined : payments.reason;
  };
  return { watch, look, alerts, chain, ledger, reason };
}

/** A payer in a thief's hands: it signs all that the ledger says, without a check. */
async function payBlindly(cluster: InProcessCluster, id: PayoutId): Promise<void> {
  const debts = {
    whyNotOwed: () => Promise.resolve(undefined),
    whyMayBePaid: () => Promise.resolve(undefined),
    readAhead: () => undefined,
    knows: () => undefined,
  };
  await payPayout({ ...(await cluster.newPayer()), debts }, id);
}

const hand = (cluster: InProcessCluster) => cluster.wallet(CUSTODIAN);

async function query(url: string, sql: string): Promise<pg.QueryResult<Record<string, string>>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

describe("authority that is used without naming the account:", () => {
  const fee = { amount: 0, asset_id: "1.3.0" };

  test("a key of the custodian that approves a stranger's proposal raises the alert; proposing does not", async ({
    databaseUrl,
  }) => {
    const cluster = await givenCluster(databaseUrl, { devnet: { nodes: 2 } });
    const { look, alerts, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    const stolen = { fee, from: cluster.custodian.id, to: "1.2.6", amount: { amount: 1, asset_id: "1.3.0" } };
    cluster.devnet.injectOperation([
      22,
      { fee, fee_paying_account: "1.2.6", proposed_ops: [{ op: [0, stolen] }], extensions: [] },
    ]);
    await cluster.devnet.produce(6); // it is with one of the nodes, and whose turn it is to make a block is not known
    await look();
    expect(alerts).toEqual([]);
    const [key = ""] = cluster.custodian.activeKeys;
    cluster.devnet.injectOperation([
      23,
      { fee, fee_paying_account: "1.2.6", proposal: "1.10.0", key_approvals_to_add: [key], extensions: [] },
    ]);
    await cluster.devnet.produce(6);
    await look();
    expect(alerts.map(({ event }) => event)).toEqual(["spend.unexplained"]);
    expect(await reason()).toContain("proposal_update");
  });

  test("a proposal that was carried out raises the alert, however it was approved", async ({
    databaseUrl,
  }) => {
    const cluster = await givenCluster(databaseUrl);
    const { look, alerts, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    await cluster.send(ALICE, 100, "what is this");
    await cluster.settle(10);
    await look();
    expect(alerts).toEqual([]);
    const { headBlockNum } = await cluster.chain.head();
    const carriedOut = {
      id: "1.11.99999",
      op: [
        0,
        {
          fee,
          from: cluster.custodian.id,
          to: "1.2.6",
          amount: { amount: 5, asset_id: "1.3.0" },
          extensions: [],
        },
      ],
      result: [0, {}],
      block_num: headBlockNum,
      trx_in_block: 3,
      op_in_trx: 0,
      virtual_op: 2,
    };
    for (const { faults } of cluster.devnet.nodes)
      faults.lie((method, result) =>
        method === "get_account_history" ? [carriedOut, ...(result as unknown[])] : result,
      );
    await cluster.settle(12);
    await look();
    expect(alerts).toMatchObject([
      { event: "spend.unexplained", details: { name: "transfer", amountShares: "5", txid: null } },
    ]);
    expect(await reason()).toContain("a proposal was approved and carried out");
  });

  test("a node without history costs nothing but that", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl);
    const { look, alerts, watch } = givenWatcher(cluster, databaseUrl);
    for (const { faults } of cluster.devnet.nodes)
      faults.lie((method, result) => (method === "get_account_history" ? "none" : result));
    await look();
    await cluster.settle(10);
    await look();
    expect(alerts).toEqual([]);
    expect(watch.state.finalBlockNum).toBeGreaterThan(5);
    for (const { faults } of cluster.devnet.nodes) faults.lie(null);
    await cluster.settle(4);
    await look();
    expect(alerts).toEqual([]);
  });
});

describe("honest work raises no alert:", () => {
  test("openings, rewards, refunds, a stop, a manager's deposit, failures", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl);
    const { look, alerts, watch } = givenWatcher(cluster, databaseUrl);
    await look();
    const steps = [
      () => cluster.send(ALICE, 25_000, "three_months"),
      () => cluster.send(BOB, 50_000, "six_months"),
      () => cluster.send(BOB, 100, "what is this"),
      () => cluster.months(1),
      () => cluster.send("dls.cipher", 1, JSON.stringify({ type: "bmg_to_bittrex", amount: 500, api: 1 })),
      () => cluster.send(ALICE, 5, "stop"),
      () => cluster.months(6),
    ];
    for (const step of steps) {
      await step();
      for (let i = 0; i < 4; i++) {
        await cluster.settle(1);
        await look();
      }
    }
    await cluster.settle();
    await look();
    expect(alerts).toEqual([]);
    expect(watch.state.candidates).toBe(0);
    const kinds = await query(
      databaseUrl,
      "SELECT DISTINCT kind FROM payout WHERE status = 'confirmed' ORDER BY 1",
    );
    expect(kinds.rows.map(({ kind }) => kind)).toEqual([
      "base",
      "confirm",
      "deposit",
      "refund",
      "reward",
      "stop",
    ]);
  });

  test("the checkpoint of the audit log to the account that was chosen, and to no other", async ({
    databaseUrl,
  }) => {
    const cluster = await givenCluster(databaseUrl);
    const [knows, other] = [
      givenWatcher(cluster, databaseUrl, BOB),
      givenWatcher(cluster, databaseUrl, ALICE),
    ];
    cluster.owed = { ...OWED, checkpointAccount: BOB };
    await knows.look();
    await other.look();
    const head = { seq: 5, hash: "a".repeat(64), receiptId: 1n, chainedAtMs: 0 };
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    await createCheckpoint({ ledger: cluster.ledger, audit: { head: async () => head }, log }, BOB);
    await cluster.settle();
    const paid = await query(databaseUrl, "SELECT status FROM payout WHERE kind = 'checkpoint'");
    expect(paid.rows).toEqual([{ status: "confirmed" }]);
    await knows.look();
    expect(knows.alerts).toEqual([]);
    await other.look();
    expect(other.alerts).toMatchObject([{ event: "spend.unexplained" }]);
    expect(await other.reason()).toContain("no checkpoint of the audit log goes there");
  });

  test("what the custodian draws by a permission", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl, {
      custodianBts: 1_000n,
      reserveBts: 1_000_000n,
      reserveBy: "permission",
    });
    await cluster.permit({ limitBts: 1_000_000n, periodSeconds: 86_400, periods: 365 });
    const { look, alerts } = givenWatcher(cluster, databaseUrl);
    await look();
    await cluster.send(ALICE, 25_000, "three_months");
    await hand(cluster).transfer({ to: BOB, amountShares: 25_000n * BTS }); // A thief empties the wallet,
    await cluster.devnet.produce();
    await look();
    expect(alerts).toHaveLength(1); // which is seen,
    await query(databaseUrl, END_FREEZES_SQL);
    await cluster.months(1);
    // and a top-up comes.
    const arrived = "SELECT FROM top_up WHERE status = 'arrived'";
    for (let i = 0; i < 40 && (await query(databaseUrl, arrived)).rowCount === 0; i++) {
      await cluster.settle(1);
      await look();
    }
    expect((await query(databaseUrl, arrived)).rowCount).toBe(1);
    expect(alerts).toHaveLength(1);
  });
});

describe("payments are off after the next block and the next look,", () => {
  test("when a thief signs with the custodian's key, and once for it", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl);
    const [one, other] = [givenWatcher(cluster, databaseUrl), givenWatcher(cluster, databaseUrl)];
    await one.look();
    await other.look();
    const { txid } = await hand(cluster).transfer({ to: ALICE, amountShares: BTS });
    await cluster.devnet.produce();
    await one.look();
    expect(await one.reason()).toMatch(
      new RegExp(`^unknown transfer of the custodian in block \\d+ \\(.*${txid}\\): no withdrawal`, "u"),
    );
    expect(one.alerts).toMatchObject([{ event: "spend.unexplained", subject: `${txid}:0` }]);
    // A person has looked and switched on again: neither a second watcher nor the final block overrules him.
    await query(databaseUrl, END_FREEZES_SQL);
    await cluster.devnet.produce(40);
    await one.look();
    await other.look();
    await givenWatcher(cluster, databaseUrl).look();
    expect(await one.reason()).toBeUndefined();
  });

  test("when a payment is signed by hand that looks like one of ours", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl);
    const { look, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    await cluster.send(ALICE, 25_000, "three_months");
    await cluster.settle();
    await hand(cluster).transfer({
      to: ALICE,
      amountShares: 2_000n * BTS,
      memo: JSON.stringify({ type: "reward", payout: "reward:1:0:0:1" }),
    });
    await cluster.devnet.produce();
    await look();
    expect(await reason()).toContain("no withdrawal of the ledger has its id");
  });

  test("on a branch that a majority of the nodes is on, and that may lose", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl, { devnet: { nodes: 3 } });
    const { look, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    cluster.devnet.partition([[0, 1], [2]]);
    await hand(cluster).transfer({ to: ALICE, amountShares: BTS });
    await cluster.devnet.produce(1, 0);
    await look();
    expect(await reason()).toContain("unknown transfer");
    cluster.devnet.heal();
  });

  test("unless an assumption is broken, which ends the watcher although a node fails too", async ({
    databaseUrl,
  }) => {
    const cluster = await givenCluster(databaseUrl);
    const { look, chain, ledger } = givenWatcher(cluster, databaseUrl);
    await look();
    await hand(cluster).transfer({ to: ALICE, amountShares: BTS });
    await cluster.devnet.produce(1);
    chain.authorityOf = () => Promise.reject(new ChainError("disconnected", "no node"));
    ledger.knownOf = () => Promise.reject(new AssertionError("broken"));
    await expect(look()).rejects.toThrow(AssertionError);
  });

  test("not while the ledger is asked so late that another block has taken the place of that one", async ({
    databaseUrl,
  }) => {
    const cluster = await givenCluster(databaseUrl, { devnet: { nodes: 3 } });
    const { look, alerts, ledger } = givenWatcher(cluster, databaseUrl);
    await look();
    cluster.devnet.partition([[0, 1], [2]]);
    await hand(cluster).transfer({ to: ALICE, amountShares: BTS });
    await cluster.devnet.produce(1, 0);
    const knownOf = ledger.knownOf.bind(ledger);
    const asked: number[] = [];
    ledger.knownOf = async (operations) => {
      asked.push(operations.length);
      // The process stands still here, and its branch loses.
      await cluster.devnet.produce(3, 1);
      cluster.devnet.heal();
      return knownOf(operations);
    };
    await look();
    expect(asked).toEqual([1]);
    expect(alerts).toEqual([]);
    // What was signed is taken by a block of the other branch.
    ledger.knownOf = knownOf;
    await cluster.devnet.produce(2);
    await look();
    expect(alerts.map(({ event }) => event)).toEqual(["spend.unexplained"]);
  });

  test("when it is in a block of the branch that takes the place of one that was looked at", async ({
    databaseUrl,
  }) => {
    const cluster = await givenCluster(databaseUrl, { devnet: { nodes: 3 } });
    const { look, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    cluster.devnet.partition([[0, 1], [2]]);
    await cluster.devnet.produce(1, 0);
    await look(); // on the branch without it
    const { headBlockNum } = await cluster.chain.head();
    const elsewhere = new DevnetWallet({
      url: cluster.devnet.urls[2] as string,
      name: CUSTODIAN,
      activeKey: wifFromSeed(`${CUSTODIAN}-active`),
    });
    onTestFinished(() => elsewhere.close());
    await elsewhere.transfer({ to: BOB, amountShares: BTS });
    await cluster.devnet.produce(3, 1);
    cluster.devnet.heal();
    await look();
    expect((await cluster.chain.head()).headBlockNum).toBeGreaterThan(headBlockNum);
    expect(await reason()).toContain("unknown transfer");
  });

  test("when the account does something that this product never does", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl, { devnet: { nodes: 2 } });
    const { look, alerts, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    const id = cluster.custodian.id;
    const operations: [number, object, string][] = [
      [6, { account: id, new_options: {} }, "account_update"],
      [1, { seller: id }, "limit_order_create"],
      [25, { withdraw_from_account: id }, "withdraw_permission_create"],
      [23, { fee_paying_account: "1.2.90", active_approvals_to_add: [id] }, "proposal_update"],
      [99, { unknown: { field: [id] } }, "operation 99"],
    ];
    for (const [tag, body, name] of operations) {
      await query(databaseUrl, END_FREEZES_SQL);
      cluster.devnet.injectOperation([tag, { fee: { amount: 0, asset_id: "1.3.0" }, ...body } as never]);
      // It is with one of the nodes, and whose turn it is to make a block is not known.
      for (let blocks = 0; blocks < 6 && (await reason()) === undefined; blocks++) {
        await cluster.devnet.produce();
        await look();
      }
      expect(await reason(), name).toContain(`unknown ${name} of the custodian`);
    }
    const before = alerts.length;
    for (const harmless of [
      [22, { fee_paying_account: "1.2.90", proposed_ops: [{ op: [0, { from: id }] }] }],
      [14, { issuer: "1.2.90", issue_to_account: id }],
      [38, { issuer: "1.2.90", from: id, to: "1.2.90" }],
      [32, { creator: "1.2.90", owner: id }],
    ] as const)
      cluster.devnet.injectOperation(harmless as never);
    await cluster.devnet.produce(6);
    await look();
    expect(alerts).toHaveLength(before);
  });

  test("when its keys change", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl);
    const { look, alerts, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    cluster.devnet.nodes[0]?.faults.lie((method, result) => {
      const [object] = Array.isArray(result) ? (result as { id?: string; options?: object }[]) : [];
      return method === "get_objects" && object?.id === cluster.custodian.id
        ? [{ ...object, options: { ...object.options, memo_key: "BTS-another" } }]
        : result;
    });
    await cluster.devnet.produce();
    await look();
    expect(await reason()).toContain("authority of custodian was changed");
    expect(alerts).toMatchObject([{ event: "authority.changed" }]);
    await query(databaseUrl, END_FREEZES_SQL);
    await givenWatcher(cluster, databaseUrl).look();
    expect(await reason()).toBeUndefined();
  });
});

describe("one node of three that tells of a spend that never was", () => {
  test.for([0, 1, 2])("stops nothing, as number %i", async (place, { databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl, { devnet: { nodes: 3 }, walletNode: (place + 1) % 3 });
    const { look, alerts, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    const transaction = (operation: unknown) => ({
      ref_block_num: 1,
      ref_block_prefix: 1,
      expiration: "2030-01-01T00:00:00",
      operations: [operation],
      extensions: [],
      signatures: [],
      operation_results: [],
    });
    const fee = { amount: 1, asset_id: "1.3.0" };
    const spend = transaction([6, { fee, account: cluster.custodian.id, new_options: {} }]);
    // Beside an unknown operation, so that no root shows that it was not there.
    const unknown = transaction([90, { unknown: "operation" }]);
    cluster.devnet.nodes[place]?.faults.lie((method, result) =>
      method === "get_block" && result !== null
        ? { ...(result as object), transactions: [spend, unknown] }
        : result,
    );
    for (let i = 0; i < 5; i++) {
      await cluster.devnet.produce();
      await look();
    }
    expect(alerts).toEqual([]);
    expect(await reason()).toBeUndefined();
  });
});

describe("a payer in other hands, that writes what it likes,", () => {
  /** A debt to Alice that is written down and not paid. */
  async function givenDebt(cluster: InProcessCluster, databaseUrl: string): Promise<PayoutKey> {
    await cluster.send(ALICE, 100, "what is this");
    for (let i = 0; i < 30; i++) {
      await cluster.devnet.produce();
      await cluster.ingest();
      await cluster.applyEvents();
      const { rows } = await query(databaseUrl, "SELECT key FROM payout");
      if (rows[0]?.["key"] !== undefined) return rows[0]["key"] as PayoutKey;
    }
    throw new Error("nothing is owed");
  }

  test("is found out when a withdrawal pays another account", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl);
    const { look, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    const key = await givenDebt(cluster, databaseUrl);
    const payer = await cluster.newPayer();
    const [bob] = await cluster.chain.accounts([BOB]);
    if (bob === undefined) throw new Error("no Bob");
    const memo = payer.memos.write({ text: "x", toPublicKey: bob.memoKey, nonce: memoNonce(key, 1) });
    const fee = transferFee(await cluster.chain.transferFees(), memo);
    const cursor = await cluster.ledger.cursor.read();
    const signed = payer.signer.sign({
      fromId: cluster.custodian.id,
      toId: bob.id,
      amount: toShares(bts(50n)),
      fee,
      memo,
      refBlockId: cursor?.blockId as string,
      expirationMs: plusMs((await cluster.chain.head()).headTimeMs, 60_000),
    });
    const withdrawal: WithdrawalRecord = {
      ...signed,
      id: withdrawalId(signed.txid),
      payoutId: payoutId(key),
      fee,
      status: "signed",
      writerEpoch: payer.writerEpoch,
      refusedFor: undefined,
    };
    const account = {
      chainId: payer.chainId,
      custodianId: cluster.custodian.id,
      custodianName: cluster.custodian.name,
    };
    expect(await saveWithdrawal(cluster.ledger, { ...withdrawal, account })).toBe("saved");
    await cluster.chain.broadcast(withdrawal.bytes);
    await cluster.devnet.produce();
    await look();
    expect(await reason()).toContain(`it is signed for payout ${key}, which is owed to ${ALICE}`);
  });

  const forgeries: [
    what: string,
    forged: { key: string; kind: string; payee: string; amount: number },
    string,
  ][] = [
    [
      "returns an opening",
      { key: "refund:AT", kind: "refund", payee: ALICE, amount: 25_000 },
      "opened an agreement",
    ],
    [
      "returns it to another account",
      { key: "refund:AT", kind: "refund", payee: BOB, amount: 25_000 },
      "has not sent",
    ],
    [
      "confirms it anew, under another name",
      { key: "confirm:AT0", kind: "confirm", payee: ALICE, amount: 1 },
      "confirms nothing",
    ],
    [
      "confirms it to the price of more",
      { key: "stop:1:0:0", kind: "stop", payee: ALICE, amount: 7 },
      "stake rows",
    ],
    [
      "fills the exchange",
      { key: "deposit:AT", kind: "deposit", payee: EXCHANGE, amount: 900 },
      "no manager ordered it",
    ],
    [
      "tells of a failure",
      { key: "notice:reward:1:0:0:1", kind: "notice", payee: BOB, amount: 1 },
      "nothing failed",
    ],
  ];
  test.for(forgeries)(
    "is found out when it writes down a debt that %s",
    async ([, forged, why], { databaseUrl }) => {
      const cluster = await givenCluster(databaseUrl);
      const { look, reason } = givenWatcher(cluster, databaseUrl);
      await look();
      await cluster.send(ALICE, 25_000, "three_months");
      await cluster.settle();
      const { rows } = await query(
        databaseUrl,
        "SELECT block_num || ':' || trx_in_block || ':' || op_in_trx AS at FROM transfer WHERE direction = 'in'",
      );
      const key = forged.key.replace("AT", rows[0]?.["at"] as string) as PayoutKey;
      await query(
        databaseUrl,
        `INSERT INTO payout (id, key, kind, payee, amount, memo, due, status)
       VALUES ('${payoutId(key)}', '${key}', '${forged.kind}', '${forged.payee}', ${forged.amount}, '{}', 1, 'due')`,
      );
      await look();
      expect(await reason()).toBeUndefined();
      await payBlindly(cluster, payoutId(key));
      await cluster.devnet.produce();
      await look();
      expect(await reason()).toContain(why);
    },
  );

  test("is found out by the chain when the ledger was written to fit", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl);
    const { look, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    const { blockNum } = (await cluster.ledger.cursor.read())!;
    // With the ingester's login. The scheduler makes debts of it, as it would of any other transfer.
    await query(
      databaseUrl,
      `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, sender, receiver,
                             sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, request, status)
       VALUES (${blockNum - 1}, 3, 0, 1000, 'in', '${ALICE}', '${CUSTODIAN}', false, 850000000000, '1.3.0', 1, 'text',
               '{"type": "invalid", "reason": "not_json"}', 'undecided')`,
    );
    await cluster.applyEvents();
    await payBlindly(cluster, payoutId(`refund:${blockNum - 1}:3:0` as PayoutKey));
    await cluster.devnet.produce();
    await look();
    expect(await reason()).toContain(`transfer ${blockNum - 1}:3:0 is not on the chain`);
  });

  test("is found out when it pays stake rows a second time", async ({ databaseUrl }) => {
    const cluster = await givenCluster(databaseUrl);
    const { look, reason } = givenWatcher(cluster, databaseUrl);
    await look();
    await cluster.send(ALICE, 25_000, "three_months");
    await cluster.months(1);
    await cluster.settle();
    const key = "stop:1:0:0" as PayoutKey;
    await query(
      databaseUrl,
      `WITH forged AS (
         INSERT INTO payout (id, key, kind, payee, amount, memo, due, status)
         VALUES ('${payoutId(key)}', '${key}', 'stop', '${ALICE}', 2000, '{}', 1, 'due') RETURNING id)
       INSERT INTO payout_stake_row (payout_id, stake_row_id, settles_as)
       SELECT forged.id, stake_row.id, 'confirmed' FROM forged, stake_row WHERE type = 'reward' AND number = 1`,
    );
    await payBlindly(cluster, payoutId(key));
    await cluster.devnet.produce();
    await look();
    expect(await reason()).toMatch(/payout reward:\d+:0:0:1 pays the same stake rows/u);
  });
});

describe("a restored ledger,", () => {
  async function copyOf(databaseUrl: string): Promise<string> {
    const url = new URL(databaseUrl);
    const [original, copy] = [url.pathname.slice(1), `t_${randomUUID().replaceAll("-", "")}`];
    await query(inject("pgAdminUrl"), `CREATE DATABASE ${copy} TEMPLATE ${original} STRATEGY file_copy`);
    onTestFinished(async () => {
      await query(inject("pgAdminUrl"), `DROP DATABASE ${copy} WITH (FORCE)`);
    });
    url.pathname = `/${copy}`;
    return url.href;
  }

  /** A ledger that has paid once, its copy, and a payment since, which is in the head block. */
  async function givenForgotten(databaseUrl: string) {
    const cluster = await givenCluster(databaseUrl);
    await cluster.send(ALICE, 100, "what is this");
    await cluster.settle();
    await cluster.ledger.close();
    const copy = await copyOf(databaseUrl);
    useLedger(cluster, databaseUrl);
    const watcher = givenWatcher(cluster, copy);
    await watcher.look();
    await cluster.send(BOB, 100, "what is this");
    for (let i = 0; i < 40 && (await paidTo(databaseUrl, BOB)) === 0; i++) await cluster.settle(1);
    return { cluster, copy, watcher };
  }
  const paidTo = async (url: string, payee: string) =>
    (
      await query(
        url,
        `SELECT FROM withdrawal w JOIN payout p ON p.id = w.payout_id WHERE payee = '${payee}'`,
      )
    ).rowCount;

  test("does not take its own forgotten payment for a stranger's, and knows it in the end", async ({
    databaseUrl,
  }) => {
    const { cluster, copy, watcher } = await givenForgotten(databaseUrl);
    await cluster.devnet.produce();
    await watcher.look();
    expect(watcher.watch.state.candidates).toBe(1);
    expect(await watcher.reason()).toBeUndefined();
    useLedger(cluster, copy);
    await passRecoveryHold(cluster);
    await cluster.settle();
    await watcher.look();
    expect(watcher.watch.state.candidates).toBe(0);
    await cluster.devnet.produce(150);
    await cluster.ingest();
    await watcher.look();
    await givenWatcher(cluster, copy).look();
    expect(watcher.alerts).toEqual([]);
    expect(await watcher.reason()).toBeUndefined();
  });

  test("sees under its recovery hold what a wallet signs, and at last what another payer did", async ({
    databaseUrl,
  }) => {
    const { cluster, copy, watcher } = await givenForgotten(databaseUrl);
    await cluster.devnet.produce();
    await watcher.look();
    await hand(cluster).transfer({ to: BOB, amountShares: BTS });
    await cluster.devnet.produce();
    await watcher.look();
    expect(watcher.alerts).toMatchObject([{ details: { receiver: BOB, amountShares: `${BTS}` } }]);
    await query(copy, END_FREEZES_SQL);
    // No ingester reads on, and no ledger knows the other payment: half an hour later it counts as unknown.
    await cluster.devnet.produce(610);
    await watcher.look();
    expect(watcher.alerts).toHaveLength(2);
    expect(await watcher.reason()).toContain("no withdrawal of the ledger has its id");
  });
});
