import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc } from "@fast-check/vitest";
import { localFreeze } from "./local-freeze.ts";
import { bts, toShares } from "@stakebts/kernel/amount";
import { DAY_MS, millis } from "@stakebts/kernel/time";
import { DEFAULT_POLICY } from "../rules/policy.ts";
import {
  FREEZE_LEVELS,
  FREEZE_SOURCES,
  type Freeze,
  type FreezeLevel,
  type FreezeSource,
  stopsAccepting,
  stopsPaying,
} from "../rules/freeze.ts";
import type { MemoRequest } from "../rules/request.ts";
import type { LedgerTx, NewTransfer } from "../ledger/ledger.ts";
import { applyEvents } from "../ledger/apply-events.ts";
import { freezeAll, unfreeze } from "./freeze.ts";
import { FreezeWatch } from "./report-freezes.ts";
import { switchPayments } from "./switch-payments.ts";
import { cursorAt, incoming, operation } from "@stakebts/testkit/given";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { MemoryLedger } from "@stakebts/testkit/memory-ledger";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inWorld, MANAGER, type World } from "@stakebts/testkit/service-bench";

const action = { id: "1", actor: "operator-1", reason: "a drill" };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "freeze-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Freezes in one of five ways; returns how it is ended. */
async function freezeBy(
  world: World,
  source: FreezeSource,
  level: FreezeLevel,
): Promise<() => Promise<unknown>> {
  const { ledger } = world;
  const endsHere = () => Promise.resolve(void (world.frozenHere = () => []));
  switch (source) {
    case "operator":
      await freezeAll({ ledger }, { level, action });
      return () => unfreeze({ ledger }, { action });
    case "manager":
      await world.send(MANAGER, 1, level === "all" ? "freeze" : `freeze ${level}`);
      await world.settle();
      return () => unfreeze({ ledger }, { action });
    case "process": {
      const reason = "a payment that nobody owes";
      await ledger.transaction((tx) => tx.addFreeze({ source, process: "watcher", level, reason }));
      return () => unfreeze({ ledger }, { action });
    }
    case "environment":
      world.frozenHere = localFreeze({ STAKEBTS_FREEZE_LEVEL: level });
      return endsHere;
    case "file": {
      const file = join(folder, "freeze");
      world.frozenHere = localFreeze({ STAKEBTS_FREEZE_FILE: file });
      writeFileSync(file, level === "all" ? "" : `${level}\n`);
      return () => Promise.resolve(rmSync(file));
    }
  }
}

describe.each(FREEZE_SOURCES)("a freeze by %s", (source) => {
  it.each(FREEZE_LEVELS)("of the level %s stops what it says, loses nothing, and ends", (level) =>
    inWorld({}, async (world) => {
      const end = await freezeBy(world, source, level);
      await world.send("nominator-1", 100, "hello"); // A refund of 50 is owed, whatever is frozen.
      await world.send("nominator-2", 25_000, "three_months");
      await world.settle();
      const { agreements, payouts } = world.ledger.contents;
      expect(agreements.size).toBe(stopsAccepting(level) ? 0 : 1);
      expect([...payouts.values()].map(({ kind }) => kind)).toContain("refund");
      expect(await world.arrivedAt("nominator-1")).toEqual(stopsPaying(level) ? [] : [50]);
      await end();
      await world.settle();
      expect(world.ledger.contents.agreements.size).toBe(1);
      expect(await world.arrivedAt("nominator-1")).toEqual([50]);
      expect(await world.arrivedAt("nominator-2")).toEqual([1]);
      await world.expectLedgerMatchesChain();
    }),
  );
});

describe("several freezes", () => {
  it("hold until the last of them ends, and the switch for payments ends none but its own", () =>
    inWorld({}, async (world) => {
      const { ledger } = world;
      const endFile = await freezeBy(world, "file", "pay-nothing");
      const endOthers = await freezeBy(world, "manager", "all");
      await freezeAll({ ledger }, { level: "pay-nothing", action });
      await world.send("nominator-1", 100, "hello");
      await world.settle();
      await switchPayments({ ledger }, { on: true, action });
      await world.settle();
      expect(await ledger.payments()).toMatchObject({ on: false });
      expect(await world.arrivedAt("nominator-1")).toEqual([]);
      await endOthers();
      await world.settle();
      expect(await ledger.payments()).toEqual({ on: true });
      expect(await world.arrivedAt("nominator-1")).toEqual([]);
      await endFile();
      await world.settle();
      expect(await world.arrivedAt("nominator-1")).toEqual([50]);
    }));

  it("of an operator add up, and end each on its own", () =>
    inWorld({}, async ({ ledger }) => {
      const levels = async () => (await ledger.freezes()).map(({ level }) => level);
      expect(await freezeAll({ ledger }, { level: "accept-nothing", action })).toMatchObject({
        changed: true,
      });
      expect(await freezeAll({ ledger }, { level: "accept-nothing", action })).toMatchObject({
        changed: false,
      });
      await freezeAll({ ledger }, { level: "pay-nothing", action });
      expect(await levels()).toEqual(["accept-nothing", "pay-nothing"]);
      expect(await freezeAll({ ledger }, { level: "all", action })).toMatchObject({ changed: false });
      await ledger.transaction((tx) => tx.addFreeze({ source: "manager", level: "all", reason: "stop" }));
      await unfreeze({ ledger }, { level: "pay-nothing", action });
      expect(await levels()).toEqual(["accept-nothing", "accept-nothing"]);
      expect(await unfreeze({ ledger }, { action })).toMatchObject({ changed: true, after: [] });
      expect(await unfreeze({ ledger }, { action })).toMatchObject({ changed: false });
      const { receipts } = ledger.contents;
      expect(receipts.filter(({ event }) => event.startsWith("freeze.")).map(({ event }) => event)).toEqual([
        "freeze.begun",
        "freeze.begun",
        "freeze.ended",
        "freeze.ended",
      ]);
    }));
});

describe("a manager's memo", () => {
  it("freezes once, and not again when its block is read anew; an operator ends it", () =>
    inWorld({}, async (world) => {
      const end = await freezeBy(world, "manager", "all");
      const [freeze] = await world.ledger.freezes();
      expect(freeze).toMatchObject({ source: "manager", level: "all" });
      expect(freeze?.reason).toContain(`the manager ${MANAGER} has frozen it, by the memo of transfer`);
      await end();
      await world.startFrom(1);
      await world.settle();
      expect(await world.ledger.freezes()).toEqual([]);
      expect(await world.arrivedAt(MANAGER)).toEqual([]);
    }));

  it("of an old block freezes nothing, and is told to people", () =>
    inWorld({}, async (world) => {
      await world.send(MANAGER, 1, "freeze");
      await world.devnet.produce(120);
      await world.settle();
      expect(await world.ledger.freezes()).toEqual([]);
      const told = world.ledger.contents.receipts.filter(({ event }) => event === "freeze.too_old");
      expect(told).toMatchObject([{ details: { sender: MANAGER } }]);
    }));

  it("of anybody else is an invalid request", () =>
    inWorld({}, async (world) => {
      await world.send("nominator-1", 100, "freeze");
      await world.settle();
      expect(await world.ledger.freezes()).toEqual([]);
      expect(await world.arrivedAt("nominator-1")).toEqual([50]);
    }));
});

describe("the file", () => {
  it("freezes everything when it is empty, misspelt or cannot be read, and nothing when it is not there", () => {
    const file = join(folder, "freeze");
    const look = localFreeze({ STAKEBTS_FREEZE_FILE: file });
    expect(look()).toEqual([]);
    expect(localFreeze({ STAKEBTS_FREEZE_FILE: join(folder, "not", "there") })()).toEqual([]);
    expect(localFreeze({ STAKEBTS_FREEZE_FILE: folder })()).toMatchObject([{ level: "all" }]);
    for (const [text, level] of [
      ["", "all"],
      ["stop!", "all"],
      [" accept-nothing until Monday\n", "accept-nothing"],
      ["pay-nothing", "pay-nothing"],
    ] as const) {
      writeFileSync(file, text);
      expect(look()).toMatchObject([{ source: "file", level }]);
    }
    rmSync(file);
    expect(look()).toEqual([]);
  });

  it("is told once when it comes and once when it goes, and told again while the database is away", async () => {
    const ledger = new MemoryLedger(new ManualClock(1));
    let [isAway, frozen] = [false, false];
    const looks: number[] = [];
    const watch = new FreezeWatch({
      ledger: {
        transaction: (work) =>
          isAway ? Promise.reject(new Error("away")) : ledger.transaction((tx) => work(tx)),
      },
      log: silent,
      process: "payer",
      frozenHere: () => (frozen ? [{ source: "file", level: "all", reason: "it is there" }] : []),
      onLook: (freezes) => void looks.push(freezes.length),
    });
    await watch.look();
    [frozen, isAway] = [true, true];
    await expect(watch.look()).rejects.toThrow("away");
    isAway = false;
    await watch.look();
    await watch.look();
    frozen = false;
    await watch.look();
    expect(looks).toEqual([0, 1, 1, 1, 0]);
    expect(ledger.contents.receipts).toMatchObject([
      { event: "process.frozen", subject: "payer", details: { file: "all", reason: "it is there" } },
      { event: "process.thawed", subject: "payer", details: { file: null } },
    ]);
    expect(ledger.contents.freezes).toEqual([]);
  });

  it("is in the ledger under the name of the process while it is there, and no longer than until its next start", async () => {
    const ledger = new MemoryLedger(new ManualClock(1));
    const found = { source: "file", level: "all", reason: "it is there" } as const;
    const start = (process: string, frozenHere: () => readonly Freeze[]) =>
      new FreezeWatch({ ledger, log: silent, process, frozenHere });
    await start("scheduler", () => [found]).look();
    await start("payer", () => [found]).look();
    expect(ledger.contents.freezes).toMatchObject([
      { ...found, process: "scheduler" },
      { ...found, process: "payer" },
    ]);
    expect(await ledger.freezes()).toEqual([]);
    await start("payer", () => []).look();
    expect(ledger.contents.freezes).toMatchObject([{ process: "scheduler" }]);
  });
});

async function setAccepting(tx: LedgerTx, accepting: boolean): Promise<void> {
  if (!accepting) await tx.addFreeze({ source: "operator", level: "accept-nothing", reason: "test" });
  else for (const { id } of await tx.freezes()) await tx.endFreeze(id, action);
}

describe("nominations that were frozen for a while", () => {
  const requests: readonly MemoRequest[] = [
    { type: "open", term: "three_months" },
    { type: "open", term: "six_months" },
    { type: "stop" },
    { type: "invalid", reason: "not_json" },
  ];
  const transfers = fc.array(
    fc.record({
      sender: fc.constantFrom("a", "b", "c"),
      request: fc.constantFrom(...requests),
      amount: fc.constantFrom(25_000n, 50_000n, 100n),
      afterDays: fc.integer({ min: 0, max: 45 }),
      frozen: fc.boolean(),
    }),
    { minLength: 1, maxLength: 14 },
  );

  it("come to the same agreements, rows and debts as if they never had been, whenever and however often", () =>
    fc.assert(
      fc.asyncProperty(transfers, async (history) => {
        const fold = async (freezes: boolean) => {
          const ledger = new MemoryLedger(new ManualClock(1));
          const roles = {
            managers: [],
            treasuryAccounts: [],
            exchangeDeposit: { account: "exchange", memos: {} },
          };
          const deps = { ledger, log: silent, policy: DEFAULT_POLICY, roles };
          let [nowMs, blockNum] = [millis(DAY_MS), 10];
          for (const { sender, request, amount, afterDays, frozen } of history) {
            [nowMs, blockNum] = [millis(nowMs + afterDays * DAY_MS + 3_000), blockNum + 1];
            const transfer: NewTransfer = incoming({
              operation: operation(blockNum),
              blockTimeMs: nowMs,
              sender,
              request,
              amount: toShares(bts(amount)),
            });
            await ledger.transaction(async (tx) => {
              if (freezes) await setAccepting(tx, !frozen);
              await tx.moveCursor((await tx.cursor())?.blockNum, {
                ...cursorAt(blockNum),
                blockTimeMs: nowMs,
              });
              await tx.insertTransfers([transfer]);
            });
            await applyEvents(deps);
          }
          await ledger.transaction((tx) => setAccepting(tx, true));
          await applyEvents(deps);
          const { agreements, rows, payouts, transfers: decided } = ledger.contents;
          const sorted = <T>(values: Iterable<T>, name: (value: T) => string): readonly T[] =>
            [...values].sort((x, y) => (name(x) < name(y) ? -1 : 1));
          return {
            agreements: [...agreements.keys()].sort((x, y) => (x < y ? -1 : 1)),
            rows: sorted(rows.values(), ({ id }) => id),
            payouts: sorted(payouts.values(), ({ key }) => key).map((payout) => ({ ...payout, rungAtMs: 0 })),
            outcomes: sorted(decided.entries(), ([at]) => at).map(([at, { outcome, reason }]) => [
              at,
              outcome,
              reason,
            ]),
          };
        };
        expect(await fold(true)).toEqual(await fold(false));
      }),
      { numRuns: 300 },
    ));
});
