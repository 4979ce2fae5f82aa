import { isoText } from "@stakebts/kernel/text";
import { LATE_MS } from "../ledger/postgres/receipts.ts";
import type { AuditLogContents, ChainedReceipt, Checkpoint, HashChainEntry, Receipt } from "./audit-log.ts";
import { BEFORE_THE_FIRST, chainedText, hashAfter } from "./hash-chain.ts";

export interface AuditFinding {
  readonly kind:
    | "changed"
    | "missing"
    | "entries_missing"
    | "inserted"
    | "back_dated"
    | "not_believed"
    | "checkpoint_differs";
  /** Place in the log, where there is one. */
  readonly seq: number | undefined;
  readonly receiptId: bigint | undefined;
  readonly message: string;
  readonly todo: string;
}

export interface Verification {
  readonly fromSeq: number;
  readonly chained: number;
  /** Receipts that wait to be chained, as they may. */
  readonly waiting: number;
  readonly head: HashChainEntry | undefined;
  readonly checkpointsHeld: number;
  /** Checkpoints of a ledger in whose place this one was restored or rebuilt: they name receipts that were lost with it. */
  readonly checkpointsOfBefore: number;
  /** When this ledger was restored, rebuilt or reset: `event` and host time. */
  readonly beganAnew: readonly { readonly event: string; readonly atMs: number }[];
  readonly findings: number;
}

export interface VerifyRequest {
  /** The first hash chain entry to look at; what is before it is taken for right. Default 1. */
  readonly fromSeq?: number | undefined;
  /** Heads that were written down elsewhere. */
  readonly heads?: readonly { readonly seq: number; readonly hash: string }[];
}

/** By these the ledger begins anew: what checkpoints of before name was lost. An operator alone may say so. */
export const BEGINNINGS: ReadonlySet<string> = new Set([
  "ledger.restored",
  "ledger.reset",
  "rebuild.started",
]);
const COMPARE = "compare with a backup: `stakebts restore <file> --into <name>`, then `audit verify` there";

/**
 * Goes through the whole log once and tells what does not fit. What fits was written as it stands, in this order, unless
 * everything was chained anew: only heads that are kept elsewhere, on the chain or on paper, show that.
 */
export async function verifyLog(
  log: AuditLogContents,
  { fromSeq = 1, heads = [] }: VerifyRequest,
  tell: (finding: AuditFinding) => void,
): Promise<Verification> {
  let findings = 0;
  const say = (finding: AuditFinding): void => {
    findings++;
    tell(finding);
  };
  const checkpoints = await log.checkpoints();
  const wanted = new Set([...checkpoints, ...heads].map(({ seq }) => seq));
  const hashes = new Map<number, string>();
  const beganAnew: { event: string; atMs: number }[] = [];
  const order = new OrderOfIds();
  let [chained, next, previousHash] = [0, fromSeq, fromSeq === 1 ? BEFORE_THE_FIRST : undefined];
  for await (const page of log.chained(Math.max(1, fromSeq - 1)))
    for (const one of page) {
      const { seq, hash } = one.entry;
      if (seq >= fromSeq) {
        chained++;
        if (seq !== next) say(entriesMissing(next, seq - 1));
        // After a gap the hash before is unknown: what follows can be checked again from the next one on.
        else if (previousHash !== undefined) sayIf(checkEntry(one, previousHash), say);
        if (one.receipt === undefined) say(missing(one.entry));
        else {
          sayIf(order.check(one.entry, one.receipt), say);
          sayIf(beginning(one.receipt, seq, beganAnew), say);
        }
        next = seq + 1;
      } else if (one.receipt !== undefined) order.check(one.entry, one.receipt);
      if (wanted.has(seq)) hashes.set(seq, hash);
      previousHash = hash;
    }
  let waiting = 0;
  for await (const page of log.unchained())
    for (const receipt of page)
      if (receipt.id < order.highestBefore(log.nowMs - LATE_MS)) say(slippedIn(receipt));
      else {
        waiting++;
        sayIf(beginning(receipt, undefined, beganAnew), say);
      }
  const head = log.head;
  const checked = { fromSeq, headSeq: head?.seq ?? 0, hashes };
  let [checkpointsHeld, checkpointsOfBefore] = [0, 0];
  for (const checkpoint of checkpoints.filter(({ seq }) => seq >= fromSeq)) {
    const problem = whyNot(checkpoint, checked);
    if (problem === undefined) checkpointsHeld++;
    else if (!checkpoint.isOwn && beganAnew.length > 0) checkpointsOfBefore++;
    else
      say(
        checkpointDiffers(
          checkpoint,
          `the checkpoint ${checkpoint.payout} on the chain (transfer ${checkpoint.operation})`,
          problem,
        ),
      );
  }
  for (const one of heads) {
    const problem = whyNot(one, checked);
    if (problem === undefined) checkpointsHeld++;
    else say(checkpointDiffers(one, "the head that was given", `${problem}${restoredText(beganAnew)}`));
  }
  return { fromSeq, chained, waiting, head, checkpointsHeld, checkpointsOfBefore, beganAnew, findings };
}

const sayIf = (finding: AuditFinding | undefined, say: (finding: AuditFinding) => void): void => {
  if (finding !== undefined) say(finding);
};

function checkEntry({ entry, receipt }: ChainedReceipt, previousHash: string): AuditFinding | undefined {
  if (receipt === undefined) return undefined; // Said once, as missing.
  if (hashAfter(previousHash, chainedText(receipt, entry.chainedAtMs)) === entry.hash) return undefined;
  return {
    kind: "changed",
    seq: entry.seq,
    receiptId: receipt.id,
    message: `receipt ${receipt.id} (${receipt.event} ${receipt.subject}) is not what was chained as ${entry.seq}: it, its hash chain entry or the one before was changed`,
    todo: COMPARE,
  };
}

/** Notes that the ledger began anew then; or says that the receipt is not by whom it would have to be. */
function beginning(
  { id, event, createdAtMs, writtenBy, isByOperator }: Receipt,
  seq: number | undefined,
  beganAnew: { event: string; atMs: number }[],
): AuditFinding | undefined {
  if (!BEGINNINGS.has(event)) return undefined;
  if (isByOperator !== false) {
    beganAnew.push({ event, atMs: createdAtMs });
    return undefined;
  }
  return {
    kind: "not_believed",
    seq,
    receiptId: id,
    message: `receipt ${id} says ${event} and was written by ${writtenBy}, which is no operator's login: it explains nothing`,
    todo: "find out who has that login; change its password",
  };
}

const missing = ({ seq, receiptId }: HashChainEntry): AuditFinding => ({
  kind: "missing",
  seq,
  receiptId,
  message: `receipt ${receiptId}, chained as ${seq}, is gone`,
  todo: COMPARE,
});

const entriesMissing = (from: number, to: number): AuditFinding => ({
  kind: "entries_missing",
  seq: from,
  receiptId: undefined,
  message:
    from === to
      ? `hash chain entry ${from} is gone`
      : `the hash chain entries ${from} to ${to} are gone, or out of order`,
  todo: COMPARE,
});

const slippedIn = ({ id, event, subject, createdAtMs }: Receipt): AuditFinding => ({
  kind: "inserted",
  seq: undefined,
  receiptId: id,
  message: `receipt ${id} (${event} ${subject}) of ${isoText(createdAtMs)} is not chained, and those around it were long ago: it was put in later`,
  todo: "find out who writes to the database besides the product; believe nothing that it says",
});

/** Ids and times go up, but for transactions that overtake each other. */
class OrderOfIds {
  /** The highest id so far, by the moment of its hash chain entry; one entry for each moment. */
  readonly #highest: { readonly chainedAtMs: number; readonly id: bigint }[] = [];
  #passed = 0n;
  #latestMs = Number.NEGATIVE_INFINITY;

  check(
    { seq, chainedAtMs }: HashChainEntry,
    { id, createdAtMs, event, subject }: Receipt,
  ): AuditFinding | undefined {
    const longAgo = this.highestBefore(chainedAtMs - LATE_MS);
    const last = this.#highest.at(-1);
    if (last === undefined || id > last.id) this.#highest.push({ chainedAtMs, id });
    const name = `receipt ${id} (${event} ${subject}), chained as ${seq},`;
    const isEarly = createdAtMs + LATE_MS < this.#latestMs;
    const latestMs = this.#latestMs;
    this.#latestMs = Math.max(latestMs, createdAtMs);
    if (id < longAgo)
      return {
        kind: "inserted",
        seq,
        receiptId: id,
        message: `${name} stands among receipts that were chained long before it: it was put in later`,
        todo: "find out who writes to the database besides the product; believe nothing that it says",
      };
    return isEarly
      ? {
          kind: "back_dated",
          seq,
          receiptId: id,
          message: `${name} says that it was written at ${isoText(createdAtMs)}, and one before it at ${isoText(latestMs)}`,
          todo: "was the clock of the database's server set back then? If not, it was written later than it says",
        }
      : undefined;
  }

  /** The highest id that was chained before this moment. Moments are asked for in order. */
  highestBefore(ms: number): bigint {
    while (this.#highest.length > 0 && (this.#highest[0]?.chainedAtMs ?? 0) < ms) {
      const first = this.#highest[0];
      if (first !== undefined) this.#passed = first.id;
      if (this.#highest.length === 1) return this.#passed;
      this.#highest.shift();
    }
    return this.#passed;
  }
}

interface Checked {
  readonly fromSeq: number;
  readonly headSeq: number;
  readonly hashes: ReadonlyMap<number, string>;
}

function whyNot(
  { seq, hash }: { readonly seq: number; readonly hash: string },
  { headSeq, hashes }: Checked,
): string | undefined {
  if (seq > headSeq) return `names hash chain entry ${seq}, and this log ends at ${headSeq}`;
  const found = hashes.get(seq);
  if (found === undefined) return `names hash chain entry ${seq}, which was not looked at or is gone`;
  return found === hash ? undefined : `says ${hash} of hash chain entry ${seq}, and this log has ${found}`;
}

const restoredText = (beganAnew: Verification["beganAnew"]): string => {
  const last = beganAnew.at(-1);
  return last === undefined
    ? ""
    : `; this ledger has ${last.event} of ${isoText(last.atMs)}: a head from before that, of receipts that were lost then, is to be expected`;
};

const checkpointDiffers = (
  { seq }: Pick<Checkpoint, "seq">,
  which: string,
  problem: string,
): AuditFinding => ({
  kind: "checkpoint_differs",
  seq,
  receiptId: undefined,
  message: `${which} ${problem}`,
  todo: "unless the ledger was restored from a backup of before, the log was cut or chained anew: compare with a backup",
});
