import type { FundingId, FundingKey, FundingStatus } from "../rules/top-up.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { fundingId } from "../ledger/ids.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";

export interface FundingAnswer {
  readonly result: "done" | "unchanged" | "refused";
  readonly funding: string;
  /** Where it stands now; `undefined` when there is no such request. */
  readonly status: FundingStatus | undefined;
  readonly message: string;
  readonly todo?: string;
}

/** The id of a request from its key, or the id itself. */
export const fundingReference = (text: string): FundingId =>
  text.includes(":") ? fundingId(text as FundingKey) : (text as FundingId);

/**
 * A person has looked at the source and says that it will never send what was asked for: the request is over, and the
 * source may be asked anew. Should the money come all the same, it is still known by its memo and completes the request.
 */
export function giveUpFunding(
  { ledger }: { ledger: Ledger },
  { id, action }: { readonly id: FundingId; readonly action: OperatorAction },
): Promise<FundingAnswer> {
  return ledger.transaction(async (tx) => {
    await tx.lockFold(); // Its money may be arriving at this moment.
    const found = (await tx.fundings({})).find((funding) => funding.id === id);
    if (found === undefined)
      return {
        result: "refused",
        funding: id,
        status: undefined,
        message: "there is no such request",
        todo: "`stakebts funding list` shows them",
      };
    const { key: funding, status } = found;
    if (status === "cancelled" || status === "refused" || status === "arrived")
      return { result: "unchanged", funding, status, message: `is ${status} already` };
    if (status === "requested" || status === "asked")
      return {
        result: "refused",
        funding,
        status,
        message: "the payer is still asking, and the source may take it at any moment",
        todo: "switch payments off first, or wait: it becomes accepted, refused or unresolved by itself",
      };
    if (!(await tx.moveFunding(id, [status], "cancelled", { reason: action.reason })))
      return { result: "refused", funding, status, message: "was moved by somebody else at this moment" };
    await tx.addReceipts([
      receiptOf("funding.given_up", funding, action, {
        source: found.source,
        amount: `${found.amount}`,
        was: status,
        venueId: found.venueId ?? null,
        because: found.reason ?? null,
      }),
    ]);
    return {
      result: "done",
      funding,
      status: "cancelled",
      message: `${status} → cancelled: the source may be asked again`,
    };
  });
}
