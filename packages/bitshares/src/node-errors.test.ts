import { readFileSync } from "node:fs";
import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { broadcastOutcomeOf, NodeRefusal } from "./node-errors.ts";

interface Sample {
  readonly name: string;
  readonly request?: { params?: [unknown, string, unknown[]] };
  readonly response?: { error?: unknown };
}
const samples = JSON.parse(
  readFileSync(new URL("../../testkit/src/fixtures/bitshares-wire-samples.json", import.meta.url), "utf8"),
) as Sample[];
const outcomeOf = (name: string) => {
  const sample = samples.find((s) => s.name === name);
  if (sample?.response?.error === undefined) throw new Error(`no error in sample ${name}`);
  return broadcastOutcomeOf(new NodeRefusal("ws://node", sample.response.error));
};

describe("what a real node's error says of a transaction", () => {
  it.each([
    ["error_insufficient_balance", "insufficient_balance", "retry"],
    ["error_balance_covers_amount_not_fee", "insufficient_balance", "retry"],
    ["error_fee_one_too_low", "insufficient_fee", "refuse"],
    ["error_fee_zero", "insufficient_fee", "refuse"],
    ["error_wrong_key", "missing_authority", "hold"],
    ["error_wrong_chain_id", "missing_authority", "hold"],
    ["error_no_signature", "missing_authority", "hold"],
    ["error_expired", "expired", "look"],
    ["error_duplicate_after_expiration", "expired", "look"],
    ["error_expiration_too_far", "expiration_too_far", "retry"],
    ["error_tapos_mismatch", "tapos_mismatch", "retry"],
    ["error_tapos_future_block_number", "tapos_mismatch", "retry"],
    ["error_unknown_account_to", "unknown_account", "retry"],
    ["error_unknown_account_from", "unknown_account", "retry"],
    ["error_self_transfer", "malformed", "refuse"],
    ["error_amount_zero", "malformed", "refuse"],
    ["error_fee_negative", "malformed", "refuse"],
    ["error_non_canonical_high_s", "malformed", "refuse"],
    ["error_recovery_byte_26", "malformed", "refuse"],
    ["error_two_signatures_one_needed", "malformed", "refuse"],
    ["error_memo_key_wrong_prefix", "malformed", "refuse"],
    ["error_memo_key_bad_checksum", "malformed", "refuse"],
    ["error_memo_key_not_base58", "malformed", "refuse"],
    ["error_oversize", "malformed", "refuse"],
    ["error_oversize_1MiB", "malformed", "refuse"],
    ["error_expiration_with_Z", "malformed", "refuse"],
    ["error_block_api_refused", "node_cannot_broadcast", "retry"],
    ["error_unknown_api_name", "node_cannot_broadcast", "retry"],
  ] as const)("%s is %s", (name, code, disposition) => {
    expect(outcomeOf(name)).toMatchObject({ type: "refused", code, disposition });
  });

  it.each(["duplicate_pending", "error_duplicate_included"])(
    "%s is a duplicate, which is no failure",
    (name) => {
      expect(outcomeOf(name)).toEqual({ type: "duplicate" });
    },
  );

  it("has a name of its own for every refused broadcast among the samples", () => {
    const broadcasts = samples.filter(
      ({ request, response }) =>
        request?.params?.[1] === "broadcast_transaction" && response?.error !== undefined,
    );
    expect(broadcasts.length).toBeGreaterThan(50);
    const others = broadcasts.filter(({ name }) => {
      const outcome = outcomeOf(name);
      return outcome.type === "refused" && outcome.code === "other";
    });
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  test.prop([fc.anything()])("is 'other' for an error of any other shape", (error) => {
    expect(broadcastOutcomeOf(new NodeRefusal("ws://node", error))).toMatchObject({
      type: "refused",
      code: "other",
    });
  });

  it("is quoted without what no database keeps and what moves a cursor", () => {
    const { message } = new NodeRefusal("ws://node", { message: "no\0 \u001B[2Jway\uD800" });
    expect(message).toBe("ws://node refused: no\u{FFFD} \u{FFFD}[2Jway\u{FFFD}");
  });

  it("is not misled by names that every object has", () => {
    const error = { data: { name: "constructor", stack: { 0: { format: "toString" } } } };
    expect(broadcastOutcomeOf(new NodeRefusal("ws://node", error))).toMatchObject({
      code: "other",
      disposition: "look",
    });
  });
});
