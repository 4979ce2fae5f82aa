import type { ChainAccount } from "@stakebts/bitshares/chain";
import type { CauseReader, NotDead } from "../ledger/cause-reader.ts";
import { type Debt, type OwedRules, whyNotOwed } from "../rules/owed.ts";

/** The newest block that nodes may have, and the newest that will not be undone. */
export interface DebtCheckTime {
  readonly upToBlockNum: number;
  readonly finalBlockNum: number;
}

/** What a payer finds out about a debt by itself before it signs for it. */
export interface DebtCheck {
  /**
   * Why it is not owed although the ledger has it; `undefined`: it is.
   * Throws ChainError when no node can be asked.
   */
  whyNotOwed(debt: Debt, at: DebtCheckTime): Promise<string | undefined>;
  /** Why a transaction that was signed for it before may be, or is, in a block: a second one would pay twice. */
  whyMayBePaid(debt: Debt, at: DebtCheckTime): Promise<NotDead | undefined>;
  /** Begins to find out what will be asked, in the time in which something else is awaited. */
  readAhead(debts: readonly Debt[], at: DebtCheckTime): void;
  /** An account that was looked up already need not be asked for again. */
  knows(account: Pick<ChainAccount, "id" | "name">): void;
}

/** By the rules, and by the transfers that this payer's own nodes show. */
export const createDebtCheck = (causes: CauseReader, rules: OwedRules): DebtCheck => ({
  async whyNotOwed(debt, { upToBlockNum }) {
    const problem = whyNotOwed(debt, rules);
    if (problem !== undefined) return problem;
    return causes.whyNotOnChain(debt, upToBlockNum);
  },
  async whyMayBePaid({ attempts }, { finalBlockNum }) {
    for (const attempt of attempts) {
      const problem = await causes.whyNotDead(attempt, finalBlockNum);
      if (problem !== undefined) return problem;
    }
    return undefined;
  },
  readAhead: (debts, { upToBlockNum }) => causes.readAhead(debts, upToBlockNum),
  knows: (account) => causes.knows(account),
});
