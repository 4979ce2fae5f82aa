import { type AccountId, type ChainBlock, ChainError, type ChainReader } from "@stakebts/bitshares/chain";
import type {
  AccountBlock,
  AccountOperationReader,
  UndeliveredBlockReader,
} from "@stakebts/bitshares/account-operations";
import type { PassedBlocks } from "./ledger.ts";

/*
 * A block that no node can deliver would stop everything for ever. An operator orders to pass it (`stakebts blocks pass`). The order
 * is believed in nothing: it only allows to ask the nodes for what they can say of the block in another way, and a majority of all
 * configured nodes has to say the same. A block that is delivered after all is read as any other.
 */

export interface Range {
  readonly from: number;
  readonly to: number;
}

interface Deps<Chain> {
  readonly chain: Chain & Partial<UndeliveredBlockReader>;
  readonly passedBlocks: PassedBlocks;
  readonly account: AccountId;
}

/**
 * The blocks from `range.from` on, at least one, and all where nothing is in the way. After a failure those before a block that is
 * to be passed, or that block alone. Throws what `ask` has thrown, where no order helps.
 */
export const readOrPass = (
  deps: Deps<unknown>,
  range: Range,
  ask: (range: Range) => Promise<readonly ChainBlock[]>,
): Promise<readonly ChainBlock[]> => passing(deps, range, ask, ({ block }) => block);

/** As {@link readOrPass}, in the words of a watcher. */
export const readOperationsOrPass = (
  {
    isReversible,
    keys,
    ...deps
  }: Deps<AccountOperationReader> & {
    readonly isReversible: boolean;
    readonly keys?: readonly string[];
  },
  range: Range,
): Promise<readonly AccountBlock[]> =>
  passing(
    deps,
    range,
    (part) => deps.chain.accountBlocks({ ...part, account: deps.account, keys, isReversible }),
    ({ operations }) => operations,
  );

/** All blocks of the range. */
export async function readAllOrPass(deps: Deps<ChainReader>, range: Range): Promise<readonly ChainBlock[]> {
  const blocks: ChainBlock[] = [];
  while (blocks.length < range.to - range.from + 1) {
    const rest = { from: range.from + blocks.length, to: range.to };
    blocks.push(
      ...(await readOrPass(deps, rest, (part) => deps.chain.blocks({ ...part, account: deps.account }))),
    );
  }
  return blocks;
}

type Undelivered = Awaited<ReturnType<UndeliveredBlockReader["undelivered"]>>;

async function passing<B>(
  { chain, passedBlocks, account }: Deps<unknown>,
  range: Range,
  ask: (range: Range) => Promise<readonly B[]>,
  of: (undelivered: Undelivered) => B,
): Promise<readonly B[]> {
  try {
    return await ask(range);
  } catch (error) {
    if (!(error instanceof ChainError) || chain.undelivered === undefined) throw error;
    const [blockNum] = await passedBlocks.within(range);
    if (blockNum === undefined) throw error;
    if (blockNum > range.from) return ask({ from: range.from, to: blockNum - 1 });
    const alone = { from: blockNum, to: blockNum };
    if (range.to > blockNum) {
      try {
        return await ask(alone);
      } catch (again) {
        if (!(again instanceof ChainError)) throw again;
      }
    }
    return [of(await chain.undelivered({ blockNum, account }))];
  }
}
