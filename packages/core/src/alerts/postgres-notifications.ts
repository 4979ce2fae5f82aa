import { LOCKS } from "../database/locks.ts";
import { millis } from "@stakebts/kernel/time";
import type { Message } from "./channel.ts";
import type { ChannelName } from "./channels.ts";
import type { Alert, NotificationLine, NotificationStore, TakenNotification } from "./notification.ts";
import { alertName } from "./message.ts";
import {
  type Database,
  type DatabaseSource,
  type DatabaseTx,
  openSource,
  Prisma,
} from "../database/client.ts";

const DAY_MS = 86_400_000;

export function createNotificationStore(source: DatabaseSource): NotificationStore {
  const { db, close } = openSource(source, 2);
  return {
    gather: (request, plan) => db.$transaction((tx) => gather(tx, request, plan)),
    take: (request) => take(db, request),
    async sent(id, nowMs) {
      await db.notification.updateMany({
        where: { id, status: "waiting" },
        data: { status: "sent", sentAt: new Date(nowMs), problem: null },
      });
    },
    async failed(id, { problem, againAtMs }) {
      await db.notification.updateMany({
        where: { id, status: "waiting" },
        data:
          againAtMs === undefined ? { status: "given_up", problem } : { tryAt: new Date(againAtMs), problem },
      });
    },
    list: (limit) => list(db, limit),
    backlog: (nowMs) => backlog(db, nowMs),
    close,
  };
}

async function gather(
  tx: DatabaseTx,
  {
    events,
    channels,
    nowMs,
    tellSinceMs,
    toldSinceMs,
    limitPerEvent,
  }: Parameters<NotificationStore["gather"]>[0],
  plan: Parameters<NotificationStore["gather"]>[1],
): Promise<readonly Message[]> {
  const [lock] = await tx.$queryRaw<{ held: boolean }[]>`
    SELECT pg_try_advisory_xact_lock(${LOCKS.gather}::bigint) AS held`;
  if (lock?.held !== true) return [];
  const alerts = await unhandledAlerts(tx, { events, since: new Date(tellSinceMs), limitPerEvent });
  if (alerts.length === 0) return [];
  const names = { in: [...new Set(alerts.map(({ event }) => event))] };
  const [last, told] = [
    await tx.notification.groupBy({ by: ["event"], where: { event: names }, _max: { createdAt: true } }),
    await tx.notifiedReceipt.findMany({
      where: {
        event: names,
        subject: { in: [...new Set(alerts.map(({ subject }) => subject))] },
        messageId: { not: null },
        createdAt: { gte: new Date(toldSinceMs) },
      },
      select: { event: true, subject: true, digest: true },
    }),
  ];
  const { messages, dealtWith } = plan(alerts, {
    lastMessageMs: new Map(last.map(({ event, _max }) => [event, _max.createdAt?.getTime() ?? 0])),
    told: new Set(told.map(alertName)),
  });
  const createdAt = new Date(nowMs);
  await tx.notifiedReceipt.createMany({
    data: dealtWith.map(({ messageId = null, ...rest }) => ({ ...rest, messageId, createdAt })),
  });
  await tx.notification.createMany({
    data: messages.flatMap((message) =>
      channels.map((channel) => ({
        messageId: message.id,
        channel,
        event: message.event,
        message: message as unknown as Prisma.InputJsonObject,
        status: "waiting",
        tryAt: createdAt,
        createdAt,
      })),
    ),
  });
  return messages;
}

/** So many of each kind: a flood of one keeps no other waiting. */
async function unhandledAlerts(
  tx: DatabaseTx,
  { events, since, limitPerEvent: limit }: { events: readonly string[]; since: Date; limitPerEvent: number },
): Promise<readonly Alert[]> {
  const rows = await tx.$queryRaw<
    { id: bigint; event: string; subject: string; chain_time_ms: bigint | null; details: Alert["details"] }[]
  >`
    SELECT unheard.* FROM unnest(${[...events]}::text[]) AS kind CROSS JOIN LATERAL (
             SELECT id, event, subject, chain_time_ms, details FROM receipt
              WHERE event = kind AND created_at >= ${since}
                AND NOT EXISTS (SELECT FROM notified_receipt told WHERE told.receipt_id = receipt.id)
              ORDER BY id LIMIT ${limit}) AS unheard
     ORDER BY id`;
  return rows.map((row) => ({
    receiptId: row.id,
    event: row.event,
    subject: row.subject,
    chainTimeMs: row.chain_time_ms === null ? undefined : millis(Number(row.chain_time_ms)),
    details: row.details,
  }));
}

/** Taking is one statement, and not a transaction that stays open while a receiver makes up its mind. */
async function take(
  db: Database,
  { channels, nowMs, leaseMs, limit }: Parameters<NotificationStore["take"]>[0],
): Promise<readonly TakenNotification[]> {
  const rows = await db.$queryRaw<
    { id: bigint; channel: string; message: Message; attempts: number; created_at: Date }[]
  >`
    UPDATE notification SET attempts = attempts + 1, try_at = ${new Date(nowMs + leaseMs)}
     WHERE id IN (SELECT id FROM notification
                   WHERE status = 'waiting' AND try_at <= ${new Date(nowMs)} AND channel IN (${Prisma.join(channels)})
                   ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING id, channel, message, attempts, created_at`;
  return rows
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ created_at, channel, ...rest }) => ({
      ...rest,
      channel: channel as ChannelName,
      createdAtMs: created_at.getTime(),
    }));
}

async function list(db: Database, limit: number | undefined): Promise<readonly NotificationLine[]> {
  const rows = await db.notification.findMany({
    orderBy: { id: "desc" },
    ...(limit === undefined ? {} : { take: limit }),
  });
  return rows.map((row) => ({
    id: row.id,
    channel: row.channel as ChannelName,
    event: row.event,
    title: (row.message as unknown as Message).title,
    status: row.status as NotificationLine["status"],
    attempts: row.attempts,
    problem: row.problem ?? undefined,
    sentAtMs: row.sentAt?.getTime(),
    createdAtMs: row.createdAt.getTime(),
  }));
}

async function backlog(db: Database, nowMs: number): ReturnType<NotificationStore["backlog"]> {
  const [waiting, givenUp] = await Promise.all([
    db.notification.aggregate({ where: { status: "waiting" }, _count: true, _min: { createdAt: true } }),

    db.notification.count({
      where: { status: "given_up", createdAt: { gte: new Date(nowMs - 2 * DAY_MS) } },
    }),
  ]);
  return {
    waiting: waiting._count,
    oldestWaitingMs: waiting._min.createdAt?.getTime(),
    givenUp,
  };
}
