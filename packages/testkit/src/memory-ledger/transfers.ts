import { compareOperations, operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { AccountId } from "@stakebts/bitshares/chain";
import type { TransferOutcome } from "@stakebts/core/rules/decide";
import type { Ledger, NewTransfer, TransferQuery, TransfersTx } from "@stakebts/core/ledger/ledger";
import type { StakeRowId } from "@stakebts/core/rules/stake-row";
import { decidable, type Waiting } from "../twins/undecided.ts";
import type { State, StoredTransfer } from "./state.ts";

/** In the order of the chain. */
export const undecidedIn = (state: State): readonly StoredTransfer[] =>
  [...state.transfers.values()]
    .filter(
      (transfer) =>
        transfer.direction === "in" && transfer.outcome === undefined && transfer.isUnread !== true,
    )
    .sort((a, b) => compareOperations(a.operation, b.operation));

/** In the order of the chain, of both directions. */
export const unreadIn = (state: State): readonly StoredTransfer[] =>
  [...state.transfers.values()]
    .filter(({ isUnread }) => isUnread === true)
    .sort((a, b) => compareOperations(a.operation, b.operation));

/** What keeps some of them from being answered now. */
export const waitingIn = (state: State, accepting: boolean): Waiting => ({
  accepting,
  setAside: state.setAside,
  unread: unreadIn(state).filter(({ direction }) => direction === "in"),
  rowsSetAside: [...state.setAside].flatMap((id) => {
    const row = state.rows.get(id as StakeRowId);
    return row?.status === "pending" ? [row] : [];
  }),
});

const isNamed = (
  transfer: StoredTransfer,
  { txids = [], keys = [], nonces = [], memos = [], operations = [] }: TransferQuery,
): boolean =>
  (transfer.txid !== undefined && txids.includes(transfer.txid)) ||
  (transfer.payoutKey !== undefined && keys.includes(transfer.payoutKey)) ||
  (transfer.memoNonce !== undefined && nonces.includes(transfer.memoNonce)) ||
  (transfer.memoText !== undefined && memos.includes(transfer.memoText)) ||
  operations.some((at) => compareOperations(at, transfer.operation) === 0);

export const transfersIn = (state: State): TransfersTx & Ledger["transfers"] => ({
  async find(query: TransferQuery): Promise<readonly NewTransfer[]> {
    return [...state.transfers.values()]
      .filter(({ direction }) => query.direction === undefined || direction === query.direction)
      .filter((transfer) => isNamed(transfer, query))
      .sort((a, b) => compareOperations(a.operation, b.operation));
  },

  async oldestUndecided(accepting = true): Promise<NewTransfer | undefined> {
    return decidable(undecidedIn(state), waitingIn(state, accepting))[0];
  },

  async undecided(accepting: boolean, limit: number): Promise<readonly NewTransfer[]> {
    return decidable(undecidedIn(state), waitingIn(state, accepting)).slice(0, limit);
  },

  async decideAll(decided): Promise<number> {
    let count = 0;
    for (const { operation, outcome, reason } of decided)
      if (await this.decide(operation, outcome, reason)) count++;
    return count;
  },

  async unread({ after, limit }): Promise<readonly NewTransfer[]> {
    return unreadIn(state)
      .filter(({ operation }) => after === undefined || compareOperations(operation, after) > 0)
      .slice(0, limit);
  },

  async incoming({ after, upToBlockNum, limit }): Promise<readonly NewTransfer[]> {
    return [...state.transfers.values()]
      .filter(({ direction }) => direction === "in")
      .filter(
        ({ operation }) => compareOperations(operation, after) > 0 && operation.blockNum <= upToBlockNum,
      )
      .sort((a, b) => compareOperations(a.operation, b.operation))
      .slice(0, limit);
  },

  async read(transfers: readonly NewTransfer[]): Promise<readonly NewTransfer[]> {
    return transfers.filter((transfer) => {
      const at = operationId(transfer.operation);
      const stored = state.transfers.get(at);
      if (stored?.isUnread !== true) return false;
      const { isUnread: _isUnread, ...rest } = stored;
      const { memoStatus, memoText, request, payoutKey, isReplayed, senderIsLifetimeMember } = transfer;
      state.transfers.set(at, {
        ...rest,
        memoStatus,
        memoText,
        request,
        payoutKey,
        isReplayed,
        senderIsLifetimeMember,
      });
      return true;
    });
  },

  async insert(transfers: readonly NewTransfer[]): Promise<readonly NewTransfer[]> {
    const fresh = transfers.filter((transfer) => !state.transfers.has(operationId(transfer.operation)));
    for (const transfer of fresh)
      state.transfers.set(operationId(transfer.operation), { ...transfer, outcome: undefined });
    return fresh;
  },

  async decide(operation: OperationPosition, outcome: TransferOutcome, reason: string): Promise<boolean> {
    const transfer = state.transfers.get(operationId(operation));
    if (
      transfer === undefined ||
      transfer.direction === "out" ||
      transfer.outcome !== undefined ||
      transfer.isUnread === true
    )
      return false;
    state.transfers.set(operationId(operation), { ...transfer, outcome, reason });
    return true;
  },

  async accountsNamed(names: readonly string[]): Promise<ReadonlyMap<string, readonly AccountId[]>> {
    const idsOf = (name: string) =>
      [...state.transfers.values()].flatMap((t) =>
        t.sender === name && t.senderId !== undefined ? [t.senderId] : [],
      );
    return new Map(names.map((name) => [name, [...new Set(idsOf(name))]]));
  },
});
