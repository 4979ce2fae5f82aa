import type { TopUpId, TopUpKey, TopUpStatus } from "../rules/top-up.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { topUpId } from "../ledger/ids.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";

export interface TopUpAnswer {
  readonly result: "done" | "unchanged" | "refused";
  readonly topUp: string;
  /** Where it stands now; `undefined` when there is no such request. */
  readonly status: TopUpStatus | undefined;
  readonly message: string;
  readonly todo?: string;
}

/** The id of a request from its key, or the id itself. */
export const topUpReference = (text: string): TopUpId =>
  text.includes(":") ? topUpId(text as TopUpKey) : (text as TopUpId);

/**
 * A person has looked at the source and says that it will never send what was asked for: the request is over, and the
 * source may be asked anew. Should the money come all the same, it is still known by its memo and completes the request.
 */
export function giveUpTopUp(
  { ledger }: { ledger: Ledger },
  { id, action }: { readonly id: TopUpId; readonly action: OperatorAction },
): Promise<TopUpAnswer> {
  return ledger.transaction(async (tx) => {
    await tx.lockEvents(); // Its money may be arriving at this moment.
    const found = (await tx.topUps.find({})).find((topUp) => topUp.id === id);
    if (found === undefined)
      return {
        result: "refused",
        topUp: id,
        status: undefined,
        message: "there is no such request",
        todo: "`stakebts top-ups list` shows them",
      };
    const { key: topUp, status } = found;
    if (status === "cancelled" || status === "refused" || status === "arrived")
      return { result: "unchanged", topUp, status, message: `is ${status} already` };
    if (status === "requested" || status === "asked")
      return {
        result: "refused",
        topUp,
        status,
        message: "the payer is still asking, and the source may take it at any moment",
        todo: "switch payments off first, or wait: it becomes accepted, refused or unresolved by itself",
      };
    if (!(await tx.topUps.move(id, [status], "cancelled", { reason: action.reason })))
      return { result: "refused", topUp, status, message: "was moved by another process at this moment" };
    await tx.receipts.add([
      receiptOf("top_up.given_up", topUp, action, {
        source: found.source,
        amount: `${found.amount}`,
        was: status,
        venueId: found.venueId ?? null,
        because: found.reason ?? null,
      }),
    ]);
    return {
      result: "done",
      topUp,
      status: "cancelled",
      message: `${status} → cancelled: the source may be asked again`,
    };
  });
}
