import { assert } from "@stakebts/kernel/assert";
import { toShares } from "@stakebts/kernel/amount";
import type { TopUpId, TopUpStatus } from "../../rules/top-up.ts";
import type { TopUpChange, TopUpFilter, TopUpRecord, IdentifiedTopUp } from "../ledger.ts";
import type { Prisma } from "../../generated/prisma/client.ts";
import type { DatabaseTx } from "../../database/client.ts";
import { fromTopUp, toTopUp } from "./rows.ts";

// Requests for funds: table top_up.

/** The newest that fit, in the order in which they were written. */
export async function readTopUps(
  db: DatabaseTx,
  { statuses, kinds, sources, txid, limit }: TopUpFilter,
): Promise<readonly TopUpRecord[]> {
  const rows = await db.topUp.findMany({
    where: {
      ...(statuses === undefined ? {} : { status: { in: [...statuses] } }),
      ...(kinds === undefined ? {} : { kind: { in: [...kinds] } }),
      ...(sources === undefined ? {} : { account: { in: [...sources] } }),
      ...(txid === undefined ? {} : { txid }),
    },
    orderBy: [{ createdAt: "desc" }, { clientId: "desc" }],
    ...(limit === undefined ? {} : { take: limit }),
  });
  return rows.map(toTopUp).reverse();
}

/** `false`: it is there already. Same key and another request: throws. */
export async function insertTopUp(db: DatabaseTx, topUp: IdentifiedTopUp): Promise<boolean> {
  const data = fromTopUp(topUp);
  const { count } = await db.topUp.createMany({ data, skipDuplicates: true });
  if (count === 1) return true;
  const old = await db.topUp.findUnique({ where: { key: topUp.key } });
  // Not the key but the one open cover of this source: somebody else asked at the same moment.
  if (old === null) return false;
  assert(
    old.account === topUp.source && old.amountShares === toShares(topUp.amount) && old.memo === topUp.memo,
    `request ${topUp.key} exists with another source, amount or memo`,
  );
  return false;
}

export async function moveTopUp(
  db: DatabaseTx,
  id: TopUpId,
  from: readonly TopUpStatus[],
  to: TopUpStatus,
  change: TopUpChange,
): Promise<boolean> {
  const { signed, arrivedBy } = change;
  const data: Prisma.TopUpUpdateManyMutationInput = {
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
  const { count } = await db.topUp.updateMany({
    where: { clientId: id, status: { in: [...from] } },
    data,
  });
  return count === 1;
}
