import type { Disposition } from "@stakebts/kernel/errors";
import { type BroadcastOutcome, type BroadcastRefusal, ChainError } from "./chain.ts";
import { plainText } from "@stakebts/kernel/plain-text";

const OF_LIMIT =
  /rate.?limit|too many|throttl|slow down|quota|requests? (?:limit|per)|limit (?:reached|exceeded)|\b429\b/iu;

/** A node answered with an error. What it said, in its own words; nothing in them is trusted to have any shape. */
export class NodeRefusal extends ChainError {
  /** `data.name`: class of the error. Its numbers changed their meaning between releases, names did not. */
  readonly errorName: string;
  /** `data.stack[0].format`: the innermost text, before values are put in. */
  readonly format: string;
  /** It speaks of too many requests, as proxies before nodes do, each in words of its own. */
  readonly isOfLimit: boolean;

  /** @param withoutSecrets takes out of the node's words what must not be shown */
  constructor(name: string, error: unknown, withoutSecrets = (said: string): string => said) {
    const data = property(error, "data");
    const message = plainText(withoutSecrets(text(property(error, "message"))).slice(0, 500));
    super("node_refused", `${name} refused: ${message}`);
    this.errorName = text(property(data, "name"));
    this.format = text(property(property(property(data, "stack"), "0"), "format"));
    const code = property(error, "code");
    this.isOfLimit = code === 429 || code === -32005 || OF_LIMIT.test(text(error) || message);
  }
}

/** What no honest node says, even if it lags far or has trouble. It is not believed for a while. */
export class NodeLie extends ChainError {
  constructor(message: string) {
    super("inconsistent_chain", message);
  }
}

const property = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** May the same bytes be taken later or elsewhere, as far as the reason goes? None of them proves that they are not taken. */
const DISPOSITION = {
  insufficient_balance: "retry", // when funds arrive
  insufficient_fee: "refuse", // the schedule does not drop before the expiration
  missing_authority: "hold", // another key, or another chain: nothing that time heals
  expired: "look", // what was included long ago gets this answer too
  expiration_too_far: "retry", // a node that lags
  tapos_mismatch: "retry", // a node that lags, or that is on another branch
  unknown_account: "retry", // a node that lags
  malformed: "refuse",
  node_cannot_broadcast: "retry", // another node
  other: "look",
} as const satisfies Record<BroadcastRefusal, Disposition>;

const BY_NAME: Readonly<Record<string, BroadcastRefusal>> = {
  tx_missing_active_auth: "missing_authority",
  tx_missing_owner_auth: "missing_authority",
  tx_missing_other_auth: "missing_authority",
  tx_irrelevant_sig: "malformed",
  tx_duplicate_sig: "malformed",
  invalid_committee_approval: "malformed",
  insufficient_fee: "insufficient_fee",
  parse_error_exception: "malformed",
  bad_cast_exception: "malformed",
  method_not_found_exception: "node_cannot_broadcast",
};

/** Beginnings of assertion texts; what varies in them comes later. */
const BY_FORMAT: readonly (readonly [string, BroadcastRefusal])[] = [
  ["insufficient_balance", "insufficient_balance"],
  ["abo->get_balance() >= -delta", "insufficient_balance"],
  ["delta.amount > 0: Insufficient Balance", "insufficient_balance"],
  ["now <= trx.expiration", "expired"],
  ["trx.expiration <= now + chain_parameters.maximum_time_until_expiration", "expiration_too_far"],
  ["trx.ref_block_prefix == tapos_block_summary", "tapos_mismatch"],
  ["maybe_found != nullptr: Unable to find Object", "unknown_account"],
  ["_app.p2p_node() != nullptr", "node_cannot_broadcast"],
  ["is_allowed: Access denied", "node_cannot_broadcast"],
  ["is_canonical( c )", "malformed"],
  ["unable to reconstruct public key from signature", "malformed"],
  ["Invalid hex character", "malformed"],
  ["base58str", "malformed"],
  ["fc::ripemd160::hash(", "malformed"],
  ["first_dot", "malformed"],
  ["fc::to_uint64( s.substr", "malformed"],
  ["from != to", "malformed"],
  ["amount.amount > 0", "malformed"],
  ["fee.amount >= 0", "malformed"],
  ["static_cast<size_t>(tag) < count()", "malformed"],
  ["operations.size() > 0", "malformed"],
  ["head_block_time() <= HARDFORK_CORE_1573_TIME || trx.get_packed_size()", "malformed"],
  ["fc::raw::pack_size( trx )", "malformed"],
  ["a0 != e || optional_args", "malformed"],
  ["${what}: unable to convert ISO-formatted string", "malformed"],
];

/** What one node's error says of the transaction that it was sent. */
export function broadcastOutcomeOf(refusal: NodeRefusal): BroadcastOutcome {
  const { errorName, format, message } = refusal;
  if (errorName === "duplicate_transaction") return { type: "duplicate" };
  const code =
    (Object.hasOwn(BY_NAME, errorName) ? BY_NAME[errorName] : undefined) ??
    BY_FORMAT.find(([beginning]) => format.startsWith(beginning))?.[1] ??
    "other";
  return { type: "refused", code, disposition: DISPOSITION[code], message };
}
