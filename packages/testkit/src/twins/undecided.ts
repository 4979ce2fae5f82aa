import { compareOperations, operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";
import type { MemoRequest } from "@stakebts/core/rules/request";
import type { StakeRowType } from "@stakebts/core/rules/stake-row";

/** An incoming transfer that waits for an answer. */
export interface UndecidedTransfer {
  readonly operation: OperationPosition;
  readonly sender: string;
  readonly blockTimeMs: Millis;
  readonly request: MemoRequest | undefined;
}

/** What keeps some transfers from being answered now. */
export interface Waiting {
  /** `false`: nominations are frozen. */
  readonly accepting: boolean;
  /** Of transfers, by operation id. */
  readonly setAside: ReadonlySet<string>;
  /** Incoming transfers whose memos cannot be read yet: each may be a nomination or a stop. */
  readonly unread: readonly Pick<UndecidedTransfer, "operation" | "sender">[];
  /** Pending rows that are set aside. */
  readonly rowsSetAside: readonly { readonly nominator: string; readonly dueMs: Millis }[];
}

/**
 * What can be answered. A transfer waits that an operator has set aside, because it could not be answered; while nominations are
 * frozen, one that asks for an agreement; and a stop of an account of which an earlier transfer waits that it could end or that
 * could end something before it (a nomination or a stop, or one that cannot be read yet), or an earlier row. Everything else comes to the same before and after
 * those. ADR 0019.
 * The ledger in PostgreSQL asks the same of its tables (ledger/postgres/undecided.ts), and a test compares the two.
 * @param undecided all that there are, in the order of the chain
 */
export function decidable<T extends UndecidedTransfer>(
  undecided: readonly T[],
  { accepting, setAside, unread, rowsSetAside }: Waiting,
): readonly T[] {
  const waits = new Set<string>();
  return undecided.filter(({ operation, request, sender, blockTimeMs }) => {
    const isKept =
      setAside.has(operationId(operation)) ||
      (!accepting && request?.type === "open") ||
      (request?.type === "stop" &&
        (waits.has(sender) ||
          unread.some((one) => one.sender === sender && compareOperations(one.operation, operation) < 0) ||
          rowsSetAside.some((row) => row.nominator === sender && row.dueMs <= blockTimeMs)));
    if (isKept && (request?.type === "open" || request?.type === "stop")) waits.add(sender);
    return !isKept;
  });
}

/** What falls due by itself. What an agreement is opened by is paid at once. */
export const DUE_TYPES = ["reward", "base_amount", "penalty"] as const satisfies readonly StakeRowType[];

/**
 * Has the nominator of this row made a stop before it fell due, which waits for an answer? In the order of the chain there never
 * is one; but stops may have to wait for nominations that are not answered now. What cannot be read yet may be a stop.
 */
export const isStopped = (
  row: { readonly nominator: string; readonly dueMs: Millis },
  undecided: readonly UndecidedTransfer[],
): boolean =>
  undecided.some(
    ({ request, sender, blockTimeMs }) =>
      (request?.type === "stop" || request?.type === "unread") &&
      sender === row.nominator &&
      blockTimeMs < row.dueMs,
  );
