import { describe, expect, it } from "vitest";
import { shares } from "./amount.ts";
import {
  btsText,
  countText,
  csvField,
  durationText,
  exactTimeText,
  jsonText,
  sharesText,
  timeText,
} from "./text.ts";

const MINUTE = 60_000;

describe("text for people", () => {
  it("groups the digits of an amount and names its unit", () => {
    expect(btsText(1_250_000n)).toBe("1,250,000 BTS");
    expect(btsText(-3_750n)).toBe("-3,750 BTS");
    expect(sharesText(shares(125_000_050_000n))).toBe("1,250,000.50000 BTS");
    expect(sharesText(shares(-100_000n))).toBe("-1 BTS");
  });

  it("writes instants in UTC, to the minute or to the second", () => {
    const ms = Date.UTC(2026, 10, 23, 14, 5, 21, 999);
    expect(timeText(ms)).toBe("2026-11-23 14:05");
    expect(exactTimeText(ms)).toBe("2026-11-23 14:05:21 UTC");
    expect(timeText(undefined)).toBe("–");
  });

  it.each([
    [0, "0 s"],
    [-5_000, "0 s"],
    [89_400, "89 s"],
    [89_500, "1 min"],
    [89 * MINUTE, "89 min"],
    [90 * MINUTE, "2 h"],
    [35 * 60 * MINUTE, "35 h"],
    [36 * 60 * MINUTE, "2 days"],
  ])("writes %i ms as %s", (ms, expected) => {
    expect(durationText(ms)).toBe(expected);
  });

  it("counts one thing and several", () => {
    expect(countText(1, "payout")).toBe("1 payout");
    expect(countText(1_200, "payout")).toBe("1,200 payouts");
  });
});

describe("text for machines", () => {
  it("keeps every digit of an amount, and says null for what is not there", () => {
    expect(jsonText({ amount: 10n ** 18n, reason: undefined })).toBe(
      '{"amount":"1000000000000000000","reason":null}',
    );
  });

  it("quotes what CSV would cut, and disarms what a spreadsheet would calculate", () => {
    expect(csvField('says "no", twice')).toBe('"says ""no"", twice"');
    expect(csvField("=1+1")).toBe("'=1+1");
    expect(csvField(-5n)).toBe("-5");
    expect(csvField(undefined)).toBe("");
  });
});
