import { type Bts, bts, toBtsRoundedDown } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import { type TopUpKey, topUpKey, type NewTopUp } from "./top-up.ts";
import type { FreezeLevel } from "./freeze.ts";
import { operationId } from "@stakebts/kernel/operation-id";
import { type NewPayout, payoutKey, payoutMemo } from "./payout.ts";
import { type Policy, type Term, TERMS } from "./policy.ts";
import {
  ADMIN_REQUESTS,
  type AdminRequestType,
  type ExchangeAccountNumber,
  type MemoRequest,
} from "./request.ts";
import type { NewStakeRow, StakeRow, StakeRowStatus } from "./stake-row.ts";
import { type Agreement, buildStakeRows } from "./terms.ts";
import type { Millis } from "@stakebts/kernel/time";
import { CORE_ASSET_ID, type IncomingTransfer } from "./transfer.ts";

/** Who is who besides the nominators. */
export interface Roles {
  readonly managers: readonly string[];
  /** Chain accounts that an exchange or the reserve pays from: what they send is never sent back. */
  readonly treasuryAccounts: readonly string[];
  /** Where deposits at the exchange go to, and the memo by which each of its accounts is credited. */
  readonly exchangeDeposit: {
    readonly account: string;
    readonly memos: Readonly<Partial<Record<ExchangeAccountNumber, string>>>;
  };
}

/** How a transfer was answered. Each is a receipt; the names are what operators filter by. */
export const TRANSFER_OUTCOMES = [
  "agreement_opened",
  "stopped",
  "refunded",
  "kept",
  "treasury_deposit",
  "loan",
  "admin_request",
  "foreign_asset",
  "already_processed",
] as const;
export type TransferOutcome = (typeof TRANSFER_OUTCOMES)[number];

/** A change of rows that exist. Only rows that are still `from` may be changed. */
export interface StakeRowMove {
  readonly row: StakeRow;
  readonly from: StakeRowStatus;
  readonly to: StakeRowStatus;
}

/** Everything that one event does to the ledger. Nothing of it happens unless all of it does. */
export interface Decision {
  readonly outcome: TransferOutcome;
  /** For people, in the receipt: why. */
  readonly reason: string;
  readonly agreement?: { readonly agreement: Agreement; readonly rows: readonly NewStakeRow[] };
  readonly rowMoves: readonly StakeRowMove[];
  readonly payouts: readonly NewPayout[];
  /** Funds that a manager has asked an exchange account to send. */
  readonly topUp?: NewTopUp;
  /** A manager asks to stop payments or nominations. No decision about a transfer depends on it. */
  readonly freeze?: FreezeLevel;
}

/**
 * The answer to one transfer: the routing table of the programme, first row that matches. Pure and total.
 * @param pendingRows every pending row of the sender's agreements that were opened before this transfer
 * @param completes the request for funds that this transfer completes
 */
export function decideTransfer(
  transfer: IncomingTransfer,
  pendingRows: readonly StakeRow[],
  policy: Policy,
  roles: Roles,
  completes?: TopUpKey,
): Decision {
  const { request, sender } = transfer;
  assert(
    request.type !== "unread",
    `the memo of transfer ${operationId(transfer.operation)} is to be read first`,
  );
  if (transfer.assetId !== CORE_ASSET_ID)
    return recorded("foreign_asset", `${transfer.assetId} is not the core asset: recorded and left alone`);
  // The sender does not matter: an exchange may pay from an account that is in no setting.
  if (completes !== undefined)
    return recorded("treasury_deposit", `${sender} sends what was asked for as ${completes}`);
  if (roles.treasuryAccounts.includes(sender))
    return recorded("treasury_deposit", `deposit from ${sender} without a request of this ledger`);
  // Only the custodian can have signed that, so it is no request of the account that it comes from. To send it back would
  // undo what a holder of the custodian's key did on purpose.
  if (request.type === "drawn")
    return recorded(
      "treasury_deposit",
      `drawn from ${sender} by the custodian, and nothing here asked for it`,
    );
  if (request.type === "stop" && pendingRows.some((row) => row.type === "base_amount"))
    return stop(transfer, pendingRows);
  const amount = toBtsRoundedDown(transfer.amount);
  if (request.type === "open" && policy.acceptedAmounts.includes(amount))
    return open(transfer, request.term, amount, policy);
  if (isAdminRequest(request) || request.type === "freeze") {
    const isManager = roles.managers.includes(sender);
    if (isManager && transfer.senderIsLifetimeMember) {
      if (request.type === "freeze") return freeze(transfer, request.level);
      return request.type === "loan_to_bmg"
        ? recorded("loan", `loan of ${amount} BTS by the manager ${sender}`)
        : adminTransfer({ ...transfer, request }, policy, roles);
    }
    return refund(
      transfer,
      amount,
      policy,
      isManager
        ? `${request.type}: ${sender} is not a lifetime member`
        : `${request.type}: ${sender} is not a manager`,
    );
  }
  return refund(transfer, amount, policy, invalidity(transfer, amount));
}

type AdminRequest = Extract<MemoRequest, { readonly type: AdminRequestType }>;
const isAdminRequest = (request: MemoRequest): request is AdminRequest =>
  (ADMIN_REQUESTS as readonly string[]).includes(request.type);

/** What the manager sent with it is kept, as with every other request of a manager. An old block is history and stops nothing. */
function freeze({ sender, isReplayed }: IncomingTransfer, level: FreezeLevel): Decision {
  const asked = `freeze (${level}) asked for by the manager ${sender}`;
  return isReplayed
    ? recorded(
        "admin_request",
        `${asked}: not executed: its block was read long after it was made, and admin replay is off`,
      )
    : { ...recorded("admin_request", asked), freeze: level };
}

/** What moves funds between custodian and exchange. What cannot be done moves nothing, and the record says why. */
function adminTransfer(
  transfer: IncomingTransfer & { readonly request: AdminRequest },
  policy: Policy,
  roles: Roles,
): Decision {
  const { request, sender, operation, blockTimeMs: dueMs } = transfer;
  const { type, amount, account } = request;
  const asked = `${type} asked for by the manager ${sender}`;
  const refused = (why: string) => recorded("admin_request", `${asked}: not executed: ${why}`);
  if (amount === undefined) return refused("its memo has no amount in whole BTS");
  if (amount <= policy.adminTransferAbove)
    return refused(`${amount} BTS is not more than ${policy.adminTransferAbove} BTS`);
  if (account === undefined) return refused("its memo names no exchange account");
  if (transfer.isReplayed)
    return refused("its block was read long after it was made, and admin replay is off");
  const reason = `${asked}: ${amount} BTS, exchange account ${account}`;
  if (type === "bittrex_to_bmg") {
    const key = topUpKey.admin(operation);
    const topUp: NewTopUp = { key, kind: "admin", source: account, amount, memo: ADMIN_TOP_UP_MEMO };
    return { ...recorded("admin_request", reason), topUp };
  }
  const memo = roles.exchangeDeposit.memos[account];
  if (memo === undefined) return refused(`exchange account ${account} has no deposit memo in the settings`);
  const key = payoutKey.deposit(operation);
  const { account: payee } = roles.exchangeDeposit;
  const deposit: NewPayout = { key, kind: "deposit", payee, amount, memo, dueMs, rows: [] };
  return { ...recorded("admin_request", reason), payouts: [deposit] };
}

/** Of what an exchange account sends on a manager's order: the same that a manager's own loan carries. */
const ADMIN_TOP_UP_MEMO = "loan_to_bmg";

export const recorded = (outcome: TransferOutcome, reason: string): Decision => ({
  outcome,
  reason,
  rowMoves: [],
  payouts: [],
});

function invalidity({ request, sender }: IncomingTransfer, amount: Bts): string {
  if (request.type === "invalid") return `the memo is no request: ${request.reason}`;
  assert(
    request.type !== "drawn" && request.type !== "unread",
    "what the custodian drew is no invalid request",
  );
  if (request.type === "stop") return `${sender} has no open agreement to stop`;
  return `${amount} BTS is not an accepted amount`;
}

function open(transfer: IncomingTransfer, term: Term, amount: Bts, policy: Policy): Decision {
  const agreement: Agreement = {
    operation: transfer.operation,
    nominator: transfer.sender,
    amount,
    months: TERMS[term],
    startMs: transfer.blockTimeMs,
    terms: policy.terms,
  };
  const rows = buildStakeRows(agreement);
  const [agreementRow] = rows;
  assert(agreementRow !== undefined, "an agreement has rows");
  const key = payoutKey.confirm(transfer.operation);
  const confirmation: NewPayout = {
    key,
    kind: "confirm",
    payee: transfer.sender,
    amount: bts(1n),
    memo: payoutMemo("confirm", key, { agreement: term, amount: `${amount}`, start: transfer.blockTimeMs }),
    dueMs: transfer.blockTimeMs,
    rows: [{ id: agreementRow.id, settlesAs: "confirmed" }],
  };
  return {
    outcome: "agreement_opened",
    reason: `${term} for ${amount} BTS`,
    agreement: { agreement, rows },
    rowMoves: [],
    payouts: policy.confirmAgreements ? [confirmation] : [],
  };
}

/** Early exit from every open agreement of the sender at once, as one payment. */
function stop(transfer: IncomingTransfer, pendingRows: readonly StakeRow[]): Decision {
  const returned = pendingRows.filter((row) => row.type === "base_amount" || row.type === "penalty");
  const rewards = pendingRows.filter((row) => row.type === "reward");
  const amount = bts(returned.reduce((sum, row) => sum + row.amount, 0n));
  const abort = (rows: readonly StakeRow[]) =>
    rows.map((row): StakeRowMove => ({ row, from: "pending", to: "aborted" }));
  const carried = carriedByStop(transfer);
  if (amount <= 0n)
    return {
      outcome: "stopped",
      reason: `early exit worth ${amount} BTS: nothing to pay`,
      rowMoves: abort([...returned, ...rewards]),
      payouts: carried,
    };
  const key = payoutKey.stop(transfer.operation);
  const exit: NewPayout = {
    key,
    kind: "stop",
    payee: transfer.sender,
    amount,
    memo: payoutMemo("stop", key, { amount: `${amount}` }),
    dueMs: transfer.blockTimeMs,
    rows: returned.map((row) => ({ id: row.id, settlesAs: "premature" })),
  };
  return {
    outcome: "stopped",
    reason: `early exit from ${returned.filter((row) => row.type === "base_amount").length} agreement(s) for ${amount} BTS`,
    rowMoves: [
      ...returned.map((row): StakeRowMove => ({ row, from: "pending", to: "processing" })),
      ...abort(rewards),
    ],
    payouts: [exit, ...carried],
  };
}

/** A stop has to carry something; 1 BTS is kept. A larger amount goes back whole, without a fee. */
function carriedByStop(transfer: IncomingTransfer): readonly NewPayout[] {
  const amount = toBtsRoundedDown(transfer.amount);
  return amount > 1n ? [refundOf(transfer, amount, "carried_by_stop")] : [];
}

function refund(transfer: IncomingTransfer, amount: Bts, policy: Policy, reason: string): Decision {
  const left = bts(amount - policy.invalidRequestFee);
  if (left <= policy.refundAbove)
    return recorded("kept", `${reason}; less the fee there is nothing to return`);
  return {
    outcome: "refunded",
    reason,
    rowMoves: [],
    payouts: [refundOf(transfer, left, "invalid_request")],
  };
}

function refundOf(transfer: IncomingTransfer, amount: Bts, cause: string): NewPayout {
  const key = payoutKey.refund(transfer.operation);
  return {
    key,
    kind: "refund",
    payee: transfer.sender,
    amount,
    memo: payoutMemo("refund", key, { reason: cause }),
    dueMs: transfer.blockTimeMs,
    rows: [],
  };
}

/** What a row does on the day it falls due. */
export function decideDueRow(row: StakeRow): {
  readonly move: StakeRowMove;
  readonly payout: NewPayout | undefined;
} {
  assert(row.status === "pending", `row ${row.id} is ${row.status}, and only pending rows fall due`);
  assert(
    row.type === "penalty" || row.type === "reward" || row.type === "base_amount",
    `row ${row.id} never falls due`,
  );
  // The nominator stayed for the full term: the penalty is waived. And a reward that was rounded down to nothing, as a
  // small amount or a rate of 0 % gives, is no debt: the chain has no transfer of 0.
  if (row.type === "penalty" || row.amount <= 0n)
    return { move: { row, from: "pending", to: "aborted" }, payout: undefined };
  const key = payoutKey.row(row);
  const kind = row.type === "reward" ? "reward" : "base";
  return {
    move: { row, from: "pending", to: "processing" },
    payout: {
      key,
      kind,
      payee: row.nominator,
      amount: row.amount,
      memo: payoutMemo(kind, key, {
        agreement: operationId(row.agreement),
        ...(row.number > 0 ? { number: row.number } : {}),
      }),
      dueMs: row.dueMs,
      rows: [{ id: row.id, settlesAs: "confirmed" }],
    },
  };
}

/** The notice to a nominator whose payout failed: 1 BTS and the support address. At most once per payout, by its key. */
export function noticeOfFailure(
  payout: Pick<NewPayout, "key" | "kind" | "payee">,
  policy: Policy,
  nowMs: Millis,
): NewPayout | undefined {
  // A notice about a notice would never end, an exchange does not read one, and a checkpoint concerns the custodian alone.
  if (payout.kind === "notice" || payout.kind === "deposit" || payout.kind === "checkpoint") return undefined;
  const key = payoutKey.notice(payout.key);
  return {
    key,
    kind: "notice",
    payee: payout.payee,
    amount: bts(1n),
    memo: payoutMemo("notice", key, { message: `payment delayed, contact ${policy.supportAddress}` }),
    dueMs: nowMs,
    rows: [],
  };
}
