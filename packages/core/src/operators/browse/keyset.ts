import { type Database, Prisma } from "../../database/client.ts";

// Lists of millions of rows, page by page: a page begins behind the last line of the one before (keyset), never after a number
// of lines, so that the thousandth page takes as long as the first and a new line shifts no other.

/** Which part of a list. At most one of `after` and `before`; both are taken from a page that was shown. */
export interface KeysetWindow {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

/** How many there are, counted up to a bound. */
export interface Counted {
  readonly count: number;
  readonly more: boolean;
}

export interface KeysetPage<T> {
  readonly items: readonly T[];
  /** For the next page; `undefined`: this is the last. */
  readonly after: string | undefined;
  /** For the page before; `undefined`: this is the first. */
  readonly before: string | undefined;
}

/** What a list is ordered by, the same columns and direction as an index has. */
export interface Key<Row> {
  /** `(due, id)`: one direction for all. */
  readonly columns: Prisma.Sql;
  readonly descending: boolean;
  /** Of a row, as text. */
  readonly of: (row: Row) => readonly string[];
  /** The text as values; `undefined` for a text that no page of ours has. */
  readonly parse: (parts: readonly string[]) => Prisma.Sql | undefined;
}

/** In no account name, no id and no number. */
const SEPARATOR = "~";

/**
 * One page.
 * @param select `SELECT … FROM … WHERE …`, ending in a condition; a function is given what makes the page, for a part that has the
 *   columns of the key and is worth cutting before it is joined with others
 */
export async function keysetPage<Row, T>(
  db: Pick<Database, "$queryRaw">,
  {
    select,
    key,
    toLine,
  }: { select: Prisma.Sql | ((cut: Prisma.Sql) => Prisma.Sql); key: Key<Row>; toLine: (row: Row) => T },
  { limit, after, before }: KeysetWindow,
): Promise<KeysetPage<T>> {
  const [afterAt, beforeAt] = [valuesOf(key, after), valuesOf(key, before)];
  const backwards = afterAt === undefined && beforeAt !== undefined;
  const at = afterAt ?? beforeAt;
  const descending = key.descending !== backwards;
  const beyond =
    at === undefined
      ? Prisma.empty
      : Prisma.sql`AND (${key.columns}) ${descending ? Prisma.sql`<` : Prisma.sql`>`} (${at})`;
  const cut = Prisma.sql`${beyond} ORDER BY ${order(key.columns, descending)} LIMIT ${limit + 1}`;
  const found = await db.$queryRaw<Row[]>`${typeof select === "function" ? select(cut) : select} ${cut}`;
  const more = found.length > limit;
  const rows = backwards ? found.slice(0, limit).toReversed() : found.slice(0, limit);
  const [first, last] = [rows.at(0), rows.at(-1)];
  const name = (row: Row | undefined, isThere: boolean): string | undefined =>
    row !== undefined && isThere ? key.of(row).join(SEPARATOR) : undefined;
  return {
    items: rows.map(toLine),
    after: name(last, backwards || more),
    before: name(first, backwards ? more : afterAt !== undefined),
  };
}

/** `ORDER BY a DESC, b DESC` of the columns `a, b`. */
export function order(columns: Prisma.Sql, descending: boolean): Prisma.Sql {
  const direction = descending ? " DESC" : " ASC";
  return Prisma.raw(
    columns.sql
      .split(/,\s*/u)
      .map((column) => column + direction)
      .join(", "),
  );
}

const valuesOf = <Row>(key: Key<Row>, text: string | undefined): Prisma.Sql | undefined =>
  text === undefined || text === "" ? undefined : key.parse(text.split(SEPARATOR));

/** Counts the rows of `from` (`FROM … WHERE …`) up to `max`: a person reads "more than 1,000" as well. */
export async function countUpTo(
  db: Pick<Database, "$queryRaw">,
  from: Prisma.Sql,
  max = 1_000,
): Promise<Counted> {
  const [row] = await db.$queryRaw<{ count: bigint }[]>`
    SELECT count(*) AS count FROM (SELECT 1 ${from} LIMIT ${max + 1}) AS counted`;
  const count = Number(row?.count ?? 0n);
  return { count: Math.min(count, max), more: count > max };
}

/** Conditions that hold together; those that are `undefined` are left out. */
export const allOf = (conditions: readonly (Prisma.Sql | undefined | false)[]): Prisma.Sql => {
  const given = conditions.filter((condition) => condition !== undefined && condition !== false);
  return given.length === 0 ? Prisma.sql`true` : Prisma.join(given, " AND ");
};

const WHOLE = /^-?\d{1,18}$/u;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;

/** An instant or an amount, and an id. */
export const numberAndUuid = ([number, id]: readonly string[]): Prisma.Sql | undefined =>
  number !== undefined && id !== undefined && WHOLE.test(number) && UUID.test(id)
    ? Prisma.sql`${BigInt(number)}, ${id}::uuid`
    : undefined;

/** Numbers of the database's type `integer` or `bigint`, in order. */
export const numbers =
  (...types: readonly ("int" | "bigint")[]) =>
  (parts: readonly string[]): Prisma.Sql | undefined =>
    parts.length === types.length && parts.every((part) => WHOLE.test(part))
      ? Prisma.join(
          parts.map((part, n) =>
            types[n] === "int" ? Prisma.sql`${BigInt(part)}::int` : Prisma.sql`${BigInt(part)}`,
          ),
        )
      : undefined;
