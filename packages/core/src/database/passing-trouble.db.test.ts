import { expect } from "vitest";
import { test } from "@stakebts/testkit/database";
import { mayPass } from "../runtime/passing-trouble.ts";
import { type Database, openDatabase } from "./client.ts";

// What the server and the drivers really throw, and not only what they are said to.

const thrownBy = async (work: () => Promise<unknown>): Promise<unknown> => {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new TypeError("it did not fail");
};

async function within<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(url, 3);
  try {
    return await work(db);
  } finally {
    await db.$disconnect();
  }
}

test("trouble of the database that passes by itself is known by what the drivers throw", async ({
  databaseUrl,
}) => {
  const closed = new URL(databaseUrl);
  [closed.host, closed.port] = ["127.0.0.1", "1"];
  await within(closed.href, async (db) => {
    expect(mayPass(await thrownBy(() => db.chainCursor.findMany()))).toBe(true);
  });
  const elsewhere = new URL(databaseUrl);
  elsewhere.pathname = "/there_is_none";
  await within(elsewhere.href, async (db) => {
    expect(mayPass(await thrownBy(() => db.chainCursor.findMany()))).toBe(true);
  });
  await within(databaseUrl, async (db) => {
    const ended = () =>
      db.$transaction(async (tx) => {
        const [own] = await tx.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
        await db.$queryRaw`SELECT pg_terminate_backend(${own?.pid}::int)`;
        await tx.$queryRaw`SELECT pg_sleep(1)::text`;
      });
    const timedOut = () =>
      db.$transaction(async (tx) => {
        await tx.$executeRaw`SET LOCAL statement_timeout = '20ms'`;
        await tx.$queryRaw`SELECT pg_sleep(5)::text`;
      });
    const locked = () =>
      db.$transaction(async (tx) => {
        await tx.$executeRaw`LOCK TABLE passed_block`;
        await db.$transaction(async (other) => {
          await other.$executeRaw`SET LOCAL lock_timeout = '20ms'`;
          await other.passedBlock.findMany();
        });
      });
    const tooLong = () =>
      db.$transaction(
        (tx) => tx.$queryRaw`SELECT pg_sleep(0.3)::text`.then(() => tx.passedBlock.findMany()),
        {
          timeout: 50,
        },
      );
    const readOnly = () =>
      db.$transaction(async (tx) => {
        await tx.$executeRaw`SET TRANSACTION READ ONLY`;
        await tx.passedBlock.create({ data: { blockNum: 1, actor: "a", reason: "b" } });
      });
    for (const [name, work] of Object.entries({ ended, timedOut, locked, tooLong, readOnly })) {
      const error = await thrownBy(work);
      expect([name, mayPass(error)], String(error)).toEqual([name, true]);
    }
  });
});

test("a transaction waits for a connection longer than the two seconds of Prisma, and may take longer than its five", async ({
  databaseUrl,
}) => {
  const db = openDatabase(databaseUrl, 1);
  try {
    const long = db.$transaction((tx) => tx.$queryRaw`SELECT pg_sleep(6)::text`);
    await expect(Promise.all([long, db.$transaction((tx) => tx.passedBlock.findMany())])).resolves.toEqual([
      [{ pg_sleep: "" }],
      [],
    ]);
  } finally {
    await db.$disconnect();
  }
});

test("what the database refuses is not among it", async ({ databaseUrl }) => {
  await within(databaseUrl, async (db) => {
    const order = { blockNum: 1, actor: "a", reason: "b" };
    await db.passedBlock.create({ data: order });
    const refusals = {
      check: () => db.passedBlock.create({ data: { ...order, blockNum: -1 } }),
      rawCheck: () =>
        db.$executeRaw`INSERT INTO passed_block (block_num, actor, reason) VALUES (-1, 'a', 'b')`,
      twice: () => db.passedBlock.create({ data: order }),
      trigger: () => db.passedBlock.delete({ where: { blockNum: 1 } }),
      arithmetic: () => db.$queryRaw`SELECT 1 / 0`,
      raised: () => db.$executeRawUnsafe("DO $$ BEGIN RAISE EXCEPTION 'no'; END $$"),
    };
    for (const [name, work] of Object.entries(refusals)) {
      const error = await thrownBy(work);
      expect([name, mayPass(error)], String(error)).toEqual([name, false]);
    }
  });
});
