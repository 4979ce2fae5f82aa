import { transferFee } from "@stakebts/bitshares/fees";
import { publicKeyText, NULL_PUBLIC_KEY } from "@stakebts/bitshares/keys";
import { NodeRefusal } from "@stakebts/bitshares/node-errors";
import { transferToWire } from "@stakebts/bitshares/transaction-codec";
import { asArray, asInt64, asObject, wireTime } from "@stakebts/bitshares/wire-values";
import { SECOND_MS } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import type { BroadcastOutcome, BroadcastRefusal, EncryptedMemo } from "@stakebts/bitshares/chain";
import { type ChainCheck, type CheckResult, differs, pass, same, skipped } from "./chain-check.ts";
import {
  type ChainUnderTest,
  craft,
  type CraftedParts,
  eventually,
  freshKey,
  freshMemoKey,
  inclusionOf,
} from "./chain-under-test.ts";

let nonces = 0n;
/** Milliseconds and a counter: unique per pair of keys without remembering anything. */
const nextNonce = (): bigint => BigInt(Date.now()) * 1_000n + ++nonces;

const memoTo = (test: ChainUnderTest, toPublicKey: string, text: string): EncryptedMemo =>
  test.memoWriter.write({ text, toPublicKey, nonce: nextNonce() });

const outcomeText = (outcome: BroadcastOutcome): string =>
  outcome.type === "refused" ? `refused: ${outcome.code} (${outcome.message})` : outcome.type;

async function refusal(
  test: ChainUnderTest,
  code: BroadcastRefusal,
  parts: CraftedParts,
): Promise<CheckResult> {
  const outcome = await test.client.broadcast((await craft(test, parts)).bytes);
  return outcome.type === "refused" && outcome.code === code
    ? pass(outcome.message)
    : differs(outcomeText(outcome), `refused: ${code}`);
}

/** Sends JSON that our own serializer would never make. */
async function refusedJson(
  test: ChainUnderTest,
  change: (wire: Record<string, unknown>) => void,
  expected: RegExp,
): Promise<CheckResult> {
  const wire = structuredClone((await craft(test)).wire) as Record<string, unknown>;
  change(wire);
  try {
    await test.rpc.call("network_broadcast", "broadcast_transaction", [wire]);
    return differs("accepted", expected.source);
  } catch (error) {
    if (!(error instanceof NodeRefusal)) throw error;
    return expected.test(error.message) ? pass(error.message) : differs(error.message, expected.source);
  }
}

const transferOf = (wire: Record<string, unknown>) =>
  (wire["operations"] as [[number, Record<string, unknown>]])[0][1];

const MEMO_LENGTHS = [0, 1, 11, 12, 27, 28, 43, 111, 112, 200, 1_000, 16_000, 60_000];

export const transferChecks: readonly ChainCheck[] = [
  {
    name: `computed fees equal get_required_fees without memo and for memos of ${MEMO_LENGTHS.join(", ")} bytes`,
    async run(test) {
      const memos = [
        undefined,
        ...MEMO_LENGTHS.map((n) => memoTo(test, test.memoWriter.publicKey, "x".repeat(n))),
      ];
      const operations = memos.map((memo) => [
        0,
        transferToWire({
          feeAmount: shares(0n),
          feeAssetId: "1.3.0",
          fromId: test.account.id,
          toId: test.recipient.id,
          amount: shares(1n),
          assetId: "1.3.0",
          memo,
        }),
      ]);
      const answer = await test.rpc.call("database", "get_required_fees", [operations, "1.3.0"]);
      const asked = asArray(answer, "fees").map((fee) => asInt64(asObject(fee, "fee")["amount"], "fee"));
      return same(
        asked,
        memos.map((memo) => transferFee(test.fees, memo)),
      );
    },
  },
  {
    name: "the node serializes a transfer with memo to the bytes that we sign",
    async run(test) {
      const sent = await craft(test, { memo: memoTo(test, test.memoWriter.publicKey, "bytes 💸") });
      const found = [
        await test.rpc.call("database", "get_transaction_hex_without_sig", [sent.wire]),
        await test.rpc.call("database", "get_transaction_hex", [sent.wire]),
      ];
      const ours = [sent.unsigned, sent.bytes].map((bytes) => Buffer.from(bytes).toString("hex"));
      return same(found, ours);
    },
  },
  {
    name: "a transfer with memo is taken, lowers the balance at once, is found in a block under our id, and its memo is read on both sides",
    async run(test) {
      const stranger = freshMemoKey(test.keyPrefix);
      const memo = memoTo(test, stranger.publicKey, "conformance ✓");
      const sent = await craft(test, { memo });
      const before = await test.client.balance(test.account.id);
      const unknown = await test.rpc.call("database", "get_recent_transaction_by_id", [sent.txid]);
      if (unknown !== null) return differs(unknown, "null before it is sent");
      const outcome = await test.client.broadcast(sent.bytes);
      if (outcome.type !== "accepted") return differs(outcomeText(outcome), "accepted");
      const after = await test.client.balance(test.account.id);
      if (before - after !== sent.amount + sent.fee) {
        return differs(`balance lower by ${before - after}`, `by ${sent.amount + sent.fee}, amount and fee`);
      }
      const known = await test.rpc.call("database", "get_recent_transaction_by_id", [sent.txid]);
      if (known === null) return differs(null, "the transaction, after it was sent");
      const found = await inclusionOf(test, sent);
      if (found === undefined) return differs("in no block within 90 s", `${sent.txid} in a block`);
      const texts = [test.memoReader, stranger.memoReader].map((reader) => reader.read(found.transfer.memo));
      const expected = { type: "text", text: "conformance ✓" };
      const result = same(texts, [expected, expected]);
      return result.type === "pass"
        ? pass(`${sent.txid} in block ${found.block.blockNum}, position ${found.transfer.trxInBlock}`)
        : result;
    },
  },
  {
    name: "a memo to the recipient's own memo key is taken and read back by the sender",
    async run(test) {
      let memo: EncryptedMemo;
      try {
        memo = memoTo(test, test.recipient.memoKey, "für dich");
      } catch {
        return skipped(`${test.recipient.name} has no memo key that one can encrypt to`);
      }
      const sent = await craft(test, { memo });
      const outcome = await test.client.broadcast(sent.bytes);
      if (outcome.type !== "accepted") return differs(outcomeText(outcome), "accepted");
      const found = await inclusionOf(test, sent);
      return same(found && test.memoReader.read(found.transfer.memo), { type: "text", text: "für dich" });
    },
  },
  {
    name: "a public memo is taken and read by everybody",
    async run(test) {
      const noKey = publicKeyText(NULL_PUBLIC_KEY, test.keyPrefix);
      const messageHex = `00000000${Buffer.from("to whom it may concern").toString("hex")}`;
      const sent = await craft(test, { memo: { from: noKey, to: noKey, nonce: "0", messageHex } });
      const outcome = await test.client.broadcast(sent.bytes);
      if (outcome.type !== "accepted") return differs(outcomeText(outcome), "accepted");
      const found = await inclusionOf(test, sent);
      return same(found && test.memoReader.read(found.transfer.memo), {
        type: "public",
        text: "to whom it may concern",
      });
    },
  },
  {
    name: "results of operations are left out of blocks",
    async run(test) {
      const { headBlockNum } = await test.client.head();
      const from = Math.max(1, headBlockNum - 1_000);
      for (let n = headBlockNum; n >= from; n--) {
        const { transactions } = asObject(await test.rpc.call("database", "get_block", [n]), "block");
        const [first] = asArray(transactions, "transactions");
        if (first === undefined) continue;
        return same(asObject(first, "transaction")["operation_results"], []);
      }
      return skipped("no transaction in the last 1000 blocks");
    },
  },
  {
    name: "the same bytes again are a duplicate while pending and when included, and expired later",
    async run(test) {
      const head = await test.client.head();
      const sent = await craft(test, { expirationSec: head.headTimeMs / SECOND_MS + 20 });
      const outcomes = [await test.client.broadcast(sent.bytes), await test.client.broadcast(sent.bytes)];
      const found = await inclusionOf(test, sent);
      if (found === undefined) return differs("in no block within 90 s", "included");
      outcomes.push(await test.client.broadcast(sent.bytes));
      const past = await eventually(async () => {
        const now = await test.client.head();
        return now.headTimeMs / SECOND_MS > sent.expirationSec ? now : undefined;
      });
      if (past === undefined) return skipped("the chain did not pass the expiration within 90 s");
      outcomes.push(await test.client.broadcast(sent.bytes));
      const recent = await test.rpc.call("database", "get_recent_transaction_by_id", [sent.txid]);
      const texts = outcomes.map((outcome) => (outcome.type === "refused" ? outcome.code : outcome.type));
      return same(
        { texts, recent },
        { texts: ["accepted", "duplicate", "duplicate", "expired"], recent: null },
      );
    },
  },
  {
    name: "an expiration equal to the time of the head is taken, and the block that includes it may be later",
    async run(test) {
      for (let attempt = 0; attempt < 20; attempt++) {
        const { headTimeMs } = await test.client.head();
        const sent = await craft(test, { expirationSec: headTimeMs / SECOND_MS });
        const outcome = await test.client.broadcast(sent.bytes);
        if (outcome.type === "refused" && outcome.code === "expired") continue; // the head had moved on
        if (outcome.type !== "accepted") return differs(outcomeText(outcome), "accepted");
        const found = await inclusionOf(test, sent);
        if (found === undefined) continue; // or moved on before a block could take it
        return pass(
          `block ${(found.block.timeMs - headTimeMs) / SECOND_MS} s after the expiration contains it`,
        );
      }
      return skipped("blocks come too fast for this check: the head moved on before each of 20 attempts");
    },
  },
  {
    name: "an expiration before the time of the head is expired",
    async run(test) {
      const { headTimeMs } = await test.client.head();
      return refusal(test, "expired", { expirationSec: headTimeMs / SECOND_MS - 1 });
    },
  },
  {
    name: "the farthest expiration allowed is taken",
    async run(test) {
      const { headTimeMs } = await test.client.head();
      const farthest = (headTimeMs + test.fees.maximumTimeUntilExpirationMs) / SECOND_MS;
      const outcome = await test.client.broadcast((await craft(test, { expirationSec: farthest })).bytes);
      return outcome.type === "accepted" ? pass() : differs(outcomeText(outcome), "accepted");
    },
  },
  {
    name: "an expiration a minute farther is too far",
    async run(test) {
      const { headTimeMs } = await test.client.head();
      const farthest = (headTimeMs + test.fees.maximumTimeUntilExpirationMs) / SECOND_MS;
      return refusal(test, "expiration_too_far", { expirationSec: farthest + 60 });
    },
  },
  {
    name: "a fee that is one share too low is refused",
    run: (test) =>
      test.fees.fee > 0n
        ? refusal(test, "insufficient_fee", { fee: transferFee(test.fees, undefined) - 1n })
        : Promise.resolve(skipped("transfers are free on this chain")),
  },
  {
    name: "a fee that is one share too high is taken as stated",
    async run(test) {
      const sent = await craft(test, { fee: transferFee(test.fees, undefined) + 1n });
      const outcome = await test.client.broadcast(sent.bytes);
      if (outcome.type !== "accepted") return differs(outcomeText(outcome), "accepted");
      return same((await inclusionOf(test, sent))?.transfer.feeAmount, sent.fee);
    },
  },
  {
    name: "a reference to a block that is not on the chain is a TaPoS mismatch",
    run: (test) => refusal(test, "tapos_mismatch", { refBlockPrefix: 0xdead_beef }),
  },
  {
    name: "an amount above the balance is insufficient",
    run: async (test) =>
      refusal(test, "insufficient_balance", { amount: (await test.client.balance(test.account.id)) + 1n }),
  },
  {
    name: "a balance that covers the amount but not the fee is insufficient too",
    run: async (test) =>
      refusal(test, "insufficient_balance", { amount: await test.client.balance(test.account.id) }),
  },
  {
    name: "another key has no authority",
    run: (test) => refusal(test, "missing_authority", { key: freshKey() }),
  },
  {
    name: "a signature for another chain has no authority",
    run: (test) => refusal(test, "missing_authority", { chainId: "ab".repeat(32) }),
  },
  {
    name: "a recipient that does not exist is unknown",
    run: (test) => refusal(test, "unknown_account", { toId: "1.2.99999999" }),
  },
  {
    name: "a transfer to oneself is malformed",
    run: (test) => refusal(test, "malformed", { toId: test.account.id }),
  },
  {
    name: "an amount of nothing is malformed",
    run: (test) => refusal(test, "malformed", { amount: 0n }),
  },
  {
    name: "a negative fee is malformed",
    run: (test) => refusal(test, "malformed", { fee: -1n }),
  },
  {
    name: "no operations at all are malformed",
    run: (test) => refusedJson(test, (wire) => (wire["operations"] = []), /operations\.size\(\) > 0/),
  },
  {
    name: "a signature that is not canonical is refused",
    run: (test) =>
      refusedJson(
        test,
        (wire) => {
          const [signature] = wire["signatures"] as [string];
          wire["signatures"] = [`${signature.slice(0, 2)}ff${signature.slice(4)}`];
        },
        /is_canonical\( c \)/,
      ),
  },
  {
    name: "no signature at all has no authority",
    run: (test) =>
      refusedJson(test, (wire) => (wire["signatures"] = []), /missing required active authority/),
  },
  {
    name: "the same signature twice is refused",
    run: (test) =>
      refusedJson(
        test,
        (wire) => (wire["signatures"] = [0, 1].map(() => (wire["signatures"] as string[])[0])),
        /duplicate signature included/,
      ),
  },
  {
    name: "a time with a zone is refused",
    run: (test) =>
      refusedJson(
        test,
        (wire) => (wire["expiration"] = `${wireTime(Date.now() / 1000)}Z`),
        /unable to convert ISO-formatted string to fc::time_point_sec/,
      ),
  },
  {
    name: "a memo key that is no key is refused",
    run: (test) =>
      refusedJson(
        test,
        (wire) => (transferOf(wire)["memo"] = { from: "XYZ1", to: "XYZ1", nonce: 1, message: "00" }),
        /base58str\.substr\( 0, prefix_len \) == prefix/,
      ),
  },
  {
    name: "an unknown operation is refused",
    run: (test) =>
      refusedJson(
        test,
        (wire) => (wire["operations"] = [[999, {}]]),
        /static_cast<size_t>\(tag\) < count\(\)/,
      ),
  },
];
