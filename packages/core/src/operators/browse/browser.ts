import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";
import { type DatabaseSource, openSource } from "../../database/client.ts";
import { newestReplays } from "../../ledger/postgres/replays.ts";
import { eventsSetAside } from "../../ledger/postgres/set-aside.ts";
import type { PayoutId } from "../../rules/payout.ts";
import { agreementStory, type AgreementSearch, countAgreements, findAgreements } from "./agreements.ts";
import { type DebtSearch, findDebts, sumDebts } from "./debts.ts";
import { balanceReports, lastStarts, openStakes, paidByMonth, runningProcesses } from "./history.ts";
import type { KeysetWindow } from "./keyset.ts";
import { findNominators, nominatorStory } from "./nominators.ts";
import { payoutLife } from "./payout-life.ts";
import {
  findPayouts,
  payoutIds,
  type PayoutSearch,
  payoutsNamed,
  sumByPayee,
  sumPayouts,
} from "./payouts.ts";
import { eventNames, findReceipts, type ReceiptSearch } from "./receipts.ts";
import { findPage } from "./search.ts";
import { statement, transactionStory } from "./transactions.ts";
import { countTransfers, findTransfer, findTransfers, type TransferSearch } from "./transfers.ts";

/** The ledger in PostgreSQL as a person walks through it, page by page. Reading only. */
export function createBrowser(source: DatabaseSource) {
  const { db, close } = openSource(source, 4);
  return {
    agreements: (search: AgreementSearch, window: KeysetWindow) => findAgreements(db, search, window),
    countAgreements: (search: AgreementSearch) => countAgreements(db, search),
    agreement: (at: OperationPosition) => agreementStory(db, at),
    nominators: (search: { readonly prefix?: string | undefined }, window: KeysetWindow) =>
      findNominators(db, search, window),
    nominator: (name: string) => nominatorStory(db, name),
    statement: (of: { account: string; fromMs: Millis; toMs: Millis; limit: number }) => statement(db, of),
    payouts: (search: PayoutSearch, window: KeysetWindow) => findPayouts(db, search, window),
    sumPayouts: (search: PayoutSearch, max: number) => sumPayouts(db, search, max),
    sumByPayee: (search: PayoutSearch, window: KeysetWindow) => sumByPayee(db, search, window),
    payoutIds: (search: PayoutSearch, max: number) => payoutIds(db, search, max),
    payoutsNamed: (ids: readonly string[]) => payoutsNamed(db, ids),
    payout: (id: PayoutId) => payoutLife(db, id),
    debts: (search: DebtSearch, window: KeysetWindow) => findDebts(db, search, window),
    sumDebts: (search: DebtSearch, max: number) => sumDebts(db, search, max),
    transfers: (search: TransferSearch, window: KeysetWindow) => findTransfers(db, search, window),
    countTransfers: (search: TransferSearch) => countTransfers(db, search),
    transfer: (at: OperationPosition) => findTransfer(db, at),
    transaction: (txid: string) => transactionStory(db, txid),
    receipts: (search: ReceiptSearch, window: KeysetWindow) => findReceipts(db, search, window),
    eventNames: () => eventNames(db),
    paidByMonth: (fromMs: Millis) => paidByMonth(db, fromMs),
    balanceReports: (of: { fromMs: number; stepMs: number }) => balanceReports(db, of),
    openStakes: () => openStakes(db),
    lastStarts: () => lastStarts(db),
    runningProcesses: () => runningProcesses(db),
    setAside: () => eventsSetAside(db),
    replays: (limit: number) => newestReplays(db, limit),
    findPage: (text: string) => findPage(db, text),
    close,
  };
}

export type Browser = ReturnType<typeof createBrowser>;
