import { type Bts, bts, type Shares } from "@stakebts/kernel/amount";
import { decideTransfer, type Roles, type TransferOutcome } from "../rules/decide.ts";
import { asImported, type ImportMark, type MonthPaid } from "../rules/import-mark.ts";
import { compareOperations, operationId, type OperationId } from "@stakebts/kernel/operation-id";
import type { NewStakeRow, StakeRow } from "../rules/stake-row.ts";
import type { Millis } from "@stakebts/kernel/time";
import type { LedgerTx, NewTransfer, TransferDirection } from "../ledger/ledger.ts";
import type { IngestDeps } from "../ledger/ingest-blocks.ts";
import { overdueRows } from "./write-agreements.ts";

/** A transfer that the blocks hold, and what will become of it. */
export interface PlannedTransfer {
  readonly operation: OperationId;
  readonly direction: TransferDirection;
  readonly timeMs: Millis;
  /** The account at the other end. */
  readonly account: string;
  readonly amount: Shares;
  /** It is in the ledger already, and stays as it is. */
  readonly known: boolean;
  readonly outcome: TransferOutcome | undefined;
  readonly reason: string;
  readonly monthsPaid: readonly MonthPaid[];
  /** What will be owed because of it as soon as it is in the ledger. */
  readonly owedAtOnce: Bts;
}

interface OpenRow {
  readonly row: NewStakeRow;
  /** Index of the planned transfer that opened it; `undefined`: the ledger had it before. */
  readonly by: number | undefined;
}

/**
 * What will become of transfers that are found in old blocks: the event step, gone through on paper. It is as good as what the
 * ledger knows now; what decides is the event step itself. Writes nothing.
 * @param transfers in chain order
 * @param mark as in a replay: what an import knows of each; `undefined` for a transfer that is answered as if live
 */
export async function planTransfers(
  tx: LedgerTx,
  { policy, roles }: Pick<IngestDeps, "policy"> & { readonly roles: Roles },
  transfers: readonly NewTransfer[],
  mark: (transfer: NewTransfer) => ImportMark | undefined,
): Promise<readonly PlannedTransfer[]> {
  const cursor = await tx.cursor.read();
  const known = new Set(
    (await tx.transfers.find({ operations: transfers.map(({ operation }) => operation) })).map(
      ({ operation }) => operationId(operation),
    ),
  );
  const { processedElsewhereUpToBlockNum } = await tx.control.read();
  const open = new Map<string, OpenRow[]>();
  const foundDuplicates = new Set<OperationId>();
  const owed: bigint[] = transfers.map(() => 0n);
  const plans: Omit<PlannedTransfer, "owedAtOnce">[] = [];

  const rowsOf = async (nominator: string): Promise<readonly OpenRow[]> => {
    const found = open.get(nominator);
    if (found !== undefined) return found;
    const rows = (await tx.rows.find({ pendingOf: nominator })).map((row): OpenRow => ({
      row,
      by: undefined,
    }));
    open.set(nominator, rows);
    return rows;
  };
  const createPayouts = ({ row, by }: OpenRow): void => {
    if (by !== undefined && overdueRows([row], row.dueMs).length > 0)
      owed[by] = (owed[by] ?? 0n) + row.amount;
  };

  for (const [index, transfer] of transfers.entries()) {
    const { operation, direction, request, blockTimeMs, sender, receiver, amount } = transfer;
    const plan = {
      operation: operationId(operation),
      direction,
      timeMs: blockTimeMs,
      account: direction === "in" ? sender : receiver,
      amount,
      known: known.has(operationId(operation)),
      outcome: undefined,
      reason: "",
      monthsPaid: [],
    };
    if (plan.known) {
      plans.push({ ...plan, reason: "is in the ledger" });
      continue;
    }
    if (request === undefined) {
      plans.push({ ...plan, reason: "a payment of the custodian" });
      continue;
    }
    const importMark = mark(transfer);
    if (importMark === undefined && operation.blockNum <= processedElsewhereUpToBlockNum) {
      plans.push({ ...plan, outcome: "already_processed", reason: "v2.4 has answered it" });
      continue;
    }
    let pending: readonly StakeRow[] = [];
    if (request.type === "stop") {
      const before = await rowsOf(sender);
      const isOfLater = ({ row }: OpenRow): boolean =>
        compareOperations(row.agreement, operation) >= 0 || row.startMs > blockTimeMs;
      const fallen = before.filter((one) => one.by !== undefined && one.row.dueMs <= blockTimeMs);
      for (const one of fallen) createPayouts(one);
      pending = before.filter((one) => !fallen.includes(one) && !isOfLater(one)).map(({ row }) => row);
      open.set(
        sender,
        before.filter((one) => !fallen.includes(one) && isOfLater(one)),
      );
    }
    const live = decideTransfer({ ...transfer, request }, pending, policy, roles);
    const duplicate =
      live.agreement === undefined
        ? undefined
        : await tx.agreements.importedDuplicate(live.agreement.agreement);
    if (duplicate !== undefined && !foundDuplicates.has(duplicate)) {
      foundDuplicates.add(duplicate);
      plans.push({ ...plan, outcome: "already_processed", reason: `is the imported agreement ${duplicate}` });
      continue;
    }
    const decision = importMark === undefined ? live : asImported(live, importMark);
    owed[index] = decision.payouts.reduce((sum, payout) => sum + payout.amount, owed[index] ?? 0n);
    if (decision.agreement !== undefined) {
      const rows = decision.agreement.rows
        .filter((row) => row.status === "pending")
        .map((row): OpenRow => ({ row, by: index }));
      open.set(sender, [...(await rowsOf(sender)), ...rows]);
    }
    const monthsPaid = decision.agreement === undefined ? [] : (importMark?.monthsPaid ?? []);
    plans.push({ ...plan, outcome: decision.outcome, reason: decision.reason, monthsPaid });
  }
  for (const rows of open.values())
    for (const one of rows)
      if (cursor !== undefined && one.row.dueMs <= cursor.blockTimeMs) createPayouts(one);
  return plans.map((plan, index) => ({ ...plan, owedAtOnce: bts(owed[index] ?? 0n) }));
}
