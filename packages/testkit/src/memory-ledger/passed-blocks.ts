import type { LedgerTx, PassedBlocks } from "@stakebts/core/ledger/ledger";
import type { State } from "./state.ts";

export const passedBlocksIn = (state: () => State): PassedBlocks & LedgerTx["passedBlocks"] => ({
  within: ({ from, to }) =>
    Promise.resolve(
      state()
        .passedBlocks.filter((blockNum) => blockNum >= from && blockNum <= to)
        .toSorted((a, b) => a - b),
    ),
  add: ({ blockNum }) => {
    const isNew = !state().passedBlocks.includes(blockNum);
    if (isNew) state().passedBlocks = [...state().passedBlocks, blockNum];
    return Promise.resolve(isNew);
  },
});
