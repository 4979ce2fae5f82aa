import { readFileSync } from "node:fs";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { wifFromSeed } from "../default-accounts.ts";
import { type Devnet, startDevnet } from "../devnet.ts";
import { refPrefixOf } from "./block.ts";
import type { Json } from "./json-text.ts";
import { privateKeyFromSeed, signDigest } from "./keys.ts";
import { OperationCodec } from "./operations.ts";
import { Transaction } from "./transaction.ts";
import { wireTime } from "./wire-values.ts";

/**
 * Requests that were put to a real node are put to this one, on a chain whose accounts have the same ids, names and
 * balances. Errors must agree in everything but time and place: code, class, text, and every frame of the stack.
 */

type JsonMap = { [key: string]: Json };
interface ErrorWire {
  code: number;
  message: string;
  data?: {
    code: number;
    name: string;
    message: string;
    stack: {
      context: { level: string; file: string; line: number; method: string; thread_name: string };
      format: string;
      data: JsonMap;
    }[];
  };
}
interface ResponseWire {
  id: Json;
  jsonrpc?: string;
  result?: Json;
  error?: ErrorWire;
}
interface Sample {
  name: string;
  request?: { id: Json; params: [Json, string, Json[]] };
  request_text?: string;
  response?: ResponseWire;
  notice?: { params: [number, [Json]] };
}

const fixture = new URL("../../../testkit/src/fixtures/bitshares-wire-samples.json", import.meta.url);
const samples = JSON.parse(readFileSync(fixture, "utf8")) as Sample[];
const sampleNamed = (name: string): Sample => {
  const sample = samples.find((candidate) => candidate.name === name);
  if (sample === undefined) throw new Error(`there is no sample ${name}`);
  return sample;
};

/** The account with this id was called so on the real node. */
const nameOf = (id: number): string => {
  if (id === 113) return "bittrex-deposit";
  return id >= 114 ? `user${String(id - 113).padStart(4, "0")}` : `filler${id}`;
};
const FIRST_ACCOUNT = 13;
const activeKey = (id: number) => privateKeyFromSeed(`${nameOf(id)}-active`);

let devnet: Devnet;
let socket: WebSocket;
const codec = new OperationCodec("BTS");

beforeAll(async () => {
  devnet = await startDevnet({
    blockIntervalMs: "manual",
    secondsPerBlock: 1,
    transferFee: { fee: 1146n, pricePerKbyte: 5732n },
    accounts: Array.from({ length: 131 }, (_, index) => {
      const id = FIRST_ACCOUNT + index;
      return {
        name: nameOf(id),
        activeKey: wifFromSeed(`${nameOf(id)}-active`),
        ownerKey: wifFromSeed(`${nameOf(id)}-owner`),
        memoKey: wifFromSeed(`${nameOf(id)}-memo`),
        balanceShares: id === 113 ? 1_000_000_000n : 3_000_000_000_000n,
        testAssetUnits: id === 114 ? 500_000_000_000n : 0n,
        lifetimeMember: id === 123,
      };
    }),
  });
  await devnet.produce(65);
  socket = await connect();
});

afterAll(async () => {
  socket.terminate();
  await devnet.stop();
});

async function connect(): Promise<WebSocket> {
  const opened = new WebSocket(devnet.urls[0] ?? "", { perMessageDeflate: false });
  await once(opened, "open");
  return opened;
}

/** The reply to a text, or `[]` if there is none: then a question with an id of its own is answered first. */
async function ask(text: string, on: WebSocket = socket): Promise<ResponseWire | []> {
  return new Promise((resolve) => {
    let reply: ResponseWire | [] = [];
    const listener = (data: Buffer) => {
      const message = JSON.parse(data.toString("utf8")) as ResponseWire;
      if (message.id !== "afterwards") {
        reply = message;
        return;
      }
      on.off("message", listener);
      resolve(reply);
    };
    on.on("message", listener);
    on.send(text);
    on.send('{"id":"afterwards","method":"call","params":[0,"get_chain_id",[]]}');
  });
}

async function call(api: Json, method: string, args: Json[]): Promise<ResponseWire> {
  const reply = await ask(JSON.stringify({ id: 1, method: "call", params: [api, method, args] }));
  if (Array.isArray(reply)) throw new Error(`${method} was not answered`);
  return reply;
}

async function head(): Promise<{ num: number; id: string; time: number }> {
  const { result } = await call(0, "get_dynamic_global_properties", []);
  const dynamic = result as JsonMap;
  return {
    num: dynamic.head_block_number as number,
    id: dynamic.head_block_id as string,
    time: Date.parse(`${dynamic.time as string}Z`) / 1000,
  };
}

/** An error without what differs from run to run. */
function comparable({ code, message, data }: ErrorWire) {
  return {
    code,
    message,
    data: data && {
      ...data,
      stack: data.stack.map(({ context, format, data: values }) => ({
        level: context.level,
        place: `${context.file}:${context.line} ${context.method}`,
        thread: context.thread_name.replace(/\d+$/, "N"),
        format,
        keys: Object.keys(values),
      })),
    },
  };
}

/** The foreign asset has another name and number of decimals here. */
const inOurAsset = (error: ErrorWire): ErrorWire =>
  JSON.parse(
    JSON.stringify(error).replaceAll("0.00005 FAKEBTS", "0.0005 TESTUSD").replaceAll("FAKEBTS", "TESTUSD"),
  ) as ErrorWire;

function expectSameError(reply: ResponseWire | [], name: string): void {
  const expected = sampleNamed(name).response?.error;
  if (expected === undefined || Array.isArray(reply) || reply.error === undefined)
    throw new Error(`${name}: ${JSON.stringify(reply)} is not an error, or should not be one`);
  expect(comparable(reply.error)).toEqual(comparable(inOurAsset(expected)));
}

interface Making {
  /** Seeds of the keys that sign; default: the sender's active key. */
  signers?: string[];
  change?: (transaction: JsonMap, head: { num: number; id: string; time: number }) => void;
  /** Given the signatures, the ones to send. */
  forge?: (signatures: string[]) => string[];
}

/** The transaction of a sample, made anew for this chain. */
async function remade(name: string, { signers, change, forge }: Making = {}): Promise<JsonMap> {
  const original = sampleNamed(name).request?.params[2][0] as JsonMap;
  const now = await head();
  const transaction: JsonMap = {
    ...structuredClone(original),
    ref_block_num: now.num & 0xffff,
    ref_block_prefix: refPrefixOf(now.id),
    expiration: wireTime(now.time + 60),
    signatures: [],
  };
  change?.(transaction, now);
  const parsed = Transaction.parse(codec, transaction);
  const [operation] = parsed.operations;
  const sender = operation?.tag === 0 ? operation.value.from : 114;
  const keys = signers === undefined ? [activeKey(sender)] : signers.map(privateKeyFromSeed);
  const signatures = keys.map((key) =>
    signDigest(parsed.signatureDigest(devnet.chainId), key).toString("hex"),
  );
  transaction.signatures = forge?.(signatures) ?? signatures;
  return transaction;
}

const broadcast = (transaction: Json) => call("network_broadcast", "broadcast_transaction", [transaction]);

describe("framing", () => {
  const texts = samples.filter(({ request_text }) => request_text?.startsWith("broadcast_") === false);

  it.each(texts)("$name", async ({ request_text = "", response, name }) => {
    const reply = await ask(request_text);
    if (response?.error === undefined || Array.isArray(reply)) {
      const chainId = sampleNamed("get_chain_id_by_number").response?.result as string;
      expect(JSON.stringify(reply)).toBe(JSON.stringify(response).replace(chainId, devnet.chainId));
      return;
    }
    expect(Object.keys(reply)).toEqual(Object.keys(response));
    expect({ ...reply, error: null }).toEqual({ ...response, error: null });
    expectSameError(reply, name);
  });

  it("keeps the table of known methods as the real node has it", async () => {
    const table = (reply: ResponseWire | []) =>
      Array.isArray(reply) ? undefined : reply.error?.data?.stack[0]?.data.api;
    const { request_text = "", response } = sampleNamed("error_toplevel_unknown_method");
    expect(table(await ask(request_text))).toEqual(table(response as ResponseWire));
    const byName = sampleNamed("error_unknown_api_name");
    expect(table(await ask(JSON.stringify(byName.request)))).toEqual(table(byName.response as ResponseWire));
  });
});

describe("queries that fail", () => {
  const failing = samples.filter(
    ({ request, response, name }) =>
      response?.error !== undefined &&
      typeof request === "object" && // two large ones are only described
      request.params[1] !== "broadcast_transaction" &&
      !["verify_authority_no_signature", "get_transaction_absent_index", "error_unknown_method"].includes(
        name,
      ) &&
      !name.startsWith("error_unknown_method"),
  );

  it.each(failing)("$name", async ({ request, name }) => {
    expectSameError(await ask(JSON.stringify(request)), name);
  });
});

describe("a connection with the default permissions", () => {
  it("hands out API ids in the order of asking", async () => {
    const from = samples.findIndex(({ name }) => name === "error_block_api_refused");
    const to = samples.findIndex(({ name }) => name === "login_wrong_password");
    const fresh = await connect();
    for (const { request, response, name } of samples.slice(from, to + 1)) {
      const reply = await ask(JSON.stringify(request), fresh);
      if (response?.error !== undefined) expectSameError(reply, name);
      else expect(reply, name).toEqual(response);
    }
    fresh.terminate();
  });
});

describe("queries whose answer does not depend on the chain", () => {
  it.each([
    "login",
    "login_no_args",
    "login_get_info",
    "login_get_config",
    "get_config",
    "get_account_by_name_unknown",
    "get_account_by_name_given_id",
    "get_account_by_name_empty",
    "lookup_accounts",
    "get_account_id_from_string",
    "get_block_0",
    "get_block_beyond_head",
    "get_block_header_beyond",
    "get_required_fees",
    "get_required_fees_symbol",
    "get_required_fees_other_asset",
    "get_transaction_hex",
    "get_transaction_hex_without_sig",
    "get_potential_address_signatures",
    "get_recent_transaction_by_id_unknown",
    "get_account_history_unknown_account",
    "get_account_history_unknown_name",
    "error_txid_short",
    "wrong_arg_type_null",
    "wrong_arg_negative",
  ])("%s", async (name) => {
    const { request, response } = sampleNamed(name);
    // The order of keys is part of the comparison.
    expect(JSON.stringify(await ask(JSON.stringify(request)))).toBe(JSON.stringify(response));
  });
});

/** Keys in their order and kinds of values; of a list, the first element. */
function shape(json: Json): unknown {
  if (Array.isArray(json)) return json.length === 0 ? [] : [shape(json[0] as Json)];
  if (json !== null && typeof json === "object")
    return Object.entries(json as JsonMap).map(([key, value]) => [key, shape(value)]);
  if (typeof json === "string" && /^\d+$/.test(json)) return "integer"; // number or text, by its size
  return typeof json === "number" ? "integer" : typeof json;
}

describe("objects have the keys of the real node in its order", () => {
  it.each([
    "get_chain_properties",
    "get_dynamic_global_properties",
    "get_objects_2.1.0",
    "get_objects_accounts",
    "get_objects_asset",
    "get_objects_missing",
    "lookup_account_names",
    "get_account_by_name_known",
    "get_accounts",
    "get_full_accounts",
    "get_account_balances",
    "get_account_balances_filter",
    "get_block_empty",
    "get_block_1",
    "get_block_header",
    "get_block_header_with_signature",
    "get_block_header_batch",
    "lookup_asset_symbols",
    "get_witnesses",
    "get_next_object_id",
    "is_public_key_registered",
    "too_many_args_ignored",
    "wrong_arg_type_bool",
    "wrong_arg_numeric_text",
    "wrong_arg_double",
  ])("%s", async (name) => {
    const { request, response } = sampleNamed(name);
    const reply = await ask(JSON.stringify(request));
    if (Array.isArray(reply)) throw new Error("not answered");
    expect(reply.error).toBeUndefined();
    const every = (json: Json | undefined) =>
      Array.isArray(json) && name.startsWith("get_objects") ? json.map(shape) : shape(json ?? null);
    expect(every(reply.result)).toEqual(every(response?.result));
  });

  it("2.0.0 has the same parameters", async () => {
    const [ours] = (await call(0, "get_objects", [["2.0.0"]])).result as [JsonMap];
    const [theirs = {}] = (sampleNamed("get_objects_2.0.0").response?.result ?? []) as JsonMap[];
    const withoutFees = ({ parameters, ...rest }: JsonMap) => {
      const { current_fees: _, ...others } = parameters as JsonMap;
      return shape({ parameters: others, ...rest });
    };
    expect(withoutFees(ours)).toEqual(withoutFees(theirs));
    const fees = (object: JsonMap) =>
      ((object.parameters as JsonMap).current_fees as JsonMap).parameters as Json[][];
    expect(fees(ours)[0]).toEqual(fees(theirs)[0]);
  });

  it("the small ones agree too", async () => {
    const [request, response] = [
      sampleNamed("get_objects_misc").request,
      sampleNamed("get_objects_misc").response,
    ];
    const reply = (await ask(JSON.stringify(request))) as ResponseWire;
    expect((reply.result as Json[]).map(shape)).toEqual(((response?.result ?? []) as Json[]).map(shape));
  });
});

describe("broadcasts that fail, signed for this chain", () => {
  const user = (n: number) => `user${String(n).padStart(4, "0")}`;
  const cases: Record<string, Making> = {
    error_insufficient_balance: {},
    error_balance_covers_amount_not_fee: {},
    error_asset_never_held: {},
    error_wrong_key: { signers: [`${user(2)}-active`] },
    error_wrong_chain_id: { forge: () => [signDigest(Buffer.alloc(32, 1), activeKey(114)).toString("hex")] },
    error_no_signature: { signers: [] },
    error_memo_key_signs: { signers: [`${user(1)}-memo`] },
    error_two_signatures_one_needed: { signers: [`${user(1)}-active`, `${user(2)}-active`] },
    error_same_key_twice: { forge: ([only = ""]) => [only, only] },
    error_recovery_byte_26: { forge: ([only = ""]) => [`1a${only.slice(2)}`] },
    error_recovery_byte_35: { forge: ([only = ""]) => [`23${only.slice(2)}`] },
    error_expired: { change: (tx, { time }) => void (tx.expiration = wireTime(time - 1)) },
    error_expiration_too_far: { change: (tx, { time }) => void (tx.expiration = wireTime(time + 86_401)) },
    error_tapos_mismatch: {
      change: (tx) => Object.assign(tx, { ref_block_num: 5, ref_block_prefix: 12345 }),
    },
    error_tapos_future_block_number: {
      change: (tx) => Object.assign(tx, { ref_block_num: 60_000, ref_block_prefix: 12345 }),
    },
    error_fee_zero: {},
    error_fee_one_too_low: {},
    error_fee_negative: {},
    error_unknown_account_to: {},
    error_unknown_account_from: { signers: [`${user(1)}-active`] },
    error_unknown_asset: {},
    error_self_transfer: {},
    error_amount_zero: {},
    error_amount_negative: {},
    error_no_operations: {},
    error_committee_account: { signers: [`${user(1)}-active`] },
    error_from_temp_account_no_balance: { signers: [] },
  };

  it.each(Object.entries(cases))("%s", async (name, making) => {
    expectSameError(await broadcast(await remade(name, making)), name);
  });

  it.each(["duplicate_pending", "error_duplicate_included"])("%s", async (name) => {
    const transaction = await remade(name);
    expect(await broadcast(transaction)).toMatchObject({ result: null });
    if (name.endsWith("included")) await devnet.produce();
    const expected = sampleNamed(name);
    const id = Transaction.parse(codec, transaction).id;
    const theirs = /'[0-9a-f]{40}'/.exec(expected.response?.error?.message ?? "")?.[0] ?? "";
    const { error } = await broadcast(transaction);
    const ours = JSON.parse(JSON.stringify(error).replaceAll(`'${id}'`, theirs)) as ErrorWire;
    expectSameError({ id: 1, error: ours }, name);
  });

  it("error_oversize: the unsigned bytes are counted", async () => {
    const [operation] = (await remade("error_fee_zero")).operations as Json[];
    const change = (tx: JsonMap) =>
      void (tx.operations = Array.from({ length: 8000 }, () => operation as Json));
    expectSameError(await broadcast(await remade("error_fee_zero", { change })), "error_oversize");
  });

  it("error_oversize_1MiB", async () => {
    const [operation] = (await remade("error_fee_zero")).operations as Json[];
    const change = (tx: JsonMap) =>
      void (tx.operations = Array.from({ length: 70_000 }, () => operation as Json));
    expectSameError(await broadcast(await remade("error_fee_zero", { change })), "error_oversize_1MiB");
  });

  it("error_duplicate_after_expiration: bytes included long ago are expired, not duplicate", async () => {
    const change = (tx: JsonMap, { time }: { time: number }) => void (tx.expiration = wireTime(time + 1));
    const transaction = await remade("error_duplicate_included", { change });
    expect(await broadcast(transaction)).toMatchObject({ result: null });
    await devnet.produce(1);
    expect((await broadcast(transaction)).error?.data?.name).toBe("duplicate_transaction"); // head time = expiration
    await devnet.produce(1);
    expectSameError(await broadcast(transaction), "error_duplicate_after_expiration");
  });
});

describe("broadcasts that fail with any signature, sent as they were", () => {
  it.each([
    "error_signatures_key_absent",
    "error_non_canonical_high_s",
    "error_zero_signature",
    "error_short_signature",
    "error_bad_hex_signature",
    "error_memo_key_wrong_prefix",
    "error_memo_key_bad_checksum",
    "error_memo_key_not_base58",
    "error_memo_key_empty",
    "error_memo_odd_hex",
    "error_memo_bad_nonce",
    "error_memo_null",
    "error_wrong_id_type",
    "error_name_instead_of_id",
    "error_number_instead_of_id",
    "error_expiration_with_Z",
    "error_expiration_text",
    "error_unknown_operation_tag",
    "error_operation_name_tag",
    "error_amount_fraction",
    "error_amount_overflow",
    "error_amount_text",
    "error_amount_double",
    "error_ref_block_num_70000",
    "error_extensions_object",
    "error_extensions_nonempty",
    "error_amount_missing",
    "error_broadcast_no_tx",
    "error_broadcast_tx_string",
    "error_broadcast_tx_null",
    'expiration_suffix_"+00:00"',
    'expiration_suffix_" "',
    "expiration_number",
    "expiration_space",
  ])("%s", async (name) => {
    expectSameError(await ask(JSON.stringify(sampleNamed(name).request)), name);
  });
});

describe("broadcasts that a real node takes although they look wrong", () => {
  it.each([
    ["the owner key signs", "error_owner_key_only_for_active", { signers: ["user0001-owner"] }],
    ["a fee one too high", "error_fee_one_too_high", {}],
    [
      "a recovery byte of the uncompressed kind",
      "error_recovery_byte_27_28",
      { forge: ([only = ""]) => [(Number.parseInt(only.slice(0, 2), 16) - 4).toString(16) + only.slice(2)] },
    ],
    ["a signature with a byte too many", "error_long_signature", { forge: ([only = ""]) => [`${only}ff`] }],
    ["a foreign key in the memo", "error_memo_wrong_from_key", {}],
    [
      "a slot of the TaPoS table that was never written",
      "error_tapos_zero_prefix_unwritten_slot",
      {
        change: (tx) => Object.assign(tx, { ref_block_num: 60_000, ref_block_prefix: 0 }),
      },
    ],
    [
      "no reference at all",
      "error_tapos_zero_zero",
      {
        change: (tx) => Object.assign(tx, { ref_block_num: 0, ref_block_prefix: 0 }),
      },
    ],
    [
      "a fraction of a second",
      "error_expiration_with_ms",
      {
        change: (tx) => void (tx.expiration = `${tx.expiration as string}.999`),
      },
    ],
    [
      "the compact form of time",
      "expiration_compact",
      {
        change: (tx) => void (tx.expiration = (tx.expiration as string).replaceAll(/[-:]/g, "")),
      },
    ],
    [
      "unknown keys and an amount in text",
      "error_unknown_keys_and_string_amount",
      { change: (tx, { time }) => void (tx.expiration = wireTime(time + 50)) },
    ],
  ] as [string, string, Making][])("%s", async (_, name, making) => {
    expect(await broadcast(await remade(name, making))).toEqual({ id: 1, result: null });
  });
});
