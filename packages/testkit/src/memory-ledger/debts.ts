import { operationId, operationPosition } from "@stakebts/kernel/operation-id";
import type { AskingTransfer, Debt, DebtRow } from "@stakebts/core/rules/owed";
import { payoutKey } from "@stakebts/core/rules/payout";
import type { State, StoredPayout } from "./state.ts";

type Contents = Readonly<State>;

const PAID_OR_ON_ITS_WAY = new Set(["signed", "sent", "confirmed"]);
const CAUSE_KEY = /^(stop|refund|confirm|deposit):(.*)$/su;

/** What a payout is owed for, as the function `debtsOf` reads it from the database. */
export function debtIn(contents: Contents, payout: StoredPayout): Debt {
  const { key, kind, payee, amount, memo, status } = payout;
  const payouts = [...contents.payouts.values()];
  const [, named, at] = CAUSE_KEY.exec(key) ?? [];
  const failed = kind === "notice" ? payouts.find((other) => key === `notice:${other.key}`) : undefined;
  return {
    key,
    kind,
    payee,
    amount,
    memo,
    status,
    rows: payout.rows.flatMap(({ id }): DebtRow[] => {
      const row = contents.rows.get(id);
      const agreement = row === undefined ? undefined : contents.agreements.get(operationId(row.agreement));
      if (row === undefined || agreement === undefined) return [];
      const opening = operationId(agreement.operation);
      return [
        {
          type: row.type,
          number: row.number,
          nominator: row.nominator,
          amount: row.amount,
          agreement,
          isImported: contents.importedAgreements.has(opening),
          openedBy: asking(contents, opening),
          alsoPaidBy: payouts.find(
            (other) =>
              other.key !== key &&
              PAID_OR_ON_ITS_WAY.has(other.status) &&
              other.rows.some((shared) => shared.id === id),
          )?.key,
          refundedBy: payouts.find(
            (other) => other.key === payoutKey.refund(agreement.operation) && other.status !== "cancelled",
          )?.key,
        },
      ];
    }),
    cause:
      at === undefined || named !== kind || operationPosition(at) === undefined
        ? undefined
        : asking(contents, at),
    failed: failed === undefined ? undefined : debtIn(contents, failed),
    attempts: [...contents.withdrawals.values()]
      .filter(({ payoutId }) => payoutId === payout.id)
      .map(({ txid, refBlockNum, expirationMs }) => ({ txid, refBlockNum, expirationMs })),
  };
}

function asking({ transfers, agreements }: Contents, at: string): AskingTransfer | undefined {
  const transfer = transfers.get(at);
  if (transfer === undefined || transfer.direction !== "in") return undefined;
  const { operation, blockTimeMs: timeMs, sender, amount, assetId, request } = transfer;
  return { operation, timeMs, sender, amount, assetId, request, opened: agreements.has(at) };
}
