import { compareOperations, operationId } from "@stakebts/kernel/operation-id";
import type { LedgerContents, PaymentFact, WholeLedger } from "@stakebts/core/rebuild/ledger-contents";
import type { MemoryLedger } from "./memory-ledger.ts";

/** The ledger in memory as a whole. */
export const wholeMemoryLedger = (ledger: MemoryLedger): WholeLedger => ({
  look: async (work) => {
    const hasWork = await ledger.hasWork();
    return work(contentsOf(ledger, hasWork));
  },
});

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function contentsOf({ contents }: MemoryLedger, hasWork: boolean): LedgerContents {
  const {
    cursor,
    processedElsewhereUpToBlockNum,
    transfers,
    agreements,
    rows,
    payouts,
    settlements,
    topUps,
    receipts,
  } = contents;
  const keys = new Set<string>([...payouts.values()].map(({ key }) => key));
  const payments = [...transfers.values()]
    .filter(({ direction, payoutKey }) => direction === "out" && payoutKey !== undefined)
    .sort((a, b) => compareOperations(a.operation, b.operation))
    .map(({ operation, payoutKey, receiver, amount }) => ({
      operation: operationId(operation),
      payout: payoutKey as PaymentFact["payout"],
      receiver,
      amount,
    }));
  return {
    cursor,
    processedElsewhereUpToBlockNum,
    hasWork,
    counts: {
      transfers: transfers.size,
      agreements: agreements.size,
      rows: rows.size,
      payouts: payouts.size,
      topUps: topUps.size,
      receipts: receipts.length,
    },
    transfers: (fromBlockNum) =>
      onePage(
        [...transfers.values()]
          .filter(({ operation }) => operation.blockNum >= fromBlockNum)
          .sort((a, b) => compareOperations(a.operation, b.operation))
          .map((transfer) => ({
            ...transfer,
            reason: transfer.reason,
            isImported: transfer.importMark !== undefined,
          })),
      ),
    agreements: () =>
      onePage(
        [...agreements.values()]
          .sort((a, b) => compareOperations(a.operation, b.operation))
          .map((agreement) => ({
            ...agreement,
            isOpenedByTransfer:
              transfers.get(operationId(agreement.operation))?.outcome === "agreement_opened",
          })),
      ),
    rows: () =>
      onePage(
        [...rows.values()]
          .sort((a, b) => byBytes(a.id, b.id))
          .map((row) => ({ ...row, blockProcessed: row.blockProcessed })),
      ),
    payouts: () =>
      onePage(
        [...payouts.values()]
          .sort((a, b) => byBytes(a.key, b.key))
          .map((payout) => ({ ...payout, rows: payout.rows.toSorted((a, b) => byBytes(a.id, b.id)) })),
      ),
    unmatchedPayments: () =>
      Promise.resolve(
        payments.filter(
          ({ payout }) =>
            !keys.has(payout) &&
            !payout.startsWith("checkpoint:") &&
            !keys.has(payout.replace(/^notice:/u, "")),
        ),
      ),
    repeatedPayments: () => {
      const seen = new Set<string>();
      return Promise.resolve(payments.filter(({ payout }) => seen.size === seen.add(payout).size));
    },
    settledByHand: () =>
      Promise.resolve(
        [...settlements].flatMap(([id, { matchedBy }]) =>
          matchedBy === "operator" ? [payouts.get(id)?.key ?? id] : [],
        ),
      ),
    receiptsOf: (event) => Promise.resolve(receipts.filter((receipt) => receipt.event === event)),
  };
}

async function* onePage<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  yield items;
}
