import { afterEach, describe, it } from "vitest";
import { shares } from "@stakebts/kernel/amount";
import { exchangeChecks } from "@stakebts/testkit/conformance/exchange";
import { type CcxtVenue, givenCcxtVenue } from "./fixtures/ccxt-bench.ts";

let setup: CcxtVenue | undefined;
afterEach(async () => {
  await setup?.stop();
});

describe.each(["htx", "mexc", "gate"] as const)("%s through ccxt, over HTTP", (venue) => {
  it.each(exchangeChecks)("$name", async (check) => {
    const { exchange, book, faults } = (setup = await givenCcxtVenue(venue));
    await check.run({
      exchange,
      toAccount: "custodian",
      settle: async () => book.settle(),
      arrivals: async (memo) => book.arrivals(memo).map(shares),
      loseNextAnswer: () => faults.push({ type: "lose_answer" }),
      loseNextRequest: () => faults.push({ type: "lose_request" }),
    });
  });
});
