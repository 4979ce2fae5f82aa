import type { AccountId, ChainBlock, ChainReader } from "@stakebts/bitshares/chain";

interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads the next blocks while the last ones are being written: catching up, the node and the database work at the same
 * time. What was read ahead and is not asked for next is dropped.
 */
export class ReadAhead {
  readonly #chain: ChainReader;
  readonly #account: AccountId;
  #ahead: (Range & { readonly blocks: Promise<readonly ChainBlock[]> }) | undefined;

  constructor(chain: ChainReader, account: AccountId) {
    this.#chain = chain;
    this.#account = account;
  }

  /** As ChainReader.blocks; a failure that happened ahead is thrown here, and the next call asks again. */
  read(range: Range): Promise<readonly ChainBlock[]> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead?.from === range.from && ahead.to === range.to ? ahead.blocks : this.#ask(range);
  }

  begin(range: Range): void {
    const blocks = this.#ask(range);
    blocks.catch(() => undefined); // The error is thrown when the range is read; until then it must not count as unhandled.
    this.#ahead = { ...range, blocks };
  }

  #ask({ from, to }: Range): Promise<readonly ChainBlock[]> {
    return this.#chain.blocks({ from, to, account: this.#account });
  }
}
