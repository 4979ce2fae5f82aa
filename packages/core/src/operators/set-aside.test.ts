import { fc } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { bts, toShares } from "@stakebts/kernel/amount";
import { operationId } from "@stakebts/kernel/operation-id";
import { DAY_MS, type Millis, millis } from "@stakebts/kernel/time";
import { cursorAt, incoming, operation } from "@stakebts/testkit/given";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { MemoryLedger } from "@stakebts/testkit/memory-ledger";
import { applyEvents } from "../ledger/apply-events.ts";
import type { Ledger, LedgerTx, NewTransfer } from "../ledger/ledger.ts";
import { DEFAULT_POLICY } from "../rules/policy.ts";
import type { MemoRequest } from "../rules/request.ts";
import { resume, setAside } from "./set-aside.ts";

const action = { id: "1", actor: "anna", reason: "the database refuses its row" };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const roles = {
  managers: [],
  treasuryAccounts: [],
  exchangeDeposit: { account: "exchange", memos: {} },
};
const REQUESTS: readonly MemoRequest[] = [
  { type: "open", term: "three_months" },
  { type: "open", term: "six_months" },
  { type: "stop" },
  { type: "invalid", reason: "not_json" },
];

const refusal = () => Object.assign(new Error("violates a check constraint"), { code: "23514" });

/** A ledger whose database refuses what belongs to these events: operations of transfers, and ids of rows. */
function refusing(ledger: MemoryLedger, refused: ReadonlySet<string>): Ledger {
  const tried = (tx: LedgerTx): LedgerTx => ({
    ...tx,
    transfers: {
      ...tx.transfers,
      decide: async (at, ...rest) => {
        if (refused.has(operationId(at))) throw refusal();
        return tx.transfers.decide(at, ...rest);
      },
    },
    payouts: {
      ...tx.payouts,
      insert: async (payouts) => {
        const rows = payouts.filter(({ kind }) => kind === "reward" || kind === "base");
        if (rows.some((payout) => payout.rows.some(({ id }) => refused.has(id)))) throw refusal();
        return tx.payouts.insert(payouts);
      },
    },
  });
  return new Proxy(ledger as Ledger, {
    get(target, key) {
      if (key === "transaction")
        return (work: (tx: LedgerTx) => Promise<unknown>) => target.transaction((tx) => work(tried(tx)));
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}

const write = (ledger: Ledger, transfer: NewTransfer): Promise<void> =>
  ledger.transaction(async (tx) => {
    const { blockNum } = transfer.operation;
    await tx.cursor.move((await tx.cursor.read())?.blockNum, {
      ...cursorAt(blockNum),
      blockTimeMs: transfer.blockTimeMs,
    });
    await tx.transfers.insert([transfer]);
  });

/** What follows from the chain, and must be the same in whichever order events were answered. */
function outcomeOf({ contents }: MemoryLedger): unknown {
  const sorted = <T>(values: Iterable<T>, name: (value: T) => string): readonly T[] =>
    [...values].sort((x, y) => (name(x) < name(y) ? -1 : 1));
  return {
    agreements: sorted(contents.agreements.keys(), (at) => at),
    rows: sorted(contents.rows.values(), ({ id }) => id),
    payouts: sorted(contents.payouts.values(), ({ key }) => key).map((payout) => ({
      ...payout,
      rows: sorted(payout.rows, ({ id }) => id),
      enqueuedAtMs: 0,
    })),
    transfers: sorted(contents.transfers.entries(), ([at]) => at).map(([at, { outcome, reason }]) => [
      at,
      outcome,
      reason,
    ]),
  };
}

const NAMED = /set-aside (\S+) --reason/u;

/** Applies events as a scheduler and an operator do: what is named as unanswerable is set aside, until the rest has gone on. */
async function applyAround(ledger: Ledger): Promise<readonly string[]> {
  const aside: string[] = [];
  for (;;) {
    try {
      await applyEvents({ ledger, log: silent, policy: DEFAULT_POLICY, roles });
      return aside;
    } catch (error) {
      const event = NAMED.exec((error as Error).message)?.[1];
      expect(event, String(error)).toBeDefined();
      expect(await setAside({ ledger }, { event: event as string, action })).toMatchObject({
        result: "done",
      });
      aside.push(event as string);
    }
  }
}

const history = fc.array(
  fc.record({
    sender: fc.constantFrom("a", "b"),
    request: fc.constantFrom(...REQUESTS),
    amount: fc.constantFrom(25_000n, 50_000n, 100n),
    afterDays: fc.integer({ min: 0, max: 45 }),
    isRefused: fc.constantFrom(false, false, true),
    isMended: fc.constantFrom(false, false, true),
  }),
  { minLength: 1, maxLength: 12 },
);

describe("events that are set aside and resumed later", () => {
  it("come to the same agreements, rows and debts as if all had been answered in turn", () => {
    let setAsideInAll = 0;
    return fc
      .assert(
        fc.asyncProperty(
          history,
          fc.constantFrom(":reward:1", ":base_amount:0", "none"),
          async (all, rowsRefused) => {
            const run = async (isRefusing: boolean): Promise<unknown> => {
              const memory = new MemoryLedger(new ManualClock(1));
              const refused = new Set<string>();
              const ledger = refusing(memory, refused);
              const waiting = new Set<string>();
              let [nowMs, blockNum]: [Millis, number] = [millis(DAY_MS), 10];
              const mend = async (): Promise<void> => {
                refused.clear();
                for (const event of waiting) await resume({ ledger }, { event, action });
                waiting.clear();
              };
              for (const { sender, request, amount, afterDays, isRefused, isMended } of all) {
                [nowMs, blockNum] = [millis(nowMs + afterDays * DAY_MS + 3_000), blockNum + 1];
                if (isRefusing && isMended) await mend();
                if (isRefusing && isRefused) refused.add(operationId(operation(blockNum)));
                if (isRefusing)
                  for (const { id, type, number } of memory.contents.rows.values())
                    if (`:${type}:${number}` === rowsRefused) refused.add(id);
                const transfer = incoming({
                  operation: operation(blockNum),
                  blockTimeMs: nowMs,
                  sender,
                  request,
                  amount: toShares(bts(amount)),
                });
                await write(ledger, transfer);
                for (const event of await applyAround(ledger)) waiting.add(event);
              }
              setAsideInAll += waiting.size;
              await mend();
              await applyEvents({ ledger, log: silent, policy: DEFAULT_POLICY, roles });
              return outcomeOf(memory);
            };
            expect(await run(true)).toEqual(await run(false));
          },
        ),
        { numRuns: 120 },
      )
      .then(() => expect(setAsideInAll).toBeGreaterThan(40));
  });
});

describe("one transfer that cannot be answered", () => {
  const AT = operation(30);
  const nominations = async (ledger: Ledger): Promise<void> => {
    for (let block = 10; block < 60; block++)
      await write(
        ledger,
        incoming({
          operation: operation(block),
          blockTimeMs: millis(block * 3_000),
          sender: `nominator-${block}`,
          request: { type: "open", term: "three_months" },
          amount: toShares(bts(25_000n)),
        }),
      );
  };

  it("keeps none that came before it from being answered, and is named with what to type", async () => {
    const memory = new MemoryLedger(new ManualClock(1));
    const ledger = refusing(memory, new Set([operationId(AT)]));
    await nominations(ledger);
    const applying = () => applyEvents({ ledger, log: silent, policy: DEFAULT_POLICY, roles });
    await expect(applying()).rejects.toThrow(
      "transfer 30:0:0 of nominator-30 cannot be answered, and what comes after it waits: violates a check constraint; " +
        "report it; to let the others go on: stakebts transfers set-aside 30:0:0 --reason",
    );
    await expect(applying()).rejects.toThrow();
    expect(memory.contents.agreements.size).toBe(20);
    const alarms = memory.contents.receipts.filter(({ event }) => event === "event.unanswerable");
    expect(alarms).toMatchObject([{ subject: "30:0:0" }]);
  });

  it("keeps no other transfer waiting once it is set aside, and is answered when it is resumed", async () => {
    const memory = new MemoryLedger(new ManualClock(1));
    const refused = new Set([operationId(AT)]);
    const ledger = refusing(memory, refused);
    await nominations(ledger);
    expect(await applyAround(ledger)).toEqual(["30:0:0"]);
    expect(memory.contents.agreements.size).toBe(49);
    expect(await ledger.hasWork()).toBe(false);
    expect(await setAside({ ledger }, { event: "30:0:0", action })).toMatchObject({ result: "unchanged" });
    expect(await setAside({ ledger }, { event: "31:0:0", action })).toMatchObject({ result: "refused" });
    refused.clear();
    expect(await resume({ ledger }, { event: "30:0:0", action })).toMatchObject({ result: "done" });
    expect(await applyAround(ledger)).toEqual([]);
    expect(memory.contents.agreements.size).toBe(50);
    expect(memory.contents.receipts.map(({ event, details }) => [event, details["actor"]])).toEqual(
      expect.arrayContaining([
        ["event.set_aside", "anna"],
        ["event.resumed", "anna"],
      ]),
    );
  });
});
