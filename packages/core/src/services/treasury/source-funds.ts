import { shares, type Shares } from "../../domain/amount.ts";
import { ChainError } from "../../ports/chain.ts";
import { ExchangeError, type ExchangeFunds } from "../../ports/exchange.ts";
import type { FundingSource, TreasuryDeps } from "./treasury.ts";

/** What a source can send, or why it cannot be said. */
export async function fundsOf(
  deps: Pick<TreasuryDeps, "chain" | "wallet" | "feeOf">,
  source: FundingSource,
): Promise<ExchangeFunds | { readonly problem: string }> {
  try {
    return source.type === "exchange" ? await source.exchange.funds() : await reserveFunds(deps, source);
  } catch (error) {
    if (error instanceof ExchangeError || error instanceof ChainError)
      return { problem: `${error.code}: ${error.message}` };
    throw error;
  }
}

/** A memo longer than any that a transfer from the reserve carries: its fee is asked for, and a little more left. */
const LONG_MEMO = { from: "", to: "", nonce: "0", messageHex: "00".repeat(64) };

async function reserveFunds(
  { chain, wallet, feeOf }: Pick<TreasuryDeps, "chain" | "wallet" | "feeOf">,
  { account }: Extract<FundingSource, { readonly type: "reserve" }>,
): Promise<ExchangeFunds> {
  const balance = await chain.balance(account.id);
  const fee = feeOf(await wallet.fees(), LONG_MEMO);
  const left: Shares = shares(balance > fee ? balance - fee : 0n);
  return { withdrawableShares: left, feeShares: fee, minimumShares: shares(1n), withdrawalsOpen: true };
}
