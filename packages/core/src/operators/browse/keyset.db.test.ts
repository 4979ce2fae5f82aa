import { fc } from "@stakebts/testkit/property";
import { test as base } from "@stakebts/testkit/database";
import { describe, expect, vi } from "vitest";
import { type Database, openDatabase, Prisma } from "../../database/client.ts";
import { countUpTo, type Key, keysetPage, type KeysetPage, numberAndUuid, numbers } from "./keyset.ts";

vi.setConfig({ testTimeout: 120_000 });

// A table of its own: what a page does depends on its key alone.
const test = base.extend<{ db: Database }>({
  db: async ({ databaseUrl }, use) => {
    const db = openDatabase(databaseUrl, 2);
    await db.$executeRaw`CREATE TABLE listed (size int NOT NULL, number int NOT NULL, PRIMARY KEY (number))`;
    await use(db);
    await db.$disconnect();
  },
});

interface Line {
  readonly size: number;
  readonly number: number;
}

const keyOf = (descending: boolean): Key<Line> => ({
  columns: Prisma.sql`size, number`,
  descending,
  of: ({ size, number }) => [`${size}`, `${number}`],
  parse: numbers("int", "int"),
});

const page = (
  db: Database,
  descending: boolean,
  window: { limit: number; after?: string | undefined; before?: string | undefined },
): Promise<KeysetPage<number>> =>
  keysetPage<Line, number>(
    db,
    {
      select: Prisma.sql`SELECT size, number FROM listed WHERE number >= 0`,
      key: keyOf(descending),
      toLine: ({ number }) => number,
    },
    window,
  );

const write = async (db: Database, lines: readonly Line[]): Promise<void> => {
  if (lines.length === 0) return;
  await db.$executeRaw`
    INSERT INTO listed SELECT * FROM unnest(${lines.map(({ size }) => size)}::int[], ${lines.map(({ number }) => number)}::int[])`;
};

const sorted = (lines: readonly Line[], descending: boolean): readonly number[] =>
  lines
    .toSorted((a, b) => (a.size - b.size || a.number - b.number) * (descending ? -1 : 1))
    .map(({ number }) => number);

/** Few sizes: many lines are equal but for their number. */
const sizes = fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 30 });
const limits = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 8 });
const linesOf = (all: readonly number[], from = 0): readonly Line[] =>
  all.map((size, n) => ({ size, number: from + n }));

const holds = async (db: Database, property: fc.IAsyncPropertyWithHooks<never>): Promise<void> => {
  property.beforeEach(async () => {
    await db.$executeRaw`TRUNCATE listed`;
  });
  await fc.assert(property, { numRuns: 60 });
};

describe("pages of a list", () => {
  test("are together the sorted list, with pages of any sizes, also where sort keys are equal", async ({
    db,
  }) => {
    await holds(
      db,
      fc.asyncProperty(sizes, limits, fc.boolean(), async (all, steps, descending) => {
        const lines = linesOf(all);
        await write(db, lines);
        const seen: number[] = [];
        let after: string | undefined;
        for (let n = 0; n === 0 || after !== undefined; n++) {
          const limit = steps[n % steps.length] ?? 1;
          const found = await page(db, descending, { limit, after });
          expect(found.items.length).toBeLessThanOrEqual(limit);
          // A way back wherever there is something before.
          expect(found.before === undefined).toBe(seen.length === 0 || found.items.length === 0);
          seen.push(...found.items);
          after = found.after;
        }
        expect(seen).toEqual(sorted(lines, descending));
      }) as never,
    );
  });

  test("lead back to the beginning by the same lines", async ({ db }) => {
    await holds(
      db,
      fc.asyncProperty(sizes, limits, fc.boolean(), async (all, steps, descending) => {
        const lines = linesOf(all);
        await write(db, lines);
        let last = await page(db, descending, { limit: 3 });
        while (last.after !== undefined) last = await page(db, descending, { limit: 3, after: last.after });
        const seen = [...last.items];
        for (let n = 0; last.before !== undefined; n++) {
          last = await page(db, descending, { limit: steps[n % steps.length] ?? 1, before: last.before });
          // A reader who went back can go forward again.
          expect(last.after).toBeDefined();
          seen.unshift(...last.items);
        }
        expect(seen).toEqual(sorted(lines, descending));
      }) as never,
    );
  });

  test("show each line that was there once, while others are written between them", async ({ db }) => {
    const more = fc.array(sizes, { maxLength: 6 });
    await holds(
      db,
      fc.asyncProperty(sizes, more, limits, fc.boolean(), async (all, added, steps, descending) => {
        const lines = linesOf(all);
        await write(db, lines);
        const seen: number[] = [];
        let after: string | undefined;
        for (let n = 0; n === 0 || after !== undefined; n++) {
          const found = await page(db, descending, { limit: steps[n % steps.length] ?? 1, after });
          seen.push(...found.items);
          after = found.after;
          await write(db, linesOf(added[n] ?? [], 1_000 * (n + 1)));
        }
        const old = seen.filter((number) => number < 1_000);
        expect(old).toEqual(sorted(lines, descending));
        expect(new Set(seen).size).toBe(seen.length);
      }) as never,
    );
  });

  test("begin at the beginning for an address that no page of ours has", async ({ db }) => {
    await write(db, linesOf([1, 2, 3]));
    for (const after of ["", "x", "1", "1~2~3", "1~x", "9e9~1", "1~2; DROP TABLE listed", "~", "1~"])
      expect((await page(db, false, { limit: 9, after })).items, after).toEqual([0, 1, 2]);
  });

  test("count up to a bound, and say that there is more", async ({ db }) => {
    await write(db, linesOf([1, 2, 3]));
    const from = Prisma.sql`FROM listed WHERE true`;
    expect(await countUpTo(db, from, 3)).toEqual({ count: 3, more: false });
    expect(await countUpTo(db, from, 2)).toEqual({ count: 2, more: true });
  });
});

test("an instant and an id are read as such, and nothing else is", () => {
  const id = "00000000-0000-4000-8000-000000000000";
  expect(numberAndUuid(["-5", id])?.values).toEqual([-5n, id]);
  for (const wrong of [[], ["1"], ["1", "x"], ["1.5", id], ["9".repeat(19), id]])
    expect(numberAndUuid(wrong)).toBeUndefined();
});
