import { saveWithdrawal } from "@stakebts/testkit/one-payout";
import { fc } from "@stakebts/testkit/property";
import pg from "pg";
import { describe, expect, vi } from "vitest";
import { bts } from "@stakebts/kernel/amount";
import { ACCOUNT, operation, refundOf, withdrawalFor } from "@stakebts/testkit/given";
import { passRecoveryHold } from "@stakebts/testkit/pass-recovery-hold";
import { test as base } from "@stakebts/testkit/database";
import { PROCESS_ROLES } from "../database/rights.ts";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import type { IdentifiedPayout, Ledger } from "../ledger/ledger.ts";
import {
  type Freeze,
  FREEZE_LEVELS,
  FREEZE_SOURCES,
  inForce,
  isLocal,
  type OpenFreeze,
  whyAcceptsNothing,
  whyPaysNothing,
} from "../rules/freeze.ts";
import { freezeAll, unfreeze } from "./freeze.ts";

vi.setConfig({ testTimeout: 120_000 });

const action = { id: "1", actor: "operator-1", reason: "test" };
const payout = refundOf(operation(10), { amount: bts(1n) });

interface World {
  readonly ledger: Ledger;
  readonly epoch: bigint;
  /** Two sessions of their own. */
  readonly one: pg.Client;
  readonly other: pg.Client;
}

const test = base.extend<{ world: World }>({
  world: async ({ databaseUrl }, use) => {
    const ledger = createPostgresLedger({ url: databaseUrl });
    const [one, other] = [new pg.Client(databaseUrl), new pg.Client(databaseUrl)];
    await Promise.all([one.connect(), other.connect()]);
    await passRecoveryHold(ledger);
    await ledger.transaction((tx) => tx.payouts.insert([payout]));
    await use({ ledger, epoch: await ledger.control.startWriterEpoch(), one, other });
    await Promise.all([one.end(), other.end(), ledger.close()]);
  },
});

/** As a payer of any version calls it. */
const save = async (db: pg.Client, epoch: bigint, of: IdentifiedPayout = payout): Promise<string> => {
  const { rows } = await db.query<{ answer: string }>(
    "SELECT save_withdrawal(gen_random_uuid(), $1, 'txid', '\\x00', 5, 100000, 100, $2, $3, $4, 'custodian') AS answer",
    [of.id, epoch, ACCOUNT.chainId, ACCOUNT.custodianId],
  );
  return rows[0]?.answer ?? "";
};
const FREEZE = "SELECT add_freeze('pay-nothing', 'process', 'watcher', 'a spend that is not owed') AS added";

/** Resolves when what this session does waits for a lock; throws when it ends without. */
async function untilItWaits(watcher: pg.Client, session: pg.Client, work: Promise<unknown>): Promise<void> {
  const { processID } = session as unknown as { processID: number };
  let isOver = false;
  work.finally(() => (isOver = true)).catch(() => undefined);
  while (!isOver) {
    const { rowCount } = await watcher.query(
      "SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'",
      [processID],
    );
    if (rowCount === 1) return;
  }
  throw new Error("it did not wait");
}

describe("a freeze that is committed", () => {
  test("stops a payment that was about to be saved at the same moment", async ({ world, databaseUrl }) => {
    const { epoch, one, other } = world;
    const watcher = new pg.Client(databaseUrl);
    await watcher.connect();
    await one.query("BEGIN");
    await one.query(FREEZE);
    const saved = save(other, epoch);
    await untilItWaits(watcher, other, saved);
    await one.query("COMMIT");
    expect(await saved).toBe("payments_off");
    await watcher.end();
  });

  test("comes after a payment that is being saved, and waits for it", async ({ world, databaseUrl }) => {
    const { epoch, one, other } = world;
    const watcher = new pg.Client(databaseUrl);
    await watcher.connect();
    await one.query("BEGIN");
    expect(await save(one, epoch)).toBe("saved");
    let isCommitted = false;
    const freezing = other.query(FREEZE).then(() => (isCommitted = true));
    await untilItWaits(watcher, other, freezing);
    expect(isCommitted).toBe(false);
    await one.query("COMMIT");
    await freezing;
    await watcher.end();
  });

  test("stops a payer with a snapshot from before it", async ({ world: { epoch, one, other } }) => {
    await one.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await one.query("SELECT FROM ledger_freeze"); // From here on it sees the past.
    await other.query(FREEZE);
    await expect(save(one, epoch)).rejects.toThrow("could not serialize access");
    await one.query("ROLLBACK");
  });

  test("is the same for a row that its owner inserts by hand", async ({ world: { epoch, one, other } }) => {
    await one.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await one.query("SELECT FROM ledger_freeze");
    await other.query(
      "INSERT INTO ledger_freeze (level, source, reason) VALUES ('all', 'operator', 'by hand')",
    );
    await expect(save(one, epoch)).rejects.toThrow("could not serialize access");
    await one.query("ROLLBACK");
    expect(await save(one, epoch)).toBe("payments_off");
  });
});

const anyFreeze = fc
  .record({
    source: fc.constantFrom(...FREEZE_SOURCES),
    level: fc.constantFrom(...FREEZE_LEVELS),
    process: fc.constantFrom(...PROCESS_ROLES),
    reason: fc.constantFrom("one", "another"),
    isOver: fc.boolean(),
  })
  .map(({ process, ...freeze }) => ({
    ...freeze,
    process: freeze.source === "operator" || freeze.source === "manager" ? undefined : process,
  }));

describe("any set of freezes", () => {
  test("stops in the database what the rule says that it stops", async ({
    world: { ledger, epoch, one },
  }) => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyFreeze, { maxLength: 5 }), async (freezes) => {
        await one.query(
          "UPDATE ledger_freeze SET ended_at = now(), ended_by = 'x', end_reason = 'x' WHERE ended_at IS NULL",
        );
        const debt = refundOf(operation(100, number++), { amount: bts(1n) });
        await ledger.transaction(async (tx) => {
          await tx.payouts.insert([debt]);
          for (const { isOver, ...freeze } of freezes) {
            const name = `${freeze.reason} ${isOver}`;
            await tx.control.addFreeze({ ...freeze, reason: name });
          }
        });
        await one.query(
          "UPDATE ledger_freeze SET ended_at = now(), ended_by = 'x', end_reason = 'x' WHERE ended_at IS NULL AND reason LIKE '%true'",
        );
        const open: readonly Freeze[] = freezes.filter(({ isOver }) => !isOver);
        const paysNothing = whyPaysNothing(inForce(open)) !== undefined;
        const { rows } = await one.query<{ frozen: boolean }>("SELECT is_frozen() AS frozen");
        expect(rows[0]?.frozen).toBe(paysNothing);
        expect((await ledger.control.read()).payments.on).toBe(!paysNothing);
        expect((await ledger.payouts.views([debt.id]))[0]?.payments.on).toBe(!paysNothing);
        const found: readonly OpenFreeze[] = (await ledger.control.read()).freezes;
        expect(found.some(({ source }) => isLocal(source))).toBe(false);
        expect(whyAcceptsNothing(found) === undefined).toBe(whyAcceptsNothing(inForce(open)) === undefined);
        const withdrawal = withdrawalFor(debt, `w${number}`, { writerEpoch: epoch });
        expect(await saveWithdrawal(ledger, withdrawal)).toBe(paysNothing ? "payments_off" : "saved");
      }),
      { numRuns: 100 },
    );
  });

  test("is ended by people with a reason, and stays on record", async ({ world: { ledger, one } }) => {
    await freezeAll({ ledger }, { level: "all", action });
    await one.query(FREEZE);
    await unfreeze({ ledger }, { level: "pay-nothing", action: { ...action, reason: "looked" } });
    const { rows } = await one.query(
      "SELECT level, source, process, reason, ended_by, end_reason FROM ledger_freeze ORDER BY id",
    );
    const by = { ended_by: "operator-1", end_reason: "looked" };
    expect(rows).toEqual([
      { level: "all", source: "operator", process: null, reason: "test", ...by },
      {
        level: "pay-nothing",
        source: "process",
        process: "watcher",
        reason: "a spend that is not owed",
        ...by,
      },
      {
        level: "accept-nothing",
        source: "operator",
        process: null,
        reason: "test",
        ended_by: null,
        end_reason: null,
      },
    ]);
  });
});
