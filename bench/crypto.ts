import { privateKeyFromWif } from "@stakebts/bitshares/keys";
import { createMemoReader, createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import { createSigner } from "@stakebts/bitshares/signer";
import { millis } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import { wifFromSeed } from "@stakebts/devnet";
import { Aes, PrivateKey, PublicKey, Signature } from "bitsharesjs";
import { ratio, type Row, timePerCall } from "./measure.ts";

const CHAIN_ID = "4018d7844c78f6a6c41c6a552b898022310fc5dec06da467ee7905a8dad512c8";
const TEXT = '{"type":"reward","agreement":"60693001:3:0","number":1,"payout":"reward:60693001:3:0:1"}';

/** More than the pairs of keys that are remembered. */
const STRANGERS = 2_500;

/** Signing and memos: the product's way against bitsharesjs alone, in turns in one process. */
export async function benchCrypto(): Promise<readonly Row[]> {
  const [from, to] = [wifFromSeed("from"), wifFromSeed("to")];
  const signer = createSigner({ wif: from, chainId: CHAIN_ID });
  const writer = createMemoWriter({ wif: from });
  const reader = createMemoReader({ wifs: [to] });
  const [fromKey, toKey] = [PrivateKey.fromWif(from), PrivateKey.fromWif(to)];
  const [fromPublic, toPublic] = [fromKey.toPublicKey(), toKey.toPublicKey()];
  const toText = toPublic.toPublicKeyString("BTS");
  const memo = writer.write({ text: TEXT, toPublicKey: toText, nonce: 1n });
  const message = Buffer.from(memo.messageHex, "hex");
  const digestInput = Buffer.alloc(200, 7);
  let nonce = 2n;
  // One after the other, so that none is remembered when its turn comes again.
  const strangers = Array.from({ length: STRANGERS }, (_, n) => wifFromSeed(`stranger-${n}`));
  const strangersKeys = strangers.map((wif) => privateKeyFromWif(wif).publicKeyText());
  const strangersMemos = strangers.map((wif) =>
    createMemoWriter({ wif }).write({ text: TEXT, toPublicKey: toText, nonce: 1n }),
  );
  let turn = 0;

  const intent = () => ({
    fromId: "1.2.100" as const,
    toId: "1.2.101" as const,
    amount: shares(nonce++),
    fee: shares(100n),
    memo,
    refBlockId: "00000001b656820f72f6b28cda811778632d4998",
    expirationMs: millis(1_800_000_000_000),
  });
  const rows: Row[] = [];
  const compare = async (name: string, ours: () => unknown, theirs: () => unknown) => {
    const [a, b] = [await timePerCall(ours, 400), await timePerCall(theirs, 400)];
    rows.push({
      name,
      ours: `${a.toFixed(3)} ms`,
      ceiling: `${b.toFixed(1)} ms`,
      ratio: ratio(b / a),
      target: "100 ×",
    });
  };
  await compare(
    "sign a transfer (bytes, id, signature)",
    () => signer.sign(intent()),
    () => Signature.signBuffer(digestInput, fromKey),
  );
  await compare(
    "write a memo",
    () =>
      writer.write({ text: TEXT, toPublicKey: strangersKeys[turn++ % STRANGERS] as string, nonce: nonce++ }),
    () =>
      Aes.encrypt_with_checksum(
        fromKey,
        PublicKey.fromPublicKeyString(toText, "BTS") as PublicKey,
        String(nonce++),
        Buffer.from(TEXT),
      ),
  );
  await compare(
    "read a memo",
    () => reader.read(strangersMemos[turn++ % STRANGERS]),
    () =>
      Aes.decrypt_with_checksum(
        toKey,
        PublicKey.fromPublicKeyString(fromPublic.toPublicKeyString("BTS"), "BTS") as PublicKey,
        "1",
        message,
      ),
  );
  return rows;
}
