import type { AccountId, ChainBlock, ChainReader } from "@stakebts/bitshares/chain";

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Blocks that are read together while catching up. Near the head it is one or two. */
export const BLOCKS_PER_STEP = 4_000;
/** What blocks that are read together may take of memory, about: twice as much where the next ones are read meanwhile. */
export const HELD_BYTES_MAX = 48 * 1024 * 1024;
/** How many of them hold about as many transfers as may wait in memory. */
const TRANSFERS_AHEAD = 20_000;

/**
 * Reads the next blocks while the last ones are being written: catching up, the node and the database work at the same
 * time. What was read ahead and is not asked for next is dropped.
 *
 * Strangers fill the blocks, and every limit of time is reached by some number of them: after a failure half as many are read
 * together, down to one, and after a success twice as many.
 */
export class ReadAhead {
  readonly #chain: ChainReader;
  readonly #account: AccountId;
  #ahead: (Range & { readonly blocks: Promise<readonly ChainBlock[]> }) | undefined;
  #size = BLOCKS_PER_STEP;

  constructor(chain: ChainReader, account: AccountId) {
    this.#chain = chain;
    this.#account = account;
  }

  /** How many blocks are to be read together from this one on: what is held, or no more than the nodes can be asked for at once. */
  async size(from: number): Promise<number> {
    if (this.#ahead?.from === from) return this.#ahead.to - from + 1;
    return (await this.#chain.blocksAtOnce?.(this.#size)) ?? this.#size;
  }

  /**
   * The first blocks of the range, all of them if they were not put back and do not hold too much; a failure that happened ahead is thrown here, and the next
   * call asks again.
   */
  async read(range: Range): Promise<readonly ChainBlock[]> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead?.from !== range.from) return this.#ask(range);
    return (await ahead.blocks).slice(0, range.to - range.from + 1);
  }

  begin(range: Range): void {
    const blocks = this.#ask(range);
    blocks.catch(() => undefined); // The error is thrown when the range is read; until then it must not count as unhandled.
    this.#ahead = { ...range, blocks };
  }

  /** They were read and not used: they come first when they are asked for. */
  putBack(blocks: readonly ChainBlock[]): void {
    const [first, last] = [blocks[0], blocks.at(-1)];
    if (first === undefined || last === undefined) return;
    this.#ahead = { from: first.blockNum, to: last.blockNum, blocks: Promise.resolve(blocks) };
  }

  /** They were read and written. */
  succeeded(blocks: readonly ChainBlock[]): void {
    const transfers = blocks.reduce((sum, block) => sum + block.transfers.length, 0);
    const fitting = Math.ceil((blocks.length * TRANSFERS_AHEAD) / Math.max(1, transfers));
    this.#size = Math.max(1, Math.min(BLOCKS_PER_STEP, this.#size * 2, fitting));
  }

  /** Reading or writing so many has failed. */
  failed(blocks: number): void {
    this.#size = Math.max(1, Math.floor(Math.min(blocks, this.#size) / 2));
  }

  #ask({ from, to }: Range): Promise<readonly ChainBlock[]> {
    return this.#chain.blocks({ from, to, account: this.#account, heldBytesMax: HELD_BYTES_MAX });
  }
}
