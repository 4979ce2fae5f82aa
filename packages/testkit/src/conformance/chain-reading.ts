import { blockNumOf } from "@stakebts/bitshares/block-id";
import { parseBlock, parseBlockHeader } from "@stakebts/bitshares/block-parser";
import { parseHead } from "@stakebts/bitshares/chain-answers";
import { parseTransferFeeSchedule } from "@stakebts/bitshares/fees";
import { NodeRefusal } from "@stakebts/bitshares/node-errors";
import { asArray, asObject } from "@stakebts/bitshares/wire-values";
import { ChainError } from "@stakebts/bitshares/chain";
import { type ChainCheck, type CheckResult, differs, pass, same } from "./chain-check.ts";
import { type ChainUnderTest, eventually } from "./chain-under-test.ts";

const NO_ACCOUNT = "no-such-account-here-0";
const FAR_AHEAD = 99_999_999;
const BLOCKS_CHECKED = 100;

/** Names, in any order, that this version of the product needs or that every node has. */
const DYNAMIC_PROPERTIES = [
  "id",
  "head_block_number",
  "head_block_id",
  "time",
  "current_witness",
  "next_maintenance_time",
  "last_vote_tally_time",
  "last_budget_time",
  "witness_budget",
  "accounts_registered_this_interval",
  "recently_missed_count",
  "current_aslot",
  "recent_slots_filled",
  "dynamic_flags",
  "last_irreversible_block_num",
];

const database = (test: ChainUnderTest, method: string, ...args: unknown[]) =>
  test.rpc.call("database", method, args);

/** Passes when the node refuses, with a text that begins as documented. */
async function refusedWith(call: Promise<unknown>, beginning: string): Promise<CheckResult> {
  try {
    return differs(await call, `a refusal: ${beginning}`);
  } catch (error) {
    if (!(error instanceof NodeRefusal)) throw error;
    const text = error.format === "" ? error.message : error.format;
    return text.startsWith(beginning) || error.message.includes(beginning)
      ? pass(text)
      : differs(error.message, beginning);
  }
}

const missingNames = (value: unknown, names: readonly string[]): string[] => {
  const object = asObject(value, "object");
  return names.filter((name) => !(name in object));
};

/** 64-bit amounts are numbers while they fit 32 bits with sign, and decimal text beyond. */
function wireFormOf(amount: unknown): CheckResult {
  const number = BigInt(amount as string | number);
  const expected = number >= -(2n ** 31n) && number < 2n ** 31n ? "number" : "string";
  return typeof amount === expected ? pass(`${expected} ${number}`) : differs(typeof amount, expected);
}

export const readingChecks: readonly ChainCheck[] = [
  {
    name: "login with empty user and password answers true",
    run: async ({ rpc }) => same(await rpc.call("login", "login", ["", ""]), true),
  },
  {
    name: "the APIs that the product uses are handed out as numbers, the same ones when asked again",
    async run({ rpc }) {
      const ask = () =>
        Promise.all(["database", "network_broadcast"].map((api) => rpc.call("login", api, [])));
      const [once, again] = [await ask(), await ask()];
      return once.every((id) => Number.isInteger(id)) ? same(again, once) : differs(once, "two integers");
    },
  },
  {
    name: "an API is reached by name as by number",
    async run({ rpc }) {
      const id = (await rpc.call("login", "database", [])) as number;
      return same(await rpc.call(id, "get_chain_id", []), await rpc.call("database", "get_chain_id", []));
    },
  },
  {
    name: "the chain properties name the same chain id",
    run: async (test) =>
      same(
        asObject(await database(test, "get_chain_properties"), "chain properties")["chain_id"],
        test.chainId,
      ),
  },
  {
    name: "object 2.1.0 has the documented names and an id of the head that fits its number",
    async run(test) {
      const [object] = asArray(await database(test, "get_objects", ["2.1.0"]), "objects");
      const missing = missingNames(object, DYNAMIC_PROPERTIES);
      if (missing.length > 0) return differs(`without ${missing.join(", ")}`, DYNAMIC_PROPERTIES);
      const head = parseHead(object);
      return pass(`head ${head.headBlockNum}, irreversible ${head.irreversibleBlockNum}`);
    },
  },
  {
    name: "object 2.0.0 has a fee schedule with transfers in it, the same as get_global_properties",
    async run(test) {
      const [object] = asArray(await database(test, "get_objects", ["2.0.0"]), "objects");
      return same(
        parseTransferFeeSchedule(object),
        parseTransferFeeSchedule(await database(test, "get_global_properties")),
      );
    },
  },
  {
    name: "an object that does not exist is null, one of a type that does not exist a refusal",
    async run(test) {
      const missing = await database(test, "get_objects", ["1.2.99999999"]);
      if (JSON.stringify(missing) !== "[null]") return differs(missing, [null]);
      return refusedWith(database(test, "get_objects", ["9.9.9"]), "_index[space_id].size() > type_id");
    },
  },
  {
    name: "accounts come by name and by id, and null where there is none",
    async run(test) {
      const { id, name } = test.account;
      const found = asArray(
        await database(test, "get_accounts", [name, id, NO_ACCOUNT, "1.2.99999999"], false),
        "accounts",
      );
      return same(
        found.map((account) => account && asObject(account, "account")["id"]),
        [id, id, null, null],
      );
    },
  },
  {
    name: "get_account_by_name does not resolve ids and finds no account by another name",
    async run(test) {
      const names = [test.account.name, test.account.id, NO_ACCOUNT, ""];
      const found = await Promise.all(names.map((name) => database(test, "get_account_by_name", name)));
      return same(
        found.map((account) => account && asObject(account, "account")["name"]),
        [test.account.name, null, null, null],
      );
    },
  },
  {
    name: "the account given is held by the active key given",
    async run({ account, key, keyPrefix }) {
      const at = account.activeKeys.indexOf(key.publicKeyText(keyPrefix));
      const weight = account.activeWeights[at] ?? 0;
      return weight >= account.activeThreshold
        ? pass(`weight ${weight} of ${account.activeThreshold}`)
        : differs(`weight ${weight}`, `at least ${account.activeThreshold}: check --key`);
    },
  },
  {
    name: "the account's memo key is the one given",
    run: async ({ account, memoWriter }) => same(account.memoKey, memoWriter.publicKey),
  },
  {
    name: "lookup_accounts lists pairs of name and id from a lower bound, in order",
    async run(test) {
      const found = await database(test, "lookup_accounts", test.account.name, 3, false);
      const pairs = asArray(found, "pairs").map((pair) => asArray(pair, "pair"));
      const names = pairs.map(([name]) => String(name));
      if (pairs[0]?.[0] !== test.account.name || pairs[0]?.[1] !== test.account.id) {
        return differs(pairs, [[test.account.name, test.account.id], "…"]);
      }
      return same(names, names.toSorted());
    },
  },
  {
    name: "a balance is a number or decimal text according to its size",
    async run(test) {
      const [balance] = asArray(
        await database(test, "get_account_balances", test.account.id, ["1.3.0"]),
        "balances",
      );
      return wireFormOf(asObject(balance, "balance")["amount"]);
    },
  },
  {
    name: "the balance of an account that does not exist is refused",
    run: (test) =>
      refusedWith(
        database(test, "get_account_balances", "1.2.99999999", ["1.3.0"]),
        "account_ptr: no such account",
      ),
  },
  {
    name: "block 0 and a block beyond the head are null",
    run: async (test) =>
      same(await Promise.all([0, FAR_AHEAD].map((n) => database(test, "get_block", n))), [null, null]),
  },
  {
    name: `the last ${BLOCKS_CHECKED} blocks link, their ids come out as computed and their transactions hash to the merkle root`,
    async run(test) {
      const head = await test.client.head();
      const from = Math.max(1, head.headBlockNum - BLOCKS_CHECKED + 1);
      const numbers = Array.from({ length: head.headBlockNum - from + 1 }, (_, i) => from + i);
      const raw = await Promise.all(numbers.map((n) => database(test, "get_block", n)));
      const parsed = raw.map((block) => parseBlock(block, test.account.id));
      const gaps = parsed.filter(
        ({ block }, i) => i > 0 && block.previousId !== parsed[i - 1]?.block.blockId,
      );
      if (gaps.length > 0) return differs(`${gaps.length} blocks that do not link`, "a chain");
      // The head may have been replaced meanwhile: then one of the later ones is the block with that number.
      const last = parsed.at(-1)?.block.blockId;
      const unverified = parsed.filter(({ merkle }) => merkle !== "verified").length;
      return last === head.headBlockId
        ? pass(`${parsed.length} blocks, ${unverified} of them with operations that cannot be hashed here`)
        : differs(`head ${last} computed`, `${head.headBlockId} as the node says`);
    },
  },
  {
    name: "a header carries the signature when asked, and gives the same id as the block",
    async run(test) {
      const { headBlockNum } = await test.client.head();
      const plain = asObject(await database(test, "get_block_header", headBlockNum), "header");
      const signed = asObject(await database(test, "get_block_header", headBlockNum, true), "header");
      const { transactions: _, ...header } = asObject(
        await database(test, "get_block", headBlockNum),
        "block",
      );
      if ("witness_signature" in plain) return differs("a signature", "none unless asked");
      if (parseBlockHeader(signed).blockNum !== headBlockNum)
        return differs(signed, `header ${headBlockNum}`);
      return same(signed, header);
    },
  },
  {
    name: "the irreversible block advances with the head and is never above it",
    async run(test) {
      const before = await test.client.head();
      const later = await eventually(async () => {
        const now = await test.client.head();
        return now.irreversibleBlockNum > before.irreversibleBlockNum ? now : undefined;
      });
      if (later === undefined)
        return differs(`still ${before.irreversibleBlockNum} after 90 s`, "an advance");
      return pass(
        `lag ${later.headBlockNum - later.irreversibleBlockNum} blocks at head ${later.headBlockNum}`,
      );
    },
  },
  {
    name: "the head advances by whole blocks with time",
    async run(test) {
      const before = await test.client.head();
      const later = await eventually(async () => {
        const now = await test.client.head();
        return now.headBlockNum > before.headBlockNum ? now : undefined;
      });
      if (later === undefined) return differs("no new block within 90 s", "blocks");
      const sound =
        later.headTimeMs > before.headTimeMs && blockNumOf(later.headBlockId) === later.headBlockNum;
      return sound
        ? pass(`${later.headTimeMs - before.headTimeMs} ms of chain time`)
        : differs(later, "a later time");
    },
  },
  {
    name: "an unknown method is -32601 Method not found",
    run: (test) => refusedWith(database(test, "no_such_method"), "No method with name"),
  },
  {
    name: "an unknown API number is refused",
    run: ({ rpc }) => refusedWith(rpc.call(99, "get_chain_id", []), "_local_apis.size() > api_id"),
  },
  {
    name: "too few arguments are refused",
    run: (test) => refusedWith(database(test, "get_block"), "a0 != e || optional_args: too few arguments"),
  },
  {
    name: "surplus arguments are ignored",
    async run(test) {
      const header = asObject(await database(test, "get_block_header", 1, false, 1, 2, 3), "header");
      return same(blockNumOf(String(header["previous"])), 0);
    },
  },
  {
    name: "the code of a refusal is that of its data, and the message begins with Execution error",
    async run({ rpc }) {
      try {
        return differs(await rpc.call("database", "get_block", []), "a refusal");
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        return error.message.includes("Execution error: ")
          ? pass(error.message)
          : differs(error.message, "Execution error: …");
      }
    },
  },
];
