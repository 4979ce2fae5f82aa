import { operationId } from "@stakebts/kernel/operation-id";
import type { LedgerTx, NewReceipt } from "@stakebts/core/ledger/ledger";
import { receiptsIn } from "./receipts.ts";
import type { State } from "./state.ts";
import { undecidedIn } from "./transfers.ts";

/** The functions `set_event_aside` and `resume_event` of the database. */
export const setAsideIn = (state: State): LedgerTx["setAside"] => {
  const addReceipt = (event: string, subject: string, details: NewReceipt["details"]) =>
    receiptsIn(state).add([{ event, subject, details }]);
  return {
    async add({ event, actor, reason, action }) {
      if (state.setAside.has(event)) return "there";
      const isTransfer = undecidedIn(state).some(({ operation }) => operationId(operation) === event);
      const isRow = [...state.rows.values()].some(({ id, status }) => id === event && status === "pending");
      const [, block] = /^(\d{1,9}):\d{1,9}:\d{1,9}$/u.exec(event) ?? [];
      const isToCome = Number(block ?? 0) > (state.cursor?.blockNum ?? 0);
      if (!isTransfer && !isRow && !isToCome) return "unknown";
      state.setAside = new Set([...state.setAside, event]);
      const todo = `when its cause is gone: stakebts transfers resume ${event} --reason '…'`;
      await addReceipt("event.set_aside", event, { actor, reason, action: action ?? null, todo });
      return "set_aside";
    },
    async end({ event, actor, reason, action }) {
      const isThere = state.setAside.has(event);
      if (isThere) await addReceipt("event.resumed", event, { actor, reason, action: action ?? null });
      state.setAside = new Set([...state.setAside].filter((other) => other !== event));
      return isThere;
    },
    open: () => Promise.resolve(state.setAside),
  };
};
