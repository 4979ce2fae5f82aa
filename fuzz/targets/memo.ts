import { EXCHANGE_ACCOUNTS, MEMO_REJECTIONS, type MemoRequest } from "@stakebts/core/rules/request";
import { FREEZE_LEVELS } from "@stakebts/core/rules/freeze";
import { MAX_SUPPLY_SHARES, SHARES_PER_BTS } from "@stakebts/kernel/amount";
import { parseMemo } from "@stakebts/core/rules/memo";
import { payoutKeyInMemo } from "@stakebts/core/rules/payout";
import { TERMS } from "@stakebts/core/rules/policy";
import type { Prng } from "@stakebts/testkit/simulator/prng";
import { HOSTILE_TEXTS, longText, mutateText } from "../mutate.ts";
import { type Input, rule, type Target } from "../target.ts";

const STRICT_UP_TO_BLOCK = 100;
const WORDS = [
  "three_months",
  "six_months",
  "twelve_months",
  "stop",
  "loan_to_bmg",
  "bmg_to_bittrex",
  "bittrex_to_bmg",
  "freeze",
];
const BLANKS = ["", " ", "\n", "\r\n", "\t", "\u00A0", "\u3000", "\uFEFF"];

/** What a memo is to mean, for one that was made from it: parse(format(x)) = x. */
type Meaning = { readonly type: string; readonly amount: string | null; readonly account: number | null };

/** `{"type":"six_months"}` and so on, as people and wallets write it. */
function wellMeant(random: Prng): { text: string; means: Meaning } {
  const type = random.pick(WORDS);
  const isOrder = type.includes("bmg");
  const amount = isOrder && random.chance(0.8) ? String(random.int(1, 1_000_000_000)) : null;
  const account = isOrder && random.chance(0.8) ? random.int(1, 3) : null;
  const means: Meaning = { type, amount, account };
  if (!isOrder && random.chance(0.5)) {
    const quote = random.pick(["", "'", '"']);
    return { text: quote + Array.from(type).join(random.pick(BLANKS)) + random.pick(["", quote]), means };
  }
  const asText = random.chance(0.5);
  const fields = {
    ...(random.chance(0.2) ? { comment: random.pick(HOSTILE_TEXTS) } : {}),
    type,
    ...(amount === null ? {} : { amount: asText ? amount : Number(amount) }),
    ...(account === null ? {} : { api: asText ? String(account) : account }),
  };
  return { text: JSON.stringify(fields, undefined, random.pick([0, 1, "\t"])), means };
}

export function checkRequest(request: MemoRequest): void {
  switch (request.type) {
    case "open":
      rule(Object.hasOwn(TERMS, request.term), "a term that does not exist");
      return;
    case "stop":
    case "drawn":
      return;
    case "invalid":
      rule(MEMO_REJECTIONS.includes(request.reason), "a reason that does not exist");
      return;
    case "freeze":
      rule(FREEZE_LEVELS.includes(request.level), "a level that does not exist");
      return;
    case "bmg_to_bittrex":
    case "bittrex_to_bmg":
    case "loan_to_bmg": {
      const { amount, account } = request;
      rule(account === undefined || EXCHANGE_ACCOUNTS.includes(account), "an account that does not exist");
      rule(
        amount === undefined || (amount > 0n && amount * SHARES_PER_BTS <= MAX_SUPPLY_SHARES),
        "an amount that cannot be",
      );
      return;
    }
    case "unread":
      rule(false, "a text that was read is not unread");
      return;
    default:
      rule(false, "a type that does not exist");
  }
}

export const memo: Target = {
  name: "memo",
  about: "decrypted text of a memo → request",
  weight: 100,
  open: ({ broken }) => ({
    input(random) {
      const { text, means } = wellMeant(random);
      const blockNum = random.pick([1, STRICT_UP_TO_BLOCK, STRICT_UP_TO_BLOCK + 1, 2 ** 31]);
      if (random.chance(0.2)) return { text, blockNum, means };
      const other = random.chance(0.1)
        ? JSON.stringify({ payout: random.pick(["reward:1:2:3:4", "base:1:2:3", "notice:stop:1:2:3"]) })
        : random.chance(0.02)
          ? longText(random)
          : text;
      return { text: mutateText(random, other, WORDS), blockNum, means: null };
    },
    run(input) {
      const { text, blockNum, means } = input as {
        text: string;
        blockNum: number;
        means: Meaning | null;
      } & Input;
      if (broken === "surrogate") encodeURIComponent(text.slice(0, 4_096));
      if (broken === "backtracking") /^([a-z_ ]+)+$/u.test(text.slice(0, 32));
      const request = parseMemo(text, { blockNum, strictJsonUpToBlock: STRICT_UP_TO_BLOCK });
      checkRequest(request);
      const key = payoutKeyInMemo(text);
      rule(key === undefined || /^[a-z]+(?::[a-z]+)?(?::\d{1,10})+$/u.test(key), "a key that names nothing");
      if (means === null || (blockNum <= STRICT_UP_TO_BLOCK && !text.startsWith("{"))) return;
      const understood: Meaning = {
        type: request.type === "open" ? request.term : request.type,
        amount: "amount" in request && request.amount !== undefined ? `${request.amount}` : null,
        account: "account" in request ? (request.account ?? null) : null,
      };
      rule(
        JSON.stringify(understood) === JSON.stringify(means),
        `read as ${JSON.stringify(understood)}, meant as ${JSON.stringify(means)}`,
      );
    },
  }),
};
