import { transferFee } from "@stakebts/bitshares/fees";
import { CLAIM_TAG, type Transfer, transferToWire } from "@stakebts/bitshares/transaction-codec";
import { asArray, asInt64, asObject } from "@stakebts/bitshares/wire-values";
import { shares } from "@stakebts/kernel/amount";
import { type PermissionId, pricesOfClaims } from "@stakebts/bitshares/chain";
import { type ChainCheck, differs, pass, same } from "./chain-check.ts";
import { type ChainUnderTest, craft } from "./chain-under-test.ts";

/** No chain has come this far, so it was never given. */
const NO_PERMISSION: PermissionId = "1.12.4000000000";

const memoOf = (test: ChainUnderTest, length: number) =>
  test.memoWriter.write({
    text: "x".repeat(length),
    toPublicKey: test.memoWriter.publicKey,
    nonce: BigInt(Date.now()),
  });

/** Claims of withdraw permissions, as far as a node can be asked about them by an account that has been given none. */
export const claimChecks: readonly ChainCheck[] = [
  {
    name: "computed fees of claims equal get_required_fees with and without memo",
    async run(test) {
      const memos = [undefined, memoOf(test, 43), memoOf(test, 1_000)];
      const claim = (memo: Transfer["memo"]) => [
        CLAIM_TAG,
        transferToWire({
          permissionId: NO_PERMISSION,
          feeAmount: shares(0n),
          feeAssetId: "1.3.0",
          fromId: test.recipient.id,
          toId: test.account.id,
          amount: shares(1n),
          assetId: "1.3.0",
          memo,
        }),
      ];
      const answer = await test.rpc.call("database", "get_required_fees", [memos.map(claim), "1.3.0"]);
      const asked = asArray(answer, "fees").map((fee) => asInt64(asObject(fee, "fee")["amount"], "fee"));
      return same(
        asked,
        memos.map((memo) => transferFee(pricesOfClaims(test.fees), memo)),
      );
    },
  },
  {
    name: "the node serializes a claim with memo to the bytes that we sign",
    async run(test) {
      const claim = await craft(test, {
        permissionId: NO_PERMISSION,
        fromId: test.recipient.id,
        toId: test.account.id,
        memo: memoOf(test, 43),
      });
      const found = await test.rpc.call("database", "get_transaction_hex_without_sig", [claim.wire]);
      return same(found, Buffer.from(claim.unsigned).toString("hex"));
    },
  },
  {
    name: "a permission that was never given is not there, and cannot be claimed",
    async run(test) {
      const permission = await test.client.permission(NO_PERMISSION);
      if (permission !== undefined) return differs(permission, "no object");
      const claim = await craft(test, {
        permissionId: NO_PERMISSION,
        fromId: test.recipient.id,
        toId: test.account.id,
        fee: transferFee(pricesOfClaims(test.fees), undefined),
      });
      const outcome = await test.client.broadcast(claim.bytes);
      return outcome.type === "refused" && outcome.message.includes(NO_PERMISSION)
        ? pass(outcome.message)
        : differs(outcome, `refused: there is no ${NO_PERMISSION}`);
    },
  },
];
