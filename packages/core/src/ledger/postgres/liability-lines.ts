import { bts } from "@stakebts/kernel/amount";
import type { PayoutKind } from "../../rules/payout.ts";
import { millis } from "@stakebts/kernel/time";
import type { DebtFilter, DebtLine, Page } from "../view.ts";
import { type Database, Prisma } from "../../database/client.ts";
import { openDebts } from "./open-liabilities.ts";

export async function debtLines(db: Database, filter: DebtFilter): Promise<Page<DebtLine>> {
  const { dueAfterMs, dueUpToMs, limit, offset = 0 } = filter;
  const where = Prisma.sql`NOT stopped
    ${dueAfterMs === undefined ? Prisma.empty : Prisma.sql`AND due > ${BigInt(dueAfterMs)}`}
    ${dueUpToMs === undefined ? Prisma.empty : Prisma.sql`AND due <= ${BigInt(dueUpToMs)}`}`;
  const [rows, [all]] = await Promise.all([
    db.$queryRaw<{ payee: string; amount: bigint; due: bigint; kind: string; status: string }[]>`
      SELECT payee, amount, due, kind, status FROM ${openDebts} AS debt WHERE ${where}
       ORDER BY due, payee, kind LIMIT ${limit ?? null} OFFSET ${offset}`,
    db.$queryRaw<{ total: bigint }[]>`SELECT count(*) AS total FROM ${openDebts} AS debt WHERE ${where}`,
  ]);
  const items = rows.map((row) => ({
    payee: row.payee,
    amount: bts(row.amount),
    dueMs: millis(Number(row.due)),
    kind: row.kind as PayoutKind,
    status: row.status as DebtLine["status"],
  }));
  return { items, total: Number(all?.total ?? 0n) };
}
