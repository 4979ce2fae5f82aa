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

  /** `undefined` for a name that is not on the chain; such a name is asked for again each time. */
  async find(name: string): Promise<ChainAccount | undefined> {
    const nowMs = this.#clock.nowMs();
    const entry = this.#entries.get(name);
    if (entry !== undefined && Math.abs(nowMs - entry.readAtMs) <= AGE_MS_MAX) return entry.account;
    const [account] = await this.#chain.accounts([name]);
    if (account === undefined) return undefined;
    if (this.#entries.size >= SIZE_MAX) this.#entries.clear();
    this.#entries.set(name, { account, readAtMs: nowMs });
    return account;
  }
}
