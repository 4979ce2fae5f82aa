import { StartupError } from "@stakebts/kernel/errors";
import type { NewReceipt } from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import { PAYABLE_STATUSES, type PayoutId } from "../rules/payout.ts";
import { messageOf } from "../runtime/error-facts.ts";
import { mayPass } from "../runtime/passing-trouble.ts";
import { ALONE, type StepTurn } from "./step-turns.ts";
import { type PayDeps, payPayouts, type PayResult, type PayResults } from "./pay-payouts.ts";

/**
 * Pays payouts, and sees to it that one that cannot be paid does not hold the others up. What fails with trouble that does not
 * pass by itself is a broken assumption and ends the process, but the payout is held first: the next payer goes on with the others.
 * A payout that cannot even be held is left out until the process ends.
 */
export class PayOrHold {
  readonly #deps: PayDeps;
  readonly #leftOut = new Set<PayoutId>();

  constructor(deps: PayDeps) {
    this.#deps = deps;
  }

  /**
   * @returns what became of each; `trouble` that passes by itself is among it
   * Throws trouble that does not, after the payout that it concerns is held.
   */
  async pay(ids: readonly PayoutId[], turn: StepTurn = ALONE): Promise<PayResults> {
    const results = new Map<PayoutId, PayResult>(
      ids.filter((id) => this.#leftOut.has(id)).map((id) => [id, { type: "settled" }]),
    );
    for (const [id, result] of await this.#payAll(
      ids.filter((id) => !results.has(id)),
      turn,
    )) {
      results.set(id, result);
      if (!isBroken(result)) continue;
      const message = messageOf(result.error);
      // Only the first is held: what is broken may concern all of them alike.
      if (await this.#hold(id, `it cannot be paid: ${message}`)) throw result.error;
      results.set(id, await this.#leaveOut(id, message));
    }
    return results;
  }

  /** What fails for the whole step is tried with one payout after the other, until one fails: it may be the reason. */
  async #payAll(ids: readonly PayoutId[], turn: StepTurn): Promise<PayResults> {
    if (ids.length === 0) return new Map();
    try {
      return await payPayouts(this.#deps, ids, turn);
    } catch (error) {
      const trouble: PayResult = { type: "trouble", error };
      if (!isBroken(trouble)) throw error;
      if (ids.length === 1) return new Map(ids.map((id) => [id, trouble]));
    }
    const results = new Map<PayoutId, PayResult>();
    await turn.before;
    for (const id of ids) {
      for (const [of, result] of await this.#payAll([id], ALONE)) results.set(of, result);
      if ([...results.values()].some(isBroken)) break;
    }
    return results;
  }

  async #leaveOut(id: PayoutId, message: string): Promise<PayResult> {
    this.#leftOut.add(id);
    const receipt = {
      event: "payout.not_payable",
      subject: id,
      details: {
        reason: message,
        todo: "the others are paid; find out what refuses it, then start the payer again: docs/runbook.md",
      },
    };
    logReceipt(this.#deps.log, receipt);
    await this.#deps.ledger.transaction((tx) => tx.receipts.add([receipt]));
    return { type: "settled" };
  }

  /** @returns whether it is held now: not what is signed already, and not what the database refuses to change */
  async #hold(id: PayoutId, reason: string): Promise<boolean> {
    try {
      const receipt = await this.#deps.ledger.transaction(async (tx) => {
        const [payout] = await tx.payouts.find({ ids: [id] });
        if (payout === undefined || !(await tx.payouts.move(id, PAYABLE_STATUSES, "held", { reason })))
          return undefined;
        const { key, payee, amount, status: was } = payout;
        const todo = `find out why, then: stakebts payouts release ${key} --reason '…'`;
        const held: NewReceipt = {
          event: "payout.held",
          subject: key,
          details: { payoutId: id, payee, amount: `${amount}`, was, reason, todo },
        };
        await tx.receipts.add([held]);
        return held;
      });
      if (receipt !== undefined) logReceipt(this.#deps.log, receipt);
      return receipt !== undefined;
    } catch (error) {
      if (mayPass(error)) throw error;
      return false;
    }
  }
}

type Trouble = Extract<PayResult, { readonly type: "trouble" }>;
const isBroken = (result: PayResult): result is Trouble =>
  result.type === "trouble" && !mayPass(result.error) && !(result.error instanceof StartupError);
