import type { ChainAccount } from "@stakebts/bitshares/chain";
import type { Millis } from "@stakebts/kernel/time";
import type { CauseReader } from "../ledger/cause-reader.ts";
import { type Debt, earliestMs, type OwedRules, whyNotOwed } from "../rules/owed.ts";

/** What a payer finds out about a debt by itself before it signs for it. */
export interface DebtCheck {
  /**
   * Why it is not owed although the ledger has it; `undefined`: it is.
   * @param at chain time, and the newest block that nodes may have
   * Throws ChainError when no node can be asked.
   */
  whyNotOwed(
    debt: Debt,
    at: { readonly nowMs: Millis; readonly upToBlockNum: number },
  ): Promise<string | undefined>;
  /** An account that was looked up already need not be asked for again. */
  knows(account: Pick<ChainAccount, "id" | "name">): void;
}

/** By the rules, and by the transfers that this payer's own nodes show. */
export const createDebtCheck = (causes: CauseReader, rules: OwedRules): DebtCheck => ({
  async whyNotOwed(debt, { nowMs, upToBlockNum }) {
    const problem = whyNotOwed(debt, rules);
    if (problem !== undefined) return problem;
    const earliest = earliestMs(debt);
    if (earliest !== undefined && earliest > nowMs)
      return `payout ${debt.key} does not follow from the ledger: it falls due later`;
    return causes.whyNotOnChain(debt, upToBlockNum);
  },
  knows: (account) => causes.knows(account),
});
