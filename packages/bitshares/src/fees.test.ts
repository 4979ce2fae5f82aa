import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ChainError, type EncryptedMemo, pricesOfClaims } from "./chain.ts";
import { parseTransferFeeSchedule, transferFee } from "./fees.ts";

interface FeeVector {
  readonly schedule: { fee: number; price_per_kbyte: number; scale: number };
  readonly memo_utf8: string | null;
  readonly memo_ciphertext_bytes: number;
  readonly required_core_fee: string;
}
const vectors = JSON.parse(
  readFileSync(new URL("../../testkit/src/fixtures/bitshares-vectors.json", import.meta.url), "utf8"),
) as {
  fees: FeeVector[];
};
const samples = JSON.parse(
  readFileSync(new URL("../../testkit/src/fixtures/bitshares-wire-samples.json", import.meta.url), "utf8"),
) as {
  name: string;
  response?: { result?: unknown };
}[];
const memoOf = (bytes: number): EncryptedMemo => ({
  from: "",
  to: "",
  nonce: "1",
  messageHex: "00".repeat(bytes),
});

describe("the fee of a transfer", () => {
  it.each(vectors.fees)(
    "is $required_core_fee for $memo_ciphertext_bytes bytes of memo at $schedule.fee",
    (v) => {
      const schedule = {
        fee: BigInt(v.schedule.fee),
        pricePerKbyte: BigInt(v.schedule.price_per_kbyte),
        scale: BigInt(v.schedule.scale),
        claim: { fee: 0n, pricePerKbyte: 0n },
        maximumTimeUntilExpirationMs: 86_400_000,
      };
      const memo = v.memo_utf8 === null ? undefined : memoOf(v.memo_ciphertext_bytes);
      expect(transferFee(schedule, memo)).toBe(BigInt(v.required_core_fee));
    },
  );

  it("follows from the answer of a real node, which asks for the same", () => {
    const answer = samples.find((sample) => sample.name === "get_global_properties")?.response?.result;
    const schedule = parseTransferFeeSchedule(answer);
    expect(schedule).toEqual({
      fee: 1146n,
      pricePerKbyte: 5732n,
      scale: 10_000n,
      // The recorded schedule names a few operations only: the chain's code has a price for those that are missing.
      claim: { fee: 2_000_000n, pricePerKbyte: 10n },
      maximumTimeUntilExpirationMs: 86_400_000,
    });
    expect(
      [undefined, 16, 32, 48].map((n) => transferFee(schedule, n === undefined ? n : memoOf(n))),
    ).toEqual([1146n, 1660n, 1750n, 1840n]);
  });

  it("is that of a claim by the claim's own prices, for the same bytes of memo", () => {
    const parameters = [
      [0, { fee: 100, price_per_kbyte: 0 }],
      [27, { fee: "2000000", price_per_kbyte: 1024 }],
    ];
    const schedule = pricesOfClaims(
      parseTransferFeeSchedule({
        parameters: {
          current_fees: { parameters, scale: 20_000 },
          maximum_time_until_expiration: 86_400,
        },
      }),
    );
    expect(transferFee(schedule, undefined)).toBe(4_000_000n);
    expect(transferFee(schedule, memoOf(48))).toBe(2n * (2_000_000n + 1n + 33n + 33n + 8n + 1n + 48n));
  });

  it.each([null, [], {}, { parameters: {} }, { parameters: { current_fees: { parameters: [], scale: 1 } } }])(
    "is not read from %j",
    (answer) => expect(() => parseTransferFeeSchedule(answer)).toThrow(ChainError),
  );
});
