import { readFileSync } from "node:fs";
import type { BroadcastOutcome, BroadcastRefusal } from "@stakebts/bitshares/chain";
import { broadcastOutcomeOf, NodeRefusal } from "@stakebts/bitshares/node-errors";
import { operation, refundOf, withdrawalFor } from "@stakebts/testkit/given";
import { saveWithdrawal } from "@stakebts/testkit/one-payout";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { MemoryLedger } from "@stakebts/testkit/memory-ledger";
import { passRecoveryHold } from "@stakebts/testkit/pass-recovery-hold";
import { describe, expect, it } from "vitest";
import { CommonCauses, type Concern, concernOf } from "./common-cause.ts";

/** Why this one has to wait, if it does. */
async function whyNot(causes: CommonCauses, payout: Parameters<CommonCauses["choose"]>[0][number]) {
  const { mayGo, why } = await causes.choose([payout]);
  return mayGo.has(payout.id) ? undefined : why;
}

interface Sample {
  readonly name: string;
  readonly response?: { readonly error?: unknown };
}
const SAMPLES = JSON.parse(
  readFileSync(new URL("../../../testkit/src/fixtures/bitshares-wire-samples.json", import.meta.url), "utf8"),
) as readonly Sample[];

function recorded(name: string): Extract<BroadcastOutcome, { type: "refused" }> {
  const error = SAMPLES.find((sample) => sample.name === name)?.response?.error;
  const outcome = broadcastOutcomeOf(new NodeRefusal("node", error));
  if (error === undefined || outcome.type !== "refused") throw new Error(`${name} is no recorded refusal`);
  return outcome;
}

describe("whom a refusal concerns", () => {
  it.each<[string, Concern]>([
    ["error_wrong_key", "everyone"],
    ["error_wrong_chain_id", "everyone"],
    ["error_no_signature", "everyone"],
    ["error_fee_one_too_low", "everyone"],
    ["error_fee_zero", "everyone"],
    ["error_expired", "moment"],
    ["error_duplicate_after_expiration", "moment"],
    ["error_expiration_too_far", "everyone"],
    ["error_tapos_mismatch", "everyone"],
    ["error_tapos_future_block_number", "everyone"],
    ["error_block_api_refused", "everyone"],
    ["error_unknown_api_name", "everyone"],
    ["error_insufficient_balance", "funds"],
    ["error_balance_covers_amount_not_fee", "funds"],
    ["error_unknown_account_to", "unclear"],
    ["error_unknown_account_from", "unclear"],
    ["error_amount_zero", "unclear"],
    ["error_self_transfer", "unclear"],
    ["error_non_canonical_high_s", "unclear"],
    ["error_recovery_byte_26", "unclear"],
    ["error_two_signatures_one_needed", "unclear"],
    ["error_memo_key_bad_checksum", "unclear"],
    ["error_oversize", "unclear"],
  ])("%s, as a real node said it: %s", (name, concern) => {
    expect(concernOf(recorded(name).code, { isAnswered: false })).toBe(concern);
  });

  it("is not known when bytes that a node has answered before are called expired: they may be in a block", () => {
    expect(concernOf("expired", { isAnswered: true })).toBe("unknown");
  });
});

const MINUTE_MS = 60_000;
const FIRST = { isFirst: true, isAnswered: false };
const refused = (code: BroadcastRefusal): BroadcastOutcome => ({
  type: "refused",
  code,
  disposition: "look",
  message: "no",
});

/** Payouts of as many payees, all of them due. */
async function situation(count = 3) {
  const clock = new ManualClock(1_000_000);
  const ledger = new MemoryLedger(clock);
  await passRecoveryHold(ledger);
  const writerEpoch = await ledger.control.startWriterEpoch();
  const payouts = Array.from({ length: count }, (_, n) =>
    refundOf(operation(10 + n), { payee: `nominator-${n + 1}` }),
  );
  await ledger.transaction((tx) => tx.payouts.insert(payouts));
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const causes = new CommonCauses({ ledger, clock, log });
  return {
    clock,
    ledger,
    causes,
    payouts: payouts as [(typeof payouts)[0], (typeof payouts)[0], (typeof payouts)[0]],
    events: () => ledger.contents.receipts.map(({ event }) => event),
    /** Signed and saved. */
    sign: async (payout: (typeof payouts)[0], name: string) => {
      await saveWithdrawal(ledger, withdrawalFor(payout, name, { writerEpoch }));
      causes.signed(payout);
    },
    end: async (payout: (typeof payouts)[0], name: string) => {
      await ledger.transaction(async (tx) => {
        await tx.withdrawals.expire([withdrawalFor(payout, name).id]);
        await tx.payouts.endAttempts([{ id: payout.id, to: "ready", counts: false, reason: "refused" }]);
      });
    },
  };
}

describe("a cause that concerns everyone", () => {
  it("lets one payment be tried at a time, each after a longer while", async () => {
    const { causes, payouts, clock, events, sign, end } = await situation();
    const [first, second, third] = payouts;
    await sign(first, "a");
    expect(await causes.heard(first, refused("missing_authority"), FIRST)).toBe("missing_authority");
    expect(events()).toEqual(["payer.paused"]);
    // The first is on its way: however long that takes, nothing else is signed.
    clock.advance(60 * MINUTE_MS);
    expect(await whyNot(causes, second)).toContain("missing_authority");
    await end(first, "a");
    expect(await whyNot(causes, second)).toBeUndefined();
    await sign(second, "b");
    expect(await whyNot(causes, third)).toContain(second.key);
    await causes.heard(second, refused("missing_authority"), FIRST);
    await end(second, "b");
    expect(await whyNot(causes, third)).toContain("one payment is tried from time to time");
    clock.advance(10_000);
    expect(await whyNot(causes, third)).toBeDefined();
    clock.advance(10_000);
    expect(await whyNot(causes, third)).toBeUndefined();
    // A clock that was set back keeps no payee waiting.
    clock.advance(-3_600_000);
    expect(await whyNot(causes, third)).toBeUndefined();
    expect(events()).toEqual(["payer.paused"]);
  });

  it("lets one of many be tried, the first whose payee was not refused already", async () => {
    const { causes, payouts, clock, sign, end } = await situation();
    const [first, second, third] = payouts;
    expect([...(await causes.choose(payouts)).mayGo]).toHaveLength(3);
    await sign(first, "a");
    await causes.heard(first, refused("missing_authority"), FIRST);
    await end(first, "a");
    clock.advance(MINUTE_MS);
    expect(await causes.choose([first, second, third])).toMatchObject({
      mayGo: new Set([second.id]),
      why: expect.stringContaining("one payment is tried") as string,
    });
  });

  it("is over when a final block holds the payment that was tried, and not when a node says that it took it", async () => {
    const { causes, payouts, ledger, events, sign } = await situation();
    const [first, second] = payouts;
    await sign(first, "a");
    await causes.heard(first, refused("insufficient_fee"), FIRST);
    expect(
      await causes.heard(first, { type: "accepted" }, { isFirst: false, isAnswered: true }),
    ).toBeUndefined();
    expect(await whyNot(causes, second)).toBeDefined();
    (ledger.contents.payouts as Map<unknown, unknown>).set(first.id, {
      ...ledger.contents.payouts.get(first.id),
      status: "confirmed",
    });
    expect(await whyNot(causes, second)).toBeUndefined();
    expect(events()).toEqual(["payer.paused", "payer.resumed"]);
  });

  it("is one that two payees meet one after the other, and not one that one payee meets again and again", async () => {
    const { causes, payouts, events } = await situation();
    const [first, second, third] = payouts;
    // While no other payee is paid, it is open whose fault it is, and the refusal does not count.
    for (let i = 0; i < 5; i++) expect(await causes.heard(first, refused("other"), FIRST)).toBe("other");
    expect(await causes.heard(second, { type: "accepted" }, FIRST)).toBeUndefined();
    for (let i = 0; i < 5; i++) expect(await causes.heard(first, refused("other"), FIRST)).toBeUndefined();
    expect(await causes.heard(second, { type: "accepted" }, FIRST)).toBeUndefined();
    expect(await causes.heard(third, refused("other"), FIRST)).toBe("other");
    expect(events()).toEqual([]);
    expect(await causes.heard(second, refused("malformed"), FIRST)).toBe("malformed");
    expect(events()).toEqual(["payer.paused"]);
  });

  it("lets those try first whom it did not meet", async () => {
    const { causes, payouts, clock } = await situation();
    const [first, second, third] = payouts;
    await causes.heard(first, refused("other"), FIRST);
    await causes.heard(second, refused("other"), FIRST);
    clock.advance(20_000);
    expect(await whyNot(causes, first)).toBeDefined();
    expect(await whyNot(causes, third)).toBeUndefined();
    clock.advance(30 * MINUTE_MS);
    expect(await whyNot(causes, first)).toBeUndefined();
  });

  it("is none when bytes are refused that were signed before, perhaps with another key: only the attempt does not count", async () => {
    const { causes, payouts, events } = await situation();
    const [first, second] = payouts;
    const AGAIN = { isFirst: false, isAnswered: true };
    expect(await causes.heard(first, refused("missing_authority"), AGAIN)).toBe("missing_authority");
    expect(await causes.heard(first, refused("other"), AGAIN)).toBeUndefined();
    expect(await causes.heard(second, refused("other"), AGAIN)).toBeUndefined();
    expect(await whyNot(causes, second)).toBeUndefined();
    expect(events()).toEqual([]);
  });

  it("is none when no node answers, or when there are no funds: nothing is paused, and the attempt does not count", async () => {
    const { causes, payouts, events } = await situation();
    const [first, second] = payouts;
    expect(await causes.heard(first, { type: "unknown", message: "no answer" }, FIRST)).toBe("unanswered");
    expect(await causes.heard(first, refused("insufficient_balance"), FIRST)).toBe("insufficient_balance");
    expect(await whyNot(causes, second)).toBeUndefined();
    expect(events()).toEqual([]);
  });
});
