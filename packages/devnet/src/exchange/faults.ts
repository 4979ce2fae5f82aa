/** What a venue can do to a client on a bad day. All can be switched while it runs. */
export interface DevnetExchangeFaults {
  /** The next `count` withdrawals are accepted, and then the connection is cut without an answer. */
  dropAnswersAfterAccept(count: number): void;
  /** The next `count` withdrawals are accepted and answered with 503, as by a gateway that gave up waiting. */
  failAfterAccept(count: number): void;
  /** The next `count` requests are cut before they have any effect. */
  dropRequests(count: number): void;
  /** Requests have their effect at once and are answered late. */
  delayAnswersMs(ms: number, options?: { withdrawalsOnly?: boolean }): void;
  /** Requests have their effect late: perhaps when the caller no longer waits. */
  delayRequestsMs(ms: number, options?: { withdrawalsOnly?: boolean }): void;
  /** The next `count` requests (default 1) get this answer and have no effect. Without a code: a page of a proxy. */
  answerNext(answer: { status: number; code?: string; count?: number; withdrawalsOnly?: boolean }): void;
  /** The wallet of the currency is closed: withdrawals are refused. */
  closeCurrency(on: boolean): void;
  /** Withdrawals stay where they are. */
  holdWithdrawals(on: boolean): void;
  /** Requests are taken, have no effect, and are never answered. */
  freeze(on: boolean): void;
  /** New connections are cut at once; open ones stay. */
  refuseConnections(on: boolean): void;
  disconnectAll(): void;
  /** Results pass through this function before they are sent; `null` ends it. */
  lie(mutate: ((path: string, result: unknown) => unknown) | null): void;
}

export interface Delay {
  readonly ms: number;
  readonly withdrawalsOnly: boolean;
}

/** The switches as the server reads them. */
export class ExchangeFaultSwitches {
  dropAnswers = 0;
  failAnswers = 0;
  dropRequests = 0;
  answerDelay: Delay = { ms: 0, withdrawalsOnly: false };
  requestDelay: Delay = { ms: 0, withdrawalsOnly: false };
  holding = false;
  frozen = false;
  refusing = false;
  mutate: ((path: string, result: unknown) => unknown) | null = null;
  canned: { status: number; code: string | undefined; left: number; withdrawalsOnly: boolean }[] = [];

  /** Takes one of the remaining times, if there is one. */
  takeOne(name: "dropAnswers" | "failAnswers" | "dropRequests"): boolean {
    if (this[name] <= 0) return false;
    this[name]--;
    return true;
  }

  takeAnswer(isWithdrawal: boolean): { status: number; code: string | undefined } | undefined {
    const answer = this.canned.find((each) => isWithdrawal || !each.withdrawalsOnly);
    if (answer === undefined) return undefined;
    if (--answer.left <= 0) this.canned = this.canned.filter((each) => each !== answer);
    return answer;
  }
}
