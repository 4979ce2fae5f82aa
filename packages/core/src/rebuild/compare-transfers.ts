import { mayBeVirtual, operationId } from "@stakebts/kernel/operation-id";
import { ADMIN_REQUESTS } from "../rules/request.ts";
import { CORE_ASSET_ID } from "../rules/transfer.ts";
import type { TransferFact } from "./ledger-contents.ts";
import type { Difference, ExpectedCause, KnownCauses, Pair } from "./difference.ts";

type Value = string | number | bigint | undefined;
const text = (value: Value): string => (value === undefined ? "nothing" : `${value}`);

/** Of another asset, or drawn by the custodian, it is answered without its memo, so that no key is waited for. */
const isMemoOfUse = ({ assetId, request }: TransferFact): boolean =>
  assetId === CORE_ASSET_ID && request?.type !== "drawn";

/** What a transfer is, as the chain says; how each is called in a sentence. */
const FIELDS: readonly (readonly [name: string, of: (transfer: TransferFact) => Value])[] = [
  ["direction", (t) => t.direction],
  ["time", (t) => t.blockTimeMs],
  ["sender", (t) => t.sender],
  ["receiver", (t) => t.receiver],
  ["amount in shares", (t) => t.amount],
  ["asset", (t) => t.assetId],
  ["fee in shares", (t) => t.fee],
  ["memo", (t) => (isMemoOfUse(t) ? t.memoStatus : undefined)],
  ["payout", (t) => t.payoutKey],
];

export function aboutTransfer(
  { ledger, chain }: Pair<TransferFact>,
  causes: KnownCauses,
): readonly Difference[] {
  const transfer = ledger ?? chain;
  const subject = operationId(transfer.operation);
  const difference = (
    cause: ExpectedCause | undefined,
    message: string,
    todo: string | undefined,
  ): Difference => ({ about: "transfer", subject, cause, message, todo });
  const { blockNum } = transfer.operation;
  const readAgain = `read its block again with payments off: \`stakebts blocks replay --from ${blockNum} --to ${blockNum}\``;
  if (chain !== undefined) remember(chain, causes);
  if (ledger === undefined) {
    const cause = causes.skipped.has(subject) ? "skipped" : undefined;
    causes.transfers.set(subject, cause);
    const of = `${transfer.amount} shares from ${transfer.sender} to ${transfer.receiver}`;
    return [
      cause === undefined
        ? difference(cause, `the chain has it and the ledger does not: ${of}`, readAgain)
        : difference(cause, `its block was on the skip list: ${of}`, undefined),
    ];
  }
  if (chain === undefined && causes.historyIsShort && mayBeVirtual(transfer.operation)) {
    causes.transfers.set(subject, "history");
    const of = `${transfer.amount} shares from ${transfer.sender} to ${transfer.receiver}`;
    return [
      difference("history", `nodes cannot tell any more whether a proposal carried it out: ${of}`, undefined),
    ];
  }
  if (chain === undefined)
    return [
      difference(
        undefined,
        `the ledger has it and the chain does not: ${transfer.amount} shares from ${transfer.sender} to ${transfer.receiver}`,
        "leave payments off: the database was changed from outside",
      ),
    ];
  const found = FIELDS.filter(([, of]) => of(ledger) !== of(chain)).map(([name, of]) =>
    difference(
      undefined,
      `its ${name} is ${text(of(ledger))} in the ledger and ${text(of(chain))} on the chain`,
      name === "memo"
        ? "give every memo key that the account has had: STAKEBTS_MEMO_KEY takes several, with commas"
        : "leave payments off: the database was changed from outside",
    ),
  );
  // The memo itself is not shown: only that it differs.
  const memosDiffer =
    (ledger.memoStatus === chain.memoStatus && ledger.memoText !== chain.memoText) ||
    (ledger.memoNonce !== undefined && ledger.memoNonce !== chain.memoNonce) ||
    (ledger.txid !== undefined && chain.txid !== undefined && ledger.txid !== chain.txid);
  if (memosDiffer)
    found.push(
      difference(
        undefined,
        "its memo or transaction id is another one on the chain",
        "leave payments off: the database was changed from outside",
      ),
    );
  const isOrder = isAdmin(ledger) || isAdmin(chain);
  if (ledger.outcome === chain.outcome && !(isOrder && ledger.reason !== chain.reason)) return found;
  const cause = causeOfOutcome(ledger, chain, causes);
  causes.transfers.set(subject, cause);
  const answered = `it is answered as ${text(ledger.outcome)} (${ledger.reason ?? "no reason"}); from the chain alone as ${text(chain.outcome)} (${chain.reason ?? "no reason"})`;
  return [
    ...found,
    difference(
      cause,
      answered,
      cause === undefined
        ? "has the policy file changed (accepted_amounts, terms, strict_json_up_to_block), or STAKEBTS_EXCHANGE_ACCOUNTS? Compare with those of then"
        : undefined,
    ),
  ];
}

/** Notices and checkpoints follow from nothing on the chain: whether they were paid, these say. */
function remember(chain: TransferFact, { payments }: KnownCauses): void {
  if (
    chain.direction === "out" &&
    chain.payoutKey !== undefined &&
    /^(?:notice|checkpoint):/u.test(chain.payoutKey)
  )
    payments.set(chain.payoutKey, { receiver: chain.receiver, blockNum: chain.operation.blockNum });
}

const isAdmin = ({ request }: TransferFact): boolean =>
  request !== undefined &&
  (request.type === "freeze" || (ADMIN_REQUESTS as readonly string[]).includes(request.type));

function causeOfOutcome(
  ledger: TransferFact,
  chain: TransferFact,
  { imported, handled, isBehind }: KnownCauses,
): ExpectedCause | undefined {
  if (ledger.outcome === undefined) return isBehind ? "behind" : undefined;
  if (isAdmin(ledger) || isAdmin(chain)) return "admin";
  if (ledger.isImported || ledger.outcome === "already_processed") return "imported";
  if (ledger.request?.type !== "stop") return undefined;
  if (imported.has(ledger.sender)) return "imported";
  return handled.has(ledger.sender) ? "person" : undefined;
}
