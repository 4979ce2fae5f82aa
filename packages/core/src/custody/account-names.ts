import type { AccountId, ChainReader } from "@stakebts/bitshares/chain";

const ACCOUNTS_AT_ONCE = 100;
const NAMES_MAX = 20_000;

/** Names of accounts, which never change on the chain, remembered within bounds: strangers choose how many accounts there are. */
export class AccountNames {
  readonly #chain: Pick<ChainReader, "accounts">;
  readonly #namesMax: number;
  readonly #names = new Map<AccountId, string>();

  constructor(chain: Pick<ChainReader, "accounts">, namesMax = NAMES_MAX) {
    this.#chain = chain;
    this.#namesMax = namesMax;
  }

  /** Asks for those that are not remembered. All of these are known afterwards, however many there are. Throws ChainError. */
  async learn(ids: readonly AccountId[]): Promise<void> {
    const all = [...new Set(ids)];
    const isNew = (id: AccountId): boolean => !this.#names.has(id);
    if (this.#names.size + all.filter(isNew).length > this.#namesMax) this.#names.clear();
    const unknown = all.filter(isNew);
    for (let i = 0; i < unknown.length; i += ACCOUNTS_AT_ONCE)
      for (const account of await this.#chain.accounts(unknown.slice(i, i + ACCOUNTS_AT_ONCE)))
        if (account !== undefined) this.#names.set(account.id, account.name);
  }

  /** The id itself for an account that the nodes do not know, as may be in a block that is not final. */
  of(id: AccountId): string {
    return this.#names.get(id) ?? id;
  }
}
