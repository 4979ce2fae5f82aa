import { bts, shares } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { type NewPayout, payoutKey, payoutMemo } from "@stakebts/core/rules/payout";
import { DEFAULT_POLICY } from "@stakebts/core/rules/policy";
import { type Agreement, buildStakeRows } from "@stakebts/core/rules/terms";
import { millis } from "@stakebts/kernel/time";
import type {
  Cursor,
  IdentifiedPayout,
  LedgerAccount,
  NewTransfer,
  NewWithdrawal,
} from "@stakebts/core/ledger/ledger";
import { identified, withdrawalId } from "@stakebts/core/ledger/ids";

// Plain examples of the things that tests are about. Each takes what matters to the test and makes up the rest.

export const operation = (blockNum: number, trxInBlock = 0, opInTrx = 0): OperationPosition => ({
  blockNum,
  trxInBlock,
  opInTrx,
});

export const cursorAt = (blockNum: number, change: Partial<Cursor> = {}): Cursor => ({
  blockNum,
  blockId: blockNum.toString(16).padStart(8, "0").padEnd(40, "a"),
  blockTimeMs: millis(blockNum * 3_000),
  scannedFromBlockNum: 1,
  ...change,
});

export const incoming = (change: Partial<NewTransfer> = {}): NewTransfer => {
  const at = change.operation ?? operation(10);
  return {
    operation: at,
    blockTimeMs: millis(at.blockNum * 3_000),
    direction: "in",
    txid: undefined,
    sender: "nominator-1",
    receiver: "custodian",
    senderIsLifetimeMember: false,
    amount: shares(25_000n * 100_000n),
    assetId: "1.3.0",
    fee: shares(100n),
    memoStatus: "text",
    memoText: "three_months",
    request: { type: "open", term: "three_months" },
    payoutKey: undefined,
    memoNonce: undefined,
    isReplayed: false,
    ...change,
  };
};

export const outgoing = (change: Partial<NewTransfer> = {}): NewTransfer => ({
  ...incoming(change),
  direction: "out",
  sender: "custodian",
  receiver: "nominator-1",
  request: undefined,
  ...change,
});

export const agreementAt = (at: OperationPosition, change: Partial<Agreement> = {}): Agreement => ({
  operation: at,
  nominator: "nominator-1",
  amount: bts(25_000n),
  months: 3,
  startMs: millis(at.blockNum * 3_000),
  terms: DEFAULT_POLICY.terms,
  ...change,
});

export const agreementWithRows = (at: OperationPosition, change: Partial<Agreement> = {}) => {
  const agreement = agreementAt(at, change);
  return { agreement, rows: buildStakeRows(agreement) };
};

/** A refund: the simplest debt there is. */
export const refundOf = (at: OperationPosition, change: Partial<NewPayout> = {}): IdentifiedPayout => {
  const key = payoutKey.refund(at);
  return identified({
    key,
    kind: "refund",
    payee: "nominator-1",
    amount: bts(450n),
    memo: payoutMemo("refund", key, {}),
    dueMs: millis(at.blockNum * 3_000),
    rows: [],
    ...change,
  });
};

/** What ledgers in tests are of. */
export const ACCOUNT: LedgerAccount = {
  chainId: "11".repeat(32),
  custodianId: "1.2.100",
  custodianName: "custodian",
};

/** A signed attempt; `name` makes it another one. */
export const withdrawalFor = (
  payout: IdentifiedPayout,
  name: string,
  change: Partial<NewWithdrawal> = {},
): NewWithdrawal => {
  const txid = Buffer.from(`${name}${operationId(operation(1))}`)
    .toString("hex")
    .padEnd(40, "0")
    .slice(0, 40);
  return {
    id: withdrawalId(txid),
    payoutId: payout.id,
    txid,
    bytes: Uint8Array.from(Buffer.from(name)),
    refBlockNum: 5,
    expirationMs: millis(100_000),
    fee: shares(100n),
    writerEpoch: 1n,
    account: ACCOUNT,
    ...change,
  };
};
