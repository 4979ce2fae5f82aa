import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { readV24Receipts, withoutSecrets } from "./import-v24.ts";

describe("a receipt of v2.4", () => {
  it("keeps its text and its name, also among equal ones", () => {
    const row = { nonce: 1, now: 2, msg: '{"type":"reward","amount":2000}' };
    const [first, second] = readV24Receipts([row, row]);
    expect(first).toMatchObject({
      event: "v24.receipt",
      details: { nonce: 1, nowMs: 2, kind: "reward", text: row.msg },
    });
    expect(second?.subject).not.toBe(first?.subject);
    expect(readV24Receipts([row, row, { ...row, now: 3 }]).slice(0, 2)).toEqual([first, second]);
  });

  it.each([
    ["5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3", "(hidden)"],
    ["key 0123456789ABCDEF0123456789abcdef used", "key (hidden) used"],
    ["{'password': 'correct horse', 'amount': 5}", "{'password': '(hidden) horse', 'amount': 5}"],
    [
      '{"api_key":"abc","txid":"0123456789012345678901234567890123456789"}',
      '{"api_key":"(hidden)","txid":"0123456789012345678901234567890123456789"}',
    ],
  ])("has no secret: %s", (text, safe) => {
    expect(withoutSecrets(text)).toBe(safe);
  });

  test.prop([
    fc.array(fc.dictionary(fc.constantFrom("nonce", "now", "msg"), fc.anything()), { maxLength: 5 }),
  ])("with any content, is one receipt", (rows) => {
    const receipts = readV24Receipts(rows);
    expect(receipts).toHaveLength(rows.length);
    expect(new Set(receipts.map(({ subject }) => subject)).size).toBe(rows.length);
  });
});
