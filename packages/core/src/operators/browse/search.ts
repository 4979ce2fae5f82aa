import { operationId, operationPosition } from "@stakebts/kernel/operation-id";
import type { Database } from "../../database/client.ts";
import { payoutId } from "../../ledger/ids.ts";
import type { PayoutKey } from "../../rules/payout.ts";
import { pathTo } from "../console-paths.ts";

const PAYOUT_KEY = /^(?:notice:)?(?:reward|base|stop|refund|confirm|deposit|checkpoint):[0-9:.-]{1,60}$/u;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;
const TXID = /^[0-9a-f]{40}$/iu;
const TOP_UP_KEY = /^(?:top-up|admin):[0-9:.]{1,40}$/u;
/** Of an account on the chain, short or long. */
const ACCOUNT = /^[a-z][a-z0-9.-]{0,62}$/u;

/**
 * Where a person is sent who searches for this: the page of what is named exactly; `undefined` when nothing is.
 * Looked for are a payout by key or id, a transaction, an operation, a stake row, a top-up, a block and an account.
 */
export async function findPage(db: Database, given: string): Promise<string | undefined> {
  const text = given.trim();
  if (PAYOUT_KEY.test(text) || UUID.test(text)) return payoutPage(db, text);
  if (TXID.test(text)) return transactionPage(db, text.toLowerCase());
  if (TOP_UP_KEY.test(text))
    return (await db.topUp.findUnique({ where: { key: text }, select: { key: true } })) === null
      ? undefined
      : pathTo.topUp(text);
  const at = operationPosition(text);
  if (at !== undefined) return operationPage(db, text, at);
  if (/^[1-9][0-9]{0,8}$/u.test(text)) return pathTo.block(Number(text));
  const row = await db.stakeRow.findUnique({ where: { id: text } });
  if (row !== null)
    return pathTo.agreement(
      operationId({ blockNum: row.blockStart, trxInBlock: row.trxIdx, opInTrx: row.opsIdx }),
    );
  return ACCOUNT.test(text.toLowerCase()) ? accountPage(db, text.toLowerCase()) : undefined;
}

async function payoutPage(db: Database, text: string): Promise<string | undefined> {
  const id = UUID.test(text) ? text.toLowerCase() : payoutId(text as PayoutKey);
  const payout = await db.payout.findUnique({ where: { id }, select: { key: true } });
  if (payout !== null) return pathTo.payout(payout.key);
  // The key of a row that has not fallen due yet is a debt to come: its agreement says when.
  const [, kind, place] = /^(reward|base):(\d+:\d+:\d+(?:\.\d+)?)(?::\d+)?$/u.exec(text) ?? [];
  const at = kind === undefined ? undefined : operationPosition(place ?? "");
  return at === undefined || !(await isAgreement(db, at)) ? undefined : pathTo.agreement(operationId(at));
}

async function transactionPage(db: Database, txid: string): Promise<string | undefined> {
  const [withdrawal, transfer, topUp] = await Promise.all([
    db.withdrawal.findUnique({ where: { txid }, select: { txid: true } }),
    db.transfer.findFirst({ where: { txid }, select: { txid: true } }),
    db.topUp.findFirst({ where: { txid }, select: { txid: true } }),
  ]);
  return (withdrawal ?? transfer ?? topUp) === null ? undefined : pathTo.transaction(txid);
}

const placeOf = ({
  blockNum,
  trxInBlock,
  opInTrx,
}: {
  blockNum: number;
  trxInBlock: number;
  opInTrx: number;
}) => ({
  blockStart: blockNum,
  trxIdx: trxInBlock,
  opsIdx: opInTrx,
});

const isAgreement = async (
  db: Database,
  at: { blockNum: number; trxInBlock: number; opInTrx: number },
): Promise<boolean> =>
  (await db.agreement.findUnique({
    where: { blockStart_trxIdx_opsIdx: placeOf(at) },
    select: { nominator: true },
  })) !== null;

/** An operation that opened an agreement is one: its page links to the transfer. */
async function operationPage(
  db: Database,
  text: string,
  at: { blockNum: number; trxInBlock: number; opInTrx: number },
): Promise<string | undefined> {
  if (await isAgreement(db, at)) return pathTo.agreement(text);
  const transfer = await db.transfer.findUnique({
    where: { blockNum_trxInBlock_opInTrx: at },
    select: { direction: true },
  });
  return transfer === null ? undefined : pathTo.transfer(text);
}

async function accountPage(db: Database, name: string): Promise<string | undefined> {
  const [agreement, payout, transfer] = await Promise.all([
    db.agreement.findFirst({ where: { nominator: name }, select: { nominator: true } }),
    db.payout.findFirst({ where: { payee: name }, select: { payee: true } }),
    db.transfer.findFirst({ where: { sender: name }, select: { sender: true } }),
  ]);
  return (agreement ?? payout ?? transfer) === null ? undefined : pathTo.nominator(name);
}
