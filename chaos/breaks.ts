import { LOCKS } from "@stakebts/core/database/locks";
import { setTimeout as delay } from "node:timers/promises";
import type { WorkerProcess } from "@stakebts/testkit/worker-process";
import { Redis } from "ioredis";
import { type Fault, isNew } from "./fault.ts";
import type { Patch } from "../scripts/bundle.ts";
import { NOMINATORS, type Sending } from "./nominators.ts";
import { liarsInterest, limitRequests, refuseAgreements, startWithAnotherAccount } from "./attacks.ts";
import { tellLie } from "@stakebts/devnet";
import { steal, theftOf } from "./thefts.ts";
import { CLUSTER_NODES, pauseQueues, type ReplicatedCluster, replicasOf } from "./replicated-cluster.ts";

/** A change of a function of the database. The text has to be there once. */
export interface FunctionPatch {
  readonly function: string;
  readonly find: string;
  readonly replace: string;
}

/** One safeguard taken away from the real processes, and the trouble that shows it. */
export interface Break {
  readonly name: string;
  readonly patches: readonly Patch[];
  readonly functions?: readonly FunctionPatch[];
  readonly sql?: readonly string[];
  /** Of the policy; chain time. */
  readonly expirationSeconds?: number;
  readonly needsRedis?: true;
  /** What the ledger holds from the beginning, with the safeguard and without. */
  readonly given?: readonly string[];
  /** What is sent in each round besides. */
  readonly sendings?: readonly Sending[];
  /** In the place of drawn faults, in each round. */
  readonly scenario: Fault["happen"];
  /** What goes on when all faults end. */
  readonly lasting?: (target: ReplicatedCluster) => void;
}

const PAYER = "packages/core/src/payments/pay-payouts.ts";
const PAY_JOBS = "packages/core/src/payments/pay-jobs.ts";
const INGESTER = "packages/core/src/ledger/ingest-blocks.ts";
const INGESTER_PROCESS = "packages/core/src/processes/ingester.ts";
const PAYER_PROCESS = "packages/core/src/processes/payer.ts";
const WATCHER_PROCESS = "packages/core/src/processes/watcher.ts";
const SCHEDULER = "packages/core/src/processes/scheduler.ts";
const NODE_ADDRESS = "packages/bitshares/src/node-address.ts";
const CONNECTION = "packages/bitshares/src/rpc-connection.ts";
const REQUEST_PACE = "packages/bitshares/src/request-pace.ts";
const KEYS = "packages/bitshares/src/keys.ts";
const BIND_LEDGER = "packages/core/src/ledger/bind-ledger.ts";
const PASSING_TROUBLE = "packages/core/src/runtime/passing-trouble.ts";
const SAVE = "const answers = await ledger.withdrawals.save(";
/** Said where a process is about to be killed or frozen. The pause is no safeguard: it makes a moment long enough to hit. */
const HERE = "chaos.here";
const PAUSE = `deps.log.info("${HERE}"); await new Promise((wake) => setTimeout(wake, 250));`;
const THIEF = NOMINATORS.at(-1) as string;
const NO_NOMINATION = { login: "ingester", what: "an invented nomination" } as const;
const ANSWERED = { login: "ingester", what: "a nomination that is answered already" } as const;
const OTHER_PAYEE = { login: "payer", what: "who is paid" } as const;
const NO_PAYMENT = { login: "ingester", what: "an invented payment" } as const;
/** With the safeguard the alarm comes in a few seconds. */
const UNNOTICED_MS = 20_000;
/** In which the chain makes more blocks than an ingester asks for at once. */
const BEHIND_MS = 15_000;
/** Enough that a payer is busy for a moment, no matter what happens to it then. */
const OWED = 4;
/** Of the nodes that the cluster knows, more than half; and all others of the chain. */
const MAJORITY = Array.from({ length: Math.floor(CLUSTER_NODES / 2) + 1 }, (_, n) => n);
const OTHER_NODES = Array.from(
  { length: CLUSTER_NODES + 1 - MAJORITY.length },
  (_, n) => MAJORITY.length + n,
);
/** A machine that is busy with other things takes its time. */
const WAIT_MS_MAX = 40_000;

/** Without it, a second withdrawal of a payout is saved no matter what became of the first. */
const SAVES_ANYTHING: Pick<Break, "functions" | "sql"> = {
  functions: [
    {
      function: "save_withdrawals",
      find: "(SELECT status FROM payout p WHERE p.id = asked.id) IN ('due', 'ready', 'waiting_funds')",
      replace: "true",
    },
    {
      function: "payout_moves",
      find: "WHEN 'sent' THEN NEW.status IN ('confirmed', 'ready', 'held', 'failed')",
      replace: "WHEN 'sent' THEN NEW.status IN ('signed', 'confirmed', 'ready', 'held', 'failed')",
    },
  ],
  sql: [
    "DROP INDEX withdrawal_one_live_per_payout",
    "DROP TRIGGER withdrawal_needs_signed_payout ON withdrawal",
  ],
};

/** The payer looks through the blocks for what was signed before and does not rely on the ledger: alone it hides that another safeguard is gone. */
const NO_LOOK_OF_ITS_OWN = {
  file: PAYER,
  find: "if (mayBePaid === undefined)",
  replace: "if (true)",
} as const;

/** The payer waits for jobs. */
const NO_OWN_LOOK = {
  file: PAYER_PROCESS,
  find: "const { overdue, returns, isLast } = await open.look();",
  replace: "const { isLast } = await open.look();\n        const [overdue, returns] = [[], []];",
} as const;

const payerProxies = (target: ReplicatedCluster) => replicasOf(target, "payer").flatMap(({ nodes }) => nodes);

const NOTHING_IS_DUE = "SELECT count(*) = 0 AS yes FROM payout WHERE status IN ('due', 'ready')";
const SIGNED_TWICE = "SELECT count(*) > count(DISTINCT payout_id) AS yes FROM withdrawal";
/** From the last signature to the block. */
const SENT_MS = 1_000;

/** Keeps the payers from the nodes until so much is owed that they are busy when they come back, and there is no recovery hold. */
async function untilMuchIsOwed(target: ReplicatedCluster): Promise<void> {
  for (const proxy of payerProxies(target)) proxy.cut();
  await until(
    target,
    `SELECT count(*) >= ${OWED} AND (SELECT recovery_hold_until_ms IS NULL FROM control) AS yes
       FROM payout WHERE status IN ('due', 'ready')`,
  );
}

const letPay = (target: ReplicatedCluster): void => {
  for (const proxy of payerProxies(target)) proxy.restore();
};

/** Lets the payers pay, and tells which of them comes to {@link HERE}. */
async function whoComesHere(target: ReplicatedCluster): Promise<WorkerProcess> {
  const coming = replicasOf(target, "payer").map(async ({ process: worker }) => {
    await worker.waitFor(isNew(worker, HERE));
    return worker;
  });
  letPay(target);
  const late = delay(WAIT_MS_MAX, undefined, { ref: false }).then(() => {
    throw new Error("no payer has signed anything");
  });
  return Promise.race([...coming, late]);
}

async function until(target: ReplicatedCluster, sql: string): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  while (Date.now() < deadlineMs) {
    const rows = await target.cluster.database.query<{ yes: boolean }>(sql).catch(() => []);
    if (rows[0]?.yes === true) return;
    await delay(50);
  }
}

/** Payers pay what is owed while no block becomes final, so that no process learns from the chain what is paid. */
async function whileNothingIsFinal(target: ReplicatedCluster, during: () => Promise<void>): Promise<void> {
  await untilMuchIsOwed(target);
  target.cluster.devnet.stallIrreversibility(true);
  await during();
  await delay(SENT_MS);
  target.cluster.devnet.stallIrreversibility(false);
}

export const BREAKS: readonly Break[] = [
  {
    name: "save-then-send",
    patches: [
      {
        file: PAYER,
        find: SAVE,
        replace: `await Promise.all(signed.map(({ withdrawal }) => deps.chain.broadcast(withdrawal.bytes)));\n    ${PAUSE}\n    ${SAVE}`,
      },
    ],
    // The payer dies with its bytes on the chain and not in the ledger.
    scenario: (target) =>
      whileNothingIsFinal(target, async () => {
        const worker = await whoComesHere(target);
        worker.kill("SIGKILL");
        await worker.exited;
        await until(target, NOTHING_IS_DUE);
      }),
  },
  {
    name: "recovery-hold",
    patches: [{ file: PAYER, find: "if (onRecoveryHold !== undefined)", replace: "if (false)" }],
    functions: [{ function: "save_withdrawals", find: "is_on_recovery_hold()", replace: "false" }],
    // The ledger forgets what was paid a moment ago.
    scenario: (target) =>
      whileNothingIsFinal(target, async () => {
        await target.cluster.database.snapshot();
        letPay(target);
        await until(target, `SELECT count(*) >= ${OWED} AS yes FROM withdrawal WHERE status = 'broadcast'`);
        await target.cluster.database.restore();
        await until(target, NOTHING_IS_DUE);
      }),
  },
  {
    name: "one-live",
    patches: [
      { file: PAYER, find: "if (view?.live !== undefined)", replace: "if (false)" },
      {
        file: PAYER,
        find: "(PAYABLE_STATUSES as readonly string[]).includes(view.payout.status)",
        replace: "true",
      },
      NO_LOOK_OF_ITS_OWN,
    ],
    ...SAVES_ANYTHING,
    // Payouts on their way are enqueued again.
    scenario: (target) =>
      whileNothingIsFinal(target, async () => {
        letPay(target);
        await until(target, SIGNED_TWICE);
      }),
  },
  {
    name: "epoch",
    patches: [{ file: PAYER, find: SAVE, replace: `${PAUSE}\n    ${SAVE}` }],
    ...SAVES_ANYTHING,
    functions: [
      { function: "save_withdrawals", find: "newest_epoch <> epoch", replace: "false" },
      ...(SAVES_ANYTHING.functions ?? []),
    ],
    // Bytes that are signed before the freeze are still good after it.
    expirationSeconds: 1_200,
    // The leader is frozen, its lock goes to the other one, which pays; then the first one goes on where it was.
    scenario: async (target) => {
      await untilMuchIsOwed(target);
      const worker = await whoComesHere(target);
      worker.kill("SIGSTOP");
      const others = replicasOf(target, "payer").filter((replica) => replica.process !== worker);
      const leads = Promise.all(
        others.map((replica) => replica.process.waitFor(isNew(replica.process, "payer.leads"))),
      );
      await target.cluster.database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = ${LOCKS.payer} AND granted`,
      );
      await leads;
      await until(target, NOTHING_IS_DUE);
      worker.kill("SIGCONT");
      await delay(1_000);
    },
  },
  {
    name: "dead-too-early",
    patches: [
      NO_LOOK_OF_ITS_OWN,
      {
        file: INGESTER,
        find: "  if (cursor.blockNum >= finalBlockNum) return { ingestedTo",
        replace: `  await ledger.transaction((tx) => expireWithdrawals(tx, deps.policy, { ...cursor, blockTimeMs: head.headTimeMs }));
  if (cursor.blockNum >= finalBlockNum) return { ingestedTo`,
      },
    ],
    // What was paid is in no final block yet when its expiration passes.
    scenario: (target) =>
      whileNothingIsFinal(target, async () => {
        letPay(target);
        await until(target, SIGNED_TWICE);
      }),
  },
  {
    name: "irreversible",
    patches: [
      {
        file: INGESTER,
        find: "const finalBlockNum = lastFinalBlockNum(head.irreversibleBlockNum);\n",
        replace: "const finalBlockNum = head.headBlockNum;\n",
      },
    ],
    // A majority of the nodes that the cluster knows is on the shorter branch.
    scenario: async ({ cluster: { devnet } }) => {
      await delay(2_000);
      for (let fork = 0; fork < 2; fork++) {
        devnet.partition([OTHER_NODES, MAJORITY]);
        await delay(2_500);
        devnet.heal();
        await delay(1_000);
      }
    },
  },
  {
    name: "duplicate-as-new",
    patches: [
      NO_LOOK_OF_ITS_OWN,
      {
        file: PAYER,
        find: `log.debug("withdrawal.sent_again", ids);`,
        replace: `await ledger.transaction(async (tx) => {
              await tx.withdrawals.expire([withdrawal.id]);
              await tx.payouts.move(payout.id, ["signed", "sent"], "ready", { reason: "duplicate transaction" });
            });`,
      },
    ],
    // Bytes that are in a block that is not final are sent again.
    scenario: (target) =>
      whileNothingIsFinal(target, async () => {
        letPay(target);
        await until(target, SIGNED_TWICE);
      }),
  },
  {
    name: "answer-is-proof",
    patches: [
      {
        file: PAYER,
        find: `log.info("withdrawal.sent", ids);`,
        replace: `await ledger.transaction((tx) => tx.payouts.move(payout.id, ["signed", "sent"], "confirmed"));`,
      },
    ],
    functions: [
      { function: "payout_moves", find: "IF NEW.status = 'confirmed' THEN", replace: "IF false THEN" },
    ],
    sql: ["ALTER TABLE payout DROP CONSTRAINT payout_confirmed_has_block"],
    // Nodes say that they have taken it, and have not.
    scenario: async (target) => {
      await untilMuchIsOwed(target);
      for (const { faults } of target.cluster.devnet.nodes) faults.swallowBroadcasts(1_000);
      letPay(target);
      await until(target, NOTHING_IS_DUE);
      await delay(SENT_MS);
    },
  },
  {
    name: "reconcile",
    needsRedis: true,
    patches: [
      {
        file: SCHEDULER,
        find: "await enqueueStalePayouts({ ledger, queue }, { notEnqueuedForMs: settings.reenqueueMs });",
        replace: "",
      },
      NO_OWN_LOOK,
      // A job of another payout would take these with it.
      { file: PAY_JOBS, find: "const others = room > 0 ?", replace: "const others = room < 0 ?" },
    ],
    // Redis forgets the jobs for what is owed.
    scenario: async (target) => {
      await untilMuchIsOwed(target);
      const client = new Redis(target.cluster.redisUrl as string);
      for (let times = 0; times < 3; times++) {
        await client.flushall();
        await delay(500);
      }
      client.disconnect();
      letPay(target);
    },
  },
  {
    name: "own-look",
    needsRedis: true,
    patches: [NO_OWN_LOOK],
    // One write in Redis, and no worker is given a job any more.
    scenario: async (target) => {
      await untilMuchIsOwed(target);
      await pauseQueues(target, true);
      letPay(target);
    },
  },
  {
    name: "history-read",
    patches: [
      {
        file: INGESTER_PROCESS,
        find: "upToDate === undefined ? { added: 0 } : await readHistory(historyDeps)",
        replace: "{ added: 0 }",
      },
    ],
    // Some of what nominators send comes by proposals.
    scenario: () => delay(1_000),
  },
  {
    name: "cause-check",
    patches: [
      { file: PAYER, find: "if (baseless !== undefined)", replace: "if (false)" },
      { file: PAYER_PROCESS, find: "(await memoAudit.look()) ? PAGE_MS :", replace: "" },
    ],
    // A thief with the login of the ingester writes a nomination that is not on the chain.
    scenario: (target) => steal(target, theftOf(NO_NOMINATION), { alarmMs: UNNOTICED_MS }),
  },
  {
    name: "settlement-check",
    patches: [{ file: WATCHER_PROCESS, find: "await settlements.look();", replace: "" }],
    // The thief writes the payment of a debt that was not paid.
    scenario: (target) => steal(target, theftOf(NO_PAYMENT), { alarmMs: UNNOTICED_MS }),
  },
  {
    name: "debt-check",
    patches: [{ file: PAYER, find: "if (baseless !== undefined)", replace: "if (false)" }],
    // A thief with all rights in the database has himself paid what is owed to others.
    scenario: async (target) => {
      await untilMuchIsOwed(target);
      await target.cluster.database.query(
        `SET session_replication_role = replica;
         UPDATE payout SET payee = '${THIEF}' WHERE status IN ('due', 'ready') AND payee <> '${THIEF}'`,
      );
      letPay(target);
      await until(target, NOTHING_IS_DUE);
    },
  },
  {
    name: "answered-once",
    patches: [],
    sql: ["DROP TRIGGER transfer_begins_undecided ON transfer"],
    // With the login of the ingester a thief writes a nomination that counts as answered.
    scenario: (target) => steal(target, theftOf(ANSWERED)),
  },
  {
    name: "column-rights",
    patches: [],
    sql: ["GRANT UPDATE ON payout TO stakebts_payer"],
    // With the login of the payer a thief changes who is paid.
    scenario: (target) => steal(target, theftOf(OTHER_PAYEE)),
  },
  {
    name: "majority",
    patches: [{ file: NODE_ADDRESS, find: "Math.floor(distinctNodes(urls).length / 2) + 1", replace: "1" }],
    // All nodes but one are away, and that one tells of a gift that was never given: it has to go back.
    scenario: async (target) => {
      await delay(2_000);
      const { nodes } = target.cluster.devnet;
      const [liar, ...others] = nodes.slice(0, CLUSTER_NODES);
      for (const { faults } of others) {
        faults.refuseConnections(true);
        faults.disconnectAll();
      }
      if (liar !== undefined) tellLie(liar.faults, "invent-virtual", await liarsInterest(target, THIEF));
      await delay(6_000);
    },
  },
  {
    name: "bound-ledger",
    patches: [
      {
        file: BIND_LEDGER,
        find: "bound.chainId !== wanted.chainId || bound.custodianId !== wanted.custodianId",
        replace: "false",
      },
    ],
    functions: [
      {
        function: "save_withdrawals",
        find: "(bound.chain_id, bound.custodian_id) IS DISTINCT FROM (of_chain, of_custodian)",
        replace: "false",
      },
    ],
    // An operator starts a payer with the keys of another account.
    scenario: (target) => startWithAnotherAccount(target),
  },
  {
    name: "asked-over-http",
    patches: [
      {
        file: CONNECTION,
        find: "http ??= createHttpCaller({",
        replace: "throw error;\n    http ??= createHttpCaller({",
      },
    ],
    // A stranger pays for a block that comes over no WebSocket.
    scenario: async ({ cluster: { devnet } }) => {
      await delay(1_000);
      devnet.injectUnreadable();
    },
  },
  {
    name: "cheap-keys",
    patches: [
      {
        file: KEYS,
        find: "return zeros === ones ? bytes : undefined;",
        replace: `if (byteCount === 37) bitsharesjs().PublicKey.fromBuffer(Buffer.from(bytes.subarray(0, 33))).toUncompressed();
  return zeros === ones ? bytes : undefined;`,
      },
    ],
    // A stranger pays for blocks that are full of keys.
    scenario: async ({ cluster: { devnet } }) => {
      for (let blocks = 0; blocks < 3; blocks++) {
        devnet.injectDear(20);
        await delay(2_000);
      }
    },
  },
  {
    name: "request-pace",
    patches: [
      { file: REQUEST_PACE, find: "    limited() {\n", replace: "    limited() {\n      return false;\n" },
    ],
    // Ingesters that have fallen behind ask for many blocks at once, and every node closes the connection of who asks too often.
    scenario: async (target) => {
      const proxies = replicasOf(target, "ingester").flatMap(({ nodes }) => nodes);
      for (const proxy of proxies) proxy.cut();
      await delay(BEHIND_MS);
    },
    lasting: (target) => limitRequests(target, { perSecond: 150, by: "closing" }),
  },
  {
    name: "known-trouble",
    patches: [
      {
        file: PASSING_TROUBLE,
        find: "  if (error instanceof AssertionError || error instanceof StartupError) return false;\n",
        replace: "  return true;\n",
      },
    ],
    // The database refuses a row for a reason that no process knows: people have to hear of it.
    scenario: async (target) => {
      const mend = await refuseAgreements(target);
      const schedulers = replicasOf(target, "scheduler").map(({ process: worker }) =>
        worker.waitFor(({ event }) => event === "process.broken").catch(() => new Promise(() => undefined)),
      );
      const isHeard = await Promise.race([
        ...schedulers.map((heard) => heard.then(() => true)),
        delay(UNNOTICED_MS, false, { ref: false }),
      ]);
      if (!isHeard) target.unnoticed.push("a row was refused again and again, and no process ended");
      await mend();
    },
  },
  {
    name: "lane-of-returns",
    patches: [],
    functions: [{ function: "is_returned", find: "kind IN ('refund', 'base', 'stop')", replace: "false" }],
    given: [
      `INSERT INTO payment_limits (day_cap, return_day_cap, actor, reason)
       VALUES (1000000, 100000000, 'anna', 'what the programme pays in a day')`,
    ],
    // A stranger fills the cap of a day with his own money, which is sent back to him.
    sendings: Array.from({ length: 40 }, (_, n) => ({
      atMs: 200 + 50 * n,
      from: THIEF,
      amountBts: 49_999n,
      memo: `junk of the rich ${n}`,
      means: { type: "nonsense" },
    })),
    scenario: () => delay(1_000),
  },
];
