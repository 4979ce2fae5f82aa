import { bts } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import type { Payout as PayoutModel } from "../../generated/prisma/client.ts";
import type { LimitedBy } from "../../rules/limits.ts";
import type { PayoutId, PayoutKey, PayoutKind, PayoutStatus } from "../../rules/payout.ts";
import type { PayoutRecord } from "../ledger.ts";

type PayoutColumns = Pick<
  PayoutModel,
  | "id"
  | "key"
  | "kind"
  | "payee"
  | "amount"
  | "memo"
  | "due"
  | "status"
  | "reason"
  | "attempts"
  | "uncountedAttempts"
  | "waitingSince"
  | "limitedBy"
>;

export const toPayout = (row: PayoutColumns): PayoutRecord => ({
  id: row.id as PayoutId,
  key: row.key as PayoutKey,
  kind: row.kind as PayoutKind,
  payee: row.payee,
  amount: bts(row.amount),
  memo: row.memo,
  dueMs: millis(Number(row.due)),
  status: row.status as PayoutStatus,
  reason: row.reason ?? undefined,
  attempts: row.attempts,
  uncountedAttempts: row.uncountedAttempts,
  waitingSinceMs: row.waitingSince === null ? undefined : millis(Number(row.waitingSince)),
  limitedBy: (row.limitedBy as LimitedBy | null) ?? undefined,
});
