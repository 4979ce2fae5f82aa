import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc } from "@stakebts/testkit/property";
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
import { inCluster, MANAGER, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";

const action = { id: "1", actor: "operator-1", reason: "a drill" };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "freeze-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Freezes in one of five ways; returns how it is ended. */
async function freezeBy(
  cluster: InProcessCluster,
  source: FreezeSource,
  level: FreezeLevel,
): Promise<() => Promise<unknown>> {
  const { ledger } = cluster;
  const endsHere = () => Promise.resolve(void (cluster.frozenHere = () => []));
  switch (source) {
    case "operator":
      await freezeAll({ ledger }, { level, action });
      return () => unfreeze({ ledger }, { action });
    case "manager":
      await cluster.send(MANAGER, 1, level === "all" ? "freeze" : `freeze ${level}`);
      await cluster.settle();
      return () => unfreeze({ ledger }, { action });
    case "process": {
      const reason = "a payment that is not owed";
      await ledger.transaction((tx) => tx.control.addFreeze({ source, process: "watcher", level, reason }));
      return () => unfreeze({ ledger }, { action });
    }
    case "environment":
      cluster.frozenHere = localFreeze({ STAKEBTS_FREEZE_LEVEL: level });
      return endsHere;
    case "file": {
      const file = join(folder, "freeze");
      cluster.frozenHere = localFreeze({ STAKEBTS_FREEZE_FILE: file });
      writeFileSync(file, level === "all" ? "" : `${level}\n`);
      return () => Promise.resolve(rmSync(file));
    }
  }
}

describe.each(FREEZE_SOURCES)("a freeze by %s", (source) => {
  it.each(FREEZE_LEVELS)("of the level %s stops what it says, loses nothing, and ends", (level) =>
    inCluster({}, async (cluster) => {
      const end = await freezeBy(cluster, source, level);
      await cluster.send("nominator-1", 100, "hello"); // A refund of 50 is owed under any freeze.
      await cluster.send("nominator-2", 25_000, "three_months");
      await cluster.settle();
      const { agreements, payouts } = cluster.ledger.contents;
      expect(agreements.size).toBe(stopsAccepting(level) ? 0 : 1);
      expect([...payouts.values()].map(({ kind }) => kind)).toContain("refund");
      expect(await cluster.arrivedAt("nominator-1")).toEqual(stopsPaying(level) ? [] : [50]);
      await end();
      await cluster.settle();
      expect(cluster.ledger.contents.agreements.size).toBe(1);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([50]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1]);
      await cluster.expectLedgerMatchesChain();
    }),
  );
});

describe("several freezes", () => {
  it("hold until the last of them ends, and the switch for payments ends none but its own", () =>
    inCluster({}, async (cluster) => {
      const { ledger } = cluster;
      const endFile = await freezeBy(cluster, "file", "pay-nothing");
      const endOthers = await freezeBy(cluster, "manager", "all");
      await freezeAll({ ledger }, { level: "pay-nothing", action });
      await cluster.send("nominator-1", 100, "hello");
      await cluster.settle();
      await switchPayments({ ledger }, { on: true, action });
      await cluster.settle();
      expect((await ledger.control.read()).payments).toMatchObject({ on: false });
      expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
      await endOthers();
      await cluster.settle();
      expect((await ledger.control.read()).payments).toEqual({ on: true });
      expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
      await endFile();
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([50]);
    }));

  it("of an operator add up, and end each on its own", () =>
    inCluster({}, async ({ ledger }) => {
      const levels = async () => (await ledger.control.read()).freezes.map(({ level }) => level);
      expect(await freezeAll({ ledger }, { level: "accept-nothing", action })).toMatchObject({
        changed: true,
      });
      expect(await freezeAll({ ledger }, { level: "accept-nothing", action })).toMatchObject({
        changed: false,
      });
      await freezeAll({ ledger }, { level: "pay-nothing", action });
      expect(await levels()).toEqual(["accept-nothing", "pay-nothing"]);
      expect(await freezeAll({ ledger }, { level: "all", action })).toMatchObject({ changed: false });
      await ledger.transaction((tx) =>
        tx.control.addFreeze({ source: "manager", level: "all", reason: "stop" }),
      );
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
    inCluster({}, async (cluster) => {
      const end = await freezeBy(cluster, "manager", "all");
      const [freeze] = (await cluster.ledger.control.read()).freezes;
      expect(freeze).toMatchObject({ source: "manager", level: "all" });
      expect(freeze?.reason).toContain(`the manager ${MANAGER} has frozen it, by the memo of transfer`);
      await end();
      await cluster.startFrom(1);
      await cluster.settle();
      expect((await cluster.ledger.control.read()).freezes).toEqual([]);
      expect(await cluster.arrivedAt(MANAGER)).toEqual([]);
    }));

  it("of an old block freezes nothing, and is told to people", () =>
    inCluster({}, async (cluster) => {
      await cluster.send(MANAGER, 1, "freeze");
      await cluster.devnet.produce(120);
      await cluster.settle();
      expect((await cluster.ledger.control.read()).freezes).toEqual([]);
      const told = cluster.ledger.contents.receipts.filter(({ event }) => event === "freeze.too_old");
      expect(told).toMatchObject([{ details: { sender: MANAGER } }]);
    }));

  it("of any other account is an invalid request", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 100, "freeze");
      await cluster.settle();
      expect((await cluster.ledger.control.read()).freezes).toEqual([]);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([50]);
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
    expect((await ledger.control.read()).freezes).toEqual([]);
    await start("payer", () => []).look();
    expect(ledger.contents.freezes).toMatchObject([{ process: "scheduler" }]);
  });
});

async function setAccepting(tx: LedgerTx, accepting: boolean): Promise<void> {
  if (!accepting) await tx.control.addFreeze({ source: "operator", level: "accept-nothing", reason: "test" });
  else for (const { id } of (await tx.control.read()).freezes) await tx.control.endFreeze(id, action);
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
        const endOfHistory = async (freezes: boolean) => {
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
              await tx.cursor.move((await tx.cursor.read())?.blockNum, {
                ...cursorAt(blockNum),
                blockTimeMs: nowMs,
              });
              await tx.transfers.insert([transfer]);
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
            payouts: sorted(payouts.values(), ({ key }) => key).map((payout) => ({
              ...payout,
              enqueuedAtMs: 0,
            })),
            outcomes: sorted(decided.entries(), ([at]) => at).map(([at, { outcome, reason }]) => [
              at,
              outcome,
              reason,
            ]),
          };
        };
        expect(await endOfHistory(true)).toEqual(await endOfHistory(false));
      }),
      { numRuns: 300 },
    ));
});
