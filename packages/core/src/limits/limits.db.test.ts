import { saveWithdrawal } from "@stakebts/testkit/one-payout";
import { fc } from "@stakebts/testkit/property";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import { bts } from "@stakebts/kernel/amount";
import { HOUR_MS, millis } from "@stakebts/kernel/time";
import { NO_LIMITS, type PaymentLimits } from "../rules/limits.ts";
import type { IdentifiedPayout, Ledger } from "../ledger/ledger.ts";
import { ACCOUNT, cursorAt, operation, refundOf, withdrawalFor } from "@stakebts/testkit/given";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { MemoryLedger } from "@stakebts/testkit/memory-ledger";
import { letPaymentsGo } from "@stakebts/testkit/stop-payments";
import { passRecoveryHold } from "@stakebts/testkit/pass-recovery-hold";
import pg from "pg";
import { describe, expect, vi } from "vitest";
import { test as base } from "@stakebts/testkit/database";

vi.setConfig({ testTimeout: 120_000 });

const BY = { actor: "operator-1", reason: "test" };

const test = base.extend<{ ledger: Ledger; db: pg.Client }>({
  ledger: async ({ databaseUrl }, use) => {
    const ledger = createPostgresLedger({ url: databaseUrl, max: 12 });
    await use(ledger);
    await ledger.close();
  },
  db: async ({ databaseUrl }, use) => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await use(client);
    await client.end();
  },
});

async function begin(
  ledger: Ledger,
  limits: Partial<PaymentLimits>,
  amounts: readonly bigint[],
): Promise<readonly IdentifiedPayout[]> {
  await passRecoveryHold(ledger);
  const payouts = amounts.map((amount, index) => refundOf(operation(10 + index), { amount: bts(amount) }));
  await ledger.transaction(async (tx) => {
    await tx.cursor.move(undefined, cursorAt(1_000));
    await tx.payouts.insert(payouts);
    await tx.control.setLimits({ ...NO_LIMITS, ...limits }, BY);
  });
  return payouts;
}

describe("limits in the database", () => {
  test("give the last room in an hour to one of many payers that reach for it at the same moment", async ({
    ledger,
    db,
  }) => {
    const payouts = await begin(ledger, { hourCap: bts(1_000n) }, Array<bigint>(12).fill(300n));
    const writerEpoch = await ledger.control.startWriterEpoch();
    const answers = await Promise.all(
      payouts.map((payout, index) =>
        saveWithdrawal(ledger, withdrawalFor(payout, `w${index}`, { writerEpoch })),
      ),
    );
    expect(answers.filter((answer) => answer === "saved")).toHaveLength(3);
    const { rows } = await db.query<{ sum: string }>(
      "SELECT sum(amount)::text FROM payout WHERE status = 'signed'",
    );
    expect(rows[0]?.sum).toBe("900");
    const { rows: receipts } = await db.query("SELECT FROM receipt WHERE event = 'limit.reached'");
    expect(receipts).toHaveLength(1);
  });

  test("hold back a payer of the version before, in words that it knows", async ({ ledger, db }) => {
    const [large, first, second] = await begin(ledger, { hourCap: bts(500n), approvalFrom: bts(450n) }, [
      450n,
      400n,
      400n,
    ]);
    const epoch = await ledger.control.startWriterEpoch();
    // As every version calls it: nothing is asked before, and nothing looked at after.
    const save = async (payout: IdentifiedPayout | undefined, name: string) => {
      const { rows } = await db.query<{ answer: string }>(
        "SELECT save_withdrawal(gen_random_uuid(), $1, $2, '\\x00', 5, 100000, 100, $3, $4, $5, 'custodian') AS answer",
        [payout?.id, name, epoch, ACCOUNT.chainId, ACCOUNT.custodianId],
      );
      return rows[0]?.answer;
    };
    expect(await save(large, "a")).toBe("payout_moved");
    expect(await save(first, "b")).toBe("saved");
    expect(await save(second, "c")).toBe("payments_off");
    const manager = { source: "manager", level: "pay-nothing", reason: "stop" } as const;
    await ledger.transaction((tx) => tx.control.addFreeze(manager));
    await ledger.transaction((tx) => tx.control.setLimits(NO_LIMITS, BY));
    expect(await save(second, "d")).toBe("payments_off");
    await letPaymentsGo(ledger);
    expect(await save(second, "e")).toBe("saved");
  });

  test("and approvals are written once, and no login takes one back or makes one of nothing", async ({
    ledger,
    db,
  }) => {
    const [payout] = await begin(ledger, { hourCap: bts(500n) }, [450n]);
    const approval = { payee: "nominator-1", amount: bts(450n), approver: "b", reason: "known" };
    await ledger.transaction((tx) => tx.approvals.add(payout?.id as never, approval));
    for (const sql of [
      "UPDATE payment_limits SET hour_cap = 10000",
      "DELETE FROM payment_limits",
      "TRUNCATE payment_limits",
      "UPDATE payout_approval SET amount = 10000",
      "DELETE FROM payout_approval",
      "TRUNCATE payout_approval",
      "INSERT INTO payment_limits (hour_cap, actor, reason) VALUES (0, 'a', 'b')",
      "INSERT INTO payment_limits (hour_cap, actor, reason) VALUES (1, '', 'b')",
    ])
      await expect(db.query(sql), sql).rejects.toThrow(/./u);
    await db.query("INSERT INTO payment_limits (actor, reason) VALUES ('a', 'none any more')");
    expect((await ledger.control.read()).limits).toEqual(NO_LIMITS);
  });

  test("do to any payments what the rule says, after any signatures, approvals, expiries and waits", async ({
    ledger,
    db,
  }) => {
    await passRecoveryHold(ledger);
    await ledger.transaction((tx) => tx.cursor.move(undefined, cursorAt(1)));
    const amount = fc.bigInt(1n, 12n);
    const limit = fc.option(fc.bigInt(10n, 25n), { nil: undefined, freq: 4 });
    const large = fc.option(fc.bigInt(9n, 13n), { nil: undefined, freq: 2 });
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant("save" as const), which: fc.nat(7) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("expire" as const), which: fc.nat(7) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("approve" as const), which: fc.nat(7) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant("wait" as const), which: fc.integer({ min: 1, max: 90 }) }),
      },
    );
    let block = 10;
    await fc.assert(
      fc.asyncProperty(
        fc.array(amount, { minLength: 8, maxLength: 8 }),
        fc.array(fc.constantFrom("refund", "refund", "base", "reward", "stop", "confirm", "reward"), {
          minLength: 8,
          maxLength: 8,
        }),
        fc.record({
          paymentCap: large,
          hourCap: limit,
          dayCap: limit,
          returnHourCap: limit,
          returnDayCap: limit,
          approvalFrom: large,
        }),
        fc.array(step, { minLength: 10, maxLength: 30 }),
        async (amounts, kinds, caps, steps) => {
          // Days apart, so that the run before has left every window; and what it left waiting is out of the way.
          await db.query(
            "UPDATE payout SET status = 'held', reason = 'over' WHERE status IN ('due', 'ready')",
          );
          block += 100;
          const memory = new MemoryLedger(new ManualClock(1_000_000));
          await passRecoveryHold(memory);
          const startMs = block * 10 * HOUR_MS;
          let [now, number] = [startMs, block * 1_000];
          const payouts = amounts.map((of, index) => ({
            ...refundOf(operation(block, index), { amount: bts(of), dueMs: millis(startMs + index) }),
            kind: kinds[index] ?? "refund",
          }));
          const limits = Object.fromEntries(
            Object.entries(caps).map(([name, of]) => [name, of === undefined ? undefined : bts(of)]),
          ) as unknown as PaymentLimits;
          const epochs = new Map<Ledger, bigint>();
          for (const one of [memory, ledger]) {
            const at = { ...cursorAt(number), blockTimeMs: millis(now) };
            await one.transaction(async (tx) => {
              await tx.cursor.move((await tx.cursor.read())?.blockNum, { ...at, scannedFromBlockNum: 1 });
              await tx.payouts.insert(payouts);
              await tx.control.setLimits(limits, BY);
            });
            epochs.set(one, await one.control.startWriterEpoch());
          }
          for (const [index, { do: what, which }] of steps.entries()) {
            const payout = payouts[which % payouts.length] as IdentifiedPayout;
            if (what === "wait") [now, number] = [now + which * 60_000, number + 1];
            const results = [];
            for (const one of [memory, ledger]) {
              if (what === "save")
                results.push(
                  await saveWithdrawal(
                    one,
                    withdrawalFor(payout, `${block}-${index}`, { writerEpoch: epochs.get(one) as bigint }),
                  ),
                );
              else
                results.push(
                  await one.transaction(async (tx) => {
                    if (what === "wait") {
                      const at = { ...cursorAt(number), blockTimeMs: millis(now) };
                      return tx.cursor.move((await tx.cursor.read())?.blockNum, at);
                    }
                    if (what === "approve") {
                      const { payee, amount: of } = payout;
                      const approval = { payee, amount: of, approver: "b", reason: "known" };
                      await tx.approvals.add(payout.id, approval);
                      return tx.payouts.move(payout.id, ["held"], "ready");
                    }
                    const alive = (await tx.withdrawals.find({ payoutId: payout.id })).find(
                      ({ status }) => status === "signed",
                    );
                    return (
                      alive !== undefined &&
                      (await tx.withdrawals.expire([alive.id])) === 1 &&
                      (await tx.payouts.move(payout.id, ["signed"], "ready"))
                    );
                  }),
                );
              const view = (await one.payouts.views([payout.id]))[0]?.payout;
              results.push(view?.status, view?.limitedBy, view?.reason);
            }
            expect(results.slice(results.length / 2)).toEqual(results.slice(0, results.length / 2));
          }
        },
      ),
      { numRuns: 80 },
    );
  });
});
