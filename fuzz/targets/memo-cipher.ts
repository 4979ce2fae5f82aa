import { createMemoReader, createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import { parseMemo } from "@stakebts/core/rules/memo";
import { wifFromSeed } from "@stakebts/devnet";
import type { Prng } from "@stakebts/testkit/simulator/prng";
import { HOSTILE_TEXTS, jsonOf, mutateHex, mutateText, mutateTree } from "../mutate.ts";
import { type Input, rule, type Target } from "../target.ts";
import { checkRequest } from "./memo.ts";

export const MEMO_WIF = wifFromSeed("fuzz-custodian-memo");
const STRANGER_WIF = wifFromSeed("fuzz-stranger-memo");
/** 33 bytes that are no point of the curve, with a right checksum, and the null key. */
const ODD_KEYS = [
  "BTS1111111111111111111111111111111114T1Anm",
  "BTS5HCQ5NVWL2XXHqsRVsuzLcwCUE8vJ7uoeDL2JHHhFKVnxTDz2",
  "TEST6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV",
];

type WrittenMemo = {
  readonly from: string;
  readonly to: string;
  readonly nonce: string;
  readonly messageHex: string;
};
type CipherInput = { readonly memo: { readonly [key: string]: Input }; readonly means: string | null };

const stranger = createMemoWriter({ wif: STRANGER_WIF });
const custodian = createMemoWriter({ wif: MEMO_WIF });

/** Written once: encrypting is slow, and what is changed afterwards is cheap. */
export const WRITTEN: readonly { readonly text: string; readonly memo: WrittenMemo }[] = [
  "six_months",
  '{"type":"stop"}',
  '{"type":"bmg_to_bittrex","amount":500,"api":1}',
  "",
  "\0",
  "a\0b",
  "x".repeat(5_000),
  ...HOSTILE_TEXTS.slice(2, 12),
].flatMap((text, n) => [
  { text, memo: stranger.write({ text, toPublicKey: custodian.publicKey, nonce: BigInt(n) }) },
  {
    text,
    memo: custodian.write({ text, toPublicKey: stranger.publicKey, nonce: 2n ** 64n - 1n - BigInt(n) }),
  },
]);

export function mutatedMemo(random: Prng, memo: WrittenMemo): { readonly [key: string]: Input } {
  switch (random.int(0, 5)) {
    case 0:
      return { ...memo, from: random.pick([...ODD_KEYS, memo.to, mutateText(random, memo.from)]) };
    case 1:
      return { ...memo, to: random.pick([...ODD_KEYS, memo.from, mutateText(random, memo.to)]) };
    case 2:
      return { ...memo, nonce: random.pick(["0", "-1", "18446744073709551615", "18446744073709551616", ""]) };
    case 3:
      return { ...memo, from: ODD_KEYS[0] as string, to: ODD_KEYS[0] as string };
    default:
      return { ...memo, messageHex: mutateHex(random, memo.messageHex) };
  }
}

const textOf = (value: Input | undefined): string =>
  typeof value === "string" ? value : jsonOf(value ?? null);

export const memoCipher: Target = {
  name: "memo-cipher",
  about: "encrypted memo → text: keys, nonce, checksum, lengths",
  weight: 10,
  open() {
    const reader = createMemoReader({ wifs: [MEMO_WIF] });
    return {
      input(random): CipherInput {
        const { text, memo } = random.pick(WRITTEN);
        // Half a pair is no text: the writer has put U+FFFD in its place.
        if (random.chance(0.1)) return { memo, means: Buffer.from(text, "utf8").toString("utf8") };
        const mutated = random.chance(0.1) ? mutateTree(random, memo) : mutatedMemo(random, memo);
        const isMemo = typeof mutated === "object" && mutated !== null && !Array.isArray(mutated);
        return { memo: { ...memo, ...(isMemo ? (mutated as object) : {}) }, means: null };
      },
      run(input) {
        const { memo, means } = input as CipherInput;
        const { from, to, nonce, messageHex } = memo;
        // The parser of blocks lets only text come so far.
        const content = reader.read({
          from: textOf(from),
          to: textOf(to),
          nonce: textOf(nonce),
          messageHex: textOf(messageHex),
        });
        rule(["text", "public", "unreadable"].includes(content.type), "content of no known type");
        if (means !== null) rule(content.type === "text" && content.text === means, "not what was written");
        if (content.type !== "text" && content.type !== "public") return;
        rule(!/\p{Surrogate}/u.test(content.text), "half a surrogate pair in decrypted text");
        checkRequest(parseMemo(content.text, { blockNum: 1, strictJsonUpToBlock: 0 }));
      },
    };
  },
};
