import type { AccountId } from "./chain.ts";
import { publicKeyBytes } from "./keys.ts";

/*
 * Which account's authority an operation needs. The chain calls that `fee_payer` and `get_required_authorities`; each
 * operation has a field of another name for it (bitshares-core, libraries/protocol/include/graphene/protocol).
 */

/** By tag: name, then the fields with an account that has to sign, or a list of such accounts. */
const OPERATIONS: readonly (readonly [name: string, ...fields: string[]])[] = [
  ["transfer", "from"],
  ["limit_order_create", "seller"],
  ["limit_order_cancel", "fee_paying_account"],
  ["call_order_update", "funding_account"],
  ["fill_order"],
  ["account_create", "registrar"],
  ["account_update", "account"],
  ["account_whitelist", "authorizing_account"],
  ["account_upgrade", "account_to_upgrade"],
  ["account_transfer", "account_id"],
  ["asset_create", "issuer"],
  ["asset_update", "issuer"],
  ["asset_update_bitasset", "issuer"],
  ["asset_update_feed_producers", "issuer"],
  ["asset_issue", "issuer"],
  ["asset_reserve", "payer"],
  ["asset_fund_fee_pool", "from_account"],
  ["asset_settle", "account"],
  ["asset_global_settle", "issuer"],
  ["asset_publish_feed", "publisher"],
  ["witness_create", "witness_account"],
  ["witness_update", "witness_account"],
  ["proposal_create", "fee_paying_account"],
  [
    "proposal_update",
    "fee_paying_account",
    "active_approvals_to_add",
    "active_approvals_to_remove",
    "owner_approvals_to_add",
    "owner_approvals_to_remove",
  ],
  ["proposal_delete", "fee_paying_account"],
  ["withdraw_permission_create", "withdraw_from_account"],
  ["withdraw_permission_update", "withdraw_from_account"],
  // Who gives does not sign. Its money goes all the same.
  ["withdraw_permission_claim", "withdraw_to_account", "withdraw_from_account"],
  ["withdraw_permission_delete", "withdraw_from_account"],
  ["committee_member_create", "committee_member_account"],
  ["committee_member_update", "committee_member_account"],
  ["committee_member_update_global_parameters"],
  ["vesting_balance_create", "creator"],
  ["vesting_balance_withdraw", "owner"],
  ["worker_create", "owner"],
  ["custom", "payer", "required_auths"],
  ["assert", "fee_paying_account", "required_auths"],
  ["balance_claim", "deposit_to_account"],
  // Not `from`: an issuer takes back units of his own asset, which he could have given to any account.
  ["override_transfer", "issuer"],
  ["transfer_to_blind", "from"],
  ["blind_transfer"],
  ["transfer_from_blind"],
  ["asset_settle_cancel"],
  ["asset_claim_fees", "issuer"],
  ["fba_distribute"],
  ["bid_collateral", "bidder"],
  ["execute_bid"],
  ["asset_claim_pool", "issuer"],
  ["asset_update_issuer", "issuer"],
  ["htlc_create", "from"],
  ["htlc_redeem", "redeemer"],
  ["htlc_redeemed"],
  ["htlc_extend", "update_issuer"],
  ["htlc_refund"],
  ["custom_authority_create", "account"],
  ["custom_authority_update", "account"],
  ["custom_authority_delete", "account"],
  ["ticket_create", "account"],
  ["ticket_update", "account"],
  ["liquidity_pool_create", "account"],
  ["liquidity_pool_delete", "account"],
  ["liquidity_pool_deposit", "account"],
  ["liquidity_pool_withdraw", "account"],
  ["liquidity_pool_exchange", "account"],
  ["samet_fund_create", "owner_account"],
  ["samet_fund_delete", "owner_account"],
  ["samet_fund_update", "owner_account"],
  ["samet_fund_borrow", "borrower"],
  ["samet_fund_repay", "account"],
  ["credit_offer_create", "owner_account"],
  ["credit_offer_delete", "owner_account"],
  ["credit_offer_update", "owner_account"],
  ["credit_offer_accept", "borrower"],
  ["credit_deal_repay", "account"],
  ["credit_deal_expired"],
  ["liquidity_pool_update", "account"],
  ["credit_deal_update", "account"],
  ["limit_order_update", "seller"],
];

/** For the test that holds it against the protocol's definitions. */
export const ACTING_FIELDS: typeof OPERATIONS = OPERATIONS;

export const operationName = (tag: number): string => OPERATIONS[tag]?.[0] ?? `operation ${tag}`;

const ACCOUNT_CREATE_TAG = 5;
const PROPOSAL_UPDATE_TAG = 23;
const BALANCE_CLAIM_TAG = 37;
const BLIND_TRANSFER_TAG = 40;
const TRANSFER_FROM_BLIND_TAG = 41;

/** Whose acts are looked for. */
export interface Actor {
  readonly account: AccountId;
  /** Keys of its authorities, 33 bytes in hex. They can act where no account is named. */
  readonly keys: ReadonlySet<string>;
}

/**
 * Does the account act in this operation, or one of its keys? Of an operation that is newer than this list, when it is named
 * anywhere in it: better a person who looks in vain. Total: strangers wrote what goes in.
 */
export function isActing({ account, keys }: Actor, tag: number, body: unknown): boolean {
  const operation = OPERATIONS[tag];
  if (operation === undefined) return isNamed(account, body);
  if (typeof body !== "object" || body === null) return false;
  const [, ...fields] = operation;
  const names = fields.some((field) => {
    const value = (body as Record<string, unknown>)[field];
    return value === account || (Array.isArray(value) && value.includes(account));
  });
  return names || isActingUnnamed({ account, keys }, tag, body as Record<string, unknown>);
}

/** Where authority is used by a key, or by an account in a place of its own. */
function isActingUnnamed({ account, keys }: Actor, tag: number, body: Record<string, unknown>): boolean {
  switch (tag) {
    case ACCOUNT_CREATE_TAG: // who has issued the asset that the new account is to buy back has to agree
      return part(part(body["extensions"], "buyback_options"), "asset_to_buy_issuer") === account;
    case PROPOSAL_UPDATE_TAG: // the key has signed, no matter which account pays
      return ["key_approvals_to_add", "key_approvals_to_remove"].some((field) =>
        items(body[field]).some((key) => isOneOf(keys, key)),
      );
    case BALANCE_CLAIM_TAG:
      return isOneOf(keys, body["balance_owner_key"]);
    case BLIND_TRANSFER_TAG:
    case TRANSFER_FROM_BLIND_TAG:
      return items(body["inputs"]).some((input) => {
        const owner = part(input, "owner");
        return (
          items(part(owner, "account_auths")).some((entry) => items(entry)[0] === account) ||
          items(part(owner, "key_auths")).some((entry) => isOneOf(keys, items(entry)[0]))
        );
      });
    default:
      return false;
  }
}

const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const part = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;

/** By its bytes: the text has a checksum that was not checked. */
function isOneOf(keys: ReadonlySet<string>, text: unknown): boolean {
  if (keys.size === 0 || typeof text !== "string") return false;
  const bytes = publicKeyBytes(text);
  return bytes !== undefined && keys.has(Buffer.from(bytes).toString("hex"));
}

export const NO_KEYS: ReadonlySet<string> = new Set();

/** The form in which {@link Actor} has keys; what is no public key is left out. */
export const keySet = (texts: readonly string[]): ReadonlySet<string> =>
  new Set(
    texts.flatMap((text) => {
      const bytes = publicKeyBytes(text);
      return bytes === undefined ? [] : [Buffer.from(bytes).toString("hex")];
    }),
  );

/** Without recursion: how deep it goes is a node's choice. */
function isNamed(account: AccountId, value: unknown): boolean {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (next === account) return true;
    if (typeof next === "object" && next !== null) for (const each of Object.values(next)) left.push(each);
  }
  return false;
}
