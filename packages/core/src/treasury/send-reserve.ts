import { createHash } from "node:crypto";
import { toShares } from "@stakebts/kernel/amount";
import { assertNever } from "@stakebts/kernel/assert";
import type { TopUpKey } from "../rules/top-up.ts";
import { millis } from "@stakebts/kernel/time";
import { decideWithdrawal, type WithdrawalId } from "../rules/withdrawal.ts";
import type { Cursor, TopUpRecord } from "../ledger/ledger.ts";
import type { ChainAccount } from "@stakebts/bitshares/chain";
import { whyNoAuthority } from "../ledger/find-custodian.ts";
import { anotherBlock, expiration, whyTooDear } from "../payments/pay-payouts.ts";
import { moveTopUp, startAsking } from "./move-top-up.ts";
import { reserveFunds, reservePrices, type ReserveSource, type TreasuryDeps } from "./treasury.ts";

/**
 * Takes one transfer from the reserve account to the custodian a step further, in the way of a payout: signed, saved,
 * sent, and the same bytes sent again until an irreversible block holds them or none ever can. Whether the reserve's key
 * sends the money or the custodian's draws it makes no difference but in what is signed.
 */
export async function sendReserve(
  deps: TreasuryDeps,
  topUp: TopUpRecord,
  reserve: ReserveSource,
  cursor: Cursor,
): Promise<void> {
  switch (topUp.status) {
    case "requested":
      return sign(deps, topUp, reserve, cursor);
    case "asked":
    case "accepted":
      if (!(await isOver(deps, topUp))) await send(deps, topUp);
      return;
    case "arrived":
    case "refused":
    case "cancelled":
    case "unresolved":
      return;
    default:
      return assertNever(topUp.status);
  }
}

async function sign(
  deps: TreasuryDeps,
  topUp: TopUpRecord,
  reserve: ReserveSource,
  cursor: Cursor,
): Promise<void> {
  const { memos, wallet, policy, custodian } = deps;
  const { account, signer } = reserve;
  const amount = toShares(topUp.amount);
  const wait = (why: string) => deps.log.warn("top_up.waits", { topUp: topUp.key, reason: why });
  const reason = whyNot(await reserveFunds(deps, reserve), { account: account.name, amount });
  if (reason !== undefined) {
    const { atLeast, atMost } = await deps.chain.balanceBounds(account.id);
    if (atLeast !== atMost) return wait(`the nodes differ on what ${account.name} holds`);
    await moveTopUp(deps, topUp, "refused", { event: "top_up.refused", reason });
    return;
  }
  const custodiansAccount = await wallet.account();
  const powerless = await whyNoKey(deps, reserve, custodiansAccount);
  if (powerless !== undefined) return wait(powerless);
  const { memoKey } = custodiansAccount;
  const memo = memos.write({
    text: topUp.memo,
    fromPublicKey: memoKey,
    toPublicKey: memoKey,
    nonce: nonceOf(topUp.key),
  });
  const schedule = await wallet.fees();
  const fee = deps.feeOf(reservePrices(reserve, schedule), memo);
  const dear = whyTooDear(fee, policy);
  if (dear !== undefined) return wait(dear); // The payer has said it, or does so at its next payment.
  const refBlockId = await wallet.blockId(cursor.blockNum);
  if (refBlockId !== cursor.blockId) return wait((await anotherBlock(deps, cursor, refBlockId)).reason);
  const { headTimeMs } = await wallet.head();
  const { txid, ...signed } = signer.sign({
    fromId: account.id,
    toId: custodian.id,
    amount,
    fee,
    memo,
    permissionId: reserve.type === "permission" ? reserve.permissionId : undefined,
    refBlockId,
    expirationMs: expiration(headTimeMs, policy.expirationMs, schedule),
  });
  if (await startAsking(deps, topUp, { txid, signed })) await send(deps, { ...topUp, txid, signed });
}

/** Why the key that signs cannot do it alone; told to people, once until it can. A request stays as it is meanwhile. */
async function whyNoKey(
  { chain, causes }: TreasuryDeps,
  { type, account, signer }: ReserveSource,
  custodian: ChainAccount,
): Promise<string | undefined> {
  const [found] = type === "permission" ? [custodian] : await chain.accounts([account.id]);
  const problem =
    found === undefined ? `no node knows ${account.name}` : whyNoAuthority(found, signer.publicKey);
  if (problem === undefined) await causes.over(RESERVE);
  else
    await causes.found(RESERVE, {
      event: "payer.key_not_in_authority",
      subject: found?.name ?? account.name,
      reason: problem,
      todo: "no top-up comes from the reserve account: give the payer the key that it has now (STAKEBTS_RESERVE_KEY, or STAKEBTS_ACTIVE_KEY for a permission)",
    });
  return problem;
}

const RESERVE = "reserve";

/** Much may have changed since the request was written down. */
function whyNot(
  funds: Awaited<ReturnType<typeof reserveFunds>>,
  { account, amount }: { readonly account: string; readonly amount: bigint },
): string | undefined {
  if ("problem" in funds) return funds.problem;
  if (!funds.withdrawalsOpen) return `the permission to draw from ${account} is not in force now`;
  if (funds.withdrawableShares >= amount) return undefined;
  return `${account} can give ${funds.withdrawableShares} shares, and ${amount} are needed`;
}

async function send({ chain, log }: TreasuryDeps, topUp: TopUpRecord): Promise<void> {
  if (topUp.signed === undefined) return;
  const outcome = await chain.broadcast(topUp.signed.bytes);
  if (outcome.type === "accepted" || outcome.type === "duplicate") return;
  log.warn("top_up.not_sent", { topUp: topUp.key, txid: topUp.txid, message: outcome.message });
}

/** Dead by the same proof as a withdrawal (ADR 0006), once every transfer of the blocks looked into has been answered. */
async function isOver(deps: TreasuryDeps, topUp: TopUpRecord): Promise<boolean> {
  const { signed, txid } = topUp;
  if (signed === undefined || txid === undefined) return false;
  const { refBlockNum, expirationMs } = signed;
  const isDead = await deps.ledger.transaction(async (tx) => {
    const cursor = await tx.cursor.read();
    if (cursor === undefined) return false;
    const verdict = decideWithdrawal(
      { id: topUp.id as string as WithdrawalId, status: "broadcast", refBlockNum, expirationMs },
      {
        type: "scanned",
        fromBlockNum: cursor.scannedFromBlockNum,
        blockTimeMs: millis(cursor.blockTimeMs),
      },
    );
    return (
      verdict === "expired" && (await tx.transfers.find({ direction: "in", txids: [txid] })).length === 0
    );
  });
  if (!isDead) return false;
  await moveTopUp(deps, topUp, "cancelled", {
    event: "top_up.cancelled",
    reason: "its transaction expired, and no block took it",
  });
  return true;
}

const nonceOf = (key: TopUpKey): bigint =>
  createHash("sha256").update(`top-up ${key}`).digest().readBigUInt64BE();
