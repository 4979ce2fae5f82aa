import { fc, test } from "@stakebts/testkit/property";
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { type Shares, shares } from "@stakebts/kernel/amount";
import { clientWithdrawalId, type Exchange, type ExchangeWithdrawalRequest } from "../exchange.ts";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import {
  CUSTODIAN,
  DEPOSIT_MEMO,
  givenDevnetExchange,
  KEY,
  type DevnetExchangeSetup,
} from "./fixtures/devnet-exchange.ts";

const setups: DevnetExchangeSetup[] = [];
afterEach(async () => {
  for (const setup of setups.splice(0)) await setup.stop();
});

async function givenSetup(...options: Parameters<typeof givenDevnetExchange>): Promise<DevnetExchangeSetup> {
  const setup = await givenDevnetExchange(...options);
  setups.push(setup);
  return setup;
}

const AMOUNT = shares(30_000_001n);
const FEE = 500_000n;

function aRequest(change: Partial<ExchangeWithdrawalRequest> = {}): ExchangeWithdrawalRequest {
  const uuid = randomUUID();
  return {
    clientId: clientWithdrawalId(uuid),
    amountShares: AMOUNT,
    toAccount: CUSTODIAN,
    memo: `top-up ${uuid}`,
    ...change,
  };
}

/** That the request was carried out once, on the chain and in the venue's book. */
async function expectPaidOnce(setup: DevnetExchangeSetup, { memo, amountShares }: ExchangeWithdrawalRequest) {
  await setup.settle();
  expect(await setup.arrivals()).toEqual([{ memo, amountShares }]);
  const left = 500_000_000n - amountShares - FEE;
  expect(setup.venue.balance(KEY)).toEqual({ totalShares: left, availableShares: left });
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 500; round++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("it did not come to pass");
}

describe("a withdrawal whose outcome is not known", () => {
  it("because the venue took it and a gateway said 503, is found, and asked for again it is the same", async () => {
    const setup = await givenSetup();
    const request = aRequest();
    setup.venue.faults.failAfterAccept(1);
    expect(await setup.exchange.withdraw(request)).toMatchObject({ type: "unknown" });
    expect(await setup.exchange.find(request.clientId)).toMatchObject({ withdrawal: { state: "pending" } });
    expect(await setup.exchange.withdraw(request)).toMatchObject({
      type: "accepted",
      discrepancy: undefined,
    });
    await expectPaidOnce(setup, request);
  });

  it("because the answer came too late, is found", async () => {
    const setup = await givenSetup();
    const request = aRequest();
    const impatient = setup.client({ callDeadlineMs: 1_000 });
    await impatient.funds();
    setup.venue.faults.delayAnswersMs(60_000, { withdrawalsOnly: true });
    expect(await impatient.withdraw(request)).toMatchObject({ type: "unknown" });
    setup.venue.faults.delayAnswersMs(0);
    expect(await setup.exchange.find(request.clientId)).toMatchObject({ type: "found" });
    await expectPaidOnce(setup, request);
  });

  it("because the request came too late, is absent at first, and later the same withdrawal as a second one", async () => {
    const setup = await givenSetup();
    const request = aRequest();
    const impatient = setup.client({ callDeadlineMs: 1_000 });
    await impatient.funds();
    setup.venue.faults.delayRequestsMs(3_000, { withdrawalsOnly: true });
    expect(await impatient.withdraw(request)).toMatchObject({ type: "unknown" });
    expect(await impatient.find(request.clientId)).toEqual({ type: "absent" });
    setup.venue.faults.delayRequestsMs(0);
    expect(await setup.exchange.withdraw(request)).toMatchObject({ type: "accepted" });
    await eventually(() => setup.venue.delayed === 0);
    expect(setup.venue.withdrawals()).toHaveLength(1);
    await expectPaidOnce(setup, request);
  });

  it("because the venue fell silent, is absent while nothing was taken", async () => {
    const setup = await givenSetup();
    const request = aRequest();
    const impatient = setup.client({ callDeadlineMs: 1_000 });
    await impatient.funds();
    setup.venue.faults.freeze(true);
    expect(await impatient.find(request.clientId)).toMatchObject({ type: "unknown" });
    setup.venue.faults.freeze(false);
    expect(await impatient.find(request.clientId)).toEqual({ type: "absent" });
  });

  it("because the connection broke under it, is looked for over a new one", async () => {
    const setup = await givenSetup();
    const request = aRequest();
    await setup.exchange.funds();
    setup.venue.faults.refuseConnections(true);
    expect((await setup.exchange.withdraw(request)).type).toBe("refused"); // broke before the order, at the fee
    expect(await setup.exchange.find(request.clientId)).toMatchObject({ type: "unknown" });
    setup.venue.faults.refuseConnections(false);
    expect(await setup.exchange.find(request.clientId)).toEqual({ type: "absent" });
    expect(await setup.exchange.withdraw(request)).toMatchObject({ type: "accepted" });
    await expectPaidOnce(setup, request);
  });
});

describe("a venue that refuses", () => {
  it("because of too many calls, is left alone for the rest of its minute and then asked again", async () => {
    const clock = new ManualClock(Date.now());
    const setup = await givenSetup({ timestampToleranceMs: 3_600_000 }, { clock });
    const request = aRequest();
    setup.venue.faults.answerNext({ status: 429, code: "THROTTLED", withdrawalsOnly: true });
    const throttled = { type: "refused", reason: "throttled", permanent: false };
    expect(await setup.exchange.withdraw(request)).toMatchObject(throttled);
    expect(await setup.exchange.withdraw(request)).toMatchObject(throttled);
    await expect(setup.exchange.funds()).rejects.toMatchObject({ code: "throttled" });
    clock.advance(60_000);
    expect(await setup.exchange.withdraw(request)).toMatchObject({ type: "accepted" });
    await expectPaidOnce(setup, request);
  });

  it("is never asked more often than it allows", async () => {
    const clock = new ManualClock(Date.now());
    const setup = await givenSetup({ callsPerMinute: 12 }, { clock, callsPerMinute: 10 });
    for (let call = 0; call < 5; call++) await setup.exchange.funds();
    expect(clock.nowMs() - Date.now()).toBeLessThan(70_000);
    expect(clock.nowMs() - Date.now()).toBeGreaterThan(50_000);
  });

  it("while its wallet is closed, says so, and pays when it is open again", async () => {
    const setup = await givenSetup();
    const request = aRequest();
    setup.venue.faults.closeCurrency(true);
    expect((await setup.exchange.funds()).withdrawalsOpen).toBe(false);
    expect(await setup.exchange.withdraw(request)).toMatchObject({
      reason: "withdrawals_closed",
      permanent: false,
    });
    setup.venue.faults.closeCurrency(false);
    expect((await setup.exchange.funds()).withdrawalsOpen).toBe(true);
    expect(await setup.exchange.withdraw(request)).toMatchObject({ type: "accepted" });
    await expectPaidOnce(setup, request);
  });

  it("an address that is not on its list, refuses for good", async () => {
    const account = { key: KEY, secret: "s", depositMemo: "tag", balanceShares: 500_000_000n };
    const setup = await givenSetup(
      { accounts: [{ ...account, allowedAddresses: [CUSTODIAN] }] },
      { secret: "s" },
    );
    const stranger = aRequest({ toAccount: "another-account" });
    expect(await setup.exchange.withdraw(stranger)).toMatchObject({
      reason: "address_not_allowed",
      permanent: true,
    });
    const request = aRequest();
    expect(await setup.exchange.withdraw(request)).toMatchObject({ type: "accepted" });
    await expectPaidOnce(setup, request);
  });

  it("a key that may not withdraw or a signature with another secret, refuses for good", async () => {
    const account = {
      key: KEY,
      secret: "s",
      depositMemo: "tag",
      balanceShares: 500_000_000n,
      mayWithdraw: false,
    };
    const setup = await givenSetup({ accounts: [account] }, { secret: "s" });
    const refused = { type: "refused", reason: "credentials", permanent: true };
    expect(await setup.exchange.withdraw(aRequest())).toMatchObject(refused);
    expect(await setup.client({ secret: "other" }).withdraw(aRequest())).toMatchObject(refused);
    expect(await setup.client({ key: "other" }).withdraw(aRequest())).toMatchObject(refused);
  });
});

describe("the state of a withdrawal", () => {
  it("is pending for as long as the venue takes, and completed only when it was sent", async () => {
    const setup = await givenSetup();
    const request = aRequest();
    await setup.exchange.withdraw(request);
    setup.venue.faults.holdWithdrawals(true);
    for (let round = 0; round < 5; round++) await setup.venue.advance();
    expect(await setup.exchange.find(request.clientId)).toMatchObject({
      withdrawal: { state: "pending", venueStatus: "REQUESTED" },
    });
    setup.venue.faults.holdWithdrawals(false);
    for (const venueStatus of ["AUTHORIZED", "PENDING", "PENDING"]) {
      await setup.venue.advance();
      expect(await setup.exchange.find(request.clientId)).toMatchObject({
        withdrawal: { state: "pending", venueStatus },
      });
    }
    await expectPaidOnce(setup, request);
    const found = await setup.exchange.find(request.clientId);
    expect(found).toMatchObject({
      withdrawal: { state: "completed", txid: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
  });

  it("is stuck, its money reserved, when the chain has no such account", async () => {
    const setup = await givenSetup();
    const request = aRequest({ toAccount: "no-such-account" });
    expect(await setup.exchange.withdraw(request)).toMatchObject({ type: "accepted" });
    await setup.settle();
    expect(await setup.exchange.find(request.clientId)).toMatchObject({ withdrawal: { state: "stuck" } });
    expect(setup.venue.balance(KEY).availableShares).toBe(500_000_000n - AMOUNT - FEE);
  });

  it("comes to its end although the venue's node goes away in the middle", async () => {
    const setup = await givenSetup();
    const request = aRequest();
    await setup.exchange.withdraw(request);
    const [node] = setup.devnet.nodes;
    await setup.venue.advance();
    node?.faults.dropReplyAfterAccept(1);
    await setup.venue.advance();
    node?.faults.disconnectAll();
    await eventually(async () => {
      await setup.venue.advance();
      await setup.devnet.produce();
      return setup.statusOf(request.clientId) === "COMPLETED";
    });
    await expectPaidOnce(setup, request);
  });
});

it("works with a host's clock that is hours off", async () => {
  for (const offMs of [-5 * 3_600_000, 7 * 3_600_000]) {
    const clock = new ManualClock(Date.now() + offMs);
    const setup = await givenSetup({}, { clock });
    const request = aRequest();
    expect(await setup.exchange.withdraw(request)).toMatchObject({ type: "accepted" });
    await expectPaidOnce(setup, request);
  }
});

it("works again, by itself, after the host's clock was set wrong for a while", async () => {
  const clock = new ManualClock(Date.now());
  const setup = await givenSetup({}, { clock });
  await setup.exchange.funds();
  clock.advance(15 * 60_000);
  const refused = { type: "refused", reason: "credentials", permanent: false };
  expect(await setup.exchange.withdraw(aRequest())).toMatchObject(refused);
  const request = aRequest();
  expect(await setup.exchange.withdraw(request)).toMatchObject({ type: "accepted" });
  await expectPaidOnce(setup, request);
});

it("a deposit with the account's memo is there to be withdrawn", async () => {
  const setup = await givenSetup();
  const wallet = setup.wallet(CUSTODIAN);
  await wallet.transfer({ to: "bittrex-deposit", amountShares: 1_234_567n, memo: DEPOSIT_MEMO });
  await wallet.transfer({ to: "bittrex-deposit", amountShares: 5n, memo: "unknown" });
  await setup.devnet.produce(10);
  await eventually(() => setup.venue.unmatchedDeposits.length > 0);
  expect(setup.venue.unmatchedDeposits).toEqual([{ memo: "unknown", amountShares: 5n }]);
  expect((await setup.exchange.funds()).withdrawableShares).toBe(500_000_000n + 1_234_567n - FEE);
});

const FAULTS = [
  "none",
  "lost answer",
  "503 after acceptance",
  "502 before",
  "429",
  "cut",
  "409 of money",
  "closed",
  "silence",
] as const;
type Fault = (typeof FAULTS)[number];

function cause(setup: DevnetExchangeSetup, fault: Fault): void {
  const { faults } = setup.venue;
  faults.closeCurrency(fault === "closed");
  faults.freeze(fault === "silence");
  if (fault === "lost answer") faults.dropAnswersAfterAccept(1);
  if (fault === "503 after acceptance") faults.failAfterAccept(1);
  if (fault === "502 before") faults.answerNext({ status: 502, withdrawalsOnly: true });
  if (fault === "429") faults.answerNext({ status: 429, code: "THROTTLED" });
  if (fault === "cut") faults.dropRequests(1);
  if (fault === "409 of money")
    faults.answerNext({ status: 409, code: "INSUFFICIENT_FUNDS", withdrawalsOnly: true });
}

/** One attempt of a caller that follows the port: an unknown outcome is looked for before anything is asked again. */
async function attempt(
  exchange: Exchange,
  request: ExchangeWithdrawalRequest,
  doubt: { unknown: boolean },
): Promise<boolean> {
  if (doubt.unknown) {
    const found = await exchange.find(request.clientId);
    if (found.type === "found") return true;
    if (found.type === "unknown") return false;
  }
  const answer = await exchange.withdraw(request);
  if (answer.type === "unknown") doubt.unknown = true;
  return answer.type === "accepted";
}

describe("no matter what the venue does", () => {
  test.prop(
    [
      fc.array(
        fc.record({
          amount: fc.bigInt({ min: 1_000_001n, max: 20_000_000n }),
          faults: fc.array(fc.constantFrom(...FAULTS), { maxLength: 6 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    ],
    { numRuns: 12 },
  )(
    "what was needed is what was requested and what arrives, once each",
    async (needs) => {
      const clock = new ManualClock(Date.now());
      const tolerant = { timestampToleranceMs: Number.MAX_SAFE_INTEGER };
      const setup = await givenSetup(tolerant, { clock, callDeadlineMs: 100 });
      const requests = needs.map(({ amount }) => aRequest({ amountShares: shares(amount) }));
      for (const [i, request] of requests.entries()) {
        const doubt = { unknown: false };
        for (const fault of needs[i]?.faults ?? []) {
          cause(setup, fault);
          if (await attempt(setup.exchange, request, doubt)) break;
          clock.advance(16 * 60_000); // longer than any back-off
        }
        cause(setup, "none");
        await eventually(async () => {
          clock.advance(16 * 60_000);
          return attempt(setup.exchange, request, doubt);
        });
      }
      await setup.settle();
      const byMemo = (a: { memo: string }, b: { memo: string }) => (a.memo < b.memo ? -1 : 1);
      const needed = requests.map(({ memo, amountShares }) => ({ memo, amountShares }));
      expect((await setup.arrivals()).toSorted(byMemo)).toEqual(needed.toSorted(byMemo));
      const sum = (list: readonly { amountShares: Shares }[]) =>
        list.reduce((total, { amountShares }) => total + amountShares, 0n);
      const taken = setup.venue.withdrawals().reduce((total, each) => total + each.quantityShares, 0n);
      expect(taken).toBe(sum(needed) + FEE * BigInt(needed.length));
      expect(setup.venue.balance(KEY).availableShares).toBe(500_000_000n - taken);
      await setup.stop();
      setups.splice(0);
    },
    120_000,
  );
});
