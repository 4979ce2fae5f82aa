import { ChainError } from "@stakebts/bitshares/chain";
import type { ProposalReader, ProposedTransfer } from "@stakebts/bitshares/account-operations";
import { operationId, type OperationPosition, virtualPosition } from "@stakebts/kernel/operation-id";
import { jobForTransfer } from "../ledger/jobs.ts";
import { readBlocks, readTransfers, writeTransfers } from "../ledger/ingest-blocks.ts";
import type { NewTransfer } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";
import { type HistoryDeps, isSameTransfer } from "../ledger/read-history.ts";

/** What the nodes say of the proposal, in the ledger's words. */
export type TransferExamination =
  | {
      readonly result: "found";
      readonly transfer: NewTransfer;
      readonly proposedOp: number;
      /** The ledger has it already: recording says where its proposal was made, for nodes that have removed their history. */
      readonly isThere: boolean;
    }
  /** `message` says why it is not to be recorded. */
  | { readonly result: "refused"; readonly message: string };

export interface RecordRequest {
  /** The operation that made the proposal. */
  readonly proposal: OperationPosition;
  /** The approval that executed it; of one that was executed at its expiration the place after the last transaction of that block. */
  readonly executed: OperationPosition;
  /** Which operation of the proposal, from 0 on, where it has several transfers to the custodian. */
  readonly proposedOp?: number | undefined;
}

type Deps = Omit<HistoryDeps, "chain"> & { readonly chain: HistoryDeps["chain"] & ProposalReader };

/** Places after the first one that are tried at the end of a block: other proposals may have ended in it too. */
const ENDS_MAX = 1_000;

/**
 * What the proposal pays to the custodian, as a majority of the nodes has it in the block where it was made. Nothing of it is taken
 * from who records it, but that it was executed, and where. Throws ChainError.
 */
export async function examineTransfer(deps: Deps, request: RecordRequest): Promise<TransferExamination> {
  const refused = (message: string): TransferExamination => ({ result: "refused", message });
  const { ledger, chain, custodian } = deps;
  const { proposal, executed } = request;
  const cursor = await ledger.cursor.read();
  if (cursor === undefined || executed.blockNum > cursor.blockNum)
    return refused(`the ledger has not read block ${executed.blockNum} yet`);
  if (executed.blockNum < proposal.blockNum) return refused("it was executed before it was made");
  const found = await chain.proposal({ at: proposal, executedAt: executed, account: custodian.id });
  if (found.executedBy === "nothing")
    return refused(
      `${operationId(executed)} is neither an approval of a proposal nor the place after the last transaction of its block`,
    );
  const of = found.transfers.filter(
    ({ proposedOp }) => request.proposedOp === undefined || proposedOp === request.proposedOp,
  );
  const [one, another] = of;
  if (one === undefined)
    return refused(`${operationId(proposal)} proposes no such transfer to the custodian`);
  if (another !== undefined)
    return refused(
      `it has several transfers to the custodian: say which (--operation ${of.map(({ proposedOp }) => proposedOp).join(" or ")})`,
    );
  return inTheLedger(deps, { ...request, isEnd: found.executedBy === "end_of_block" }, one);
}

async function inTheLedger(
  deps: Deps,
  { executed, isEnd }: RecordRequest & { readonly isEnd: boolean },
  { proposedOp, transfer }: ProposedTransfer,
): Promise<TransferExamination> {
  const { ledger } = deps;
  const [block] = await readBlocks(deps, { from: executed.blockNum, to: executed.blockNum });
  if (block === undefined) throw new ChainError("inconsistent_chain", "asked for a block and got none");
  const { irreversibleBlockNum } = await deps.chain.head();
  const first = isEnd ? proposedOp : proposedOp + 1;
  const places = Array.from({ length: isEnd ? ENDS_MAX : 1 }, (_, index) =>
    virtualPosition(executed, first + index),
  ).flatMap((place) => place ?? []);
  const there = await ledger.transaction((tx) => tx.transfers.find({ operations: places }));
  const asIf = async (place: OperationPosition): Promise<NewTransfer | undefined> => {
    const { trxInBlock, opInTrx } = place;
    const transfers = [{ ...transfer, trxInBlock, opInTrx, txid: undefined }];
    return (await readTransfers(deps, [{ ...block, transfers }], irreversibleBlockNum)).transfers[0];
  };
  for (const known of there)
    if (isSameTransfer(known, await asIf(known.operation)))
      return { result: "found", transfer: known, proposedOp, isThere: true };
  const taken = new Set(there.map(({ operation }) => operationId(operation)));
  const free = places.find((place) => !taken.has(operationId(place)));
  const read = free === undefined ? undefined : await asIf(free);
  return read === undefined
    ? { result: "refused", message: "another transfer of the ledger has its place" }
    : { result: "found", transfer: read, proposedOp, isThere: false };
}

/** Writes it down. It is answered as any other transfer. The same again changes nothing. @returns whether it is new */
export function recordTransfer(
  deps: Deps,
  {
    examined,
    request,
    action,
  }: {
    readonly examined: TransferExamination & { readonly result: "found" };
    readonly request: RecordRequest;
    readonly action: OperatorAction;
  },
): Promise<boolean> {
  const { transfer, proposedOp } = examined;
  const { actor, reason } = action;
  const { operation } = transfer;
  return deps.ledger.transaction(async (tx) => {
    const recorded = { operation, proposal: request.proposal, proposedOp, actor, reason };
    if (!(await tx.recordedTransfers.add(recorded))) return false;
    await writeTransfers(tx, deps, [transfer]);
    await tx.jobs.add([jobForTransfer(operation)]);
    await tx.receipts.add([
      {
        ...receiptOf("transfer.recorded", operationId(operation), action, {
          proposal: operationId(request.proposal),
          proposedOp,
          sender: transfer.sender,
          amountShares: `${transfer.amount}`,
          wasThere: examined.isThere,
        }),
        chainTimeMs: transfer.blockTimeMs,
      },
    ]);
    return true;
  });
}
