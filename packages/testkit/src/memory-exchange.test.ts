import { describe, expect, it } from "vitest";
import { clientWithdrawalId } from "@stakebts/core/treasury/exchange";
import { shares } from "@stakebts/kernel/amount";
import { exchangeChecks } from "./conformance/exchange.ts";
import { MemoryExchange } from "./memory-exchange.ts";

const request = {
  clientId: clientWithdrawalId("11111111-2222-4333-8444-555555555555"),
  amountShares: shares(10_000_000n),
  toAccount: "custodian",
  memo: "shortage",
};

describe("the exchange in memory", () => {
  it.each(exchangeChecks)("$name", async (check) => {
    const exchange = new MemoryExchange({ balanceShares: 500_000_000n });
    await check.run({
      exchange,
      toAccount: "custodian",
      settle: async () => exchange.settle(),
      arrivals: async (memo) =>
        exchange.withdrawals
          .filter((each) => each.memo === memo && each.state === "completed")
          .map(({ amountShares }) => amountShares),
      loseNextAnswer: () => exchange.loseAnswers(1),
      loseNextRequest: () => exchange.loseRequests(1),
    });
  });

  it("gives the money back when a withdrawal is cancelled, and keeps it when one is stuck", async () => {
    const exchange = new MemoryExchange({ balanceShares: 20_000_000n, feeShares: 1n });
    await exchange.withdraw(request);
    exchange.settle("cancelled");
    expect((await exchange.funds()).withdrawableShares).toBe(19_999_999n);
    const clientId = clientWithdrawalId("11111111-2222-4333-8444-666666666666");
    await exchange.withdraw({ ...request, clientId });
    exchange.settle("stuck");
    expect((await exchange.funds()).withdrawableShares).toBe(9_999_998n);
    expect(await exchange.find(clientId)).toMatchObject({ withdrawal: { state: "stuck" } });
  });

  it("refuses what it was told to refuse, once", async () => {
    const exchange = new MemoryExchange({ balanceShares: 20_000_000n });
    exchange.refuseNext({ reason: "account_restricted", permanent: true });
    expect(await exchange.withdraw(request)).toMatchObject({ reason: "account_restricted", permanent: true });
    exchange.closeWithdrawals(true);
    expect(await exchange.withdraw(request)).toMatchObject({
      reason: "withdrawals_closed",
      permanent: false,
    });
    exchange.closeWithdrawals(false);
    exchange.failFinds(1);
    expect(await exchange.find(request.clientId)).toMatchObject({ type: "unknown" });
    expect(await exchange.withdraw(request)).toMatchObject({ type: "accepted" });
  });

  it("pays twice when a withdrawal is repeated at a venue that does not allow it, and says so before", async () => {
    const exchange = new MemoryExchange({ balanceShares: 500_000_000n, repeatable: false });
    expect(exchange.repeatable).toBe(false);
    exchange.loseAnswers(1);
    expect((await exchange.withdraw(request)).type).toBe("unknown");
    expect(await exchange.find(request.clientId)).toMatchObject({ type: "found" });
    await exchange.withdraw(request);
    expect(exchange.withdrawals.length).toBe(2);
  });
});
