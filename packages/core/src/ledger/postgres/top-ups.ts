import { assert } from "@stakebts/kernel/assert";
import { toShares } from "@stakebts/kernel/amount";
import type { FundingId, FundingStatus } from "../../rules/top-up.ts";
import type { FundingChange, FundingFilter, FundingRecord, IdentifiedFunding } from "../ledger.ts";
import type { Prisma } from "../../generated/prisma/client.ts";
import type { DatabaseTx } from "../../database/client.ts";
import { fromFunding, toFunding } from "./rows.ts";

// Requests for funds: table exchange_withdrawal.

/** The newest that fit, in the order in which they were written. */
export async function readFundings(
  db: DatabaseTx,
  { statuses, kinds, sources, txid, limit }: FundingFilter,
): Promise<readonly FundingRecord[]> {
  const rows = await db.exchangeWithdrawal.findMany({
    where: {
      ...(statuses === undefined ? {} : { status: { in: [...statuses] } }),
      ...(kinds === undefined ? {} : { kind: { in: [...kinds] } }),
      ...(sources === undefined ? {} : { account: { in: [...sources] } }),
      ...(txid === undefined ? {} : { txid }),
    },
    orderBy: [{ createdAt: "desc" }, { clientId: "desc" }],
    ...(limit === undefined ? {} : { take: limit }),
  });
  return rows.map(toFunding).reverse();
}

/** `false`: it is there already. Same key and another request: throws. */
export async function insertFunding(db: DatabaseTx, funding: IdentifiedFunding): Promise<boolean> {
  const data = fromFunding(funding);
  const { count } = await db.exchangeWithdrawal.createMany({ data, skipDuplicates: true });
  if (count === 1) return true;
  const old = await db.exchangeWithdrawal.findUnique({ where: { key: funding.key } });
  // Not the key but the one open cover of this source: somebody else asked at the same moment.
  if (old === null) return false;
  assert(
    old.account === funding.source &&
      old.amountShares === toShares(funding.amount) &&
      old.memo === funding.memo,
    `request ${funding.key} exists with another source, amount or memo`,
  );
  return false;
}

export async function moveFunding(
  db: DatabaseTx,
  id: FundingId,
  from: readonly FundingStatus[],
  to: FundingStatus,
  change: FundingChange,
): Promise<boolean> {
  const { signed, arrivedBy } = change;
  const data: Prisma.ExchangeWithdrawalUpdateManyMutationInput = {
    status: to,
    reason: change.reason ?? null,
    ...(change.venueId === undefined ? {} : { exchangeId: change.venueId }),
    ...(change.venueStatus === undefined ? {} : { venueStatus: change.venueStatus }),
    ...(change.txid === undefined ? {} : { txid: change.txid }),
    ...(change.isAsking === true ? { asks: { increment: 1 }, askedAt: new Date() } : {}),
    ...(signed === undefined
      ? {}
      : {
          bytes: Buffer.from(signed.bytes),
          refBlockNum: signed.refBlockNum,
          expirationMs: BigInt(signed.expirationMs),
        }),
    ...(arrivedBy === undefined
      ? {}
      : {
          arrivedBlock: arrivedBy.blockNum,
          arrivedTrx: arrivedBy.trxInBlock,
          arrivedOp: arrivedBy.opInTrx,
        }),
  };
  const { count } = await db.exchangeWithdrawal.updateMany({
    where: { clientId: id, status: { in: [...from] } },
    data,
  });
  return count === 1;
}
