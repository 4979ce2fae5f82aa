import { afterEach, describe, it } from "vitest";
import { exchangeChecks } from "@stakebts/testkit/conformance/exchange";
import { CUSTODIAN, givenDevnetExchange, type DevnetExchangeSetup } from "./fixtures/devnet-exchange.ts";

let setup: DevnetExchangeSetup | undefined;
afterEach(async () => {
  await setup?.stop();
});

describe("Bittrex v3 over HTTP, paying out on a chain", () => {
  it.each(exchangeChecks)("$name", async (check) => {
    const given = (setup = await givenDevnetExchange());
    await check.run({
      exchange: given.exchange,
      toAccount: CUSTODIAN,
      settle: () => given.settle(),
      arrivals: async (memo) =>
        (await given.arrivals()).filter((each) => each.memo === memo).map(({ amountShares }) => amountShares),
      loseNextAnswer: () => given.venue.faults.dropAnswersAfterAccept(1),
      loseNextRequest: () => given.venue.faults.answerNext({ status: 502, withdrawalsOnly: true }),
    });
  });
});
