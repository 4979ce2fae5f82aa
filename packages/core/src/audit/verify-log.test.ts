import { fc, test } from "@stakebts/testkit/property";
import { describe, expect } from "vitest";
import { millis } from "@stakebts/kernel/time";
import type { Checkpoint, AuditLogContents, Receipt, ChainedReceipt } from "./audit-log.ts";
import { BEFORE_THE_FIRST, hashAfter, chainAll, chainedText } from "./hash-chain.ts";
import { type AuditFinding, verifyLog, type VerifyRequest } from "./verify-log.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 25);

const receiptOf = (id: number, more: Partial<Receipt> = {}): Receipt => ({
  id: BigInt(id),
  event: "payout.confirmed",
  subject: `refund:${id}:0:0`,
  chainTimeMs: millis(1_000 * id),
  details: { amount: `${id}`, payee: "nominator-1" },
  createdAtMs: START_MS + id * 1_000,
  writtenBy: "stakebts_ingester_login",
  ...more,
});

/** A log of receipts as they come, chained a few at a time. */
function logOf(receipts: readonly Receipt[], sizes: readonly number[]): ChainedReceipt[] {
  const log: ChainedReceipt[] = [];
  for (let at = 0, turn = 0; at < receipts.length; turn++) {
    const batch = receipts.slice(at, at + (sizes[turn % sizes.length] ?? 1));
    const entries = chainAll(log.at(-1)?.entry, batch, Math.max(...batch.map((r) => r.createdAtMs)) + 500);
    log.push(
      ...batch.map((receipt, index) => ({ receipt, entry: entries[index] as ChainedReceipt["entry"] })),
    );
    at += batch.length;
  }
  return log;
}

const contentsOf = (
  log: readonly ChainedReceipt[],
  {
    unchained = [],
    checkpoints = [],
    nowMs = START_MS + 24 * HOUR_MS,
  }: {
    unchained?: readonly Receipt[];
    checkpoints?: readonly Checkpoint[];
    nowMs?: number;
  } = {},
): AuditLogContents => ({
  nowMs,
  head: log.at(-1)?.entry,
  chained: (fromSeq) => pagesOf(log.filter(({ entry }) => entry.seq >= fromSeq)),
  unchained: () => pagesOf(unchained),
  checkpoints: () => Promise.resolve(checkpoints),
});

async function* pagesOf<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < items.length; at += 3) yield items.slice(at, at + 3);
}

async function verify(contents: AuditLogContents, request: VerifyRequest = {}) {
  const found: AuditFinding[] = [];
  const verification = await verifyLog(contents, request, (finding) => found.push(finding));
  expect(verification.findings).toBe(found.length);
  return { verification, found, kinds: found.map(({ kind }) => kind) };
}

const jsonValue = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const aLog = fc
  .tuple(
    fc.array(fc.dictionary(fc.string(), jsonValue), { minLength: 2, maxLength: 30 }),
    fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
    fc.infiniteStream(fc.nat(3)),
  )
  .map(([details, sizes, jitter]) => {
    // Transactions overtake each other by a few places.
    const receipts = details
      .map((each, index) => ({
        at: index + (jitter.next().value as number),
        receipt: receiptOf(index + 1, { details: each }),
      }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ receipt }) => receipt);
    return logOf(receipts, sizes);
  });
const place = fc.nat();

describe("an untouched log", () => {
  test.prop([aLog])("has no finding, with any receipts", async (log) => {
    const { verification, found } = await verify(contentsOf(log));
    expect(found).toEqual([]);
    expect(verification).toMatchObject({ chained: log.length, waiting: 0, head: log.at(-1)?.entry });
  });

  test.prop([aLog, place])("can be looked at from anywhere on", async (log, n) => {
    const fromSeq = 1 + (n % log.length);
    const { verification, found } = await verify(contentsOf(log), { fromSeq });
    expect(found).toEqual([]);
    expect(verification.chained).toBe(log.length - fromSeq + 1);
  });
});

describe("a log in which something was", () => {
  const changes: Record<string, (receipt: Receipt) => Receipt> = {
    id: (r) => ({ ...r, id: r.id + 1_000_000n }),
    event: (r) => ({ ...r, event: `${r.event}x` }),
    subject: (r) => ({ ...r, subject: "" }),
    "chain time": (r) => ({ ...r, chainTimeMs: undefined }),
    details: (r) => ({ ...r, details: { ...r.details, more: 1 } }),
    time: (r) => ({ ...r, createdAtMs: r.createdAtMs + 1 }),
  };
  test.prop([aLog, place, fc.constantFrom(...Object.keys(changes))])(
    "changed names the receipt",
    async (log, n, what) => {
      const at = n % log.length;
      const receipt = changes[what]?.(log[at]?.receipt as Receipt) as Receipt;
      const forged = log.with(at, { ...(log[at] as ChainedReceipt), receipt });
      const { found } = await verify(contentsOf(forged));
      expect(found).toContainEqual(expect.objectContaining({ kind: "changed", seq: at + 1 }));
    },
  );

  test.prop([aLog, place])("deleted names the receipt, and says nothing of the others", async (log, n) => {
    const at = n % log.length;
    const forged = log.with(at, { ...(log[at] as ChainedReceipt), receipt: undefined });
    const { found } = await verify(contentsOf(forged));
    expect(found).toMatchObject([{ kind: "missing", seq: at + 1, receiptId: log[at]?.entry.receiptId }]);
  });

  test.prop([aLog, place])("deleted together with its hash chain entry names the gap", async (log, n) => {
    const at = n % (log.length - 1); // The last one leaves none: a checkpoint shows it.
    const { found } = await verify(contentsOf(log.toSpliced(at, 1)));
    expect(found).toMatchObject([{ kind: "entries_missing", seq: at + 1 }]);
  });

  test.prop([aLog, place])(
    "deleted, with all later hash chain entries numbered anew, does not fit",
    async (log, n) => {
      const at = n % (log.length - 1);
      const forged = log
        .toSpliced(at, 1)
        .map((one, index) => ({ ...one, entry: { ...one.entry, seq: index + 1 } }));
      const { kinds } = await verify(contentsOf(forged));
      expect(kinds).toContain("changed");
    },
  );

  test.prop([aLog, place, place])("swapped does not fit", async (log, n, m) => {
    const [a, b] = [n % log.length, m % log.length];
    fc.pre(a !== b);
    const [first, second] = [log[a] as ChainedReceipt, log[b] as ChainedReceipt];
    const forged = log
      .with(a, { ...first, receipt: second.receipt })
      .with(b, { ...second, receipt: first.receipt });
    const { kinds } = await verify(contentsOf(forged));
    expect(kinds).toContain("changed");
  });

  test.prop([aLog, place])("put in with a hash chain entry of its own does not fit", async (log, n) => {
    const at = n % log.length;
    const entries = chainAll(log[at - 1]?.entry, [receiptOf(999)], START_MS);
    const forged = [
      ...log.slice(0, at),
      { receipt: receiptOf(999), entry: entries[0] as ChainedReceipt["entry"] },
      ...log.slice(at).map((one) => ({ ...one, entry: { ...one.entry, seq: one.entry.seq + 1 } })),
    ];
    const { kinds } = await verify(contentsOf(forged));
    expect(kinds).toContain("changed");
  });

  test.prop([aLog, place])(
    "chained anew from some place on differs from a head that was kept",
    async (log, n) => {
      const at = n % log.length;
      const kept = log.at(-1)?.entry as ChainedReceipt["entry"];
      const receipts = log
        .map(({ receipt }) => receipt as Receipt)
        .with(at, receiptOf(at + 1, { subject: "forged" }));
      const forged = logOf(receipts, [1]);
      const { kinds } = await verify(contentsOf(forged), { heads: [kept] });
      expect(kinds).toEqual(["checkpoint_differs"]);
    },
  );

  test.prop([aLog])("cut off at its end differs from a head that was kept", async (log) => {
    const kept = log.at(-1)?.entry as ChainedReceipt["entry"];
    const { found } = await verify(contentsOf(log.slice(0, -1)), { heads: [kept] });
    expect(found).toMatchObject([
      { kind: "checkpoint_differs", message: expect.stringContaining("this log ends at") },
    ]);
  });
});

describe("a receipt that is not chained", () => {
  const log = logOf(
    [1, 2, 4, 5].map((id) => receiptOf(id)),
    [1],
  );
  test("waits, when it may have been committed late", async () => {
    const nowMs = START_MS + 60_000;
    const { verification, found } = await verify(
      contentsOf(log, { unchained: [receiptOf(3), receiptOf(6)], nowMs }),
    );
    expect(found).toEqual([]);
    expect(verification.waiting).toBe(2);
  });

  test("was put in, when those around it were chained long ago", async () => {
    const { found, verification } = await verify(
      contentsOf(log, { unchained: [receiptOf(3), receiptOf(6)] }),
    );
    expect(found).toMatchObject([{ kind: "inserted", receiptId: 3n }]);
    expect(verification.waiting).toBe(1);
  });

  test("and is chained late all the same, by any process, is named", async () => {
    const late = { ...receiptOf(3), createdAtMs: START_MS + 3_000 };
    const all = log.map(({ receipt }) => receipt as Receipt);
    const forged = logOf(all, [1]);
    const entries = chainAll(forged.at(-1)?.entry, [late], START_MS + 5 * HOUR_MS);
    forged.push({ receipt: late, entry: entries[0] as ChainedReceipt["entry"] });
    const { kinds } = await verify(contentsOf(forged));
    expect(kinds).toEqual(["inserted"]);
  });

  test("that says it is older than those before it is named", async () => {
    const forged = logOf(
      [receiptOf(1), receiptOf(2), receiptOf(3, { createdAtMs: START_MS - 30 * HOUR_MS })],
      [1],
    );
    const { kinds } = await verify(contentsOf(forged));
    expect(kinds).toEqual(["back_dated"]);
  });
});

describe("a checkpoint on the chain", () => {
  const log = logOf(
    [1, 2, 3].map((id) => receiptOf(id)),
    [2],
  );
  const checkpoint = (seq: number, hash: string, isOwn = true) =>
    ({
      payout: "checkpoint:2026-11-25",
      operation: "9:0:0",
      chainTimeMs: millis(0),
      seq,
      hash,
      isOwn,
    }) as Checkpoint;

  test("holds the log when it says what the log says", async () => {
    const { verification } = await verify(
      contentsOf(log, { checkpoints: [checkpoint(2, log[1]?.entry.hash ?? "")] }),
    );
    expect(verification).toMatchObject({ findings: 0, checkpointsHeld: 1 });
  });

  test("of another hash is a finding, and so is one beyond the end", async () => {
    const { kinds } = await verify(
      contentsOf(log, { checkpoints: [checkpoint(2, "0".repeat(64)), checkpoint(9, "0".repeat(64))] }),
    );
    expect(kinds).toEqual(["checkpoint_differs", "checkpoint_differs"]);
  });

  test("made by a ledger in whose place this one was restored is no forgery", async () => {
    const restored = logOf([receiptOf(1), receiptOf(2, { event: "ledger.restored" })], [1]);
    const { verification } = await verify(
      contentsOf(restored, { checkpoints: [checkpoint(9, "0".repeat(64), false)] }),
    );
    expect(verification).toMatchObject({ findings: 0, checkpointsOfBefore: 1 });
    expect(verification.beganAnew).toMatchObject([{ event: "ledger.restored" }]);
  });

  test("that this very ledger has made is a forgery, restored or not", async () => {
    const restored = logOf([receiptOf(1), receiptOf(2, { event: "ledger.restored" })], [1]);
    const { kinds } = await verify(contentsOf(restored, { checkpoints: [checkpoint(2, "0".repeat(64))] }));
    expect(kinds).toEqual(["checkpoint_differs"]);
  });
});

test("what is chained is what docs/audit-log.md says, to the byte", () => {
  const receipt = receiptOf(7, { details: { payee: "ä\u0001", b: 1.5, a: null } });
  const text = chainedText(receipt, START_MS);
  expect(text).toBe(
    '{"chainTimeMs":"7000","chainedAt":"2026-11-25T00:00:00.000Z","createdAt":"2026-11-25T00:00:07.000Z","details":{"a":null,"b":1.5,"payee":"ä\\u0001"},"event":"payout.confirmed","id":"7","subject":"refund:7:0:0","writtenBy":"stakebts_ingester_login"}',
  );
  expect(hashAfter(BEFORE_THE_FIRST, text)).toBe(
    "a6969722f88685f6f54564155560e7d2d4085d79479424ea98caa8d1d6ddc69f",
  );
});
