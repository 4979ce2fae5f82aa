import { bts, SHARES_PER_BTS, toShares } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import { millis } from "@stakebts/kernel/time";
import type { TopUpId, TopUpKey, TopUpKind, TopUpSourceNumber, TopUpStatus } from "../../rules/top-up.ts";
import type { Prisma, TopUp as TopUpModel } from "../../generated/prisma/client.ts";
import type { DatabaseTx } from "../../database/client.ts";
import type { IdentifiedTopUp, TopUpChange, TopUpFilter, TopUpRecord, TopUpsTx } from "../ledger.ts";

const fromTopUp = (topUp: IdentifiedTopUp) => ({
  clientId: topUp.id,
  key: topUp.key,
  kind: topUp.kind,
  account: topUp.source,
  amountShares: toShares(topUp.amount),
  memo: topUp.memo,
  status: "requested",
  requestedMs: BigInt(topUp.requestedMs),
});

const toTopUp = (row: TopUpModel): TopUpRecord => ({
  id: row.clientId as TopUpId,
  key: row.key as TopUpKey,
  kind: row.kind as TopUpKind,
  source: row.account as TopUpSourceNumber,
  amount: bts(row.amountShares / SHARES_PER_BTS),
  memo: row.memo,
  requestedMs: millis(Number(row.requestedMs)),
  status: row.status as TopUpStatus,
  reason: row.reason ?? undefined,
  venueId: row.exchangeId ?? undefined,
  venueStatus: row.venueStatus ?? undefined,
  txid: row.txid ?? undefined,
  asks: row.asks,
  askedAtMs: row.askedAt?.getTime(),
  changedAtMs: row.updatedAt.getTime(),
  signed:
    row.bytes === null || row.refBlockNum === null || row.expirationMs === null
      ? undefined
      : {
          bytes: row.bytes,
          refBlockNum: row.refBlockNum,
          expirationMs: millis(Number(row.expirationMs)),
        },
  arrivedBy:
    row.arrivedBlock === null || row.arrivedTrx === null || row.arrivedOp === null
      ? undefined
      : { blockNum: row.arrivedBlock, trxInBlock: row.arrivedTrx, opInTrx: row.arrivedOp },
});

const whereOf = ({ statuses, kinds, sources, txids }: TopUpFilter): Prisma.TopUpWhereInput => ({
  ...(statuses === undefined ? {} : { status: { in: [...statuses] } }),
  ...(kinds === undefined ? {} : { kind: { in: [...kinds] } }),
  ...(sources === undefined ? {} : { account: { in: [...sources] } }),
  ...(txids === undefined ? {} : { txid: { in: [...txids] } }),
});

/** Requests for funds: table top_up. */
export class PostgresTopUps implements TopUpsTx {
  readonly #db: DatabaseTx;

  constructor(db: DatabaseTx) {
    this.#db = db;
  }

  async find(filter: TopUpFilter): Promise<readonly TopUpRecord[]> {
    const rows = await this.#db.topUp.findMany({
      where: whereOf(filter),
      orderBy: [{ createdAt: "desc" }, { clientId: "desc" }],
      ...(filter.limit === undefined ? {} : { take: filter.limit }),
    });
    return rows.map(toTopUp).reverse();
  }

  count(filter: TopUpFilter): Promise<number> {
    return this.#db.topUp.count({ where: whereOf(filter) });
  }

  async insert(topUp: IdentifiedTopUp): Promise<boolean> {
    const data = fromTopUp(topUp);
    const { count } = await this.#db.topUp.createMany({ data, skipDuplicates: true });
    if (count === 1) return true;
    const old = await this.#db.topUp.findUnique({ where: { key: topUp.key } });
    // Not the key but the one open request to this source: another process asked at the same moment.
    if (old === null) return false;
    assert(
      old.account === topUp.source && old.amountShares === toShares(topUp.amount) && old.memo === topUp.memo,
      `request ${topUp.key} exists with another source, amount or memo`,
    );
    return false;
  }

  async move(
    id: TopUpId,
    from: readonly TopUpStatus[],
    to: TopUpStatus,
    change: TopUpChange = {},
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
    const { count } = await this.#db.topUp.updateMany({
      where: { clientId: id, status: { in: [...from] } },
      data,
    });
    return count === 1;
  }
}
