import { operationId } from "@stakebts/kernel/operation-id";
import { btsText } from "@stakebts/kernel/text";
import { termsText } from "../rules/terms.ts";
import {
  causeOf,
  causeOfAbsence,
  type Difference,
  type ExpectedCause,
  type KnownCauses,
  type Pair,
} from "./difference.ts";
import type { AgreementFact } from "./ledger-contents.ts";

export type AgreementPair = Pair<AgreementFact>;

/** @param keepsTerms the terms are taken from the ledger, because today's policy has others */
export function aboutAgreement(
  { ledger, chain }: AgreementPair,
  causes: KnownCauses,
  keepsTerms: boolean,
): readonly Difference[] {
  const agreement = ledger ?? chain;
  const subject = operationId(agreement.operation);
  const difference = (
    cause: ExpectedCause | undefined,
    message: string,
    todo: string | undefined,
  ): Difference => ({ about: "agreement", subject, cause, message, todo });
  const of = `${agreement.nominator}, ${btsText(agreement.amount)} for ${agreement.months} months`;
  if (ledger === undefined)
    return [
      difference(
        causeOfAbsence(causes, agreement.nominator, subject),
        `the chain opens it and the ledger does not have it: ${of}`,
        "see transfer",
      ),
    ];
  if (chain === undefined)
    return [
      ledger.isOpenedByTransfer
        ? difference(
            causeOf(causes, agreement.nominator, subject),
            `the ledger has it and nothing on the chain opens it: ${of}`,
            "hold its payouts: `stakebts payouts list` shows them",
          )
        : difference("imported", `was imported: ${of}`, undefined),
    ];
  const differs = (["nominator", "amount", "months", "startMs"] as const).filter(
    (name) => ledger[name] !== chain[name],
  );
  return [
    ...differs.map((name) =>
      difference(
        undefined,
        `its ${name} is ${ledger[name]} in the ledger and ${chain[name]} on the chain`,
        "hold its payouts: the database was changed from outside",
      ),
    ),
    ...(keepsTerms
      ? [
          difference(
            "terms",
            `keeps the terms it was opened under: ${termsText(ledger.terms)}; a rebuild takes those of today's policy file`,
            "restore a backup rather than rebuild, or rebuild with the policy file of then",
          ),
        ]
      : []),
  ];
}
