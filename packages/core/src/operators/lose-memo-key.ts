import type { AccountId, ChainReader } from "@stakebts/bitshares/chain";
import { sameKey } from "@stakebts/bitshares/keys";
import type { Ledger } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";

export interface LostKeyAnswer {
  readonly result: "done" | "unchanged" | "refused";
  readonly publicKey: string;
  readonly message: string;
}

/**
 * Two people say that the private key of a memo key of the account is lost for good. What is sent with it and not answered then goes
 * back to its senders less the fee, and what follows from answered transfers is paid although the payer cannot read their memos. It cannot
 * be taken back: what has gone back has gone. Throws ChainError.
 */
export async function loseMemoKey(
  deps: {
    readonly ledger: Ledger;
    readonly chain: Pick<ChainReader, "accounts">;
    readonly custodian: { readonly id: AccountId };
  },
  {
    publicKey: named,
    agreedBy,
    action,
  }: { readonly publicKey: string; readonly agreedBy: string; readonly action: OperatorAction },
): Promise<LostKeyAnswer> {
  const { ledger, chain, custodian } = deps;
  const { actor, reason } = action;
  const answer = (result: LostKeyAnswer["result"], message: string): LostKeyAnswer => ({
    result,
    publicKey: named,
    message,
  });
  if (actor.toLowerCase() === agreedBy.toLowerCase())
    return answer("refused", "a second person has to agree: name another one than yourself");
  const key = (await ledger.memoKeys.all()).find(({ publicKey }) => sameKey(publicKey, named));
  if (key === undefined)
    return answer("refused", "the account was never seen to have this memo key: `stakebts status` names it");
  const [account] = await chain.accounts([custodian.id]);
  if (account === undefined || sameKey(account.memoKey, key.publicKey))
    return answer(
      "refused",
      "the account has this memo key now: give it another one on the chain first, or people go on using it",
    );
  const { publicKey } = key;
  return ledger.transaction(async (tx) => {
    if (!(await tx.memoKeys.lose({ publicKey, actor, agreedBy, reason })))
      return answer("unchanged", "counts as lost already");
    await tx.receipts.add([receiptOf("memo_key.lost", publicKey, action, { agreedBy })]);
    return answer("done", "counts as lost; what waits for it goes back to its senders within a minute or so");
  });
}
