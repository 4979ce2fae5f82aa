import { compareOperations, operationId } from "@stakebts/kernel/operation-id";
import type { AgreementFact, LedgerContents, PayoutFact } from "./ledger-contents.ts";
import { type AgreementPair, aboutAgreement } from "./compare-agreements.ts";
import { aboutPayout, aboutRow } from "./compare-payouts.ts";
import { aboutTransfer } from "./compare-transfers.ts";
import {
  causesIn,
  type Comparison,
  type Difference,
  type ExpectedCause,
  sideBySide,
  transferIn,
} from "./difference.ts";

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Holds a ledger against one that was made from the chain alone, up to the same block, and tells every difference in what
 * follows from the chain. Both are read once, in little memory.
 * @param kept agreements that `chain` was told the terms of, because the policy has changed since
 */
export async function compareLedgers(
  ledger: LedgerContents,
  chain: LedgerContents,
  kept: ReadonlyMap<string, unknown>,
  tell: (difference: Difference) => void,
): Promise<Comparison> {
  const fromBlockNum = chain.cursor?.scannedFromBlockNum ?? 0;
  const compared = { transfers: 0, agreements: 0, rows: 0, payouts: 0 };
  const expected: Partial<Record<ExpectedCause, number>> = {};
  let [serious, olderAgreements] = [0, 0];
  const say = (differences: readonly Difference[]): void => {
    for (const difference of differences) {
      if (difference.cause === undefined) serious++;
      else expected[difference.cause] = (expected[difference.cause] ?? 0) + 1;
      tell(difference);
    }
  };
  say(aboutCursor(ledger, chain));
  const causes = await causesIn(ledger, chain, fromBlockNum);
  for await (const pair of sideBySide(ledger.transfers(fromBlockNum), chain.transfers(fromBlockNum), (a, b) =>
    compareOperations(a.operation, b.operation),
  )) {
    compared.transfers++;
    say(aboutTransfer(pair, causes));
  }
  const byPlace = (a: AgreementFact, b: AgreementFact) => compareOperations(a.operation, b.operation);
  for await (const pair of sideBySide(ledger.agreements(), chain.agreements(), byPlace)) {
    if (pair.chain === undefined && pair.ledger.operation.blockNum < fromBlockNum) olderAgreements++;
    else compared.agreements++;
    say(aboutAgreement(pair satisfies AgreementPair, causes, kept.has(placeOf(pair))));
  }
  for await (const pair of sideBySide(ledger.rows(), chain.rows(), (a, b) => byBytes(a.id, b.id))) {
    compared.rows++;
    say(aboutRow(pair, causes));
  }
  const byKey = (a: PayoutFact, b: PayoutFact) => byBytes(a.key, b.key);
  for await (const pair of sideBySide(ledger.payouts(), chain.payouts(), byKey)) {
    compared.payouts++;
    say(aboutPayout(pair, causes));
  }
  say(await aboutPayments(chain, causes));
  return {
    fromBlockNum,
    toBlockNum: chain.cursor?.blockNum ?? 0,
    compared,
    olderAgreements,
    keptTerms: kept.size,
    serious,
    expected,
  };
}

const placeOf = ({ ledger, chain }: AgreementPair): string =>
  operationId((ledger ?? (chain as AgreementFact)).operation);

function aboutCursor(ledger: LedgerContents, chain: LedgerContents): readonly Difference[] {
  if (ledger.cursor?.blockNum !== chain.cursor?.blockNum || ledger.cursor?.blockId === chain.cursor?.blockId)
    return [];
  return [
    {
      about: "block",
      subject: `${ledger.cursor?.blockNum}`,
      cause: undefined,
      message: `the ledger has read block ${ledger.cursor?.blockId}, and the nodes have ${chain.cursor?.blockId}`,
      todo: "leave payments off: runbook, chain.disagrees",
    },
  ];
}

/** What a ledger that comes from the chain alone shows of itself. */
async function aboutPayments(
  chain: LedgerContents,
  causes: Awaited<ReturnType<typeof causesIn>>,
): Promise<readonly Difference[]> {
  const unmatchedPayments = (await chain.unmatchedPayments()).map(
    ({ operation, payout, receiver }): Difference => {
      const message = `pays ${payout} to ${receiver}, which the chain alone gives no debt for`;
      if (causes.transfers.get(transferIn(payout)) === "history")
        return { about: "payment", subject: operation, cause: "history", message, todo: undefined };
      const isHandled = causes.handled.has(receiver) || causes.imported.has(receiver);
      return {
        about: "payment",
        subject: operation,
        cause: isHandled ? (causes.handled.has(receiver) ? "person" : "imported") : undefined,
        message,
        todo: isHandled
          ? `unmatched payment: a ledger rebuilt from the chain owes ${receiver} again what a person had cancelled; cancel it there before payments are switched on`
          : "find out who signed it: `stakebts receipts --subject` and the runbook, unmatched payments",
      };
    },
  );
  const repeated = (await chain.repeatedPayments()).map(({ operation, payout, receiver }): Difference => ({
    about: "payment",
    subject: operation,
    cause: undefined,
    message: `pays ${payout} to ${receiver} a second time`,
    todo: "leave payments off and find out who signed it: runbook, ledger.contradicted",
  }));
  return [...unmatchedPayments, ...repeated];
}
