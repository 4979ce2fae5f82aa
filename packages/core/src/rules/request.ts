import type { Bts } from "@stakebts/kernel/amount";
import type { FreezeLevel } from "./freeze.ts";
import type { Term } from "./policy.ts";

/** The exchange accounts that an admin request can name. */
export const EXCHANGE_ACCOUNTS = [1, 2, 3] as const;
export type ExchangeAccountNumber = (typeof EXCHANGE_ACCOUNTS)[number];

export const ADMIN_REQUESTS = ["bmg_to_bittrex", "bittrex_to_bmg", "loan_to_bmg"] as const;
export type AdminRequestType = (typeof ADMIN_REQUESTS)[number];

/** Why a memo is not a request. Stored and shown; the refund less the fee is the same for each reason. */
export const MEMO_REJECTIONS = [
  "no_memo",
  "unreadable",
  "not_encrypted",
  "too_long",
  "not_json",
  "unknown_type",
] as const;
export type MemoRejection = (typeof MEMO_REJECTIONS)[number];

/**
 * What a transfer's memo asks for, already understood: this is what is stored and handed on, never the text.
 * `amount` and `account` of an admin request are absent when the memo had none that can be used.
 */
export type MemoRequest =
  | { readonly type: "open"; readonly term: Term }
  | { readonly type: "stop" }
  | {
      readonly type: AdminRequestType;
      readonly amount?: Bts;
      readonly account?: ExchangeAccountNumber;
    }
  /** A manager's kill switch. ADR 0019. */
  | { readonly type: "freeze"; readonly level: FreezeLevel }
  /** No request, even if the memo holds one: the custodian itself drew this money by a withdraw permission. */
  | { readonly type: "drawn" }
  /** Not known yet: the memo is for a memo key of the custodian that the reader does not have. Never answered as it is. */
  | { readonly type: "unread"; readonly publicKey: string; readonly isLost?: true }
  | { readonly type: "invalid"; readonly reason: MemoRejection };
