import { createHash } from "node:crypto";
import { shares, toShares } from "../../domain/amount.ts";
import { assertNever } from "../../domain/assert.ts";
import type { FundingKey } from "../../domain/funding.ts";
import { millis } from "../../domain/time.ts";
import { decideWithdrawal, type WithdrawalId } from "../../domain/withdrawal.ts";
import type { Cursor, FundingRecord } from "../../ports/ledger.ts";
import { expiration } from "../pay-payout.ts";
import { moveFunding, startAsking } from "./move-funding.ts";
import type { FundingSource, TreasuryDeps } from "./treasury.ts";

type Reserve = Extract<FundingSource, { readonly type: "reserve" }>;

/**
 * Takes one transfer from the reserve account to the custodian a step further, in the way of a payout: signed, saved,
 * sent, and the same bytes sent again until an irreversible block holds them or none ever can.
 */
export async function sendReserve(
  deps: TreasuryDeps,
  funding: FundingRecord,
  reserve: Reserve,
  cursor: Cursor,
): Promise<void> {
  switch (funding.status) {
    case "requested":
      return sign(deps, funding, reserve, cursor);
    case "asked":
    case "accepted":
      if (!(await isOver(deps, funding))) await send(deps, funding);
      return;
    case "arrived":
    case "refused":
    case "cancelled":
    case "unresolved":
      return;
    default:
      return assertNever(funding.status);
  }
}

async function sign(
  deps: TreasuryDeps,
  funding: FundingRecord,
  { account, signer }: Reserve,
  cursor: Cursor,
): Promise<void> {
  const { memos, wallet, policy, custodian } = deps;
  const memo = memos.write({
    text: funding.memo,
    toPublicKey: memos.publicKey,
    nonce: nonceOf(funding.key),
  });
  const schedule = await wallet.fees();
  const fee = deps.feeOf(schedule, memo);
  const amount = toShares(funding.amount);
  const balance = await deps.chain.balance(account.id);
  if (balance < amount + fee) {
    const reason = `${account.name} holds ${balance} shares, and ${shares(amount + fee)} are needed`;
    await moveFunding(deps, funding, "refused", { event: "funding.refused", reason });
    return;
  }
  const { headTimeMs } = await wallet.head();
  const { txid, ...signed } = signer.sign({
    fromId: account.id,
    toId: custodian.id,
    amount,
    fee,
    memo,
    refBlockId: cursor.blockId,
    expirationMs: expiration(headTimeMs, policy.expirationMs, schedule),
  });
  if (await startAsking(deps, funding, { txid, signed })) await send(deps, { ...funding, txid, signed });
}

async function send({ chain, log }: TreasuryDeps, funding: FundingRecord): Promise<void> {
  if (funding.signed === undefined) return;
  const outcome = await chain.broadcast(funding.signed.bytes);
  if (outcome.type === "accepted" || outcome.type === "duplicate") return;
  log.warn("funding.not_sent", { funding: funding.key, txid: funding.txid, message: outcome.message });
}

/** Dead by the same proof as a withdrawal (ADR 0006), once every transfer of the blocks looked into has been answered. */
async function isOver(deps: TreasuryDeps, funding: FundingRecord): Promise<boolean> {
  const { signed, txid } = funding;
  if (signed === undefined) return false;
  const { refBlockNum, expirationMs } = signed;
  const isDead = await deps.ledger.transaction(async (tx) => {
    const cursor = await tx.cursor();
    if (cursor === undefined) return false;
    const verdict = decideWithdrawal(
      { id: funding.id as string as WithdrawalId, status: "broadcast", refBlockNum, expirationMs },
      {
        type: "scanned",
        fromBlockNum: cursor.scannedFromBlockNum,
        blockTimeMs: millis(cursor.blockTimeMs),
      },
    );
    return verdict === "expired" && (await tx.receivedAs({ txid, memo: undefined })).length === 0;
  });
  if (!isDead) return false;
  await moveFunding(deps, funding, "cancelled", {
    event: "funding.cancelled",
    reason: "its transaction expired, and no block took it",
  });
  return true;
}

const nonceOf = (key: FundingKey): bigint =>
  createHash("sha256").update(`funding ${key}`).digest().readBigUInt64BE();
