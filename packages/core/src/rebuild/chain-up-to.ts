import type { ChainReader } from "@stakebts/bitshares/chain";

/** The chain as if `lastBlockNum()` were the newest block that is believed: whoever reads it stops there. */
export const chainUpTo = (chain: ChainReader, lastBlockNum: () => number): ChainReader => ({
  chainId: () => chain.chainId(),
  head: async () => {
    const head = await chain.head();
    // The irreversible block itself is not believed: see lastFinalBlockNum.
    return { ...head, irreversibleBlockNum: Math.min(head.irreversibleBlockNum, lastBlockNum() + 1) };
  },
  blocks: (request) => chain.blocks(request),
  accounts: (namesOrIds) => chain.accounts(namesOrIds),
  balance: (account) => chain.balance(account),
  permission: (id) => chain.permission(id),
  transferFees: () => chain.transferFees(),
  close: () => chain.close(),
});
