import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { millis } from "@stakebts/kernel/time";
import type { Anchor, AuditLogContents, Receipt, SealedReceipt } from "./audit-log.ts";
import { BEFORE_THE_FIRST, hashAfter, sealAll, sealedText } from "./hash-chain.ts";
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
  ...more,
});

/** A log of receipts as they come, sealed a few at a time. */
function logOf(receipts: readonly Receipt[], sizes: readonly number[]): SealedReceipt[] {
  const log: SealedReceipt[] = [];
  for (let at = 0, turn = 0; at < receipts.length; turn++) {
    const batch = receipts.slice(at, at + (sizes[turn % sizes.length] ?? 1));
    const seals = sealAll(log.at(-1)?.seal, batch, Math.max(...batch.map((r) => r.createdAtMs)) + 500);
    log.push(...batch.map((receipt, index) => ({ receipt, seal: seals[index] as SealedReceipt["seal"] })));
    at += batch.length;
  }
  return log;
}

const contentsOf = (
  log: readonly SealedReceipt[],
  {
    unsealed = [],
    anchors = [],
    nowMs = START_MS + 24 * HOUR_MS,
  }: {
    unsealed?: readonly Receipt[];
    anchors?: readonly Anchor[];
    nowMs?: number;
  } = {},
): AuditLogContents => ({
  nowMs,
  head: log.at(-1)?.seal,
  sealed: (fromSeq) => pagesOf(log.filter(({ seal }) => seal.seq >= fromSeq)),
  unsealed: () => pagesOf(unsealed),
  anchors: () => Promise.resolve(anchors),
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

describe("a log that nobody has touched", () => {
  test.prop([aLog])("has no finding, whatever is in it", async (log) => {
    const { verification, found } = await verify(contentsOf(log));
    expect(found).toEqual([]);
    expect(verification).toMatchObject({ sealed: log.length, waiting: 0, head: log.at(-1)?.seal });
  });

  test.prop([aLog, place])("can be looked at from anywhere on", async (log, n) => {
    const fromSeq = 1 + (n % log.length);
    const { verification, found } = await verify(contentsOf(log), { fromSeq });
    expect(found).toEqual([]);
    expect(verification.sealed).toBe(log.length - fromSeq + 1);
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
      const forged = log.with(at, { ...(log[at] as SealedReceipt), receipt });
      const { found } = await verify(contentsOf(forged));
      expect(found).toContainEqual(expect.objectContaining({ kind: "changed", seq: at + 1 }));
    },
  );

  test.prop([aLog, place])("deleted names the receipt, and says nothing of the others", async (log, n) => {
    const at = n % log.length;
    const forged = log.with(at, { ...(log[at] as SealedReceipt), receipt: undefined });
    const { found } = await verify(contentsOf(forged));
    expect(found).toMatchObject([{ kind: "missing", seq: at + 1, receiptId: log[at]?.seal.receiptId }]);
  });

  test.prop([aLog, place])("deleted together with its seal names the gap", async (log, n) => {
    const at = n % (log.length - 1); // The last one leaves none: an anchor shows it.
    const { found } = await verify(contentsOf(log.toSpliced(at, 1)));
    expect(found).toMatchObject([{ kind: "seals_missing", seq: at + 1 }]);
  });

  test.prop([aLog, place])("deleted, with all later seals numbered anew, does not fit", async (log, n) => {
    const at = n % (log.length - 1);
    const forged = log
      .toSpliced(at, 1)
      .map((one, index) => ({ ...one, seal: { ...one.seal, seq: index + 1 } }));
    const { kinds } = await verify(contentsOf(forged));
    expect(kinds).toContain("changed");
  });

  test.prop([aLog, place, place])("swapped does not fit", async (log, n, m) => {
    const [a, b] = [n % log.length, m % log.length];
    fc.pre(a !== b);
    const [first, second] = [log[a] as SealedReceipt, log[b] as SealedReceipt];
    const forged = log
      .with(a, { ...first, receipt: second.receipt })
      .with(b, { ...second, receipt: first.receipt });
    const { kinds } = await verify(contentsOf(forged));
    expect(kinds).toContain("changed");
  });

  test.prop([aLog, place])("put in with a seal of its own does not fit", async (log, n) => {
    const at = n % log.length;
    const seals = sealAll(log[at - 1]?.seal, [receiptOf(999)], START_MS);
    const forged = [
      ...log.slice(0, at),
      { receipt: receiptOf(999), seal: seals[0] as SealedReceipt["seal"] },
      ...log.slice(at).map((one) => ({ ...one, seal: { ...one.seal, seq: one.seal.seq + 1 } })),
    ];
    const { kinds } = await verify(contentsOf(forged));
    expect(kinds).toContain("changed");
  });

  test.prop([aLog, place])(
    "sealed anew from some place on differs from a head that was kept",
    async (log, n) => {
      const at = n % log.length;
      const kept = log.at(-1)?.seal as SealedReceipt["seal"];
      const receipts = log
        .map(({ receipt }) => receipt as Receipt)
        .with(at, receiptOf(at + 1, { subject: "forged" }));
      const forged = logOf(receipts, [1]);
      const { kinds } = await verify(contentsOf(forged), { heads: [kept] });
      expect(kinds).toEqual(["anchor_differs"]);
    },
  );

  test.prop([aLog])("cut off at its end differs from a head that was kept", async (log) => {
    const kept = log.at(-1)?.seal as SealedReceipt["seal"];
    const { found } = await verify(contentsOf(log.slice(0, -1)), { heads: [kept] });
    expect(found).toMatchObject([
      { kind: "anchor_differs", message: expect.stringContaining("this log ends at") },
    ]);
  });
});

describe("a receipt that is not sealed", () => {
  const log = logOf(
    [1, 2, 4, 5].map((id) => receiptOf(id)),
    [1],
  );
  test("waits, when it may have been committed late", async () => {
    const nowMs = START_MS + 60_000;
    const { verification, found } = await verify(
      contentsOf(log, { unsealed: [receiptOf(3), receiptOf(6)], nowMs }),
    );
    expect(found).toEqual([]);
    expect(verification.waiting).toBe(2);
  });

  test("was put in, when those around it were sealed long ago", async () => {
    const { found, verification } = await verify(contentsOf(log, { unsealed: [receiptOf(3), receiptOf(6)] }));
    expect(found).toMatchObject([{ kind: "inserted", receiptId: 3n }]);
    expect(verification.waiting).toBe(1);
  });

  test("and is sealed late all the same, by whoever, is named", async () => {
    const late = { ...receiptOf(3), createdAtMs: START_MS + 3_000 };
    const all = log.map(({ receipt }) => receipt as Receipt);
    const forged = logOf(all, [1]);
    const seals = sealAll(forged.at(-1)?.seal, [late], START_MS + 5 * HOUR_MS);
    forged.push({ receipt: late, seal: seals[0] as SealedReceipt["seal"] });
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

describe("an anchor on the chain", () => {
  const log = logOf(
    [1, 2, 3].map((id) => receiptOf(id)),
    [2],
  );
  const anchor = (seq: number, hash: string, isOwn = true) =>
    ({ payout: "anchor:2026-11-25", operation: "9:0:0", chainTimeMs: millis(0), seq, hash, isOwn }) as Anchor;

  test("holds the log when it says what the log says", async () => {
    const { verification } = await verify(contentsOf(log, { anchors: [anchor(2, log[1]?.seal.hash ?? "")] }));
    expect(verification).toMatchObject({ findings: 0, anchorsHeld: 1 });
  });

  test("of another hash is a finding, and so is one beyond the end", async () => {
    const { kinds } = await verify(
      contentsOf(log, { anchors: [anchor(2, "0".repeat(64)), anchor(9, "0".repeat(64))] }),
    );
    expect(kinds).toEqual(["anchor_differs", "anchor_differs"]);
  });

  test("made by a ledger in whose place this one was restored is no forgery", async () => {
    const restored = logOf([receiptOf(1), receiptOf(2, { event: "ledger.restored" })], [1]);
    const { verification } = await verify(
      contentsOf(restored, { anchors: [anchor(9, "0".repeat(64), false)] }),
    );
    expect(verification).toMatchObject({ findings: 0, anchorsOfBefore: 1 });
    expect(verification.beganAnew).toMatchObject([{ event: "ledger.restored" }]);
  });

  test("that this very ledger has made is a forgery, restored or not", async () => {
    const restored = logOf([receiptOf(1), receiptOf(2, { event: "ledger.restored" })], [1]);
    const { kinds } = await verify(contentsOf(restored, { anchors: [anchor(2, "0".repeat(64))] }));
    expect(kinds).toEqual(["anchor_differs"]);
  });
});

test("what is sealed is what docs/audit-log.md says, to the byte", () => {
  const receipt = receiptOf(7, { details: { payee: "ä\u0001", b: 1.5, a: null } });
  const text = sealedText(receipt, START_MS);
  expect(text).toBe(
    '{"chainTimeMs":"7000","createdAt":"2026-11-25T00:00:07.000Z","details":{"a":null,"b":1.5,"payee":"ä\\u0001"},"event":"payout.confirmed","id":"7","sealedAt":"2026-11-25T00:00:00.000Z","subject":"refund:7:0:0"}',
  );
  expect(hashAfter(BEFORE_THE_FIRST, text)).toBe(
    "e497280c02034b0d901e0fa0acf933009323be614367440f8cd5e87699d67239",
  );
});
