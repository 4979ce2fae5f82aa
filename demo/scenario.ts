/** One transfer that a nominator sends to the custodian in the demo. */
export interface Sending {
  readonly from: string;
  readonly amountBts: bigint;
  readonly memo?: string;
  /** What happens to it, in words, for the screen. */
  readonly story: string;
  readonly expect: Expectation;
}

/** What the sender gets back, worked out here by hand from the published rules, not by the product's own code. */
export type Expectation =
  | { readonly type: "agreement"; readonly months: number }
  | { readonly type: "refund"; readonly backBts: bigint }
  | { readonly type: "kept" };

export const DAY_SECONDS = 86_400;
export const MONTH_SECONDS = 30 * DAY_SECONDS;

export const SENDINGS: readonly Sending[] = [
  {
    from: "nominator-1",
    amountBts: 50_000n,
    memo: '{"type":"three_months"}',
    story: "three months, as JSON",
    expect: { type: "agreement", months: 3 },
  },
  {
    from: "nominator-2",
    amountBts: 100_000n,
    memo: "six_months",
    story: "six months, as bare text",
    expect: { type: "agreement", months: 6 },
  },
  {
    from: "nominator-2",
    amountBts: 25_000n,
    memo: "three_months\n",
    story: "a second agreement by the same account, with a line break behind the memo",
    expect: { type: "agreement", months: 3 },
  },
  {
    from: "nominator-3",
    amountBts: 250_000n,
    memo: "twelve_months",
    story: "twelve months",
    expect: { type: "agreement", months: 12 },
  },
  {
    from: "nominator-4",
    amountBts: 25_000n,
    memo: '"si x_ mon ths"',
    story: "a silly error in the memo, forgiven",
    expect: { type: "agreement", months: 6 },
  },
  {
    from: "nominator-5",
    amountBts: 200_000n,
    memo: "twelve_months",
    story: "twelve months, to be stopped early",
    expect: { type: "agreement", months: 12 },
  },
  {
    from: "nominator-6",
    amountBts: 25_000n,
    memo: "seven_months",
    story: "a memo that is no request: back less the fee of 50 BTS",
    expect: { type: "refund", backBts: 24_950n },
  },
  {
    from: "nominator-6",
    amountBts: 99n,
    memo: "six_months",
    story: "an amount that is not accepted: back less the fee",
    expect: { type: "refund", backBts: 49n },
  },
  {
    from: "nominator-6",
    amountBts: 60n,
    story: "no memo, and too small for a refund after the fee",
    expect: { type: "kept" },
  },
];

/** The early exit: who, when after the start, and what travels with the request and has to come back. */
export const STOP = { from: "nominator-5", afterSeconds: 75 * DAY_SECONDS, carriesBts: 5n } as const;

/** 8 % a month, whole BTS. */
const monthlyReward = (amountBts: bigint): bigint => (amountBts * 8n) / 100n;

/** What an agreement pays in all: 1 BTS of confirmation, every reward, and the amount. */
export const fullTermBts = (amountBts: bigint, months: number): bigint =>
  1n + BigInt(months) * monthlyReward(amountBts) + amountBts;

/** What an agreement pays that is stopped after so many full months: 15 % of the amount stay behind. */
export const stoppedBts = (amountBts: bigint, fullMonths: number): bigint =>
  1n + BigInt(fullMonths) * monthlyReward(amountBts) + amountBts - (amountBts * 15n) / 100n;
