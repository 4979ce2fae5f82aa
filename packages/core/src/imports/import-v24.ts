import { createHash } from "node:crypto";
import type { AccountId, ChainReader } from "@stakebts/bitshares/chain";
import { assert } from "@stakebts/kernel/assert";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import type { Cursor, Ledger, NewReceipt } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";
import type { NewStakeRow } from "../rules/stake-row.ts";
import { ImportRefused, needPaymentsOff, type OnProgress } from "./import-refused.ts";
import type { V24Row } from "./v24-stakes.ts";
import {
  type OfferedAgreement,
  type PlannedAgreement,
  writeAgreements,
  type WrittenAgreements,
} from "./write-agreements.ts";

/** A receipt longer than this is cut. v2.4 writes a few hundred characters. */
const TEXT_LENGTH_MAX = 20_000;

/**
 * The receipts of v2.4 as receipts. The name of each follows from its content and from how often that came before, so
 * that a second import finds it, and a newer copy of the same database adds only what is new.
 */
export function readV24Receipts(rows: readonly V24Row[]): readonly NewReceipt[] {
  const seen = new Map<string, number>();
  return rows.map(({ nonce, now, msg }) => {
    const text = withoutSecrets(textOf(msg)).slice(0, TEXT_LENGTH_MAX);
    const content = createHash("sha256")
      .update(JSON.stringify([textOf(nonce), textOf(now), textOf(msg)]))
      .digest("hex")
      .slice(0, 24);
    const count = (seen.get(content) ?? 0) + 1;
    seen.set(content, count);
    return {
      event: "v24.receipt",
      subject: `v24:${content}:${count}`,
      details: { nonce: numberOf(nonce), nowMs: numberOf(now), kind: kindOf(text), text },
    };
  });
}

const textOf = (value: unknown): string => {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  // SQLite has no other values. An object could say that it is no text, and throw.
  return typeof value === "number" || typeof value === "bigint" ? String(value) : "";
};

const numberOf = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

/** What a receipt of v2.4 says that it is, if it is an object that says so. For filters; the text is what counts. */
function kindOf(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return null;
    const kind = ["type", "msg", "event"]
      .map((name) => (value as Record<string, unknown>)[name])
      .find((found): found is string => typeof found === "string");
    return kind?.slice(0, 80) ?? null;
  } catch {
    return null;
  }
}

// v2.4 printed the exchange's key with each signed call, and people pasted what it printed.
const SECRETS = [
  // A private key in wallet import format.
  /\b5[HJK][1-9A-HJ-NP-Za-km-z]{49}\b/gu,
  // A Bittrex key or secret, a hash of a password, a signature. A transaction id has 40 digits and stays.
  /\b(?:[0-9a-f]{32}|[0-9a-f]{64}|[0-9a-f]{128})\b/giu,
  // The value of anything that is called so.
  /(?<=["']?(?:api[-_]?key|api[-_]?sign(?:ature)?|secret|password|passphrase|wif|private[-_]?key)["']?\s*[:=]\s*["']?)[^\s"',}]+/giu,
] as const;

export const withoutSecrets = (text: string): string =>
  SECRETS.reduce((safe, secret) => safe.replace(secret, "(hidden)"), text);

/** What there is in a database of v2.4. */
export interface V24Import {
  /** Its name for receipts: the file's, without the folder. */
  readonly source: string;
  readonly agreements: readonly OfferedAgreement[];
  readonly receipts: readonly NewReceipt[];
  /** Rows that the ledger has no place for, as receipts, so that nothing is lost. */
  readonly leftOut: readonly NewReceipt[];
  /** The last block that v2.4 checked; 0 when it does not say. */
  readonly processedElsewhereUpToBlockNum: number;
}

export interface V24Imported extends WrittenAgreements {
  readonly receipts: number;
  readonly leftOut: number;
  /** The cursor was placed at v2.4's block: the ingester goes on from there. */
  readonly cursorPlaced: boolean;
}

const RECEIPTS_PER_TRANSACTION = 2_000;

/**
 * Takes over what v2.4 has written. First of all the block up to which it answered every transfer: from then on no
 * transfer up to there is answered a second time, in any order in which blocks are read. Then agreements, then receipts.
 * May be called again after a crash, or with a newer copy: what is there stays as it is.
 * @param chain where to look up that block, if the ledger is empty; without it the cursor is left alone
 * Errors: {@link ImportRefused}; ChainError.
 */
export async function importV24(
  deps: {
    readonly ledger: Ledger;
    readonly chain?: ChainReader | undefined;
    readonly custodianId?: AccountId | undefined;
  },
  what: V24Import,
  action: OperatorAction,
  onProgress: OnProgress,
): Promise<V24Imported> {
  const { ledger } = deps;
  const { source, agreements, receipts, processedElsewhereUpToBlockNum } = what;
  const first = await firstCursor(deps, processedElsewhereUpToBlockNum);
  const cursorPlaced = await ledger.transaction(async (tx) => {
    await needPaymentsOff(tx);
    await tx.lockEvents(); // A apply events that is under way has read the old limit.
    await tx.control.setProcessedElsewhereUpToBlockNum(processedElsewhereUpToBlockNum);
    const placed = first !== undefined && (await tx.cursor.move(undefined, first));
    await tx.receipts.add([
      receiptOf("import.started", source, action, {
        kind: "sqlite",
        agreements: agreements.length,
        receipts: receipts.length,
        leftOut: what.leftOut.length,
        processedElsewhereUpToBlock: processedElsewhereUpToBlockNum,
        cursorPlaced: placed,
      }),
    ]);
    return placed;
  });
  const total = agreements.length + receipts.length;
  const written = await writeAgreements(deps, agreements, (done) => onProgress(done, total));
  let added = 0;
  for (let from = 0; from < receipts.length; from += RECEIPTS_PER_TRANSACTION) {
    const chunk = receipts.slice(from, from + RECEIPTS_PER_TRANSACTION);
    added += await ledger.transaction((tx) => tx.receipts.add(chunk, { once: true }));
    onProgress(agreements.length + from + chunk.length, total);
  }
  const leftOut = await ledger.transaction(async (tx) => {
    const count = await tx.receipts.add(what.leftOut, { once: true });
    await tx.receipts.add([
      receiptOf("import.finished", source, action, {
        kind: "sqlite",
        ...written,
        receipts: added,
        leftOut: count,
      }),
    ]);
    return count;
  });
  return { ...written, receipts: added, leftOut, cursorPlaced };
}

/**
 * Rows that the ledger has pending and a newer copy of the same database does not: v2.4 went on after the first import, and
 * what it paid would be paid again.
 */
export async function rowsThatWentOn(
  { ledger }: { readonly ledger: Ledger },
  planned: readonly PlannedAgreement[],
): Promise<readonly NewStakeRow[]> {
  const known = planned.filter(({ acquaintance }) => acquaintance.type === "same_place");
  const pending = new Set<string>();
  for (const nominator of new Set(known.map(({ offered }) => offered.agreement.nominator)))
    for (const row of await ledger.transaction((tx) => tx.rows.find({ pendingOf: nominator })))
      pending.add(row.id);
  return known
    .flatMap(({ offered }) => offered.rows)
    .filter((row) => row.status !== "pending" && pending.has(row.id));
}

/** A cursor at the last block that v2.4 checked, for a ledger that has none. */
async function firstCursor(
  { ledger, chain, custodianId }: Parameters<typeof importV24>[0],
  blockNum: number,
): Promise<Cursor | undefined> {
  if (blockNum === 0 || chain === undefined || custodianId === undefined) return undefined;
  if ((await ledger.cursor.read()) !== undefined) return undefined;
  const newest = lastFinalBlockNum((await chain.head()).irreversibleBlockNum);
  if (blockNum > newest)
    throw new ImportRefused(
      `v2.4 says it has checked block ${blockNum}, and the newest final block of these nodes is ${newest}`,
      "is this the right chain? See STAKEBTS_NODES",
    );
  const [block] = await chain.blocks({ from: blockNum, to: blockNum, account: custodianId });
  assert(block !== undefined, `asked for block ${blockNum} and got none`);
  return {
    blockNum,
    blockId: block.blockId,
    blockTimeMs: block.timeMs,
    scannedFromBlockNum: blockNum + 1,
  };
}
