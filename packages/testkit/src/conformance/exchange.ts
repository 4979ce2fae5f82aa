import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type Shares, shares } from "@stakebts/kernel/amount";
import {
  clientWithdrawalId,
  type Exchange,
  type ExchangeWithdrawalRequest,
  type ExchangeWithdrawAnswer,
} from "@stakebts/core/treasury/exchange";

/** An account at an exchange that holds a few thousand BTS, and the hands that the checks need. */
export interface ExchangeUnderTest {
  readonly exchange: Exchange;
  /** An account on the chain that may be withdrawn to. */
  readonly toAccount: string;
  /** Brings every accepted withdrawal to its end. */
  settle(): Promise<void>;
  /** What has arrived at `toAccount` with this memo, each transfer by itself. */
  arrivals(memo: string): Promise<readonly Shares[]>;
  /** The next withdrawal is accepted and its answer lost. */
  loseNextAnswer(): void;
  /** The next withdrawal is lost on its way to the exchange. */
  loseNextRequest(): void;
}

/** What every exchange does. A fake that services are tested with earns trust by doing all of it too. */
export interface ExchangeCheck {
  readonly name: string;
  run(test: ExchangeUnderTest): Promise<void>;
}

const AMOUNT = shares(100_012_345n);

function requestTo(
  { toAccount }: ExchangeUnderTest,
  change: Partial<ExchangeWithdrawalRequest> = {},
): ExchangeWithdrawalRequest {
  const uuid = randomUUID();
  return {
    clientId: clientWithdrawalId(uuid),
    amountShares: AMOUNT,
    toAccount,
    memo: `top-up ${uuid}`,
    ...change,
  };
}

function refusalIn(answer: ExchangeWithdrawAnswer): { reason: string; permanent: boolean } {
  assert(answer.type === "refused", `refused expected, found ${answer.type}`);
  return { reason: answer.reason, permanent: answer.permanent };
}

async function withdrawable({ exchange }: ExchangeUnderTest): Promise<bigint> {
  return (await exchange.funds()).withdrawableShares;
}

export const exchangeChecks: readonly ExchangeCheck[] = [
  {
    name: "a withdrawal arrives to the last share, and costs what arrives and the fee",
    async run(test) {
      const request = requestTo(test);
      const before = await test.exchange.funds();
      const answer = await test.exchange.withdraw(request);
      assert.equal(answer.type, "accepted");
      assert(answer.type === "accepted");
      assert.equal(answer.discrepancy, undefined);
      assert.equal(answer.withdrawal?.clientId, request.clientId);
      await test.settle();
      assert.deepEqual(await test.arrivals(request.memo), [AMOUNT]);
      assert.equal(before.withdrawableShares - (await withdrawable(test)), AMOUNT + before.feeShares);
    },
  },
  {
    name: "what is found is what was asked for, while it is on its way and when it has ended",
    async run(test) {
      const request = requestTo(test);
      await test.exchange.withdraw(request);
      for (const state of ["pending", "completed"] as const) {
        const found = await test.exchange.find(request.clientId);
        assert(found.type === "found", `found expected, found ${found.type}`);
        assert.deepEqual(
          { ...found.withdrawal, venueId: "", venueStatus: "", txid: undefined },
          { ...request, venueId: "", venueStatus: "", txid: undefined, state },
        );
        await test.settle();
      }
    },
  },
  {
    name: "what was never asked for is absent",
    async run(test) {
      const found = await test.exchange.find(clientWithdrawalId(randomUUID()));
      assert.deepEqual(found, { type: "absent" });
    },
  },
  {
    name: "the same request again is the same withdrawal, also after it has ended",
    async run(test) {
      const request = requestTo(test);
      const first = await test.exchange.withdraw(request);
      const left = await withdrawable(test);
      const second = await test.exchange.withdraw(request);
      await test.settle();
      const third = await test.exchange.withdraw(request);
      const venueIds = [first, second, third].map((answer) => {
        assert(answer.type === "accepted", `accepted expected, found ${answer.type}`);
        assert.equal(answer.discrepancy, undefined);
        return answer.withdrawal?.venueId;
      });
      assert.equal(new Set(venueIds).size, 1);
      assert.equal(await withdrawable(test), left);
      assert.deepEqual(await test.arrivals(request.memo), [AMOUNT]);
    },
  },
  {
    name: "the same request made many times at once is one withdrawal",
    async run(test) {
      const request = requestTo(test);
      const answers = await Promise.all(Array.from({ length: 5 }, () => test.exchange.withdraw(request)));
      assert.deepEqual([...new Set(answers.map(({ type }) => type))], ["accepted"]);
      await test.settle();
      assert.deepEqual(await test.arrivals(request.memo), [AMOUNT]);
    },
  },
  {
    name: "another request under the same id is refused for good, and the first one stands",
    async run(test) {
      const request = requestTo(test);
      await test.exchange.withdraw(request);
      const left = await withdrawable(test);
      for (const change of [{ amountShares: shares(AMOUNT + 1n) }, { memo: "another" }]) {
        const answer = await test.exchange.withdraw({ ...request, ...change });
        assert.deepEqual(refusalIn(answer), { reason: "client_id_taken", permanent: true });
      }
      assert.equal(await withdrawable(test), left);
      await test.settle();
      assert.deepEqual(await test.arrivals(request.memo), [AMOUNT]);
      assert.deepEqual(await test.arrivals("another"), []);
    },
  },
  {
    name: "a lost answer is unknown, and looking finds the withdrawal, which is paid once",
    async run(test) {
      const request = requestTo(test);
      test.loseNextAnswer();
      assert.equal((await test.exchange.withdraw(request)).type, "unknown");
      assert.equal((await test.exchange.find(request.clientId)).type, "found");
      assert.equal((await test.exchange.withdraw(request)).type, "accepted");
      await test.settle();
      assert.deepEqual(await test.arrivals(request.memo), [AMOUNT]);
    },
  },
  {
    name: "a lost request is unknown too, and looking finds nothing",
    async run(test) {
      const request = requestTo(test);
      const before = await withdrawable(test);
      test.loseNextRequest();
      assert.equal((await test.exchange.withdraw(request)).type, "unknown");
      assert.deepEqual(await test.exchange.find(request.clientId), { type: "absent" });
      assert.equal(await withdrawable(test), before);
      const again = await test.exchange.withdraw(request);
      assert.equal(again.type, test.exchange.repeatable ? "accepted" : "unknown");
      await test.settle();
      assert.deepEqual(await test.arrivals(request.memo), test.exchange.repeatable ? [AMOUNT] : []);
    },
  },
  {
    name: "all that can be withdrawn can be withdrawn, and not a share more",
    async run(test) {
      const amountShares = shares(await withdrawable(test));
      const tooMuch = requestTo(test, { amountShares: shares(amountShares + 1n) });
      const refusal = refusalIn(await test.exchange.withdraw(tooMuch));
      assert.deepEqual(refusal, { reason: "insufficient_funds", permanent: false });
      assert.deepEqual(await test.exchange.find(tooMuch.clientId), { type: "absent" });
      const all = requestTo(test, { amountShares });
      assert.equal((await test.exchange.withdraw(all)).type, "accepted");
      assert.equal(await withdrawable(test), 0n);
      await test.settle();
      assert.deepEqual(await test.arrivals(all.memo), [amountShares]);
    },
  },
  {
    name: "the least amount is accepted, and a share less is not",
    async run(test) {
      const { minimumShares } = await test.exchange.funds();
      const less = requestTo(test, { amountShares: shares(minimumShares - 1n) });
      const refusal = refusalIn(await test.exchange.withdraw(less));
      assert.deepEqual(refusal, { reason: "too_small", permanent: true });
      const least = requestTo(test, { amountShares: minimumShares });
      assert.equal((await test.exchange.withdraw(least)).type, "accepted");
    },
  },
];
