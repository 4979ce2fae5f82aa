import { createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { signBittrex } from "./bittrex-calls.ts";

const credentials = { key: "the-key", secret: "the-secret" };
const timestampMs = 1_700_000_000_123;

describe("the signature", () => {
  it("of a question is over time, address with its query, method and the hash of nothing", () => {
    const url = "https://api.bittrex.com/v3/withdrawals/open?currencySymbol=BTS";
    const headers = signBittrex(credentials, { url, method: "GET", body: undefined, timestampMs });
    const hashOfNothing = createHash("sha512").update("").digest("hex");
    expect(hashOfNothing).toMatch(/^cf83e135.*7da3e$/);
    expect(headers).toEqual({
      "Api-Key": "the-key",
      "Api-Timestamp": "1700000000123",
      "Api-Content-Hash": hashOfNothing,
      "Api-Signature": createHmac("sha512", "the-secret")
        .update(
          `1700000000123https://api.bittrex.com/v3/withdrawals/open?currencySymbol=BTSGET${hashOfNothing}`,
        )
        .digest("hex"),
    });
  });

  it("of an order is over the hash of the bytes, not of the characters", () => {
    const url = "https://api.bittrex.com/v3/withdrawals";
    const text = '{"cryptoAddressTag":"café 💸"}';
    const headers = signBittrex(credentials, { url, method: "POST", body: Buffer.from(text), timestampMs });
    const hash = createHash("sha512").update(Buffer.from(text, "utf8")).digest("hex");
    expect(hash).not.toBe(createHash("sha512").update(Buffer.from(text, "latin1")).digest("hex"));
    expect(headers["Api-Content-Hash"]).toBe(hash);
    expect(headers["Api-Signature"]).toBe(
      createHmac("sha512", "the-secret").update(`1700000000123${url}POST${hash}`).digest("hex"),
    );
  });

  it("stays what it was when this was written", () => {
    const url = "https://api.bittrex.com/v3/balances/BTS";
    const headers = signBittrex(credentials, { url, method: "GET", body: undefined, timestampMs });
    expect(headers["Api-Signature"]).toBe(
      "215297b80e2fd45bd003070c913b5f5955fddb70f3af27624d04ecf5407aadd34623c74ad54545af7e3b758fa8fc3c80d837a17e7833111b0d5e11bc2987ce9a",
    );
  });
});
