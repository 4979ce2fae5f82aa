import type { Ledger, LedgerTx } from "@stakebts/core/ledger/ledger";
import type { State } from "./state.ts";

export const memoKeysIn = (state: () => State): Ledger["memoKeys"] & LedgerTx["memoKeys"] => ({
  all: () => Promise.resolve(state().memoKeys),
  add: (keys) => {
    for (const key of keys)
      if (!state().memoKeys.some(({ publicKey }) => publicKey === key.publicKey))
        state().memoKeys = [...state().memoKeys, key];
    return Promise.resolve();
  },
  lose: (lost) => {
    const isNew = state().memoKeys.some(
      ({ publicKey, isLost }) => publicKey === lost.publicKey && isLost === undefined,
    );
    state().memoKeys = state().memoKeys.map((key) =>
      key.publicKey === lost.publicKey ? { ...key, isLost: true } : key,
    );
    return Promise.resolve(isNew);
  },
});
