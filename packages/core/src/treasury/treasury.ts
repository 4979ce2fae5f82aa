import type { Shares } from "@stakebts/kernel/amount";
import type { ExchangeAccountNumber } from "../rules/request.ts";
import type { Freeze } from "../rules/freeze.ts";
import type { TopUpSourceNumber, RESERVE } from "../rules/top-up.ts";
import type { Policy } from "../rules/policy.ts";
import type {
  AccountId,
  ChainAccount,
  ChainReader,
  ChainWriter,
  EncryptedMemo,
  PermissionId,
  TransferFeeSchedule,
} from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Exchange } from "./exchange.ts";
import type { Ledger, NewReceipt } from "../ledger/ledger.ts";
import type { Log } from "@stakebts/kernel/log";
import type { MemoWriter, Signer } from "@stakebts/bitshares/signing";
import type { HotWallet } from "../payments/hot-wallet.ts";
import { logReceipt } from "../ledger/log-receipt.ts";

/** An account at an exchange, or the reserve: another account on the chain. */
export type TopUpSource =
  | { readonly type: "exchange"; readonly number: ExchangeAccountNumber; readonly exchange: Exchange }
  | ReserveSource;

/** The reserve account sends, as this process holds its key; or it has let the custodian draw from it, and nobody here does. */
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
  /** In the order in which they are asked for cover. */
  readonly sources: readonly TopUpSource[];
  /** As of PayDeps. */
  readonly frozenHere: () => readonly Freeze[];
  readonly feeOf: (schedule: TransferFeeSchedule, memo: EncryptedMemo | undefined) => Shares;
  readonly writerEpoch: bigint;
}

export const sourceOf = (deps: TreasuryDeps, number: TopUpSourceNumber): TopUpSource | undefined =>
  deps.sources.find((source) => source.number === number);

/** What happened and moved no state, written down and said in the log. */
export async function record({ ledger, log }: TreasuryDeps, receipt: NewReceipt): Promise<void> {
  await ledger.transaction((tx) => tx.receipts.add([receipt]));
  logReceipt(log, receipt);
}
