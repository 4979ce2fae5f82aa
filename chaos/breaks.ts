import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { type Fault, isNew } from "./faults.ts";
import type { Patch } from "./mutated-workers.ts";
import { CLUSTER_NODES, type Site } from "./site.ts";

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
  /** In the place of the weather, in each round. */
  readonly scenario: Fault["happen"];
}

const PAYER = "packages/core/dist/services/pay-payout.js";
const INGESTER = "packages/core/dist/services/ingest-blocks.js";
const SCHEDULER = "apps/scheduler/dist/main.js";
const SAVE = "const saved = await ledger.saveWithdrawal(withdrawal);";
/** Enough that a payer is busy for a moment, whatever happens to it then. */
const OWED = 4;
const OWED_WAIT_MS = 15_000;

/** Without it, a second withdrawal of a payout is saved whatever became of the first. */
const SAVES_ANYTHING: Pick<Break, "functions" | "sql"> = {
  functions: [
    {
      function: "save_withdrawal",
      find: "IF found_status NOT IN ('due', 'ready', 'waiting_funds') THEN",
      replace: `IF found_status NOT IN ('due', 'ready', 'waiting_funds') THEN
        INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch)
        VALUES (new_id, of_payout, new_txid, new_bytes, new_ref_block_num, new_expiration_ms, new_fee_shares, 'signed', epoch);
        RETURN 'saved';
      END IF;
      IF false THEN`,
    },
  ],
  sql: [
    "DROP INDEX withdrawal_one_live_per_payout",
    "DROP TRIGGER withdrawal_needs_signed_payout ON withdrawal",
  ],
};

const payerLines = (site: Site) => site.seatsOf("payer").flatMap(({ nodes }) => nodes);

/** Keeps the payers from the nodes until so much is owed that they are busy when they come back. */
async function untilMuchIsOwed(site: Site): Promise<void> {
  for (const line of payerLines(site)) line.cut();
  await until(site, `SELECT count(*) >= ${OWED} AS yes FROM payout WHERE status IN ('due', 'ready')`);
}

const letPay = (site: Site): void => {
  for (const line of payerLines(site)) line.restore();
};

async function until(site: Site, sql: string): Promise<void> {
  const deadlineMs = Date.now() + OWED_WAIT_MS;
  while (Date.now() < deadlineMs) {
    const rows = await site.query<{ yes: boolean }>(sql).catch(() => []);
    if (rows[0]?.yes === true) return;
    await delay(50);
  }
}

/** Payers pay what is owed while no block becomes final, so that nobody learns from the chain what is paid. */
async function whileNothingIsFinal(site: Site, during: () => Promise<void>): Promise<void> {
  await untilMuchIsOwed(site);
  site.devnet.stallIrreversibility(true);
  await during();
  site.devnet.stallIrreversibility(false);
}

export const BREAKS: readonly Break[] = [
  {
    name: "save-then-send",
    patches: [
      { file: PAYER, find: SAVE, replace: `await deps.chain.broadcast(withdrawal.bytes);\n    ${SAVE}` },
    ],
    // Payers die with their bytes on the chain and not in the ledger.
    scenario: (site) =>
      whileNothingIsFinal(site, async () => {
        letPay(site);
        for (const line of payerLines(site)) line.delay(300);
        for (let kill = 0; kill < 5; kill++) {
          await delay(1_500 + kill * 130);
          const { worker } = site.leader();
          worker.kill("SIGKILL");
          await worker.exited;
        }
        for (const line of payerLines(site)) line.restore();
        await delay(2_500);
      }),
  },
  {
    name: "fence",
    patches: [{ file: PAYER, find: "if (fenced !== undefined)", replace: "if (false)" }],
    functions: [
      { function: "save_withdrawal", find: "switch.fence_until_ms IS NOT NULL", replace: "false" },
      {
        function: "save_withdrawal",
        find: "switch.database_identity IS DISTINCT FROM database_identity()",
        replace: "false",
      },
    ],
    // The ledger forgets what was paid a moment ago.
    scenario: (site) =>
      whileNothingIsFinal(site, async () => {
        await site.snapshotPostgres();
        letPay(site);
        await until(site, `SELECT count(*) >= ${OWED} AS yes FROM withdrawal WHERE status = 'broadcast'`);
        await site.restorePostgres();
        await delay(6_000);
      }),
  },
  {
    name: "one-live",
    patches: [
      { file: PAYER, find: "if (view.live !== undefined)", replace: "if (false)" },
      { file: PAYER, find: "if (!PAYABLE_STATUSES.includes(payout.status))", replace: "if (false)" },
    ],
    ...SAVES_ANYTHING,
    // Payouts on their way are rung for again.
    scenario: (site) =>
      whileNothingIsFinal(site, async () => {
        letPay(site);
        await delay(7_000);
      }),
  },
  {
    name: "epoch",
    // The pause is no safeguard: it makes the moment between looking and saving long enough to be frozen in.
    patches: [
      {
        file: PAYER,
        find: SAVE,
        replace: `await new Promise((wake) => setTimeout(wake, 250));\n    ${SAVE}`,
      },
    ],
    ...SAVES_ANYTHING,
    functions: [
      { function: "save_withdrawal", find: "switch.writer_epoch <> epoch", replace: "false" },
      ...(SAVES_ANYTHING.functions ?? []),
    ],
    // Bytes that are signed before the freeze are still good after it.
    expirationSeconds: 600,
    // The leader is frozen, its lock goes to the other one, which pays; then the first one goes on where it was.
    scenario: async (site) => {
      await untilMuchIsOwed(site);
      const { worker } = site.leader();
      const others = site.seatsOf("payer").filter((seat) => seat.worker !== worker);
      const signed = worker.waitFor(isNew(worker, "withdrawal.signed"));
      letPay(site);
      await signed;
      await delay(80);
      worker.kill("SIGSTOP");
      const leads = Promise.all(others.map((seat) => seat.worker.waitFor(isNew(seat.worker, "payer.leads"))));
      await site.query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7270002 AND granted",
      );
      await leads;
      await delay(4_000);
      worker.kill("SIGCONT");
      await delay(1_000);
    },
  },
  {
    name: "dead-too-early",
    patches: [
      {
        file: INGESTER,
        find: "    if (cursor.blockNum >= finalBlockNum)\n",
        replace: `    await ledger.transaction((tx) => expireWithdrawals(tx, deps.policy, { ...cursor, blockTimeMs: head.headTimeMs }));
    if (cursor.blockNum >= finalBlockNum)\n`,
      },
    ],
    // What was paid is in no final block yet when its expiration passes.
    scenario: (site) =>
      whileNothingIsFinal(site, async () => {
        letPay(site);
        await delay(6_000);
      }),
  },
  {
    name: "irreversible",
    patches: [
      {
        file: INGESTER,
        find: "const finalBlockNum = lastFinalBlockNum(head.irreversibleBlockNum);\n    const cursor",
        replace: "const finalBlockNum = head.headBlockNum;\n    const cursor",
      },
    ],
    // The node that is asked first is on the shorter branch.
    scenario: async ({ devnet }) => {
      await delay(2_000);
      for (let fork = 0; fork < 2; fork++) {
        devnet.partition([Array.from({ length: CLUSTER_NODES }, (_, n) => n + 1), [0]]);
        await delay(2_500);
        devnet.heal();
        await delay(1_000);
      }
    },
  },
  {
    name: "duplicate-as-new",
    patches: [
      {
        file: PAYER,
        find: `log.debug("withdrawal.sent_again", ids);`,
        replace: `await ledger.transaction(async (tx) => {
              await tx.expireWithdrawal(withdrawal.id);
              await tx.movePayout(payout.id, ["signed", "sent"], "ready", { reason: "duplicate transaction" });
            });`,
      },
    ],
    // Bytes that are in a block that is not final are sent again.
    scenario: (site) =>
      whileNothingIsFinal(site, async () => {
        letPay(site);
        await delay(8_000);
      }),
  },
  {
    name: "answer-is-proof",
    patches: [
      {
        file: PAYER,
        find: `log.info("withdrawal.sent", ids);`,
        replace: `await ledger.transaction((tx) => tx.confirmPayouts([{ payoutId: payout.id, blockNum: 1, blockTimeMs: 1 }]));`,
      },
    ],
    // Nodes say that they have taken it, and have not.
    scenario: async (site) => {
      await untilMuchIsOwed(site);
      for (const { faults } of site.devnet.nodes) faults.swallowBroadcasts(1_000);
      letPay(site);
      await delay(3_000);
    },
  },
  {
    name: "sweep",
    needsRedis: true,
    patches: [
      {
        file: SCHEDULER,
        find: "await ringForForgottenPayouts({ ledger, queue }, { notRungForMs: config.STAKEBTS_RING_AGAIN_MS });",
        replace: "",
      },
    ],
    // Redis forgets the rings for what is owed.
    scenario: async (site) => {
      await untilMuchIsOwed(site);
      const client = new Redis(site.redisUrl as string);
      await client.flushall();
      client.disconnect();
      letPay(site);
    },
  },
];
