import { fc, test } from "@stakebts/testkit/property";
import { ops } from "bitsharesjs";
import bitsharesWs from "bitsharesjs-ws";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { accountFromSeeds } from "./default-accounts.ts";
import { type Devnet, startDevnet } from "./devnet.ts";
import { BinaryWriter } from "./node/binary-writer.ts";
import type { Json } from "./node/json-text.ts";
import {
  OperationCodec,
  PERMISSION_CLAIM,
  PERMISSION_CREATE,
  PERMISSION_DELETE,
  PERMISSION_UPDATE,
} from "./node/operations.ts";
import { wireTime } from "./node/wire-values.ts";
import { DevnetWallet, WalletRefusal } from "./wallet.ts";

// The rules are those of bitshares-core, libraries/protocol/withdraw_permission.cpp and
// libraries/chain/withdraw_permission_evaluator.cpp.

const GIVER = accountFromSeeds("giver", { balanceBts: 1_000n });
const TAKER = accountFromSeeds("taker", { balanceBts: 10n });
const STRANGER = accountFromSeeds("stranger", { balanceBts: 1_000n });
const BLOCK_SECONDS = 3;
const LIMIT = 10_000_000n;
const PERIOD_SECONDS = 60;
const CLAIM_FEE = 251_000n;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface PermissionWire {
  readonly id: string;
  readonly withdraw_from_account: string;
  readonly authorized_account: string;
  readonly withdrawal_limit: { readonly amount: number; readonly asset_id: string };
  readonly withdrawal_period_sec: number;
  readonly period_start_time: string;
  readonly expiration: string;
  readonly claimed_this_period: number;
}

async function givenPermission({ periods = 3, startsInSeconds = 3 } = {}) {
  const devnet: Devnet = await startDevnet({
    accounts: [GIVER, TAKER, STRANGER],
    blockIntervalMs: "manual",
    secondsPerBlock: BLOCK_SECONDS,
  });
  cleanups.push(() => devnet.stop());
  const walletOf = (account: typeof GIVER) => {
    const wallet = new DevnetWallet({ url: devnet.urls[0] ?? "", ...account });
    cleanups.push(() => wallet.close());
    return wallet;
  };
  const [giver, taker, stranger] = [walletOf(GIVER), walletOf(TAKER), walletOf(STRANGER)];
  await devnet.produce();
  await giver.createPermission({
    to: "taker",
    limitShares: LIMIT,
    periodSeconds: PERIOD_SECONDS,
    periods,
    startsInSeconds,
  });
  await devnet.produce();
  const stateOf = async (id = "1.12.0") => {
    const [found] = (await giver.call(0, "get_objects", [[id]])) as unknown as [PermissionWire | null];
    return found;
  };
  return { devnet, giver, taker, stranger, stateOf };
}
const claim = (amountShares: bigint, permissionId = "1.12.0") => ({
  permissionId,
  from: "giver",
  amountShares,
});

/** The innermost text of a refusal; `undefined` when it was no refusal. */
async function refusalOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (!(error instanceof WalletRefusal)) throw error;
    const { stack } = error.error.data as { stack: { format: string }[] };
    return stack[0]?.format;
  }
}

describe("a withdraw permission", () => {
  it("is an object that both sides can look up", async () => {
    const { giver, taker, stateOf } = await givenPermission();
    const state = await stateOf();
    expect(state).toMatchObject({
      id: "1.12.0",
      withdrawal_limit: { amount: Number(LIMIT), asset_id: "1.3.0" },
      withdrawal_period_sec: PERIOD_SECONDS,
      claimed_this_period: 0,
    });
    expect(Object.keys(state as object)).toEqual([
      "id",
      "withdraw_from_account",
      "authorized_account",
      "withdrawal_limit",
      "withdrawal_period_sec",
      "period_start_time",
      "expiration",
      "claimed_this_period",
    ]);
    for (const [wallet, method, account] of [
      [giver, "get_withdraw_permissions_by_giver", "giver"],
      [taker, "get_withdraw_permissions_by_recipient", "taker"],
    ] as const) {
      expect(await wallet.call(0, method, [account, "1.12.0", 101])).toEqual([state]);
      expect(await wallet.call(0, method, [account, "1.12.1", 101])).toEqual([]);
      expect(await refusalOf(wallet.call(0, method, [account, "1.12.0", 102]))).toContain("limit");
    }
    expect(await taker.call(0, "get_withdraw_permissions_by_giver", ["taker", "1.12.0", 1])).toEqual([]);
  });

  it("moves money to the taker, who signs and pays the fee out of what comes in", async () => {
    const { devnet, giver, taker } = await givenPermission();
    await taker.transfer({ to: "giver", amountShares: (await taker.balanceShares()) - 100_000n });
    await devnet.produce();
    const [before, given] = [await taker.balanceShares(), await giver.balanceShares()];
    expect(before).toBeLessThan(CLAIM_FEE);
    await taker.claim(claim(1_000_000n));
    await devnet.produce();
    expect(await giver.balanceShares()).toBe(given - 1_000_000n);
    expect(await taker.balanceShares()).toBe(before + 1_000_000n - CLAIM_FEE);
    const history = (await taker.call("history", "get_account_history", [
      "giver",
      "1.11.0",
      1,
      "1.11.0",
    ])) as unknown as { op: [number, unknown] }[];
    expect(history[0]?.op[0]).toBe(PERMISSION_CLAIM);
  });

  it("gives no more than its limit in each period, in as many claims as one likes", async () => {
    const { devnet, taker, stateOf } = await givenPermission();
    await taker.claim(claim(6_000_000n));
    await devnet.produce();
    expect(await refusalOf(taker.claim(claim(4_000_001n)))).toContain("available_this_period");
    await taker.claim(claim(4_000_000n));
    await devnet.produce();
    expect(await refusalOf(taker.claim(claim(1n)))).toContain("available_this_period");
    const first = await stateOf();
    expect(first?.claimed_this_period).toBe(Number(LIMIT));
    devnet.skipTime(PERIOD_SECONDS);
    await devnet.produce();
    await taker.claim(claim(LIMIT));
    await devnet.produce();
    const second = await stateOf();
    expect(second?.claimed_this_period).toBe(Number(LIMIT));
    const [a, b] = [first, second].map((state) => Date.parse(`${state?.period_start_time}Z`));
    expect(((b ?? 0) - (a ?? 0)) / 1000).toBe(PERIOD_SECONDS);
  });

  it("gives nothing before its first period", async () => {
    const { devnet, taker } = await givenPermission({ startsInSeconds: 30 });
    expect(await refusalOf(taker.claim(claim(1n)))).toContain("permit.period_start_time <= head_block_time");
    devnet.skipTime(30);
    await devnet.produce();
    await taker.claim(claim(1n));
  });

  it("is gone with the block that is as late as its expiration", async () => {
    const { devnet, giver, taker, stateOf } = await givenPermission({ periods: 1 });
    const { expiration } = (await stateOf()) as PermissionWire;
    const head = (await giver.call(0, "get_dynamic_global_properties", [])) as unknown as { time: string };
    const left = (Date.parse(`${expiration}Z`) - Date.parse(`${head.time}Z`)) / 1000;
    for (let seconds = BLOCK_SECONDS; seconds < left; seconds += BLOCK_SECONDS) await devnet.produce();
    await taker.claim(claim(1n));
    await devnet.produce();
    expect(await stateOf()).toBeNull();
    expect(await refusalOf(taker.claim(claim(1n)))).toContain("Unable to find Object");
  });

  it("gives no more than there is", async () => {
    const { devnet, giver, taker } = await givenPermission();
    await giver.transfer({ to: "stranger", amountShares: (await giver.balanceShares()) - 200_000n });
    await devnet.produce();
    expect(await refusalOf(taker.claim(claim(1_000_000n)))).toContain("d.get_balance(");
  });

  it("is for no other account, and for nothing else", async () => {
    const { devnet, giver, taker, stranger } = await givenPermission();
    expect(await refusalOf(stranger.claim(claim(1n)))).toContain(
      "permit.authorized_account == op.withdraw_to_account",
    );
    expect(await refusalOf(taker.claim({ ...claim(1n), from: "stranger" }))).toContain(
      "permit.withdraw_from_account == op.withdraw_from_account",
    );
    expect(await refusalOf(taker.claim({ ...claim(1n), assetId: "1.3.1" }))).toContain("asset_id");
    expect(await refusalOf(taker.claim(claim(0n)))).toContain("amount_to_withdraw.amount > 0");
    expect(await refusalOf(taker.claim(claim(1n, "1.12.7")))).toContain("Unable to find Object");
    expect(await refusalOf(stranger.deletePermission({ permissionId: "1.12.0", to: "taker" }))).toContain(
      "permit.withdraw_from_account == op.withdraw_from_account",
    );
    await giver.deletePermission({ permissionId: "1.12.0", to: "taker" });
    await devnet.produce();
    expect(await giver.permissionsGiven()).toEqual([]);
    expect(await refusalOf(taker.claim(claim(1n)))).toContain("Unable to find Object");
  });

  it("is not made for a time that has begun, for periods shorter than a block, or for oneself", async () => {
    const { giver } = await givenPermission();
    const terms = { to: "taker", limitShares: 1n, periodSeconds: 60, periods: 1 };
    for (const [change, expected] of [
      [{ startsInSeconds: 0 }, "op.period_start_time > d.head_block_time()"],
      [{ periodSeconds: 2 }, "op.withdrawal_period_sec >="],
      [{ periodSeconds: 0 }, "withdrawal_period_sec > 0"],
      [{ periods: 0 }, "periods_until_expiration > 0"],
      [{ limitShares: 0n }, "withdrawal_limit.amount > 0"],
      [{ to: "giver" }, "withdraw_from_account != authorized_account"],
      // Ninety years from now are past the end of 32 bits, which begins again before today.
      [{ periodSeconds: 2 ** 16, periods: 45_000 }, "op.periods_until_expiration * op.withdrawal_period_sec"],
    ] as const)
      expect(await refusalOf(giver.createPermission({ ...terms, ...change }))).toContain(expected);
  });
});

describe("the operations of withdraw permissions", () => {
  const codec = new OperationCodec("BTS");
  const instance = fc.integer({ min: 0, max: 2 ** 31 });
  const amount = fc.record({
    amount: fc.bigInt({ min: 0n, max: 2n ** 62n }).map(String),
    asset_id: instance.map((n) => `1.3.${n}`),
  });
  const account = instance.map((n) => `1.2.${n}`);
  const permission = instance.map((n) => `1.12.${n}`);
  const seconds = fc.integer({ min: 0, max: 0xffff_ffff });
  const time = seconds.map(wireTime);
  const key = "BTS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV";
  const memo = fc.record({
    from: fc.constant(key),
    to: fc.constant(key),
    nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
    message: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  });
  const terms = {
    withdrawal_limit: amount,
    withdrawal_period_sec: seconds,
    periods_until_expiration: seconds,
    period_start_time: time,
  };
  const parties = { fee: amount, withdraw_from_account: account, authorized_account: account };
  const operations = fc.oneof(
    fc.tuple(fc.constant(PERMISSION_CREATE), fc.record({ ...parties, ...terms })),
    fc.tuple(
      fc.constant(PERMISSION_UPDATE),
      fc.record({ ...parties, permission_to_update: permission, ...terms }),
    ),
    fc.tuple(
      fc.constant(PERMISSION_CLAIM),
      fc.record(
        {
          fee: amount,
          withdraw_permission: permission,
          withdraw_from_account: account,
          withdraw_to_account: account,
          amount_to_withdraw: amount,
          memo,
        },
        {
          requiredKeys: [
            "fee",
            "withdraw_permission",
            "withdraw_from_account",
            "withdraw_to_account",
            "amount_to_withdraw",
          ],
        },
      ),
    ),
    fc.tuple(fc.constant(PERMISSION_DELETE), fc.record({ ...parties, withdrawal_permission: permission })),
  );

  beforeAll(() => bitsharesWs.ChainConfig.setPrefix("BTS"));

  test.prop([operations], { numRuns: 60 })("have the bytes that bitsharesjs gives them", ([tag, body]) => {
    const out = new BinaryWriter();
    codec.pack(out, codec.parse([tag, body] as unknown as Json));
    const type = ops.operation.st_operations[tag];
    const reference = type?.toBuffer(type.fromObject(body)) ?? Buffer.alloc(0);
    expect(out.bytes().toString("hex")).toBe(Buffer.concat([Buffer.of(tag), reference]).toString("hex"));
  });
});
