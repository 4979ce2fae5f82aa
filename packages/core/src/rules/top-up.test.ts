import { TOP_UP_MOVES } from "@stakebts/testkit/twins/moves";
import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { bts, shares, SHARES_PER_BTS, type Shares } from "@stakebts/kernel/amount";
import {
  type SourceFunds,
  decideTopUp,
  type ExpectedTopUp,
  TOP_UP_STATUSES,
  topUpCompletedBy,
  type TopUpId,
  type TopUpSourceNumber,
} from "./top-up.ts";
import { DEFAULT_POLICY } from "./policy.ts";

const inShares = (amount: number): Shares => shares(BigInt(Math.round(amount * 100_000)));
const source = (number: TopUpSourceNumber, available: number, minimum = 10.00001): SourceFunds => ({
  source: number,
  withdrawableShares: inShares(available),
  minimumShares: inShares(minimum),
});
const decided = (given: {
  needs: readonly number[];
  spendable?: number;
  expected?: number;
  sources: readonly SourceFunds[];
}) =>
  decideTopUp(
    {
      needs: given.needs.map(inShares),
      spendableShares: inShares(given.spendable ?? 0),
      expectedShares: inShares(given.expected ?? 0),
      sources: given.sources,
    },
    DEFAULT_POLICY,
  ).map(({ source: number, amount }) => [number, Number(amount)]);

describe("shortage", () => {
  it("is what all waiting payouts lack together, from the first source that has it", () => {
    const sources = [source(1, 10_000), source(2, 10_000)];
    expect(decided({ needs: [1_000, 1_000, 1_000], sources })).toEqual([[1, 3_000]]);
    expect(decided({ needs: [1_000, 1_000, 1_000], spendable: 400, sources })).toEqual([[1, 2_600]]);
  });

  it("is rounded up to whole BTS: a share too little pays no debt", () => {
    expect(decided({ needs: [1_000.86869], sources: [source(1, 10_000)] })).toEqual([[1, 1_001]]);
  });

  it("goes on with the next source where one does not suffice, the reserve first", () => {
    const sources = [source(0, 1_010), source(1, 610), source(3, 2_000)];
    expect(decided({ needs: [3_000], sources })).toEqual([
      [0, 1_000],
      [1, 600],
      [3, 1_400],
    ]);
  });

  it("asks for what a request costs the wallet too, or it would be short of that again and again", () => {
    const drawn = (available: number) => ({ ...source(0, available), walletFeeShares: inShares(0.95) });
    expect(decided({ needs: [1_000], sources: [drawn(10_000)] })).toEqual([[0, 1_001]]);
    // 1 000 drawn bring 999: the exchange has to help with 1, and sends no less than 10.00001.
    expect(decided({ needs: [1_000], sources: [drawn(1_010), source(1, 10_000)] })).toEqual([
      [0, 1_000],
      [1, 11],
    ]);
    expect(decided({ needs: [1_000], sources: [drawn(1_010)] })).toEqual([]);
  });

  it("leaves a source alone that has 510 BTS or less, and 10 BTS in each other", () => {
    expect(decided({ needs: [100], sources: [source(1, 510.99999)] })).toEqual([]);
    expect(decided({ needs: [100], sources: [source(1, 511)] })).toEqual([[1, 100]]);
    expect(decided({ needs: [501], sources: [source(1, 511)] })).toEqual([[1, 501]]);
    expect(decided({ needs: [502], sources: [source(1, 511)] })).toEqual([]);
  });

  it("is for the oldest payouts that can be paid whole when not all can", () => {
    const sources = [source(1, 2_510)];
    expect(decided({ needs: [1_000, 1_000, 1_000], sources })).toEqual([[1, 2_000]]);
    expect(decided({ needs: [5_000, 1_000], sources })).toEqual([]);
  });

  it("counts what is on its way", () => {
    const sources = [source(2, 10_000)];
    expect(decided({ needs: [1_000, 1_000], expected: 1_500, sources })).toEqual([[2, 500]]);
    expect(decided({ needs: [1_000, 1_000], expected: 2_000, sources })).toEqual([]);
  });

  it("also restores what has to stay in the hot wallet", () => {
    expect(decided({ needs: [1_000], spendable: -60, sources: [source(1, 10_000)] })).toEqual([[1, 1_060]]);
  });

  it("is not asked for below what the venue sends", () => {
    expect(decided({ needs: [3], sources: [source(1, 1_000, 10.00001)] })).toEqual([[1, 11]]);
  });

  const amounts = fc.bigInt({ min: 0n, max: 10n ** 12n }).map(shares);
  const worlds = fc.record({
    needs: fc.array(fc.bigInt({ min: 1n, max: 10n ** 11n }).map(shares), { maxLength: 12 }),
    spendableShares: fc.bigInt({ min: -(10n ** 8n), max: 10n ** 11n }).map(shares),
    expectedShares: amounts,
    sources: fc
      .uniqueArray(
        fc.record({
          source: fc.constantFrom<TopUpSourceNumber>(0, 1, 2, 3),
          withdrawableShares: amounts,
          minimumShares: fc.bigInt({ min: 1n, max: 5_000_000n }).map(shares),
        }),
        { selector: (each) => each.source },
      )
      .map((sources) => sources.toSorted((a, b) => a.source - b.source)),
  });
  test.prop([worlds])(
    "takes from no source more than it has, nor more in all than is missing and the least of a venue",
    (world) => {
      const requests = decideTopUp(world, DEFAULT_POLICY);
      const missing =
        world.needs.reduce((sum, need) => sum + need, 0n) - world.spendableShares - world.expectedShares;
      const asked = requests.reduce((sum, { amount }) => sum + amount * SHARES_PER_BTS, 0n);
      const least = world.sources.reduce(
        (most, each) => (each.minimumShares > most ? each.minimumShares : most),
        0n as bigint,
      );
      if (requests.length > 0)
        expect(asked).toBeLessThan((missing > least ? missing : least) + least + 2n * SHARES_PER_BTS);
      for (const { source: number, amount } of requests) {
        const from = world.sources.find((each) => each.source === number);
        expect(amount * SHARES_PER_BTS).toBeLessThanOrEqual(
          (from?.withdrawableShares ?? 0n) - 10n * SHARES_PER_BTS,
        );
        expect(amount * SHARES_PER_BTS).toBeGreaterThanOrEqual(from?.minimumShares ?? 0n);
      }
      expect(new Set(requests.map((request) => request.source)).size).toBe(requests.length);
    },
  );

  test.prop([worlds])(
    "that is asked for pays at least the oldest payout, and what it pays it pays whole",
    (world) => {
      const requests = decideTopUp(world, DEFAULT_POLICY);
      fc.pre(requests.length > 0);
      const asked = requests.reduce((sum, { amount }) => sum + amount * SHARES_PER_BTS, 0n);
      expect(world.spendableShares + world.expectedShares + asked).toBeGreaterThanOrEqual(
        world.needs[0] ?? 0n,
      );
    },
  );
});

describe("money that arrives", () => {
  const topUp = (given: Partial<ExpectedTopUp> & { readonly id: TopUpId }): ExpectedTopUp => ({
    kind: "shortage",
    source: 1,
    amount: bts(1_000n),
    memo: `top-up:${given.id}`,
    status: "accepted",
    txid: undefined,
    ...given,
  });
  const [a, b] = ["a", "b"] as [TopUpId, TopUpId];
  const arrival = (given: { sender?: string; amount?: Shares; txid?: string; memoText?: string }) => ({
    sender: "bittrex-deposit",
    amount: inShares(1_000),
    txid: undefined,
    memoText: undefined,
    ...given,
  });
  const completed = (given: Parameters<typeof arrival>[0], expected: readonly ExpectedTopUp[]) =>
    topUpCompletedBy(arrival(given), expected, ["bittrex-deposit"])?.id;

  it("completes the request that its memo names, of any sender and any amount", () => {
    const expected = [topUp({ id: a }), topUp({ id: b })];
    expect(
      completed({ memoText: "top-up:b", sender: "some-hot-wallet", amount: inShares(999) }, expected),
    ).toBe(b);
  });

  it("completes the request whose transaction it is", () => {
    const expected = [topUp({ id: a }), topUp({ id: b, txid: "ff" })];
    expect(completed({ txid: "ff", sender: "some-hot-wallet" }, expected)).toBe(b);
  });

  it("without a name completes the oldest open request of its amount, if an exchange account sends it", () => {
    const expected = [topUp({ id: a, kind: "admin", memo: "loan_to_bmg" }), topUp({ id: b })];
    expect(completed({}, expected)).toBe(a);
    expect(completed({ sender: "nominator-a" }, expected)).toBeUndefined();
    expect(completed({ amount: inShares(1_000.00001) }, expected)).toBeUndefined();
  });

  it("of a stranger with the memo of a manager's order completes nothing", () => {
    const expected = [topUp({ id: a, kind: "admin", memo: "loan_to_bmg" })];
    expect(completed({ sender: "nominator-a", memoText: "loan_to_bmg" }, expected)).toBeUndefined();
    expect(completed({ memoText: "loan_to_bmg" }, expected)).toBe(a);
  });

  it("is not guessed to be of a request that has ended, but by name it is", () => {
    const expected = [topUp({ id: a, status: "refused" })];
    expect(completed({}, expected)).toBeUndefined();
    expect(completed({ memoText: "top-up:a" }, expected)).toBe(a);
  });

  it("is the reserve's only by name: what it sends was signed here", () => {
    expect(completed({}, [topUp({ id: a, source: 0, txid: "ee" })])).toBeUndefined();
    expect(completed({ txid: "ee" }, [topUp({ id: a, source: 0, txid: "ee" })])).toBe(a);
  });
});

describe("a request for funds", () => {
  it("can be seen to arrive from wherever it stands, and goes nowhere from there", () => {
    for (const status of TOP_UP_STATUSES)
      expect(TOP_UP_MOVES[status].includes("arrived"), status).toBe(status !== "arrived");
    expect(TOP_UP_MOVES.arrived).toEqual([]);
  });
});
