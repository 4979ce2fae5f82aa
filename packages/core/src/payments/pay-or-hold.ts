import { StartupError } from "@stakebts/kernel/errors";
import type { NewReceipt } from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import { PAYABLE_STATUSES, type PayoutId } from "../rules/payout.ts";
import { messageOf } from "../runtime/error-facts.ts";
import { mayPass } from "../runtime/passing-trouble.ts";
import { type PayDeps, payPayout, type PayResult } from "./pay-payout.ts";

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

  async pay(id: PayoutId): Promise<PayResult> {
    if (this.#leftOut.has(id)) return { type: "settled" };
    try {
      return await payPayout(this.#deps, id);
    } catch (error) {
      if (mayPass(error) || error instanceof StartupError) throw error;
      const message = messageOf(error);
      if (await this.#hold(id, `it cannot be paid: ${message}`)) throw error;
      this.#leftOut.add(id);
      await this.#tell({
        event: "payout.not_payable",
        subject: id,
        details: {
          reason: message,
          todo: "the others are paid; find out what refuses it, then start the payer again: docs/runbook.md",
        },
      });
      return { type: "settled" };
    }
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

  async #tell(receipt: NewReceipt): Promise<void> {
    logReceipt(this.#deps.log, receipt);
    await this.#deps.ledger.transaction((tx) => tx.receipts.add([receipt]));
  }
}
