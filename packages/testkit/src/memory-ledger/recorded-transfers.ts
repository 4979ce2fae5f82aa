import { compareOperations, operationId } from "@stakebts/kernel/operation-id";
import type { LedgerTx } from "@stakebts/core/ledger/ledger";
import type { State } from "./state.ts";

export const recordedTransfersIn = (state: () => State): LedgerTx["recordedTransfers"] => ({
  at: (operation) =>
    Promise.resolve(
      state().recordedTransfers.find((recorded) => compareOperations(recorded.operation, operation) === 0),
    ),
  within: ({ from, to }) =>
    Promise.resolve(
      state()
        .recordedTransfers.filter(({ operation: { blockNum } }) => blockNum >= from && blockNum <= to)
        .toSorted((a, b) => compareOperations(a.operation, b.operation)),
    ),
  add: ({ operation, proposal, proposedOp }) => {
    const isThere = state().recordedTransfers.some(
      (other) =>
        operationId(other.operation) === operationId(operation) ||
        (operationId(other.proposal) === operationId(proposal) && other.proposedOp === proposedOp),
    );
    if (!isThere)
      state().recordedTransfers = [...state().recordedTransfers, { operation, proposal, proposedOp }];
    return Promise.resolve(!isThere);
  },
});
