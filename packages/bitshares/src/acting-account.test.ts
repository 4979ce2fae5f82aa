import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { ACTING_FIELDS, type Actor, isActing, keySet, NO_KEYS, operationName } from "./acting-account.ts";
import { keysOfAuthority, parseAuthority } from "./chain-answers.ts";
import { publicKeyText } from "./keys.ts";
import { OPERATION_TYPES } from "./operation-types.ts";
import type { WireType } from "./wire-types.ts";

const OURS = publicKeyText(Buffer.alloc(33, 2));
const THEIRS = publicKeyText(Buffer.alloc(33, 3));
const actor: Actor = { account: "1.2.13", keys: keySet([OURS]) };
const tagOf = (name: string): number => OPERATION_TYPES.findIndex(([known]) => known === name);
const acts = (name: string, body: unknown): boolean => isActing(actor, tagOf(name), body);

const isAccount = (type: WireType | undefined): boolean =>
  type?.kind === "id" ? type.prefix === "1.2." : type?.kind === "list" && isAccount(type.of);

describe("the account acts", () => {
  it.each(OPERATION_TYPES.map(([name, body], tag) => ({ name, body, tag })))(
    "in $name by fields that this operation has",
    ({ name, body, tag }) => {
      const [known, ...fields] = ACTING_FIELDS[tag] as (typeof ACTING_FIELDS)[number];
      expect(known).toBe(name);
      expect(operationName(tag)).toBe(name);
      const types = new Map(body.kind === "struct" ? body.fields : []);
      for (const field of fields) expect(isAccount(types.get(field)), field).toBe(true);
    },
  );

  it("in every operation that takes its money, under any name of the field", () => {
    for (const [name, field] of [
      ["transfer", "from"],
      ["call_order_update", "funding_account"],
      ["withdraw_permission_claim", "withdraw_from_account"],
      ["vesting_balance_create", "creator"],
      ["asset_fund_fee_pool", "from_account"],
      ["htlc_create", "from"],
      ["transfer_to_blind", "from"],
      ["liquidity_pool_deposit", "account"],
      ["ticket_create", "account"],
      ["samet_fund_create", "owner_account"],
      ["credit_offer_create", "owner_account"],
      ["limit_order_update", "seller"],
      ["custom_authority_create", "account"],
    ] as const) {
      expect(acts(name, { [field]: "1.2.13" }), name).toBe(true);
      expect(acts(name, { [field]: "1.2.14" }), name).toBe(false);
    }
  });

  it("by a key that approves a proposal, no matter which account pays for the approval", () => {
    const approval = { fee_paying_account: "1.2.99", proposal: "1.10.5" };
    for (const field of ["key_approvals_to_add", "key_approvals_to_remove"]) {
      expect(acts("proposal_update", { ...approval, [field]: [THEIRS, OURS] })).toBe(true);
      expect(acts("proposal_update", { ...approval, [field]: [OURS.replace("BTS", "TEST")] })).toBe(true);
      expect(acts("proposal_update", { ...approval, [field]: [THEIRS] })).toBe(false);
    }
    expect(isActing({ ...actor, keys: NO_KEYS }, 23, { ...approval, key_approvals_to_add: [OURS] })).toBe(
      false,
    );
  });

  it("by a key or its name in the owners of hidden balances, and of balances of the first block", () => {
    const owned = (owner: object) => ({ inputs: [{ owner: {} }, { owner }] });
    for (const name of ["blind_transfer", "transfer_from_blind"]) {
      expect(acts(name, owned({ key_auths: [[OURS, 1]] })), name).toBe(true);
      expect(acts(name, owned({ account_auths: [["1.2.13", 1]] })), name).toBe(true);
      expect(acts(name, owned({ key_auths: [[THEIRS, 1]], account_auths: [["1.2.14", 1]] })), name).toBe(
        false,
      );
    }
    expect(acts("balance_claim", { deposit_to_account: "1.2.99", balance_owner_key: OURS })).toBe(true);
  });

  it("when an account is made that buys back its asset", () => {
    const create = (asset_to_buy_issuer: string) => ({
      registrar: "1.2.99",
      extensions: { buyback_options: { asset_to_buy_issuer } },
    });
    expect(acts("account_create", create("1.2.13"))).toBe(true);
    expect(acts("account_create", create("1.2.14"))).toBe(false);
  });

  it("not where others only propose it, pay it, or take back units of their own asset", () => {
    const proposed_ops = [{ op: [0, { from: "1.2.13" }] }];
    expect(acts("proposal_create", { fee_paying_account: "1.2.99", proposed_ops })).toBe(false);
    expect(acts("transfer", { from: "1.2.99", to: "1.2.13" })).toBe(false);
    expect(acts("override_transfer", { issuer: "1.2.99", from: "1.2.13" })).toBe(false);
  });

  it("in an operation that is newer than this program when it is named anywhere in it", () => {
    expect(isActing(actor, 99, { deep: [{ in: "1.2.13" }] })).toBe(true);
    expect(isActing(actor, 99, { deep: [{ in: "1.2.14" }] })).toBe(false);
  });

  it("in one that nests without end as well", () => {
    let body: unknown = "1.2.13";
    for (let i = 0; i < 100_000; i++) body = [body];
    expect(isActing(actor, 99, body)).toBe(true);
  });

  test.prop([fc.nat(80), fc.anything()])("or not, of any shape, without an error", (tag, body) => {
    expect(typeof isActing(actor, tag, body)).toBe("boolean");
  });
});

it("the keys of an authority are those of owner and active, not the memo key", () => {
  const authority = (key: string) => ({
    weight_threshold: 1,
    account_auths: [["1.2.5", 1]],
    key_auths: [[key, 1]],
    address_auths: [],
  });
  const text = parseAuthority(
    {
      id: "1.2.13",
      owner: authority(OURS),
      active: authority(THEIRS),
      options: { memo_key: publicKeyText(Buffer.alloc(33, 4)) },
    },
    "1.2.13",
  );
  expect(keysOfAuthority(text)).toEqual([OURS, THEIRS]);
});
