import type { Millis } from "@stakebts/kernel/time";
import type { MemoRequest } from "./request.ts";
import type { StakeRowType } from "./stake-row.ts";

/** An incoming transfer that waits for an answer. */
export interface UndecidedTransfer {
  readonly sender: string;
  readonly blockTimeMs: Millis;
  readonly request: MemoRequest | undefined;
}

/**
 * What can be answered. While nominations are frozen (`accepting` is false) a transfer that asks for an agreement waits, and so
 * does a stop of an account that asked for one before it, for it would end that one too. Everything else comes to the same before
 * and after it. ADR 0019.
 * The ledger in PostgreSQL asks the same of its tables (ledger/postgres/undecided.ts), and a test compares the two.
 * @param undecided all that there are, in the order of the chain
 */
export function decidable<T extends UndecidedTransfer>(
  undecided: readonly T[],
  accepting: boolean,
): readonly T[] {
  if (accepting) return undecided;
  const asked = new Set<string>();
  return undecided.filter(({ request, sender }) => {
    if (request?.type === "open") asked.add(sender);
    return request?.type !== "open" && !(request?.type === "stop" && asked.has(sender));
  });
}

/** What is answered next. */
export const oldestDecidable = <T extends UndecidedTransfer>(
  undecided: readonly T[],
  accepting: boolean,
): T | undefined => decidable(undecided, accepting)[0];

/** What falls due by itself. What an agreement is opened by is paid at once. */
export const DUE_TYPES = ["reward", "base_amount", "penalty"] as const satisfies readonly StakeRowType[];

/**
 * Has the nominator of this row made a stop before it fell due, which waits for an answer? In the order of the chain there never
 * is one; but stops may have to wait for nominations that are not answered now.
 */
export const isStopped = (
  row: { readonly nominator: string; readonly dueMs: Millis },
  undecided: readonly UndecidedTransfer[],
): boolean =>
  undecided.some(
    ({ request, sender, blockTimeMs }) =>
      request?.type === "stop" && sender === row.nominator && blockTimeMs < row.dueMs,
  );
