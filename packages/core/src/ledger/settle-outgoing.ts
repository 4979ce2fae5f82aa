import { toShares } from "@stakebts/kernel/amount";
import type { RecoveryHold } from "../rules/recovery-hold.ts";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { type PayoutId, UNSETTLED_STATUSES } from "../rules/payout.ts";
import { type Millis } from "@stakebts/kernel/time";
import { memoNonces } from "./ids.ts";
import { decideWithdrawal } from "../rules/withdrawal.ts";
import type {
  LedgerTx,
  NewReceipt,
  NewTransfer,
  PayoutConfirmation,
  PayoutRecord,
  WithdrawalRecord,
} from "./ledger.ts";

export interface Settled {
  /** To be written down. */
  readonly receipts: readonly NewReceipt[];
  /** Of what was confirmed: the ledger has written them itself, and here they are for the log. */
  readonly confirmed: readonly NewReceipt[];
}

/**
 * Confirms what irreversible outgoing transfers settle: by the id of a withdrawal that we signed, or, where the ledger
 * has lost that (a restored backup, a replay), by the payout key in the memo. A transfer that contradicts the ledger
 * confirms nothing and switches payments off; under a recovery hold, what the ledger has only forgotten does not.
 */
export async function settleOutgoing(tx: LedgerTx, transfers: readonly NewTransfer[]): Promise<Settled> {
  const outgoing = transfers.filter((transfer) => transfer.direction === "out");
  if (outgoing.length === 0) return { receipts: [], confirmed: [] };
  const txids = outgoing.flatMap(({ txid }) => (txid === undefined ? [] : [txid]));
  const byTxid = new Map(
    (await tx.withdrawals.find({ txids })).map((withdrawal) => [withdrawal.txid, withdrawal]),
  );
  const withdrawalOf = ({ txid }: NewTransfer) => (txid === undefined ? undefined : byTxid.get(txid));
  const strangers = outgoing.filter((t) => withdrawalOf(t) === undefined);
  const keys = strangers.flatMap((t) => (t.payoutKey === undefined ? [] : [t.payoutKey]));
  const nonces = new Set(strangers.flatMap((t) => (t.memoNonce === undefined ? [] : [t.memoNonce])));
  // The event step that is writing these very payouts does not see our transfers yet, nor do we see its payouts: wait for it.
  if (strangers.length > 0) await tx.lockEvents();
  const byKey = new Map((await tx.payouts.find({ keys })).map((payout) => [payout.key, payout]));
  const byNonce = nonces.size === 0 ? new Map<string, PayoutRecord>() : await depositsByNonce(tx, nonces);
  const ofWithdrawals = await tx.payouts.find({ ids: [...byTxid.values()].map(({ payoutId }) => payoutId) });
  const byId = new Map(ofWithdrawals.map((payout) => [payout.id, payout]));
  const named = ({ payoutKey, memoNonce }: NewTransfer) =>
    payoutKey === undefined
      ? memoNonce === undefined
        ? undefined
        : byNonce.get(memoNonce)
      : byKey.get(payoutKey);

  const found: { id: WithdrawalRecord["id"]; at: OperationPosition }[] = [];
  const confirmed: (PayoutConfirmation & { readonly receipt: NewReceipt })[] = [];
  const receipts: NewReceipt[] = [];
  const paid = new Set<PayoutId>();
  for (const transfer of outgoing) {
    const withdrawal = withdrawalOf(transfer);
    const payout = withdrawal === undefined ? named(transfer) : byId.get(withdrawal.payoutId);
    if (payout === undefined && transfer.isUnread === true)
      receipts.push(
        await contradiction(
          tx,
          transfer,
          "a memo key of the custodian that is not in STAKEBTS_MEMO_KEY wrote its memo, so that it may pay a debt that the ledger would pay again",
        ),
      );
    if (payout === undefined) continue; // Not a payout of ours, or of a debt that the ledger has yet to learn of.
    const problem = problemWith(transfer, withdrawal, payout, paid);
    if (problem !== undefined) {
      const recoveryHold = problem.settles ? (await tx.control.read()).recoveryHold.raised : undefined;
      receipts.push(
        recoveryHold === undefined
          ? await contradiction(tx, transfer, problem.what)
          : forgotten(transfer, recoveryHold),
      );
    }
    if (problem?.settles === false) continue;
    if (withdrawal !== undefined) found.push({ id: withdrawal.id, at: transfer.operation });
    confirmed.push({ payoutId: payout.id, by: transfer.operation, receipt: settlement(transfer, payout) });
    paid.add(payout.id);
  }
  await tx.withdrawals.confirm(found);
  await tx.payouts.confirm(confirmed);
  return { receipts, confirmed: confirmed.map(({ receipt }) => receipt) };
}

/** Open deposits at an exchange, by those of the nonces that are theirs. */
async function depositsByNonce(
  tx: LedgerTx,
  nonces: ReadonlySet<string>,
): Promise<ReadonlyMap<string, PayoutRecord>> {
  const found = new Map<string, PayoutRecord>();
  for (const deposit of await tx.payouts.find({ kinds: ["deposit"], statuses: UNSETTLED_STATUSES }))
    for (const nonce of memoNonces(deposit.key)) if (nonces.has(nonce)) found.set(nonce, deposit);
  return found;
}

/**
 * Why this transfer cannot be what the ledger knows; `undefined` when the two agree. A debt that was paid is settled all
 * the same, or it would be paid again.
 */
function problemWith(
  transfer: NewTransfer,
  withdrawal: WithdrawalRecord | undefined,
  payout: PayoutRecord,
  paid: ReadonlySet<PayoutId>,
): { readonly what: string; readonly settles: boolean } | undefined {
  if (withdrawal !== undefined) {
    if (withdrawal.status === "expired")
      return { what: `withdrawal ${withdrawal.id} was declared dead`, settles: false };
    decideWithdrawal(withdrawal, { type: "found_irreversible" });
  }
  const { key } = payout;
  if (transfer.payoutKey !== undefined && transfer.payoutKey !== key)
    return { what: `it was signed for payout ${key} and names ${transfer.payoutKey}`, settles: false };
  if (payout.payee !== transfer.receiver || toShares(payout.amount) !== transfer.amount)
    return { what: `it names payout ${key} and pays something else`, settles: false };
  if (withdrawal !== undefined) return undefined;
  if (payout.status === "confirmed" || paid.has(payout.id))
    return { what: `payout ${key} was paid before`, settles: false };
  if (payout.status === "cancelled")
    return { what: `payout ${key} was cancelled as never sent`, settles: false };
  // A ledger restored from a backup knows an older attempt; that one can only expire now.
  if (payout.status === "signed" || payout.status === "sent")
    return { what: `payout ${key} was paid by a withdrawal that the ledger does not know`, settles: true };
  return undefined;
}

const settlement = (transfer: NewTransfer, { id, key, payee }: PayoutRecord): NewReceipt => ({
  event: "payout.confirmed",
  subject: key,
  chainTimeMs: transfer.blockTimeMs,
  details: {
    payoutId: id,
    payee,
    amountShares: `${transfer.amount}`,
    txid: transfer.txid ?? null,
    operation: operationId(transfer.operation),
  },
});

/** The ledger is an older copy, and has lost the withdrawal that was sent after it. */
const forgotten = (transfer: NewTransfer, recoveryHold: RecoveryHold): NewReceipt => ({
  event: "withdrawal.forgotten",
  subject: transfer.payoutKey ?? operationId(transfer.operation),
  chainTimeMs: transfer.blockTimeMs,
  details: {
    txid: transfer.txid ?? null,
    operation: operationId(transfer.operation),
    reason: recoveryHold.reason,
  },
});

/** Money has moved in a way that the ledger cannot explain. Nothing more is paid until a person has looked. */
const contradiction = (tx: LedgerTx, transfer: NewTransfer, what: string): Promise<NewReceipt> =>
  contradict(tx, {
    at: transfer.operation,
    timeMs: transfer.blockTimeMs,
    txid: transfer.txid,
    reason: `transfer ${operationId(transfer.operation)} to ${transfer.receiver}: ${what}`,
  });

/** Stops payments because of what the chain says at this place. */
export async function contradict(
  tx: Pick<LedgerTx, "control">,
  found: {
    readonly at: OperationPosition;
    readonly timeMs: Millis;
    readonly txid: string | undefined;
    readonly reason: string;
  },
): Promise<NewReceipt> {
  const { at, timeMs, txid, reason } = found;
  await tx.control.addFreeze({ source: "process", process: "ingester", level: "pay-nothing", reason });
  return {
    event: "ledger.contradicted",
    subject: operationId(at),
    chainTimeMs: timeMs,
    details: {
      reason,
      txid: txid ?? null,
      todo: "payments are off: find out who sent it, then switch them on again",
    },
  };
}
