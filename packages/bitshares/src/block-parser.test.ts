import { readFileSync } from "node:fs";
import { fc, test } from "@stakebts/testkit/property";
import { ops } from "bitsharesjs";
import bitsharesWs from "bitsharesjs-ws";
import { beforeAll, describe, expect, it } from "vitest";
import { shares } from "@stakebts/kernel/amount";
import { ChainError } from "./chain.ts";
import { merkleRootOf } from "./block-id.ts";
import { parseBlock, parseBlockInTurns } from "./block-parser.ts";
import { parseAccount, parseBalance, parseHead } from "./chain-answers.ts";
import { encodeBase58, parsePublicKey, publicKeyText } from "./keys.ts";
import { transactionId } from "./transaction-codec.ts";
import { type JsonObject } from "./wire-values.ts";

const samples = JSON.parse(
  readFileSync(new URL("../../testkit/src/fixtures/bitshares-wire-samples.json", import.meta.url), "utf8"),
) as { name: string; response?: { result?: unknown } }[];
const resultOf = (name: string): never => {
  const sample = samples.find((s) => s.name === name);
  if (sample === undefined) throw new Error(`no sample ${name}`);
  return structuredClone(sample.response?.result) as never;
};
const other = JSON.parse(
  readFileSync(new URL("../../testkit/src/fixtures/bitshares-vectors.json", import.meta.url), "utf8"),
) as {
  other_operations: { tx: { operations: unknown[] }; unsigned_hex: string; txid: string }[];
};

interface RawBlock {
  transactions: {
    operations: [number, { amount: { amount: unknown }; memo?: JsonObject; from: string }][];
    signatures: string[];
    [key: string]: unknown;
  }[];
  [key: string]: unknown;
}
const block411 = (): RawBlock => resultOf("get_block_with_memo");

function setAmount(block: RawBlock, trxInBlock: number, amount: unknown): void {
  const transfer = block.transactions[trxInBlock]?.operations[0]?.[1];
  if (transfer === undefined) throw new Error(`no transfer in transaction ${trxInBlock}`);
  transfer.amount.amount = amount;
}

function errorOf(value: unknown): ChainError | undefined {
  try {
    parseBlock(value, "1.2.115");
    return undefined;
  } catch (error) {
    if (error instanceof ChainError) return error;
    throw error;
  }
}

describe("a real node's block", () => {
  beforeAll(() => bitsharesWs.ChainConfig.setPrefix("BTS"));

  it("is reduced to the transfers of the account, with ids computed and the merkle root checked", () => {
    const { block, merkle } = parseBlock(block411(), "1.2.116");
    expect(merkle).toBe("verified");
    expect(block).toEqual({
      blockNum: 411,
      // The block notice of the same node says the same.
      blockId: "0000019bdf0bf63bfa84d63256d0a7d6db5bbf56",
      previousId: "0000019a60c6d3c900fa1fe6ed6436609c44d6d9",
      timeMs: Date.parse("2026-11-22T13:47:20Z"),
      transfers: [
        {
          trxInBlock: 2,
          opInTrx: 0,
          fromId: "1.2.116",
          toId: "1.2.115",
          amount: 7n,
          assetId: "1.3.0",
          feeAmount: 1146n,
          feeAssetId: "1.3.0",
          memo: undefined,
          txid: "18489c07075ccfeaa9947a037501888d50481591",
        },
      ],
      // Of all accounts.
      payments: [
        { txid: "e12657c69695c989a6d8d294c26775fef1e52dc0", trxInBlock: 0 },
        { txid: "5fbad0324b6e4034db38ea55334089b32b9f4a24", trxInBlock: 1 },
        { txid: "18489c07075ccfeaa9947a037501888d50481591", trxInBlock: 2 },
      ],
    });
  });

  it("keeps memo, large amounts and the ids that the node reported", () => {
    const { transfers } = parseBlock(block411(), "1.2.115").block;
    expect(transfers.map(({ txid }) => txid)).toEqual([
      "e12657c69695c989a6d8d294c26775fef1e52dc0",
      "5fbad0324b6e4034db38ea55334089b32b9f4a24",
      "18489c07075ccfeaa9947a037501888d50481591",
    ]);
    expect(transfers[1]).toMatchObject({
      amount: shares(3_000_000_000n),
      memo: { nonce: "459610941426179" },
    });
  });

  it.each(["get_block_empty", "get_block_1"])("%s has no transfers and verifies", (name) => {
    expect(parseBlock(resultOf(name), "1.2.115")).toMatchObject({
      merkle: "verified",
      block: { transfers: [] },
    });
  });

  it("is not taken with a transaction changed, left out, doubled or moved", () => {
    const lies: ((block: RawBlock) => void)[] = [
      (b) => b.transactions.pop(),
      (b) => b.transactions.push(b.transactions[0] as never),
      (b) => b.transactions.reverse(),
      (b) => (b.transactions = []),
      (b) => setAmount(b, 2, 8),
      (b) => ((b.transactions[2] as { signatures: string[] }).signatures = []),
    ];
    for (const lie of lies) {
      const block = block411();
      lie(block);
      expect(errorOf(block)?.code, lie.toString()).toBe("inconsistent_chain");
    }
  });

  it("is known to be unverifiable when it holds an operation that cannot be serialized", () => {
    const block = block411();
    block.transactions[0]?.operations.push([78, {} as never]);
    const parsed = parseBlock(block, "1.2.115");
    expect(parsed.merkle).toBe("unverifiable");
    expect(parsed.block.transfers.map(({ txid }) => txid === undefined)).toEqual([true, false, false]);
  });

  it.each(["1.2.0116", "1.2.+116", "1.2.116 ", "1.3.116", "1.2.281474976710656"])(
    "does not take %j for an account, or a transfer could be hidden from its owner",
    (from) => {
      const block = block411();
      const transfer = block.transactions[2]?.operations[0]?.[1];
      if (transfer) transfer.from = from;
      expect(errorOf(block)?.code).toBe("malformed_answer");
    },
  );

  it("counts amounts the same as number and as text", () => {
    const block = block411();
    setAmount(block, 0, "12345");
    expect(parseBlock(block, "1.2.115").merkle).toBe("verified");
  });

  it("with other operations is verified, and never called wrong for what we make of them", () => {
    for (const { tx, unsigned_hex, txid } of other.other_operations) {
      const block = block411();
      block.transactions = [{ ...tx, signatures: [], operation_results: [] } as never];
      expect(parseBlock(block, "1.2.115").merkle, txid).toBe("unverifiable");
      block["transaction_merkle_root"] = merkleRootOf([Buffer.from(`${unsigned_hex}0000`, "hex")]);
      expect(parseBlock(block, "1.2.115").merkle, txid).toBe("verified");
    }
  });

  it("with claims of withdraw permissions shows the account's as transfers from who gave to who drew", () => {
    const claim = (to: string, memo?: object) => [
      27,
      {
        fee: { amount: 7, asset_id: "1.3.0" },
        withdraw_permission: "1.12.5",
        withdraw_from_account: "1.2.900",
        withdraw_to_account: to,
        amount_to_withdraw: { amount: "3000000000", asset_id: "1.3.0" },
        ...memo,
      },
    ];
    const block = block411();
    const transaction = (operations: unknown[]) => ({
      ...block411().transactions[0],
      operations,
      signatures: [],
      operation_results: [],
    });
    const { memo } = block411().transactions[1]?.operations[0]?.[1] ?? {};
    block.transactions = [
      transaction([claim("1.2.116", { memo })]),
      transaction([claim("1.2.117")]), // a stranger's
    ] as never;
    const unsigned = block.transactions.map(({ operations, ...rest }) =>
      ops.transaction.toBuffer(ops.transaction.fromObject({ ...rest, operations })),
    );
    expect(errorOf(block)?.code).toBe("inconsistent_chain");
    block["transaction_merkle_root"] = merkleRootOf(
      unsigned.map((bytes) => Buffer.concat([bytes, Buffer.of(0, 0)])),
    );
    const parsed = parseBlock(block, "1.2.116");
    expect(parsed.merkle).toBe("verified");
    expect(parsed.block.transfers).toMatchObject([
      {
        permissionId: "1.12.5",
        fromId: "1.2.900",
        toId: "1.2.116",
        amount: 3_000_000_000n,
        feeAmount: 7n,
        memo: { nonce: "459610941426179" },
        txid: transactionId(unsigned[0] as Buffer),
      },
    ]);
    expect(parseBlock(block, "1.2.900").block.transfers).toHaveLength(2);
  });

  it("with extensions printed as an object, as nodes do, is verified too", () => {
    const [create] = other.other_operations as unknown as [
      { tx: { operations: [[number, JsonObject]] }; unsigned_hex: string },
    ];
    const tx = structuredClone(create.tx);
    tx.operations[0][1] = { ...tx.operations[0][1], extensions: {} };
    const block = block411();
    block.transactions = [{ ...tx, signatures: [], operation_results: [] } as never];
    block["transaction_merkle_root"] = merkleRootOf([Buffer.from(`${create.unsigned_hex}0000`, "hex")]);
    expect(parseBlock(block, "1.2.115").merkle).toBe("verified");
  });

  it("with extensions that hold nothing, which any account can set, is verified as well", () => {
    const nothing = [[0, {}]];
    const block = block411();
    const [transaction] = block.transactions as [RawBlock["transactions"][number]];
    const plain = ops.transaction.toBuffer(
      ops.transaction.fromObject({ ...transaction, operation_results: undefined }),
    );
    Object.assign(transaction.operations[0]?.[1] as object, { extensions: nothing });
    Object.assign(transaction, { extensions: nothing, signatures: [], operation_results: [] });
    block.transactions = [transaction];
    // The two empty sets at the end, each with one member whose tag is 0 and that has no bytes.
    const packed = Buffer.concat([plain.subarray(0, -2), Buffer.from("0100" + "0100" + "0000", "hex")]);
    block["transaction_merkle_root"] = merkleRootOf([packed]);
    expect(parseBlock(block, "1.2.115").merkle).toBe("verified");
  });

  it("of a market is proved by its header, results of operations included", () => {
    const order = {
      fee: { amount: 5, asset_id: "1.3.0" },
      account: "1.2.115",
      pool: "1.19.3",
      amount_to_sell: { amount: 10, asset_id: "1.3.0" },
      min_to_receive: { amount: "4294967296", asset_id: "1.3.113" },
      extensions: [],
    };
    const paid = [{ amount: 10, asset_id: "1.3.0" }];
    const block = block411();
    block.transactions = [
      {
        ...block411().transactions[0],
        operations: [[63, order]],
        signatures: [],
        operation_results: [
          [4, { paid, received: [], fees: [] }],
          [1, "1.7.999"],
          [2, paid[0]],
          [3, { new_objects: ["1.4.1"], updated_objects: [], removed_objects: [] }],
          [5, { impacted_accounts: ["1.2.7"], paid }],
        ],
      } as never,
    ];
    expect(parseBlock(block, "1.2.115").merkle).toBe("unverifiable");
    const { ref_block_num, ref_block_prefix, expiration } = block.transactions[0] as unknown as {
      ref_block_num: number;
      ref_block_prefix: number;
      expiration: string;
    };
    const head = Buffer.alloc(10);
    head.writeUInt16LE(ref_block_num, 0);
    head.writeUInt32LE(ref_block_prefix, 2);
    head.writeUInt32LE(Date.parse(`${expiration}Z`) / 1000, 6);
    const core = (amount: number) => `${amount.toString(16).padStart(2, "0")}0000000000000000`;
    const hex =
      `01${"3f"}${core(5)}${"73"}${"03"}${core(10)}${"0000000001000000"}${"71"}${"00"}` + // the operation
      `00${"00"}` + // extensions and signatures
      `05` +
      `04${"01"}${core(10)}${"00"}${"00"}` +
      `01${"e703000000000701"}` +
      `02${core(10)}` +
      `03${"01"}${"0100000000000401"}${"00"}${"00"}` +
      `05${"02"}${"00"}${"01"}${"07"}${"04"}${"01"}${core(10)}`;
    block["transaction_merkle_root"] = merkleRootOf([Buffer.concat([head, Buffer.from(hex, "hex")])]);
    expect(parseBlock(block, "1.2.115")).toMatchObject({
      merkle: "verified",
      accountOperations: [{ name: "liquidity_pool_exchange", txid: expect.stringMatching(/^[0-9a-f]{40}$/) }],
    });
  });

  it("that is full of keys is read in turns, between which this process does other things", async () => {
    const keys = Array.from({ length: 2_900 }, (_, i) => publicKeyText(Buffer.alloc(33, (i % 250) + 1)));
    const approval = {
      fee: { amount: 1, asset_id: "1.3.0" },
      fee_paying_account: "1.2.1",
      proposal: "1.10.1",
      active_approvals_to_add: [],
      active_approvals_to_remove: [],
      owner_approvals_to_add: [],
      owner_approvals_to_remove: [],
      key_approvals_to_add: keys,
      key_approvals_to_remove: [],
      extensions: [],
    };
    const block = block411();
    const [transaction] = block.transactions;
    const dear = { ...transaction, operations: [[23, approval]], signatures: [], operation_results: [] };
    block.transactions = Array.from({ length: 20 }, () => dear as never); // the 2 MB that a block can have
    let turns = 0;
    let isRead = false;
    const others = (): void => {
      turns++;
      if (!isRead) setImmediate(others);
    };
    setImmediate(others);
    const parsed = await parseBlockInTurns(block, "1.2.115");
    isRead = true;
    expect(turns).toBeGreaterThanOrEqual(10);
    expect(parsed).toEqual(parseBlock(block, "1.2.115"));
  });

  it("has one text for each key in a transfer of ours, or its memo could be made unreadable unnoticed", () => {
    const block = block411();
    const memo = block.transactions[1]?.operations[0]?.[1].memo as { from: string };
    const key = parsePublicKey(memo.from) as Uint8Array;
    memo.from = `BTS${encodeBase58(Buffer.concat([key, Buffer.from("wxyz")]))}`;
    expect(parseBlock(block, "1.2.115").merkle).toBe("unverifiable");
    expect(parseBlock(block, "1.2.999").merkle).toBe("verified"); // none of ours: only the bytes count
  });

  it.each([-1, 0, "-9223372036854775808", "9223372036854775808"])(
    "with a transfer of %s is malformed: no chain has one, and the ledger has no place for it",
    (amount) => {
      const block = block411();
      setAmount(block, 2, amount);
      block.transactions[0]?.operations.push([75, {} as never]); // the merkle root does not speak against it
      expect(errorOf(block)?.code).toBe("malformed_answer");
    },
  );

  const breakings: fc.Arbitrary<(block: RawBlock) => void> = fc
    .tuple(
      fc.constantFrom(
        "previous",
        "timestamp",
        "witness",
        "transaction_merkle_root",
        "witness_signature",
        "extensions",
        "transactions",
        "transactions.0",
        "transactions.0.operations",
        "transactions.0.expiration",
        "transactions.0.ref_block_num",
        "transactions.0.ref_block_prefix",
        "transactions.0.extensions",
        "transactions.0.signatures",
        "transactions.0.signatures.0",
        "transactions.0.operation_results",
        "transactions.0.operations.0",
        "transactions.0.operations.0.0",
        "transactions.0.operations.0.1",
        "transactions.0.operations.0.1.fee",
        "transactions.0.operations.0.1.fee.amount",
        "transactions.0.operations.0.1.from",
        "transactions.0.operations.0.1.to",
        "transactions.0.operations.0.1.amount",
        "transactions.0.operations.0.1.amount.asset_id",
        "transactions.1.operations.0.1.memo",
        "transactions.1.operations.0.1.memo.from",
        "transactions.1.operations.0.1.memo.nonce",
        "transactions.1.operations.0.1.memo.message",
      ),
      fc.oneof(
        fc.jsonValue(),
        fc.constantFrom(
          null,
          "1.2.0115",
          "1.2.-1",
          "1.2.281474976710656",
          "-1",
          1e300,
          1.5,
          "1e3",
          -1,
          2 ** 53,
          "2026-01-01T00:00:00Z",
        ),
      ),
    )
    .map(([path, value]) => (block) => {
      const steps = path.split(".");
      const last = steps.pop() as string;
      let at = block as unknown as Record<string, unknown>;
      for (const step of steps) at = at[step] as Record<string, unknown>;
      at[last] = value;
    });

  test.prop([breakings], { numRuns: 400 })("never crashes the reader, wherever it is broken", (breaking) => {
    const block = block411();
    breaking(block);
    const error = errorOf(block);
    if (error) expect(["malformed_answer", "inconsistent_chain"]).toContain(error.code);
  });

  test.prop([fc.jsonValue()])("is not found in any other JSON", (value) => {
    expect(errorOf(value)?.code).toBe("malformed_answer");
  });
});

describe("a real node's other answers", () => {
  it("head", () => {
    const [raw] = resultOf("get_objects_2.1.0") as [JsonObject];
    expect(parseHead(raw)).toEqual({
      headBlockNum: raw["head_block_number"],
      headBlockId: raw["head_block_id"],
      headTimeMs: Date.parse(`${raw["time"] as string}Z`),
      irreversibleBlockNum: raw["last_irreversible_block_num"],
    });
    expect(() => parseHead({ ...raw, last_irreversible_block_num: 10 ** 9 })).toThrow(ChainError);
    expect(() => parseHead({ ...raw, head_block_number: 1 })).toThrow(ChainError);
  });

  it("accounts", () => {
    expect(parseAccount(resultOf("get_account_by_name_known"))).toEqual({
      id: "1.2.114",
      name: "user0001",
      memoKey: "BTS5mQS9FSnsuP5d2ADzYs2GcKbnSzHzpLTJ6GD1dMimmLqKXFbBW",
      activeKeys: ["BTS5FuCyUMnoNdpzaSF34cpyr9PZdX9tozBXgoxWKnvzC6i1DZob9"],
      activeThreshold: 1,
      activeWeights: [1],
      lifetimeMember: false,
    });
    for (const name of ["get_objects_accounts", "get_accounts", "lookup_account_names"]) {
      for (const account of resultOf(name) as unknown[]) if (account !== null) parseAccount(account);
    }
  });

  it.each(["", "a\0b", "\uD800", "name\u001B[2J", "two words", "a".repeat(64)])(
    "accounts with the name %j are malformed",
    (name) => {
      const account = resultOf("get_account_by_name_known") as JsonObject;
      expect(() => parseAccount({ ...account, name })).toThrow(ChainError);
    },
  );

  it("accounts whose name breaks today's rules are read: they may take part in a block", () => {
    const account = resultOf("get_account_by_name_known") as JsonObject;
    expect(parseAccount({ ...account, name: "Name..1" }).name).toBe("Name..1");
  });

  it("balances", () => {
    const both = resultOf("get_account_balances_filter") as [unknown, unknown];
    expect(parseBalance([both[0]], "1.3.0")).toBe(3_000_090_000_000n);
    expect(parseBalance([both[1]], "1.3.1")).toBe(0n);
    expect(() => parseBalance([{ amount: -1, asset_id: "1.3.0" }], "1.3.0")).toThrow(ChainError);
    for (const wrong of [[], both, [both[1]], null, [{ amount: 1 }]]) {
      expect(() => parseBalance(wrong, "1.3.0")).toThrow(ChainError);
    }
  });

  test.prop([fc.jsonValue()])("of any other shape are malformed, never a crash", (value) => {
    for (const parse of [parseHead, parseAccount, (v: unknown) => parseBalance(v, "1.3.0")]) {
      expect(() => parse(value)).toThrow(ChainError);
    }
  });
});
