import type { ChainAccount, ChainReader } from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";

/** An account's memo key may change; what was read longer ago than this is read again. */
const AGE_MS_MAX = 60_000;
/** More payees than this are not paid in a minute. */
const SIZE_MAX = 10_000;

/** The accounts of payees as the chain has them, remembered for a minute: rewards go to the same people in a row. */
export class AccountCache {
  readonly #chain: ChainReader;
  readonly #clock: HostClock;
  readonly #entries = new Map<string, { readonly account: ChainAccount; readonly readAtMs: number }>();

  constructor({ chain, clock }: { chain: ChainReader; clock: HostClock }) {
    this.#chain = chain;
    this.#clock = clock;
  }

  /** A name that is not on the chain is left out, and asked for again each time. Throws ChainError. */
  async find(names: readonly string[]): Promise<ReadonlyMap<string, ChainAccount>> {
    const nowMs = this.#clock.nowMs();
    const found = new Map<string, ChainAccount>();
    const unknown: string[] = [];
    for (const name of new Set(names)) {
      const entry = this.#entries.get(name);
      if (entry !== undefined && Math.abs(nowMs - entry.readAtMs) <= AGE_MS_MAX)
        found.set(name, entry.account);
      else unknown.push(name);
    }
    if (unknown.length === 0) return found;
    const answers = await this.#chain.accounts(unknown);
    if (this.#entries.size + unknown.length > SIZE_MAX) this.#entries.clear();
    for (const [i, name] of unknown.entries()) {
      const account = answers[i];
      if (account === undefined) continue;
      found.set(name, account);
      this.#entries.set(name, { account, readAtMs: nowMs });
    }
    return found;
  }
}
