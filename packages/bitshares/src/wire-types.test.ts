import { fc, test } from "@stakebts/testkit/property";
import { ops } from "bitsharesjs";
import bitsharesWs from "bitsharesjs-ws";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { ByteWriter } from "./byte-writer.ts";
import * as curves from "./curve.ts";
import { decodeBase58, decodeBase58Fixed, encodeBase58, publicKeyFromWif, publicKeyText } from "./keys.ts";
import { decodeLenient, encodeLenient } from "./lenient-text.ts";
import { OPERATION, OPERATION_TYPES } from "./operation-types.ts";
import { type WireType, writeWire } from "./wire-types.ts";

const packed = (type: WireType, value: unknown): string => {
  const out = new ByteWriter();
  writeWire(out, type, value);
  return out.take().toString("hex");
};
const operation = (tag: number, body: unknown): string => packed(OPERATION, [tag, body]);

const KEY = publicKeyFromWif("5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3");

/** Values as a node prints them; `plain`: such as bitsharesjs takes as well. */
function printed(type: WireType, plain: boolean): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "uint8":
      return fc.nat(0xff);
    case "uint16":
      return fc.nat(0xffff);
    case "uint32":
      return fc.nat(0xffff_ffff);
    case "varint":
      return fc.nat(plain ? 0x7fff_ffff : 0xffff_ffff);
    case "uint64":
      return fc.bigInt(0n, 2n ** 64n - 1n).map(String);
    case "int64":
      return fc.bigInt(0n, 2n ** 63n - 1n).map(String);
    case "bool":
      return fc.boolean();
    case "time":
      return fc.nat(0xffff_ffff).map((s) => new Date(s * 1000).toISOString().slice(0, 19));
    case "string":
      // bitsharesjs writes each character as one byte.
      return fc.string({ unit: plain ? "grapheme-ascii" : "grapheme", maxLength: 20 });
    case "bytes":
      return fc.uint8Array({ maxLength: 20 }).map((b) => Buffer.from(b).toString("hex"));
    case "key":
      return plain
        ? fc.constant(KEY)
        : fc.uint8Array({ minLength: 33, maxLength: 33 }).map((bytes) => publicKeyText(bytes));
    case "address":
      return fc.constant("BTSFN9r6VYzBK8EKtMewfNbfiGCr56pHDBFi");
    case "vote":
      return fc.tuple(fc.nat(2), fc.nat(0xffff)).map(([kind, n]) => `${kind}:${n}`);
    case "id":
      return fc.nat(0x7fff_ffff).map((n) => `${type.prefix}${n}`);
    case "objectId":
      return fc.nat(0x7fff_ffff).map((n) => `1.7.${n}`);
    case "void":
      return fc.constant({});
    case "fixed":
      return fc
        .uint8Array({ minLength: type.length, maxLength: type.length })
        .map((b) => Buffer.from(b).toString("hex"));
    case "optional":
      return fc.option(printed(type.of, plain), { nil: undefined });
    case "list": // one member, because bitsharesjs sorts
      return fc.array(printed(type.of, plain), { maxLength: plain ? 1 : 4 });
    case "pair":
      return fc.tuple(printed(type.first, plain), printed(type.second, plain));
    case "struct":
      return fc.record(Object.fromEntries(type.fields.map(([name, of]) => [name, printed(of, plain)])));
    case "variant": {
      const arms = plain && type.types.length === 1 ? [] : type.types.map((_, tag) => tag);
      return arms.length === 0
        ? fc.constant([])
        : fc
            .constantFrom(...arms)
            .chain((tag) => printed(type.types[tag] as WireType, plain).map((v) => [tag, v]));
    }
    case "extension":
      return plain
        ? fc.constantFrom([])
        : fc.record(Object.fromEntries(type.fields.map(([name, of]) => [name, printed(of, plain)])), {
            requiredKeys: [],
          });
    case "later":
      return fc.constant(undefined);
    default:
      throw new TypeError("a new kind");
  }
}

/** Sets of extensions are empty for bitsharesjs, which cannot pack what is in them. */
const withoutExtensions = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(withoutExtensions)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value).map(([name, part]) => [
            name,
            name === "extensions" ? [] : withoutExtensions(part),
          ]),
        )
      : value;

/** What bitsharesjs has wrong, or not at all; by hand below. */
const NOT_IN_THE_REFERENCE: Record<string, string> = {
  fill_order: "has no price",
  proposal_create: "nested operations, below",
  committee_member_update_global_parameters: "lacks a field, and half of the fees",
  vesting_balance_create: "lacks a policy",
  worker_create: "cannot pack an initializer without fields",
  asset_settle_cancel: "has extensions",
  fba_distribute: "has another kind of id",
  htlc_create: "lacks a hash, and the memo",
  htlc_redeemed: "lacks fields",
  htlc_refund: "lacks fields",
  custom_authority_create: "restrictions, below",
  custom_authority_update: "has another kind of id",
  custom_authority_delete: "has another kind of id",
};

describe("operations", () => {
  beforeAll(() => bitsharesWs.ChainConfig.setPrefix("BTS"));

  it("are all those of the chain", () => {
    expect(OPERATION_TYPES.map(([name]) => name)).toHaveLength(78);
    expect(OPERATION_TYPES[77]?.[0]).toBe("limit_order_update");
  });

  const compared = OPERATION_TYPES.map(([name, body], tag) => ({ name, body, tag })).filter(
    ({ name, tag }) => tag < 75 && NOT_IN_THE_REFERENCE[name] === undefined,
  );
  it.each(compared)("$tag $name are the bytes of bitsharesjs", ({ tag, body }) => {
    const reference = ops.operation.st_operations[tag];
    fc.assert(
      fc.property(printed(body, true), (value) => {
        const plain = withoutExtensions(value);
        expect(operation(tag, plain)).toBe(
          Buffer.concat([
            Buffer.of(tag),
            reference?.toBuffer(reference.fromObject(plain)) as Buffer,
          ]).toString("hex"),
        );
      }),
      { numRuns: 8 },
    );
  });

  const CORE = "000000000000000000"; // nothing of 1.3.0
  const none = { amount: 0, asset_id: "1.3.0" };

  it.each([
    [
      "limit orders that are updated, with what to do when they are filled",
      77,
      {
        fee: none,
        seller: "1.2.1",
        order: "1.7.1",
        on_fill: [
          [
            0,
            {
              fee_asset_id: "1.3.0",
              spread_percent: 25,
              size_percent: 50,
              expiration_seconds: 3600,
              repeat: true,
              extensions: [],
            },
          ],
        ],
        extensions: [],
      },
      `4d${CORE}0101000000010100001900320010` + "0e00000100" + "00",
    ],
    [
      "limit orders that are created with it",
      1,
      {
        fee: none,
        seller: "1.2.1",
        amount_to_sell: none,
        min_to_receive: none,
        expiration: "2106-02-07T06:28:15",
        fill_or_kill: false,
        extensions: { on_fill: [] },
      },
      `01${CORE}01${CORE}${CORE}ffffffff00010000`,
    ],
    [
      "times past 2038 as nodes with an older library print them",
      1,
      {
        fee: none,
        seller: "1.2.1",
        amount_to_sell: none,
        min_to_receive: none,
        expiration: "1969-12-31T23:59:59",
        fill_or_kill: true,
        extensions: [],
      },
      `01${CORE}01${CORE}${CORE}ffffffff0100`,
    ],
    [
      "pools",
      75,
      { fee: none, account: "1.2.300", pool: "1.19.7", withdrawal_fee_percent: 258, extensions: [] },
      `4b${CORE}ac0207000102` + "0100",
    ],
    [
      "credit deals",
      76,
      { fee: none, account: "1.2.1", deal_id: "1.22.5", auto_repay: 2, extensions: [] },
      `4c${CORE}01050200`,
    ],
    [
      "credit offers that are accepted with an option",
      72,
      {
        fee: none,
        borrower: "1.2.1",
        offer_id: "1.21.5",
        borrow_amount: none,
        collateral: none,
        max_fee_rate: 1,
        min_duration_seconds: 2,
        extensions: { auto_repay: 1 },
      },
      `48${CORE}0105${CORE}${CORE}0100000002000000010001`,
    ],
    [
      "debt with a target",
      3,
      {
        fee: none,
        funding_account: "1.2.1",
        delta_collateral: none,
        delta_debt: { amount: -1, asset_id: "1.3.5" },
        extensions: { target_collateral_ratio: 1800 },
      },
      `03${CORE}01${CORE}ffffffffffffffff0501000807`,
    ],
    [
      "vesting that is over at once",
      32,
      { fee: none, creator: "1.2.1", owner: "1.2.2", amount: none, policy: [2, {}] },
      `20${CORE}0102${CORE}02`,
    ],
    [
      "workers that return what they are paid",
      34,
      {
        fee: none,
        owner: "1.2.1",
        work_begin_date: "1970-01-01T00:00:01",
        work_end_date: "1970-01-01T00:00:02",
        daily_pay: "4294967296",
        name: "é",
        url: "",
        initializer: [0, {}],
      },
      `22${CORE}0101000000020000000000000001000000` + "02c3a9" + "00" + "00",
    ],
    [
      "hashed time locks with a memo's place, by a hash of a hash",
      49,
      {
        fee: none,
        from: "1.2.1",
        to: "1.2.2",
        amount: none,
        preimage_hash: [3, "11".repeat(20)],
        preimage_size: 16,
        claim_period_seconds: 60,
        extensions: {},
      },
      `31${CORE}0102${CORE}03${"11".repeat(20)}10003c00000000`,
    ],
    [
      "custom authorities",
      54,
      {
        fee: none,
        account: "1.2.1",
        enabled: true,
        valid_from: "1970-01-01T00:00:01",
        valid_to: "1970-01-01T00:00:02",
        operation_type: 0,
        auth: { weight_threshold: 1, account_auths: [["1.2.9", 1]], key_auths: [], address_auths: [] },
        restrictions: [
          {
            member_index: 1,
            restriction_type: 11,
            argument: [
              40,
              [[{ member_index: 3, restriction_type: 0, argument: [7, "1.2.8"], extensions: [] }]],
            ],
            extensions: [],
          },
          { member_index: 0, restriction_type: 12, argument: [41, ["1", []]], extensions: [] },
        ],
        extensions: [],
      },
      `36${CORE}01010100000002000000000100000001090100000002010b28010103000708000` +
        `0000c29010000000000000000` +
        `0000`,
    ],
    [
      "authorities that are removed",
      56,
      { fee: none, account: "1.2.1", authority_to_delete: "1.17.4", extensions: [] },
      `38${CORE}010400`,
    ],
    [
      "proposals of proposals",
      22,
      {
        fee: none,
        fee_paying_account: "1.2.1",
        expiration_time: "1970-01-01T00:00:01",
        proposed_ops: [
          {
            op: [
              22,
              {
                fee: none,
                fee_paying_account: "1.2.2",
                expiration_time: "1970-01-01T00:00:02",
                proposed_ops: [
                  { op: [0, { fee: none, from: "1.2.3", to: "1.2.4", amount: none, extensions: [] }] },
                ],
                extensions: [],
              },
            ],
          },
        ],
        review_period_seconds: 3,
        extensions: [],
      },
      `16${CORE}01010000000116${CORE}02020000000100${CORE}0304${CORE}00000000` + `010300000000`,
    ],
    [
      "accounts with special authorities",
      6,
      {
        fee: none,
        account: "1.2.1",
        extensions: { null_ext: {}, active_special_authority: [1, { asset: "1.3.9", num_top_holders: 3 }] },
      },
      `06${CORE}010000000200020109` + "03",
    ],
  ])("are packed by the protocol's definitions: %s", (_, tag, body, hex) => {
    expect(operation(tag, body)).toBe(hex);
  });

  it("of the committee carry every field of the chain's parameters and the fees of new operations", () => {
    const [, body] = OPERATION_TYPES[31] as (typeof OPERATION_TYPES)[number];
    const parameters = body.kind === "struct" ? body.fields[1]?.[1] : undefined;
    const type = parameters?.kind === "later" ? parameters.type() : undefined;
    if (type?.kind !== "struct") throw new Error("the parameters are a struct");
    const value = Object.fromEntries(
      type.fields.map(([name, of]) => [
        name,
        name === "current_fees"
          ? {
              parameters: [
                [0, { fee: 1, price_per_kbyte: 2 }],
                [4, {}],
                [77, { fee: 3 }],
              ],
              scale: 10_000,
            }
          : of.kind === "bool"
            ? true
            : name === "extensions"
              ? {
                  updatable_htlc_options: { max_timeout_secs: 1, max_preimage_size: 2 },
                  maker_fee_discount_percent: 5,
                }
              : 7,
      ]),
    );
    const hex = operation(31, { fee: none, new_parameters: value });
    expect(hex).toBe(
      `1f${CORE}` +
        "03" +
        `00${"0100000000000000"}${"02000000"}` +
        "04" +
        `4d${"0300000000000000"}` +
        "10270000" +
        "07" +
        "07000000" +
        "07" +
        "07000000".repeat(5) +
        "0707" +
        "0700".repeat(6) +
        "07000000" +
        "0700000000000000" +
        "0101" +
        "0700000000000000" +
        "07000000" +
        "0700000000000000" +
        "0700" +
        "0700000000000000" +
        "0700" +
        "0707" +
        `02${"00"}${"01000000"}${"02000000"}${"03"}${"0500"}`,
    );
  });

  it.each([
    ["an unknown field", 15, { fee: none, payer: "1.2.1", amount_to_reserve: none, extensions: [], more: 1 }],
    [
      "an unknown option",
      3,
      {
        fee: none,
        funding_account: "1.2.1",
        delta_collateral: none,
        delta_debt: none,
        extensions: { more: 1 },
      },
    ],
    [
      "an id that can be written in two ways",
      15,
      { fee: none, payer: "1.2.01", amount_to_reserve: none, extensions: [] },
    ],
    ["a missing field", 15, { fee: none, payer: "1.2.1", extensions: [] }],
    ["an operation that is newer", 78, {}],
  ])("with %s are not guessed at", (_, tag, body) => {
    expect(() => operation(tag, body)).toThrow();
  });

  it("that nest without end are refused, not followed", () => {
    let inner: unknown = [0, {}];
    for (let i = 0; i < 20_000; i++)
      inner = [
        22,
        {
          fee: none,
          fee_paying_account: "1.2.1",
          expiration_time: "1970-01-01T00:00:01",
          proposed_ops: [{ op: inner }],
          extensions: [],
        },
      ];
    expect(() => packed(OPERATION, inner)).toThrow(/nesting/);
  });

  test.prop([fc.nat(80), fc.anything()])("of any shape are bytes or an error of ours", (tag, body) => {
    try {
      operation(tag, body);
    } catch (error) {
      expect(["Unserializable", "ChainError"]).toContain((error as Error).name);
    }
  });

  for (const [name, body] of OPERATION_TYPES.filter(([name]) => NOT_IN_THE_REFERENCE[name] === undefined)) {
    it(`${name} are packed with all that can stand in them`, () => {
      fc.assert(
        fc.property(printed(body, false), (value) => {
          expect(packed(body, value)).toMatch(/^[0-9a-f]+$/);
        }),
        { numRuns: 5 },
      );
    });
  }
});

describe("public keys in operations of others", () => {
  it("are copied without curve and checksum: a block full of them costs a pass over its text", () => {
    const keys = Array.from({ length: 2_900 }, (_, i) => publicKeyText(Buffer.alloc(33, i % 251)));
    const isPoint = vi.spyOn(curves.curve, "isPoint");
    const sharedX = vi.spyOn(curves.curve, "sharedX");
    const publicKey = vi.spyOn(curves.curve, "publicKey");
    const asked = { fee: { amount: 0, asset_id: "1.3.0" }, fee_paying_account: "1.2.1", proposal: "1.10.1" };
    const noApprovals = {
      active_approvals_to_add: [],
      active_approvals_to_remove: [],
      owner_approvals_to_add: [],
      owner_approvals_to_remove: [],
      key_approvals_to_remove: [],
      extensions: [],
    };
    expect(operation(23, { ...asked, ...noApprovals, key_approvals_to_add: keys }).length).toBeGreaterThan(
      2 * 33 * 2_900,
    );
    for (const spy of [isPoint, sharedX, publicKey]) expect(spy).not.toHaveBeenCalled();
    const wrongChecksum = encodeBase58(Buffer.alloc(37, 9));
    expect(
      operation(23, { ...asked, ...noApprovals, key_approvals_to_add: [`BTS${wrongChecksum}`] }),
    ).toContain("09".repeat(33));
  });

  test.prop([fc.uint8Array({ minLength: 24, maxLength: 37 }), fc.constantFrom("BTS", "TEST")])(
    "are decoded as by the plain way",
    (bytes, prefix) => {
      const text = prefix + encodeBase58(bytes);
      expect(decodeBase58Fixed(text, bytes.length)).toEqual(bytes);
      expect(decodeBase58Fixed(text, bytes.length - 1)).toBeUndefined();
      expect(decodeBase58Fixed(text, bytes.length + 1)).toBeUndefined();
      expect(decodeBase58(encodeBase58(bytes))).toEqual(bytes);
    },
  );

  test.prop([fc.string()])("in any other text are none", (text) => {
    expect(decodeBase58Fixed(text, 37)).toBeUndefined();
  });
});

describe("text that is no UTF-8", () => {
  test.prop([fc.uint8Array({ maxLength: 60 })])("keeps its bytes", (bytes) => {
    expect(new Uint8Array(encodeLenient(decodeLenient(bytes)))).toEqual(bytes);
  });

  test.prop([fc.string({ unit: "grapheme" })])("is nothing else than text where it is UTF-8", (text) => {
    expect(decodeLenient(Buffer.from(text, "utf8"))).toBe(text);
    expect(encodeLenient(text)).toEqual(Buffer.from(text, "utf8"));
  });

  it.each(["c080", "eda080", "f4908080", "f08080af", "e28c", "ff", "80", "e0", "61ff62", "c3a9ffc3a9"])(
    "%s",
    (hex) => {
      expect(encodeLenient(decodeLenient(Buffer.from(hex, "hex"))).toString("hex")).toBe(hex);
    },
  );
});
