import {
  type AccountId,
  type ChainAccount,
  ChainError,
  type ChainReader,
  type ChainWriter,
  type EncryptedMemo,
  type PermissionId,
  pricesOfClaims,
  type TransferFeeSchedule,
} from "@stakebts/bitshares/chain";
import type { MemoWriter, Signer } from "@stakebts/bitshares/signing";
import { type Shares, shares } from "@stakebts/kernel/amount";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import type { Ledger, NewReceipt } from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import type { CommonCauses } from "../payments/common-cause.ts";
import type { HotWallet } from "../payments/hot-wallet.ts";
import type { Freeze } from "../rules/freeze.ts";
import type { Policy } from "../rules/policy.ts";
import type { ExchangeAccountNumber } from "../rules/request.ts";
import type { RESERVE, SourceFunds, TopUpSourceNumber } from "../rules/top-up.ts";
import { type Exchange, ExchangeError, type ExchangeFunds } from "./exchange.ts";
import { claimable, readPermission } from "./reserve-permission.ts";

/** An account at an exchange, or the reserve: another account on the chain. */
export type TopUpSource =
  | { readonly type: "exchange"; readonly number: ExchangeAccountNumber; readonly exchange: Exchange }
  | ReserveSource;

/**
 * The reserve account sends, as this process holds its key; or it has let the custodian draw from it, and no process here holds
 * its key.
 */
export type ReserveSource =
  | {
      readonly type: "reserve";
      readonly number: typeof RESERVE;
      readonly account: ChainAccount;
      /** With the key of the reserve account. */
      readonly signer: Signer;
    }
  | {
      readonly type: "permission";
      readonly number: typeof RESERVE;
      readonly account: ChainAccount;
      readonly permissionId: PermissionId;
      /** With the key of the custodian. */
      readonly signer: Signer;
    };

export interface TreasuryDeps {
  readonly chain: ChainReader & ChainWriter;
  readonly ledger: Ledger;
  readonly memos: MemoWriter;
  readonly wallet: HotWallet;
  readonly clock: HostClock;
  readonly log: Log;
  readonly policy: Policy;
  readonly custodian: { readonly id: AccountId; readonly name: string };
  /** In the order in which they are asked for top-ups. */
  readonly sources: readonly TopUpSource[];
  /** As of PayDeps. */
  readonly frozenHere: () => readonly Freeze[];
  readonly feeOf: (schedule: TransferFeeSchedule, memo: EncryptedMemo | undefined) => Shares;
  readonly writerEpoch: bigint;
  readonly causes: Pick<CommonCauses, "found" | "over">;
}

export const sourceOf = (deps: TreasuryDeps, number: TopUpSourceNumber): TopUpSource | undefined =>
  deps.sources.find((source) => source.number === number);

/** What happened and moved no state, written down and said in the log. */
export async function record({ ledger, log }: TreasuryDeps, receipt: NewReceipt): Promise<void> {
  await ledger.transaction((tx) => tx.receipts.add([receipt]));
  logReceipt(log, receipt);
}

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
