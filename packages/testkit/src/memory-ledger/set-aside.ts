import { operationId } from "@stakebts/kernel/operation-id";
import type { LedgerTx } from "@stakebts/core/ledger/ledger";
import type { State } from "./state.ts";
import { undecidedIn } from "./transfers.ts";

/** The functions `set_event_aside` and `resume_event` of the database. */
export const setAsideIn = (state: State): LedgerTx["setAside"] => ({
  async add({ event }) {
    if (state.setAside.has(event)) return "there";
    const isTransfer = undecidedIn(state).some(({ operation }) => operationId(operation) === event);
    const isRow = [...state.rows.values()].some(({ id, status }) => id === event && status === "pending");
    const [, block] = /^(\d{1,9}):\d{1,9}:\d{1,9}$/u.exec(event) ?? [];
    const isToCome = Number(block ?? 0) > (state.cursor?.blockNum ?? 0);
    if (!isTransfer && !isRow && !isToCome) return "unknown";
    state.setAside = new Set([...state.setAside, event]);
    return "set_aside";
  },
  async end({ event }) {
    const isThere = state.setAside.has(event);
    state.setAside = new Set([...state.setAside].filter((other) => other !== event));
    return isThere;
  },
  open: () => Promise.resolve(state.setAside),
});
