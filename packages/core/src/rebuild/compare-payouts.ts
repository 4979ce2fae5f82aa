import { operationId } from "@stakebts/kernel/operation-id";
import { btsText } from "@stakebts/kernel/text";
import {
  causeOf,
  causeOfAbsence,
  type Difference,
  type ExpectedCause,
  type KnownCauses,
  type Pair,
  transferIn,
} from "./difference.ts";
import type { PayoutFact, RowFact } from "./ledger-contents.ts";

const WRITTEN = "leave payments off: the database was changed from outside";

/** What may be owed. */
export function aboutRow({ ledger, chain }: Pair<RowFact>, causes: KnownCauses): readonly Difference[] {
  const row = ledger ?? chain;
  const at = operationId(row.agreement);
  const difference = (cause: ExpectedCause | undefined, message: string, todo?: string): Difference => ({
    about: "row",
    subject: row.id,
    cause,
    message,
    todo: cause === undefined ? (todo ?? WRITTEN) : todo,
  });
  const of = `${btsText(row.amount)} for ${row.nominator}`;
  if (ledger === undefined)
    return [difference(causeOfAbsence(causes, row.nominator, at), `the ledger does not have it: ${of}`)];
  if (chain === undefined)
    return [difference(causeOf(causes, row.nominator, at), `nothing on the chain gives it: ${of}`)];
  const differs = (["nominator", "amount", "type", "number", "startMs", "dueMs"] as const).filter(
    (name) => ledger[name] !== chain[name],
  );
  const found = differs.map((name) =>
    difference(undefined, `its ${name} is ${ledger[name]} in the ledger and ${chain[name]} from the chain`),
  );
  if (ledger.status === chain.status && isSameBlock(ledger, chain)) return found;
  const cause = causeOfStatus(ledger, chain, causes, at);
  const stands = (fact: RowFact): string =>
    fact.blockProcessed === undefined ? fact.status : `${fact.status} in block ${fact.blockProcessed}`;
  return [
    ...found,
    difference(cause, `it is ${stands(ledger)} in the ledger and ${stands(chain)} from the chain`, undefined),
  ];
}

/** An agreement row that is not confirmed yet names no block of a payment. */
const isSameBlock = (a: RowFact, b: RowFact): boolean =>
  a.status === "paid" || a.blockProcessed === b.blockProcessed;

function causeOfStatus(
  ledger: RowFact,
  chain: RowFact,
  causes: KnownCauses,
  at: string,
): ExpectedCause | undefined {
  const payout =
    ledger.type === "reward"
      ? `reward:${at}:${ledger.number}`
      : ledger.type === "base_amount"
        ? `base:${at}`
        : "";
  if (causes.settledByHand.has(payout)) return "person";
  return ledger.status === "pending" && chain.status !== "pending"
    ? causeOfAbsence(causes, ledger.nominator, at)
    : causeOf(causes, ledger.nominator, at);
}

/** What is owed, and whether it is paid. */
export function aboutPayout({ ledger, chain }: Pair<PayoutFact>, causes: KnownCauses): readonly Difference[] {
  const { key, payee, amount } = ledger ?? chain;
  const difference: Say = (cause, message, todo) => ({ about: "payout", subject: key, cause, message, todo });
  const of = `${btsText(amount)} to ${payee}`;
  if (ledger === undefined)
    return [
      difference(
        causeOfAbsence(causes, payee, transferIn(key)),
        `the chain gives this debt and the ledger does not have it: ${of}`,
        "it is not paid: see its transfer; `stakebts blocks replay` adds what was missed",
      ),
    ];
  if (chain === undefined) return aboutUnfounded(ledger, causes, difference);
  const cause = causeOfShape(ledger, causes);
  const differs = (["kind", "payee", "amount", "memo", "dueMs"] as const).filter(
    (name) => ledger[name] !== chain[name],
  );
  const rowsOf = ({ rows }: PayoutFact): string => rows.map((row) => `${row.id}=${row.settlesAs}`).join(" ");
  const found = differs
    .filter((name) => name !== "memo" || !differs.includes("amount"))
    .map((name) =>
      difference(
        name === "payee" ? undefined : cause,
        name === "memo"
          ? "its memo is not the one that the chain gives"
          : `its ${name} is ${ledger[name]} in the ledger and ${chain[name]} from the chain`,
        `hold it: \`stakebts payouts hold ${key}\``,
      ),
    );
  if (rowsOf(ledger) !== rowsOf(chain))
    found.push(
      difference(
        cause,
        "it settles other rows than the chain gives",
        `hold it: \`stakebts payouts hold ${key}\``,
      ),
    );
  return [...found, ...aboutSettlement(ledger, chain, { ...causes, cause }, difference)];
}

/** A stop returns what was open, and what it carries with or without a fee: what was open may depend on a person. */
function causeOfShape({ key, kind, payee }: PayoutFact, causes: KnownCauses): ExpectedCause | undefined {
  const transfer = transferIn(key);
  return kind === "stop" ? causeOf(causes, payee, transfer) : causes.transfers.get(transfer);
}

type Say = (cause: ExpectedCause | undefined, message: string, todo: string | undefined) => Difference;

function aboutSettlement(
  ledger: PayoutFact,
  chain: PayoutFact,
  { settledByHand, cause }: KnownCauses & { readonly cause: ExpectedCause | undefined },
  difference: Say,
): readonly Difference[] {
  const { key, status, reason = "no reason given" } = ledger;
  const isPaid = status === "confirmed";
  if (chain.status === "held") {
    if (status === "held") return [];
    return [
      difference(
        cause,
        `a payment on the chain names it and does not fit: ${chain.reason ?? ""}`,
        "runbook, payout.held",
      ),
    ];
  }
  if (chain.status === "confirmed") {
    if (isPaid && ledger.blockProcessed === chain.blockProcessed) return [];
    if (isPaid)
      return [
        difference(
          settledByHand.has(key) ? "person" : undefined,
          `is paid in block ${ledger.blockProcessed} in the ledger and in block ${chain.blockProcessed} on the chain`,
          "see whether it was paid twice: runbook, ledger.contradicted",
        ),
      ];
    return [
      difference(
        undefined,
        `the chain holds its payment in block ${chain.blockProcessed} and the ledger has it as ${status}`,
        `switch payments off before it is paid again, then \`stakebts payouts settle ${key} --by\` that transfer`,
      ),
    ];
  }
  if (isPaid)
    return [
      settledByHand.has(key)
        ? difference("person", `was settled by hand in block ${ledger.blockProcessed}`, undefined)
        : difference(
            undefined,
            `the ledger has it as paid in block ${ledger.blockProcessed} and the chain holds no payment that names it`,
            "it may never have been paid: look at that block, and ask the payee",
          ),
    ];
  const again = "a rebuilt ledger owes it: decide so again there, before payments are switched on";
  if (status === "held") return [difference("person", `is held: ${reason}`, again)];
  if (status === "cancelled") return [difference("person", `was cancelled: ${reason}`, again)];
  return status === "failed"
    ? [difference("failed", `has failed: ${reason}`, "a rebuilt ledger tries it again by itself")]
    : [];
}

/** Of a debt that the chain alone does not give. */
function aboutUnfounded(ledger: PayoutFact, causes: KnownCauses, difference: Say): readonly Difference[] {
  const { key, kind, payee, amount, status, blockProcessed } = ledger;
  const isPaid = status === "confirmed";
  if (/^(?:notice|checkpoint):/u.test(key)) {
    const payment = causes.payments.get(key);
    const fits = !isPaid || (payment?.receiver === payee && payment.blockNum === blockProcessed);
    const cause = key.startsWith("notice:") ? "notice" : "checkpoint";
    return [
      fits
        ? difference(cause, `${isPaid ? "paid" : status}: follows from nothing on the chain`, undefined)
        : difference(
            undefined,
            `is paid in block ${blockProcessed} in the ledger, and the chain holds no such payment`,
            WRITTEN,
          ),
    ];
  }
  return [
    difference(
      kind === "deposit"
        ? (causes.transfers.get(transferIn(key)) ?? undefined)
        : causeOf(causes, payee, transferIn(key)),
      `nothing on the chain gives this debt: ${btsText(amount)} to ${payee}, ${status}`,
      isPaid ? "find out why it was paid" : `hold it: \`stakebts payouts hold ${key}\``,
    ),
  ];
}
