import { randomUUID } from "node:crypto";
import { type Shares, shares } from "@stakebts/kernel/amount";
import {
  type ClientWithdrawalId,
  type Exchange,
  exchangeDiscrepancy,
  type ExchangeFindAnswer,
  type ExchangeFunds,
  type ExchangeRefusal,
  type ExchangeWithdrawal,
  type ExchangeWithdrawalRequest,
  type ExchangeWithdrawalState,
  type ExchangeWithdrawAnswer,
} from "@stakebts/core/treasury/exchange";

type Held = Omit<ExchangeWithdrawal, "state" | "venueStatus"> & { state: ExchangeWithdrawalState };
type Refused = { readonly reason: ExchangeRefusal; readonly permanent: boolean };

/** An exchange in memory, with the faults that its callers must survive. */
export class MemoryExchange implements Exchange {
  readonly repeatable: boolean;
  readonly #feeShares: Shares;
  readonly #withdrawals: Held[] = [];
  readonly #newId: () => string;
  #availableShares: bigint;
  #open = true;
  readonly #unanswered = new Set<ClientWithdrawalId>();
  #answersToLose = 0;
  #requestsToLose = 0;
  #findsToFail = 0;
  readonly #refusals: Refused[] = [];

  /** @param options.repeatable `false`: repeating a withdrawal whose answer was lost is a second payment, as the port warns. */
  constructor(options: {
    balanceShares: bigint;
    feeShares?: bigint;
    repeatable?: boolean;
    /** Where the venue's own ids come from; by chance if not said. */
    newId?: () => string;
  }) {
    this.#newId = options.newId ?? randomUUID;
    this.repeatable = options.repeatable ?? true;
    this.#availableShares = options.balanceShares;
    this.#feeShares = shares(options.feeShares ?? 500_000n);
  }

  get withdrawals(): readonly ExchangeWithdrawal[] {
    return this.#withdrawals.map(told);
  }

  deposit(amountShares: bigint): void {
    this.#availableShares += amountShares;
  }

  /** The next `count` withdrawals are accepted and end as unknown. */
  loseAnswers(count: number): void {
    this.#answersToLose = count;
  }

  /** The next `count` withdrawals are not accepted and end as unknown. */
  loseRequests(count: number): void {
    this.#requestsToLose = count;
  }

  /** The next `count` times that it is looked for, it cannot be said. */
  failFinds(count: number): void {
    this.#findsToFail = count;
  }

  /** The next withdrawal is refused, no matter what it asks for. */
  refuseNext(refusal: Refused): void {
    this.#refusals.push(refusal);
  }

  closeWithdrawals(closed: boolean): void {
    this.#open = !closed;
  }

  /** Brings all that is pending to this end. */
  settle(state: "completed" | "stuck" | "cancelled" = "completed"): void {
    for (const withdrawal of this.#withdrawals.filter((each) => each.state === "pending")) {
      withdrawal.state = state;
      if (state === "cancelled") this.#availableShares += withdrawal.amountShares + this.#feeShares;
    }
  }

  async funds(): Promise<ExchangeFunds> {
    const left = this.#availableShares - this.#feeShares;
    return {
      withdrawableShares: shares(left > 0n ? left : 0n),
      feeShares: this.#feeShares,
      minimumShares: shares(2n * this.#feeShares + 1n),
      withdrawalsOpen: this.#open,
    };
  }

  async withdraw(request: ExchangeWithdrawalRequest): Promise<ExchangeWithdrawAnswer> {
    if (this.#requestsToLose > 0) {
      this.#requestsToLose--;
      return { type: "unknown", message: "the request was lost" };
    }
    const answer = this.#answerTo(request);
    if (answer.type === "accepted" && this.#answersToLose > 0) {
      this.#answersToLose--;
      this.#unanswered.add(request.clientId);
      return { type: "unknown", message: "the answer was lost" };
    }
    return answer;
  }

  #answerTo(request: ExchangeWithdrawalRequest): ExchangeWithdrawAnswer {
    const next = this.#refusals.shift();
    if (next !== undefined) return refused(next.reason, next.permanent);
    const existing = this.#held(request.clientId);
    const isDropped = this.repeatable || !this.#unanswered.has(request.clientId);
    if (existing !== undefined && isDropped) {
      const discrepancy = exchangeDiscrepancy(request, told(existing));
      return discrepancy === undefined
        ? { type: "accepted", withdrawal: told(existing), discrepancy }
        : refused("client_id_taken", true);
    }
    if (!this.#open) return refused("withdrawals_closed", false);
    if (request.amountShares <= 2n * this.#feeShares) return refused("too_small", true);
    const taken = request.amountShares + this.#feeShares;
    if (taken > this.#availableShares) return refused("insufficient_funds", false);
    this.#availableShares -= taken;
    const { clientId, amountShares, toAccount, memo } = request;
    const held: Held = {
      venueId: this.#newId(),
      clientId,
      amountShares,
      toAccount,
      memo,
      state: "pending",
      txid: undefined,
    };
    this.#withdrawals.push(held);
    return { type: "accepted", withdrawal: told(held), discrepancy: undefined };
  }

  async find(clientId: ClientWithdrawalId): Promise<ExchangeFindAnswer> {
    if (this.#findsToFail > 0) {
      this.#findsToFail--;
      return { type: "unknown", message: "the lists could not be read" };
    }
    const held = this.#held(clientId);
    return held === undefined ? { type: "absent" } : { type: "found", withdrawal: told(held) };
  }

  #held(clientId: ClientWithdrawalId): Held | undefined {
    return this.#withdrawals.find((each) => each.clientId === clientId);
  }
}

const told = (held: Held): ExchangeWithdrawal => ({ ...held, venueStatus: held.state.toUpperCase() });
const refused = (reason: ExchangeRefusal, permanent: boolean): ExchangeWithdrawAnswer => ({
  type: "refused",
  reason,
  permanent,
  message: `refused: ${reason}`,
});
