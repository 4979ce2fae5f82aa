import { assert } from "@stakebts/kernel/assert";
import { compareOperations, type OperationId, operationId } from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";
import type { StakeRowMove } from "@stakebts/core/rules/decide";
import { isSameAgreement } from "@stakebts/core/rules/import-mark";
import { assertStakeRowMove, type StakeRow, type StakeRowId } from "@stakebts/core/rules/stake-row";
import { DUE_TYPES, isStopped } from "../twins/undecided.ts";
import type { Agreement } from "@stakebts/core/rules/terms";
import type {
  AgreementsTx,
  Ledger,
  NewAgreement,
  StakeRowQuery,
  StakeRowsTx,
} from "@stakebts/core/ledger/ledger";
import type { State } from "./state.ts";
import { undecidedIn, unreadIn } from "./transfers.ts";

export const agreementsIn = (state: State): AgreementsTx => ({
  async find({ nominators }: { readonly nominators: readonly string[] }): Promise<readonly Agreement[]> {
    return [...state.agreements.values()]
      .filter((agreement) => nominators.includes(agreement.nominator))
      .sort((a, b) => compareOperations(a.operation, b.operation));
  },

  async insert(
    agreements: readonly NewAgreement[],
    { imported }: { readonly imported: boolean } = { imported: false },
  ): Promise<readonly NewAgreement[]> {
    const fresh = agreements.filter(({ agreement, rows }) => {
      const id = operationId(agreement.operation);
      if (state.agreements.has(id)) return false;
      state.agreements.set(id, agreement);
      if (imported) state.importedAgreements.add(id);
      for (const row of rows) {
        assert(!state.rows.has(row.id), `row ${row.id} exists`);
        state.rows.set(row.id, row);
      }
      return true;
    });
    return fresh;
  },

  async importedDuplicate(agreement: Agreement): Promise<OperationId | undefined> {
    const at = operationId(agreement.operation);
    const transfers = [...state.transfers.values()];
    const farness = (other: Agreement): number =>
      operationId(other.operation) === at ? -1 : Math.abs(other.startMs - agreement.startMs);
    const [duplicate] = [...state.agreements.values()]
      .filter((other) => operationId(other.operation) === at || isSameAgreement(other, agreement))
      .filter((other) => {
        const name = operationId(other.operation);
        return (
          state.transfers.get(name)?.outcome !== "agreement_opened" &&
          !transfers.some((t) => t.outcome === "already_processed" && t.reason?.endsWith(` ${name}`) === true)
        );
      })
      .sort((a, b) => farness(a) - farness(b) || compareOperations(a.operation, b.operation));
    return duplicate === undefined ? undefined : operationId(duplicate.operation);
  },
});

/** An operator has cancelled the payout that this row makes when it falls due. */
const isDebtCancelled = (state: State, id: StakeRowId): boolean =>
  [...state.payouts.values()].some(
    (payout) =>
      payout.status === "cancelled" &&
      (payout.kind === "reward" || payout.kind === "base") &&
      payout.rows.some((row) => row.id === id),
  );

/** It makes a payout when it falls due, and nothing stands in its way. */
export const isDue = (state: State, row: StakeRow, upToMs: Millis): boolean =>
  row.status === "pending" &&
  row.dueMs <= upToMs &&
  (DUE_TYPES as readonly string[]).includes(row.type) &&
  !state.setAside.has(row.id) &&
  !isDebtCancelled(state, row.id) &&
  !isStopped(row, [...undecidedIn(state), ...unreadIn(state).filter(({ direction }) => direction === "in")]);

const byId = (a: StakeRow, b: StakeRow): number => (a.id < b.id ? -1 : 1);

export const rowsIn = (state: State): StakeRowsTx & Ledger["rows"] => ({
  async find(query: StakeRowQuery): Promise<readonly StakeRow[]> {
    const rows = [...state.rows.values()];
    if ("pendingOf" in query)
      return rows.filter((row) => row.nominator === query.pendingOf && row.status === "pending");
    if ("payoutId" in query) {
      const settles = state.payouts.get(query.payoutId)?.rows ?? [];
      return settles.flatMap((row) => state.rows.get(row.id) ?? []).sort(byId);
    }
    return rows
      .filter((row) => isDue(state, row, query.dueUpToMs))
      .sort((a, b) => a.dueMs - b.dueMs || byId(a, b))
      .slice(0, query.limit);
  },

  async pendingAmong(nominators: readonly string[]): Promise<readonly string[]> {
    const pending = new Set(
      [...state.rows.values()].flatMap(({ status, nominator }) => (status === "pending" ? [nominator] : [])),
    );
    return nominators.filter((nominator) => pending.has(nominator));
  },

  async move(moves: readonly StakeRowMove[]): Promise<number> {
    let moved = 0;
    for (const { row, from, to } of moves) {
      assertStakeRowMove(from, to);
      const stored = state.rows.get(row.id);
      if (stored?.status !== from) continue;
      state.rows.set(row.id, { ...stored, status: to });
      moved++;
    }
    return moved;
  },

  async nextDueInstants(limit: number): Promise<readonly Millis[]> {
    const instants = [...state.rows.values()]
      .filter((row) => row.status === "pending" && !isDebtCancelled(state, row.id))
      .map((row) => row.dueMs);
    return [...new Set(instants)].sort((a, b) => a - b).slice(0, limit);
  },
});
