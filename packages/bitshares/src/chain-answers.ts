import { SECOND_MS } from "@stakebts/kernel/time";
import { shares, type Shares } from "@stakebts/kernel/amount";
import {
  type AccountId,
  type ChainAccount,
  type ChainHead,
  type PermissionId,
  type WithdrawPermission,
} from "./chain.ts";
import {
  asAccountId,
  asAmount,
  asArray,
  asAssetId,
  asHex,
  asObject,
  asPermissionId,
  asText,
  asTimeMs,
  asUint32,
  malformed,
} from "./wire-values.ts";
import { blockNumOf } from "./block-id.ts";

/* Answers other than blocks. Everything throws ChainError "malformed_answer". */

/** Object 2.1.0. */
export function parseHead(value: unknown): ChainHead {
  const properties = asObject(value, "dynamic global properties");
  const head: ChainHead = {
    headBlockNum: asUint32(properties["head_block_number"], "head_block_number"),
    headBlockId: asHex(properties["head_block_id"], 20, "head_block_id"),
    headTimeMs: asTimeMs(properties["time"], "head time"),
    irreversibleBlockNum: asUint32(properties["last_irreversible_block_num"], "last_irreversible_block_num"),
  };
  if (blockNumOf(head.headBlockId) !== head.headBlockNum || head.irreversibleBlockNum > head.headBlockNum) {
    throw malformed("head whose numbers agree", head);
  }
  return head;
}

export function parseAccount(value: unknown): ChainAccount {
  const account = asObject(value, "account");
  const id = asAccountId(account["id"], "account id");
  const active = asObject(account["active"], "active authority");
  const keys = asArray(active["key_auths"], "key_auths").map((entry) => {
    const [key, weight] = asArray(entry, "key with weight");
    return { key: asText(key, "public key"), weight: asUint32(weight, "weight") };
  });
  const name = asText(account["name"], "account name");
  // It ends in the ledger, on pages and in terminals: text that cannot be a name goes no further than this. No stricter than
  // that, for a block with an account in it whose name broke today's rules at genesis has to be read all the same.
  if (!PRINTABLE_NAME.test(name)) throw malformed("account name", name);
  return {
    id,
    name,
    memoKey: asText(asObject(account["options"], "account options")["memo_key"], "memo key"),
    activeKeys: keys.map(({ key }) => key),
    activeThreshold: asUint32(active["weight_threshold"], "weight threshold"),
    activeWeights: keys.map(({ weight }) => weight),
    // The membership's expiration date would say it too, but nodes print the end of time in two ways.
    lifetimeMember: account["lifetime_referrer"] === id,
  };
}

/** Owner and active authority and the memo key, as one text in an order of its own: nodes may print keys in any. */
export function parseAuthority(value: unknown, id: AccountId): string {
  const account = asObject(value, "account");
  if (account["id"] !== id) throw malformed(`object ${id}`, account["id"]);
  const authority = (name: string): string => {
    const { weight_threshold: threshold, ...auths } = asObject(account[name], `${name} authority`);
    const entries = Object.entries(auths).flatMap(([kind, list]) =>
      asArray(list, kind).map((entry) => {
        const [who, weight] = asArray(entry, "entry with weight");
        return `${String(who)}*${String(weight)}`;
      }),
    );
    return `${name} ${asUint32(threshold, "weight threshold")} of ${entries.toSorted().join(" ")}`;
  };
  const memoKey = asText(asObject(account["options"], "account options")["memo_key"], "memo key");
  return `${authority("owner")}; ${authority("active")}; memo ${memoKey}`;
}

/** The public keys that {@link parseAuthority} has in its text, those of owner and active authority. */
export const keysOfAuthority = (authority: string): readonly string[] =>
  [...authority.matchAll(/(?<= )([A-Z]{1,12}[1-9A-HJ-NP-Za-km-z]{40,60})\*\d+/gu)].map(
    ([, key]) => key as string,
  );

/** `get_account_balances` filtered by one asset. */
export function parseBalance(value: unknown, assetId: string): Shares {
  const balances = asArray(value, "balances");
  const balance = asObject(balances[0], "balance");
  if (balances.length !== 1 || balance["asset_id"] !== assetId)
    throw malformed(`balance of ${assetId}`, value);
  return shares(asAmount(balance["amount"], "balance"));
}

/** Object 1.12.N. */
export function parsePermission(value: unknown, id: PermissionId): WithdrawPermission {
  const permission = asObject(value, "withdraw permission");
  const limit = asObject(permission["withdrawal_limit"], "withdrawal limit");
  if (permission["id"] !== id) throw malformed(`object ${id}`, permission["id"]);
  return {
    id: asPermissionId(id, "permission id"),
    fromId: asAccountId(permission["withdraw_from_account"], "account to withdraw from"),
    authorizedId: asAccountId(permission["authorized_account"], "authorized account"),
    limit: shares(asAmount(limit["amount"], "withdrawal limit")),
    assetId: asAssetId(limit["asset_id"], "asset id"),
    periodMs: asUint32(permission["withdrawal_period_sec"], "withdrawal period") * SECOND_MS,
    periodStartMs: asTimeMs(permission["period_start_time"], "start of the period"),
    expirationMs: asTimeMs(permission["expiration"], "expiration"),
    claimed: shares(asAmount(permission["claimed_this_period"], "claimed in this period")),
  };
}

const PRINTABLE_NAME = /^[\x21-\x7e]{1,63}$/;
const ACCOUNT_ID = /^1\.2\.(0|[1-9]\d{0,14})$/;
const ACCOUNT_NAME = /^(?=.{1,63}$)[a-z]([a-z0-9-]*[a-z0-9])?(\.[a-z]([a-z0-9-]*[a-z0-9])?)*$/;

/** Text that can name an account. For anything else a node fails the whole question, so it is not asked. */
export function isAccountReference(text: string): boolean {
  return ACCOUNT_NAME.test(text) || isAccountId(text);
}

export const isAccountId = (text: string): text is AccountId =>
  ACCOUNT_ID.test(text) && Number(text.slice(4)) < 2 ** 48;
