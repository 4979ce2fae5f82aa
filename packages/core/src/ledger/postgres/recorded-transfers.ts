import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { RecordedTransfer as RecordedTransferModel } from "../../generated/prisma/client.ts";
import type { DatabaseTx } from "../../database/client.ts";
import type { LedgerTx, RecordedTransfer, RecordedTransfers } from "../ledger.ts";
import { transferKey } from "./transfers.ts";

const toRecorded = (row: RecordedTransferModel): RecordedTransfer => ({
  operation: { blockNum: row.blockNum, trxInBlock: row.trxInBlock, opInTrx: row.opInTrx },
  proposal: { blockNum: row.proposalBlock, trxInBlock: row.proposalTrx, opInTrx: row.proposalOp },
  proposedOp: row.proposedOp,
});

/** Table recorded_transfer. */
export class PostgresRecordedTransfers implements RecordedTransfers {
  readonly #db: Pick<DatabaseTx, "recordedTransfer" | "$executeRaw">;

  constructor(db: Pick<DatabaseTx, "recordedTransfer" | "$executeRaw">) {
    this.#db = db;
  }

  async at(operation: OperationPosition): Promise<RecordedTransfer | undefined> {
    const where = { blockNum_trxInBlock_opInTrx: transferKey(operation) };
    const row = await this.#db.recordedTransfer.findUnique({ where });
    return row === null ? undefined : toRecorded(row);
  }

  async within({ from, to }: { from: number; to: number }): Promise<readonly RecordedTransfer[]> {
    const rows = await this.#db.recordedTransfer.findMany({
      where: { blockNum: { gte: from, lte: to } },
      orderBy: [{ blockNum: "asc" }, { trxInBlock: "asc" }, { opInTrx: "asc" }],
    });
    return rows.map(toRecorded);
  }

  async add(recorded: Parameters<LedgerTx["recordedTransfers"]["add"]>[0]): Promise<boolean> {
    const { operation, proposal, proposedOp, actor, reason } = recorded;
    const count = await this.#db.$executeRaw`
      INSERT INTO recorded_transfer (block_num, trx_in_block, op_in_trx, proposal_block, proposal_trx, proposal_op, proposed_op,
                                     actor, reason)
      VALUES (${operation.blockNum}, ${operation.trxInBlock}, ${operation.opInTrx}, ${proposal.blockNum}, ${proposal.trxInBlock},
              ${proposal.opInTrx}, ${proposedOp}, ${actor}, ${reason})
          ON CONFLICT DO NOTHING`;
    return count === 1;
  }
}
