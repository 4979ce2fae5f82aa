import { stopPayments } from "@stakebts/testkit/stop-payments";
import { describe, expect, it } from "vitest";
import { bts } from "@stakebts/kernel/amount";
import { DEFAULT_POLICY } from "../rules/policy.ts";
import { millis } from "@stakebts/kernel/time";
import { readV24Stakes, type V24Row } from "./v24-stakes.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { agreementWithRows, operation } from "@stakebts/testkit/given";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { MemoryLedger } from "@stakebts/testkit/memory-ledger";
import { ImportRefused } from "./import-refused.ts";
import { agreementOfLine, importText } from "./import-text.ts";
import { importV24, readV24Receipts } from "./import-v24.ts";

const action = { id: "a", actor: "operator-1", reason: "test" };
const COUNT = 1_100; // Three transactions of agreements.

/** Everything an import writes but the receipts of its own course. */
const written = ({ contents }: MemoryLedger) => ({
  agreements: [...contents.agreements.keys()].toSorted(),
  rows: [...contents.rows.values()].map(({ id, status }) => `${id} ${status}`).toSorted(),
  payouts: [...contents.payouts.values()].map(({ key, status }) => `${key} ${status}`).toSorted(),
  receipts: contents.receipts.filter(({ event }) => event.startsWith("v24.")).map(({ subject }) => subject),
  processedElsewhereUpTo: contents.processedElsewhereUpToBlockNum,
});

async function emptyLedger(): Promise<MemoryLedger> {
  const ledger = new MemoryLedger(new ManualClock());
  await stopPayments(ledger, "import");
  return ledger;
}

/** The ledger in a process that dies at its n-th transaction, before or after it. */
function dyingBefore(ledger: MemoryLedger, call: number): Ledger {
  let calls = 0;
  return Object.assign(Object.create(ledger) as Ledger, {
    transaction: async <T>(work: Parameters<Ledger["transaction"]>[0]) => {
      if (++calls >= call) throw new Error("crash");
      return (await ledger.transaction(work)) as T;
    },
  });
}

const v24Rows = (index: number): V24Row[] =>
  agreementWithRows(operation(1_000 + index), {
    nominator: `nominator-${index}`,
    amount: bts(25_000n),
  }).rows.map((row) => ({
    nominator: row.nominator,
    digital_asset: "BTS",
    amount: Number(row.amount),
    type: row.type,
    number: row.number,
    start: row.startMs,
    due: row.dueMs,
    processed: 0,
    block_processed: 0,
    status: index % 100 === 0 && row.number === 1 ? "processing" : row.status,
    block_start: row.agreement.blockNum,
    trx_idx: 0,
    ops_idx: 0,
  }));
const stakes = readV24Stakes(
  Array.from({ length: COUNT }, (_, index) => v24Rows(index)).flat(),
  DEFAULT_POLICY.terms,
);
const receipts = readV24Receipts(
  Array.from({ length: 2_100 }, (_, n) => ({ nonce: n % 7, now: 1, msg: "{}" })),
);
const lines = Array.from({ length: COUNT }, (_, index) => ({
  line: index + 1,
  nominator: `nominator-${index}`,
  startMs: millis(1_623_177_720_000),
  amount: bts(25_000n),
  months: 3 as const,
  monthsPaid: 2,
}));

const imports: readonly [string, (ledger: Ledger) => Promise<unknown>][] = [
  [
    "a list",
    (ledger) =>
      importText(
        { ledger },
        { source: "list", agreements: lines.map((line) => agreementOfLine(line, DEFAULT_POLICY.terms)) },
        action,
        () => {},
      ),
  ],
  [
    "a database of v2.4",
    (ledger) =>
      importV24(
        { ledger },
        {
          source: "db",
          agreements: stakes.agreements,
          receipts,
          leftOut: [],
          processedElsewhereUpToBlockNum: 5_000,
        },
        action,
        () => {},
      ),
  ],
];

describe.each(imports)("the import of %s", (_, run) => {
  it("that died at any step is completed by the next, and repeated it changes nothing", async () => {
    const whole = await emptyLedger();
    await run(whole);
    const expected = written(whole);
    expect(expected.agreements).toHaveLength(COUNT);
    await run(whole);
    expect(written(whole)).toEqual(expected);
    let crashes = 0;
    for (let died = true; died;) {
      const ledger = await emptyLedger();
      died = await run(dyingBefore(ledger, crashes + 1)).then(
        () => false,
        () => true,
      );
      await run(ledger);
      expect(written(ledger)).toEqual(expected);
      if (died) crashes++;
    }
    expect(crashes).toBeGreaterThanOrEqual(5);
  });

  it("does nothing while payments are on", async () => {
    const ledger = new MemoryLedger(new ManualClock());
    await expect(run(ledger)).rejects.toBeInstanceOf(ImportRefused);
    expect(ledger.contents.agreements.size).toBe(0);
    expect(ledger.contents.receipts).toEqual([]);
  });
});

describe("the import of a database of v2.4", () => {
  it("holds what v2.4 left in processing, and says up to where it has answered", async () => {
    const ledger = await emptyLedger();
    await imports[1]?.[1](ledger);
    const { payouts, processedElsewhereUpTo } = written(ledger);
    expect(payouts).toHaveLength(11);
    for (const payout of payouts) expect(payout).toMatch(/^reward:\d{4}:0:0:1 held$/u);
    expect(processedElsewhereUpTo).toBe(5_000);
    expect([...ledger.contents.jobs.values()]).toEqual([]);
  });
});

describe("the import of a list", () => {
  it("passes over an agreement that the ledger has from its transfer", async () => {
    const ledger = await emptyLedger();
    const known = { nominator: "nominator-7", startMs: millis(1_623_177_780_000) };
    await ledger.transaction((tx) => tx.agreements.insert([agreementWithRows(operation(7), known)]));
    expect(await imports[0]?.[1](ledger)).toMatchObject({ agreements: COUNT - 1 });
    expect(ledger.contents.agreements.size).toBe(COUNT);
  });
});
