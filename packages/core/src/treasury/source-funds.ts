import { shares } from "@stakebts/kernel/amount";
import type { SourceFunds } from "../rules/top-up.ts";
import { ChainError, pricesOfClaims, type TransferFeeSchedule } from "@stakebts/bitshares/chain";
import { ExchangeError, type ExchangeFunds } from "./exchange.ts";
import { claimable, readPermission } from "./reserve-permission.ts";
import type { TopUpSource, ReserveSource, TreasuryDeps } from "./treasury.ts";

type FundsDeps = Pick<TreasuryDeps, "chain" | "wallet" | "feeOf" | "custodian">;
type FundsAnswer = (ExchangeFunds & Pick<SourceFunds, "walletFeeShares">) | { readonly problem: string };

/** What a source can send, or why it cannot be said. */
export async function fundsOf(deps: FundsDeps, source: TopUpSource): Promise<FundsAnswer> {
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

/** What the reserve account can give now: what its key can send, or its permission lets the custodian draw. Throws ChainError. */
export async function reserveFunds(deps: FundsDeps, source: ReserveSource): Promise<FundsAnswer> {
  const { chain, wallet, feeOf, custodian } = deps;
  const { account } = source;
  const fee = feeOf(reservePrices(source, await wallet.fees()), LONG_MEMO);
  const minimumShares = shares(1n);
  if (source.type === "reserve") {
    const balance = await chain.balance(account.id);
    const left = shares(balance > fee ? balance - fee : 0n);
    return { withdrawableShares: left, feeShares: fee, minimumShares, withdrawalsOpen: true };
  }
  const permission = await readPermission(chain, source.permissionId, { reserve: account, custodian });
  if ("problem" in permission) return permission;
  const balance = await chain.balance(account.id);
  const { headTimeMs } = await wallet.head();
  const { amount, isOpen } = claimable(permission, { balance, headTimeMs });
  // The custodian pays the fee. Nothing has to be there for it: the chain takes it after the amount has come in.
  return {
    withdrawableShares: amount,
    feeShares: shares(0n),
    walletFeeShares: fee,
    minimumShares,
    withdrawalsOpen: isOpen,
  };
}

export const reservePrices = (source: ReserveSource, schedule: TransferFeeSchedule): TransferFeeSchedule =>
  source.type === "permission" ? pricesOfClaims(schedule) : schedule;
