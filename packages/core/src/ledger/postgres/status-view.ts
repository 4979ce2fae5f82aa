import { bts } from "@stakebts/kernel/amount";
import type { PayoutKey, PayoutStatus } from "../../rules/payout.ts";
import type { StakeRowStatus } from "../../rules/stake-row.ts";
import { millis } from "@stakebts/kernel/time";
import type { StatusView } from "../view.ts";
import type { Database } from "../../database/client.ts";
import { hashChainProgress } from "./hash-chain-progress.ts";
import { recoveryHoldState } from "./recovery-hold-state.ts";
import { inForce, reportedOnly } from "../../rules/freeze.ts";
import { openFreezes, toSwitch } from "./freezes.ts";
import { limitedSums } from "./limited-sums.ts";
import { readLimits } from "./limits.ts";
import { toCursor } from "./rows.ts";

export async function statusView(db: Database): Promise<StatusView> {
  const [
    cursor,
    freezes,
    payouts,
    rows,
    agreements,
    undecidedTransfers,
    jobsToDispatch,
    oldestOpen,
    recoveryHold,
    backup,
    hashChain,
    limits,
    limited,
  ] = await Promise.all([
    db.chainCursor.findUnique({ where: { id: 1 } }),
    openFreezes(db),
    db.$queryRaw<{ status: string; count: bigint; amount: bigint }[]>`
        SELECT status, count(*) AS count, sum(amount)::bigint AS amount FROM payout GROUP BY status`,
    db.$queryRaw<{ status: string; count: bigint }[]>`
        SELECT status, count(*) AS count FROM stake_row GROUP BY status`,
    db.agreement.count(),
    db.transfer.count({ where: { status: "undecided" } }),
    db.outbox.count({ where: { madeAt: null } }),
    db.payout.findFirst({
      where: { status: { in: ["due", "ready", "signed", "sent", "waiting_funds"] } },
      orderBy: { due: "asc" },
      select: { key: true, due: true },
    }),
    recoveryHoldState(db),
    db.receipt.findFirst({ where: { event: "backup.made" }, orderBy: { id: "desc" } }),
    hashChainProgress(db),
    readLimits(db),
    limitedSums(db),
  ]);
  return {
    cursor: cursor === null ? undefined : toCursor(cursor),
    payments: toSwitch(freezes),
    freezes: inForce(freezes),
    processFreezes: reportedOnly(freezes),
    limits,
    limited,
    recoveryHold,
    lastBackup:
      backup === null
        ? undefined
        : {
            file: backup.subject,
            madeAtMs: backup.createdAt.getTime(),
            verified: (backup.details as { verified?: unknown }).verified === true,
          },
    payouts: payouts.map((row) => ({
      status: row.status as PayoutStatus,
      count: Number(row.count),
      amount: bts(row.amount),
    })),
    rows: rows.map((row) => ({ status: row.status as StakeRowStatus, count: Number(row.count) })),
    agreements,
    undecidedTransfers,
    jobsToDispatch,
    hashChain,
    oldestOpen:
      oldestOpen === null
        ? undefined
        : { key: oldestOpen.key as PayoutKey, dueMs: millis(Number(oldestOpen.due)) },
  };
}
